"""Make the copy of a function's folder that is uploaded."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from cloud_openapi.errors import ConfigError
from cloud_openapi.extras import requirements_of
from cloud_openapi.runtime._packages import pip_install
from cloud_openapi.runtime._settings import RUNTIMES, Settings

_PACKAGE = Path(__file__).parents[1]
_OLDEST = (3, 10)
_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
_IMPORT = re.compile(r"^[ \t]{0,99}(?:from|import)[ \t]{1,9}cloud_openapi\b", re.MULTILINE)
_VERSION = re.compile(r"Python(\d+)\.(\d+)", re.IGNORECASE)
_LEFT_OUT = (".*", "__pycache__", "*.pyc")
_MOST_BYTES = 500 * 2**20


class Upload(NamedTuple):
    """A folder or a zip file that can be uploaded; sizes are without compression."""

    path: Path
    files: int
    bytes: int
    notes: tuple[str, ...]


def make_upload(settings: Settings, folder: Path, *, zipped: bool) -> Upload:
    """Copy a function into a folder, with the Python packages that it needs.

    A copy of before is replaced. Raises ConfigError for a runtime or a place that cannot be,
    CloudOpenAPIError if pip fails.
    """
    target = folder / (f"{settings.name}.zip" if zipped else settings.name)
    _refuse_place(settings, target)
    folder.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{settings.name}-", dir=folder))
    try:
        copy = made / settings.name
        notes = _copy(settings, copy)
        if settings.language == "python":
            notes += _add_packages(settings, copy)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        size = sum(path.stat().st_size for path in files)
        if size > _MOST_BYTES:
            notes.append(f"the platform takes {_MOST_BYTES // 2**20} MB at most")
        result = copy
        if zipped:
            result = made / target.name
            _write_zip(result, copy, files)
        if target.is_dir():
            shutil.rmtree(target)
        result.replace(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return Upload(target, len(files), size, tuple(notes))


def uses_package(settings: Settings) -> bool:
    """Return whether a Python function imports this package."""
    return any(
        _IMPORT.search(path.read_text("utf-8", "replace"))
        for path in _sources(settings.folder)
        if path.is_file()
    )


def has_package(settings: Settings) -> bool:
    """Return whether a function's folder has a copy of this package."""
    return (settings.folder / _PACKAGE.name / "__init__.py").is_file()


def _sources(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.py")
    for path in folder.glob("*/*.py"):
        if path.parent.name != _PACKAGE.name:
            yield path


def _refuse_place(settings: Settings, target: Path) -> None:
    source, root = settings.folder.resolve(), settings.root.resolve()
    place = target.resolve()
    if place.is_relative_to(source) or source.is_relative_to(place) or place.parent == root:
        raise ConfigError(f"--to: {target} is among the functions; choose another folder.")
    entry = settings.file.relative_to(settings.folder)
    if target.is_dir() and any(target.iterdir()) and not (target / entry).is_file():
        raise ConfigError(
            f"{target} is not a copy of {settings.name}: remove it, or choose another folder by "
            "--to."
        )


def _copy(settings: Settings, copy: Path) -> list[str]:
    """Copy the files that belong to a function; return notes on others."""
    left_out = list(_LEFT_OUT)
    notes = []
    if settings.language == "node" and (settings.folder / "package.json").is_file():
        left_out.append("node_modules")
        notes.append("the platform installs what package.json lists: node_modules is left out")
    ignored = shutil.ignore_patterns(*left_out)
    try:
        shutil.copytree(settings.folder, copy, ignore=ignored, ignore_dangling_symlinks=True)
    except shutil.Error as error:
        # For each file that cannot be copied: the source, the target and the reason.
        reasons = "; ".join(str(reason) for *_, reason in error.args[0])
        raise ConfigError(f"{settings.name}: not copied: {reasons}") from None
    return notes


def _add_packages(settings: Settings, copy: Path) -> list[str]:
    """Install requirements.txt, and this package if the function imports it."""
    found = _VERSION.match(settings.runtime or RUNTIMES["python"])
    version = (int(found[1]), int(found[2])) if found else _OLDEST
    what: list[str] = []
    if uses_package(settings) and not has_package(settings):
        if version < _OLDEST:
            raise ConfigError(
                f"{settings.place}: runtime {settings.runtime}: cloud_openapi needs Python3.10 or "
                "newer."
            )
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_PACKAGE, copy / _PACKAGE.name, ignore=ignored)
        what += [*requirements_of(), *requirements_of("gateway")]
        if not what:
            raise ConfigError("cloud_openapi is used without being installed: pip install -e .")
    if (listed := settings.folder / "requirements.txt").is_file():
        what += ["--requirement", str(listed)]
    if not what:
        return []
    platforms = [f"--platform={name}" for name in _PLATFORMS]
    number = ".".join(map(str, version))
    pip_install(copy, [*platforms, f"--python-version={number}", "--only-binary=:all:", *what])
    if not (settings.folder / "bin").exists():
        # Commands of the packages, with this machine's path of Python.
        shutil.rmtree(copy / "bin", ignore_errors=True)
    runtime = settings.runtime or RUNTIMES["python"]
    return [f"its packages are for the runtime {runtime}, which cloudbaserc.json must name"]


def _write_zip(path: Path, folder: Path, files: list[Path]) -> None:
    # The modes of the files are kept: scf_bootstrap must be executable.
    with ZipFile(path, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
        for each in files:
            archive.write(each, each.relative_to(folder))
