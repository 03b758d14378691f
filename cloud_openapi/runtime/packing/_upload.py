"""Make the copy of a function's folder that is uploaded."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.extras import requirements_of
from cloud_openapi.runtime._python import python_of
from cloud_openapi.runtime._settings import PYTHONS, Settings, is_web
from cloud_openapi.runtime.packing._archive import write_zip
from cloud_openapi.runtime.packing._dependencies import Installer, Packages, add_packages
from cloud_openapi.runtime.packing._own_package import (
    NAME,
    OLDEST,
    has_package,
    imported_by,
    package_files,
)
from cloud_openapi.runtime.packing._workspace import put, workspace

_LEFT_OUT = (".*", "__pycache__", "*.pyc")
# https://cloud.tencent.com/document/product/583/11637: code and layers, not compressed.
_MOST_BYTES = 500 * 2**20
# A larger zip file has to be uploaded by way of COS, Tencent's object storage.
_MOST_ZIPPED = 50 * 2**20
_LISTED = 5


class Upload(NamedTuple):
    """A folder or a zip file that can be uploaded; ``bytes`` are without compression."""

    settings: Settings
    path: Path
    files: int
    bytes: int
    zipped: int
    """The size of the zip file, 0 for a folder."""
    notes: tuple[str, ...]


@contextmanager
def uploads(
    folder: Path, *, zipped: bool = False, installer: Installer = "auto"
) -> Iterator[Callable[[Settings], Upload]]:
    """Yield a function that makes the upload of a function in a folder.

    It is written whole or not at all, instead of one of before. The function raises ConfigError
    for a runtime, a place or a size that cannot be, CloudOpenAPIError if pip or uv fails.
    """
    with workspace(folder) as work:
        packages = Packages(work, installer)
        yield partial(_make, folder, work, packages, zipped=zipped)


def _make(
    folder: Path, work: Path, packages: Packages, settings: Settings, *, zipped: bool
) -> Upload:
    target = folder / (f"{settings.name}.zip" if zipped else settings.name)
    _refuse_place(settings, target)
    _refuse_entry(settings)
    copy = work / settings.name
    notes = _copy(settings, copy)
    if settings.language == "python":
        notes += _add_packages(settings, copy, packages)
    files = [path for path in copy.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    if size > _MOST_BYTES:
        raise ConfigError(
            f"{settings.name}: {_megabytes(size)} are more than the platform takes, "
            f"{_MOST_BYTES // 2**20} MB; the largest are {_largest(copy, files)}."
        )
    result, zipped_size = copy, 0
    if zipped:
        result = work / target.name
        write_zip(result, copy, files)
        zipped_size = result.stat().st_size
        if zipped_size > _MOST_ZIPPED:
            notes.append(
                f"{_megabytes(zipped_size)} are too much for the console (50 MB): upload the "
                "folder by tcb fn deploy --deployMode cos"
            )
    put(result, target)
    return Upload(settings, target, len(files), size, zipped_size, tuple(notes))


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


def _refuse_entry(settings: Settings) -> None:
    if not settings.runtime:
        raise ConfigError("; ".join(settings.problems))
    if not settings.file.is_file() and not is_web(settings):
        raise ConfigError(
            f"{settings.file} is missing: it must define {settings.handler}(event, context). "
            "To use another file, set the function's handler in cloudbaserc.json."
        )
    if settings.language == "python" and settings.runtime not in PYTHONS:
        raise ConfigError(
            f"{settings.place}: runtime: the platform has {', '.join(PYTHONS)}, not "
            f"{settings.runtime!r}."
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


def _add_packages(settings: Settings, copy: Path, packages: Packages) -> list[str]:
    """Install requirements.txt, and this package if the function imports it."""
    python, required = python_of(settings), _add_own_package(settings, copy)
    listed = settings.folder / "requirements.txt"
    if not required and not listed.is_file():
        return []
    installed = packages.install(python, required, listed if listed.is_file() else None)
    notes = [
        f"its packages are for the runtime {settings.runtime}",
        *packages.notes(python),
    ]
    if kept := add_packages(installed, copy):
        notes.append(f"the function's own files are kept: {', '.join(kept)}")
    return notes


def _add_own_package(settings: Settings, copy: Path) -> list[str]:
    """Copy what the function needs of this package; return the packages that this needs."""
    modules = imported_by(settings)
    if not modules or has_package(settings):
        return []
    if python_of(settings) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ConfigError(
            f"{settings.place}: runtime {settings.runtime}: {NAME} needs Python{oldest} or newer."
        )
    rooms = {name.split(".")[1] for name in modules if "." in name}
    # A room may have an extra of its name: its packages are needed too.
    required = [
        each for extra in ("", "gateway", *sorted(rooms)) for each in requirements_of(extra)
    ]
    if not required:
        raise ConfigError(f"{NAME} is used without being installed: pip install -e .")
    for place, content in package_files(modules).items():
        target = copy / NAME / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return list(dict.fromkeys(required))


def _largest(copy: Path, files: Sequence[Path]) -> str:
    """Return the names and sizes of the largest files and folders at the top."""
    sizes: dict[str, int] = {}
    for path in files:
        top = path.relative_to(copy).parts[0]
        sizes[top] = sizes.get(top, 0) + path.stat().st_size
    found = sorted(sizes.items(), key=lambda each: -each[1])[:_LISTED]
    return ", ".join(f"{name} ({_megabytes(size)})" for name, size in found)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
