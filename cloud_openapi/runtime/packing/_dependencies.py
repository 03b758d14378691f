"""Install the packages of a function for the platform's Python and Linux, without its machine.

Wheels: https://peps.python.org/pep-0599/ (manylinux2014, which CentOS 7 runs).
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime._packages import WHEELS_ONLY, check_encoding, pip_install, run_installer
from cloud_openapi.runtime._python import HERE, Python, interpreter

Installer = Literal["auto", "pip", "uv"]
INSTALLERS: tuple[Installer, ...] = ("auto", "pip", "uv")

_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
# pip's settings of indexes and the network, and the variables by which uv has the same.
_OF_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "HTTPS_PROXY",
    "cert": "SSL_CERT_FILE",
}
_NO_INDEX, _TRUE = "no-index", ("1", "true", "yes", "on")
# Of pip itself and of its command install; a variable's section is :env:.
_PIP_SETTING = re.compile(r"^(?:global|install|:env:)\.([\w-]+)=(['\"].*['\"])$", re.MULTILINE)
# They differ between installers and machines, and nothing is installed or removed there.
_RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")


class Packages:
    """Installs packages for the platform into folders below ``folder``.

    ``installer`` is pip, uv, or auto: uv where it is there. uv asks the indexes that pip is set to.
    The same packages are installed once.
    """

    def __init__(self, folder: Path, installer: Installer = "auto") -> None:
        self._folder = folder
        self._wanted = installer
        self._installed: dict[tuple[object, ...], Path] = {}

    def install(self, python: Python, required: Sequence[str], listed: Path | None) -> Path:
        """Return a folder with required packages and those of a requirements.txt.

        Raises CloudOpenAPIError if the installer fails.
        """
        what = [*required, *(["--requirement", str(listed)] if listed else [])]
        # What a list includes is relative to its folder.
        place = listed.parent if listed and _includes(listed) else None
        key = (python, *required, listed and listed.read_bytes(), place)
        if key not in self._installed:
            if listed:
                check_encoding(listed)
            target = Path(tempfile.mkdtemp(dir=self._folder))
            self._install(target, python, what)
            _strip(target)
            self._installed[key] = target
        return self._installed[key]

    def notes(self, python: Python) -> list[str]:
        """Return what may be wrong with packages that were installed here."""
        if self._uv() or interpreter(python) is not None:
            return []
        text = (
            f"pip reads conditions such as python_version for Python {HERE}: with uv "
            f"(pip install uv) or python{python} they are read for Python {python}"
        )
        return [text]

    def _install(self, target: Path, python: Python, what: Sequence[str]) -> None:
        number = str(python)
        if uv := self._uv():
            platform = "--python-platform=x86_64-manylinux2014"
            options = ["--quiet", f"--python-version={number}", platform, WHEELS_ONLY]
            settings = _pip_settings()
            options += ["--no-index"] if settings.get(_NO_INDEX, "") in _TRUE else []
            command = [*uv, "pip", "install", *options, f"--target={target}", *what]
            run_installer("uv", command, _for_uv(settings))
            return
        program = interpreter(python)
        platforms = [f"--platform={name}" for name in _PLATFORMS]
        options = [*platforms, f"--python-version={number}", WHEELS_ONLY, "--no-compile"]
        # pip judges conditions such as python_version by the Python that it runs with.
        other = program if program != sys.executable else None
        pip_install(target, [*options, *what], python=other)

    def _uv(self) -> list[str]:
        """Return the command of uv if it is used, else an empty list."""
        if self._wanted == "pip":
            return []
        uv = _uv_command()
        if self._wanted == "uv" and not uv:
            raise ConfigError("uv is not installed: pip install uv, or use --installer pip")
        return uv


def add_packages(installed: Path, copy: Path) -> list[str]:
    """Copy installed packages into the copy of a function; return the names that it has itself."""
    own = []
    for each in sorted(installed.iterdir()):
        target = copy / each.name
        if target.exists():
            own.append(each.name)
        elif each.is_dir():
            shutil.copytree(each, target)
        else:
            shutil.copy(each, target)
    return own


def _uv_command() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if os.access(beside, os.X_OK) else shutil.which("uv")
    return [uv] if uv else []


def _pip_settings() -> dict[str, str]:
    """Return pip's settings by name, such as index-url; empty without pip."""
    if find_spec("pip") is None:
        return {}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        check=False,
        capture_output=True,
        text=True,
    )
    # Those of a command follow the global ones, and variables are last. A value is Python's repr.
    found = _PIP_SETTING.findall(listed.stdout)
    return {name: str(ast.literal_eval(value)) for name, value in found}


def _for_uv(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which uv asks the same indexes, in the way that pip does.

    They are variables, since an address may have a password. The reader's own ones win.
    """
    found = {"UV_INDEX_STRATEGY": "unsafe-best-match"} if "extra-index-url" in settings else {}
    for name, variable in _OF_UV.items():
        if name in settings:
            separator = "," if name == "find-links" else " "
            found[variable] = separator.join(settings[name].split())
    return {name: value for name, value in found.items() if name not in os.environ}


def _includes(listed: Path) -> bool:
    lines = listed.read_text("utf-8", "replace").splitlines()
    return any(line.lstrip().startswith(("-", ".", "/")) for line in lines)


def _strip(folder: Path) -> None:
    """Remove what the function never reads, and what differs between two installations."""
    # Commands of the packages, with this machine's path of Python.
    useless: Iterable[Path] = [folder / "bin", folder / ".lock", *folder.rglob("__pycache__")]
    for path in useless:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for path in [*folder.rglob("*.pyi"), *folder.glob("*.dist-info/*")]:
        if path.suffix == ".pyi" or path.name in _RECORDS:
            path.unlink()
    for path in folder.glob("*.dist-info/METADATA"):
        # Behind the headers stands the package's README.
        path.write_bytes(path.read_bytes().partition(b"\n\n")[0] + b"\n\n")
