import re
import shlex
from importlib.metadata import PackageNotFoundError, requires

_OF_EXTRA = re.compile(r"""(.*?)\s*;.*\bextra == ["']([\w-]+)["']""")


def install_command(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    It names them one by one: this package is on no index.
    """
    try:
        found = map(_OF_EXTRA.fullmatch, requires("cloud-openapi") or ())
        packages = [one[1] for one in found if one is not None and one[2] == extra]
    except PackageNotFoundError:  # a checkout that is used without being installed
        packages = []
    return "pip install " + " ".join(map(shlex.quote, packages or [f".[{extra}]"]))
