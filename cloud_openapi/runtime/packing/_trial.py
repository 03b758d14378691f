"""Unpack uploads as the platform does: folders that cannot be written, and the settings."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

from cloud_openapi.runtime._cloudbaserc import FILE
from cloud_openapi.runtime._settings import Settings, is_http
from cloud_openapi.runtime.packing._upload import Upload

_MAY_WRITE = 0o222


class Trial:
    """Unpacked uploads below a temporary folder; ``functions`` holds a folder for each."""

    def __init__(self, root: Path, made: Sequence[Upload]) -> None:
        self.functions = root / "functions"
        self._made = {upload.settings.name: self._unpack(upload) for upload in made}
        entries = [_entry(upload.settings) for upload in made]
        (root / FILE).write_text(json.dumps({"functions": entries}), "utf-8")
        self._before = {name: _content(folder) for name, folder in self._made.items()}
        for folder in self._made.values():
            _change_modes(folder, add=0, remove=_MAY_WRITE)

    def written(self, name: str) -> list[str]:
        """Return the files that a function has changed in its folder, which only root can."""
        before, now = self._before[name], _content(self._made[name])
        changed = {path for path, _ in before.items() ^ now.items()}
        return sorted(changed)

    def _unpack(self, upload: Upload) -> Path:
        folder = self.functions / upload.settings.name
        if upload.path.is_dir():
            shutil.copytree(upload.path, folder)
            return folder
        with ZipFile(upload.path) as archive:
            for info in archive.infolist():
                Path(archive.extract(info, folder)).chmod(info.external_attr >> 16)
        return folder


@contextmanager
def trial_of(made: Sequence[Upload]) -> Iterator[Trial]:
    """Yield a trial of uploads, whose folders are removed at the end."""
    with tempfile.TemporaryDirectory(prefix="cloud-openapi-") as root:
        try:
            yield Trial(Path(root).resolve(), made)
        finally:
            # What cannot be written cannot be removed.
            _change_modes(Path(root), add=0o200, remove=0)


def _entry(settings: Settings) -> dict[str, object]:
    stem = settings.file.relative_to(settings.folder).with_suffix("").as_posix()
    return {
        "name": settings.name,
        "runtime": settings.runtime,
        "handler": f"{stem}.{settings.handler}",
        "timeout": int(settings.timeout),
        "memorySize": settings.memory,
        "envVariables": dict(settings.variables),
        **({"type": "HTTP"} if is_http(settings) else {}),
    }


def _content(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files
    }


def _change_modes(folder: Path, *, add: int, remove: int) -> None:
    for place, _folders, names in os.walk(folder):
        for path in (Path(place), *(Path(place, name) for name in names)):
            path.chmod(path.stat().st_mode & ~remove | add)
