"""A zip file with the same bytes for the same files, whenever and wherever it is made."""

import stat
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

# The oldest time that a zip file can have.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_SMALLEST = 9
_FILE, _PROGRAM = 0o644, 0o755


def write_zip(path: Path, folder: Path, files: Iterable[Path]) -> None:
    """Write files of a folder into a zip file, by their paths in it.

    Of a file's mode only the executable bit is kept: scf_bootstrap must have it.
    """
    named = sorted((each.relative_to(folder).as_posix(), each) for each in files)
    with ZipFile(path, "w") as archive:
        for name, file in named:
            info = ZipInfo(name, _TIME)
            info.create_system = _UNIX
            mode = _PROGRAM if file.stat().st_mode & stat.S_IXUSR else _FILE
            info.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(info, file.read_bytes(), ZIP_DEFLATED, _SMALLEST)
