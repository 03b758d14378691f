"""How a Python function is uploaded with packages that the platform does not have."""

from cloud_openapi.runtime._settings import RUNTIMES, Settings

PYTHONS = ("Python3.11", "Python3.10", "Python3.9", "Python3.7")


def shipped(settings: Settings, what: str) -> str:
    """Return the command for a copy of a function with packages in it."""
    runtime = settings.runtime if settings.runtime in PYTHONS else RUNTIMES["python"]
    version = runtime.removeprefix("Python")
    return (
        f"upload a copy of {settings.folder} with it inside: pip install --target COPY "
        f"--platform manylinux2014_x86_64 --python-version {version} --only-binary=:all: {what}"
    )
