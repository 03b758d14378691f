"""Write redacted interactions to disk, each file atomically."""

import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.forks import fork_safe
from cloud_openapi.recordings._cassette import entry_of
from cloud_openapi.recordings._files import SUFFIXES, load_file
from cloud_openapi.recordings._interaction import Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor
from cloud_openapi.recordings._request import key_of
from cloud_openapi.recordings._yaml import yaml_library

Serializer = Literal["yaml", "json"]

_SLUG = re.compile(r"[^A-Za-z0-9]+")
_DATE = re.compile(r"\d{1,20}")


class Recorder:
    """Writes interactions to one file, or one file each below a folder.

    A ``path`` with the suffix of a cassette is one file. The recorder appends to it; only one
    recorder may do so at a time. Any other ``path`` is a folder of files
    ``<api>/<begin>-<end>.yaml``. A repeated request gets another file; files of an earlier
    recorder are replaced, unless ``replaces`` is False. Safe to share between threads; several
    processes may write to one folder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        redactor: Redactor | None = None,
        serializer: Serializer = "yaml",
        catalogue: Catalogue | None = None,
        replaces: bool = True,
    ) -> None:
        self._replaces = replaces
        self.redactor = redactor or Redactor()
        self._path = Path(path)
        self._catalogue = default_catalogue() if catalogue is None else catalogue
        self._one_file = self._path.suffix in SUFFIXES
        self._suffix = self._path.suffix if self._one_file else f".{serializer}"
        self._lock = fork_safe(threading.Lock())
        self._times: dict[str, int] = {}
        self._chunks: list[str] = []
        if self._one_file and self._path.exists():
            kept = load_file(self._path, self._catalogue)
            self._chunks = [_chunk(one, self._suffix) for one in kept]

    def add(self, interaction: Interaction) -> Path:
        """Redact and write an interaction; return its file.

        Raises OSError, and RecordingError for a body that JSON cannot represent.
        """
        clean = self.redactor.interaction(interaction)
        api = api_of(self._catalogue, clean.method, clean.path)
        return self.add_redacted(clean._replace(api=api))

    def add_redacted(self, clean: Interaction) -> Path:
        """Write a redacted interaction; return its file. Raises the errors of `add`."""
        chunk = _chunk(clean, self._suffix)
        with self._lock:
            if self._one_file:
                self._chunks.append(chunk)
                _replace(self._path, _document(self._chunks, self._suffix))
                return self._path
            stem = self.stem(clean)
            file = self._next_file(stem)
            while not self._replaces and file.exists():
                file = self._next_file(stem)
        _replace(file, _document([chunk], self._suffix))
        return file

    def _next_file(self, stem: str) -> Path:
        times = self._times[stem] = self._times.get(stem, 0) + 1
        return self._path / f"{stem}{'' if times == 1 else f'_{times}'}{self._suffix}"

    def stem(self, clean: Interaction) -> str:
        """Return the file name of a redacted interaction, without suffix."""
        operation = self._catalogue.get(clean.api or "")
        if operation is None:
            path = _SLUG.sub("-", clean.path).strip("-")[:60] or "root"
            return f"{path}/{self._digest(clean)}"
        params = clean.request_json
        dates = {name for rule in operation.rules for name in (rule.begin, rule.end)}
        ends = [_at(params, name) for rule in operation.rules for name in (rule.begin, rule.end)]
        if not ends or not all(_DATE.fullmatch(end) for end in ends):
            return f"{operation.name}/{self._digest(clean)}"
        more = isinstance(params, dict) and params.keys() - dates
        return f"{operation.name}/{'-'.join([*ends, *([self._digest(clean)] if more else [])])}"

    def _digest(self, clean: Interaction) -> str:
        key = key_of(clean.method, clean.uri, clean.request_body, self.redactor.rules)
        return hashlib.sha256(repr(key).encode()).hexdigest()[:12]


def write(
    path: str | Path, interactions: Iterable[Interaction], redactor: Redactor | None = None
) -> None:
    """Redact interactions and write them as one cassette; replace an existing file.

    The suffix selects YAML or JSON. Raises OSError and RecordingError.
    """
    file, redactor = Path(path), redactor or Redactor()
    if file.suffix not in SUFFIXES:
        raise RecordingError(f"{file}: the name of a cassette must end in {', '.join(SUFFIXES)}")
    clean = [redactor.interaction(one) for one in interactions]
    # A token that one response grants is masked in the interactions before it, too.
    chunks = [_chunk(redactor.mask_known(one), file.suffix) for one in clean]
    _replace(file, _document(chunks, file.suffix))


def _at(params: Any, dotted: str) -> str:
    for name in dotted.split("."):
        params = params.get(name) if isinstance(params, Mapping) else None
    return str(params)


def _chunk(clean: Interaction, suffix: str) -> str:
    """Return an interaction as the text of a cassette's entry.

    The text is ASCII, since VCR.py reads files in the default encoding of the machine.
    """
    entry = entry_of(clean)
    if suffix != ".json":
        yaml = yaml_library()
        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        return str(yaml.dump([entry], Dumper=dumper, sort_keys=False, width=2**30))
    try:
        return json.dumps(entry, indent=2)
    except TypeError:
        raise RecordingError(
            f"{clean.method} {clean.path}: JSON cannot represent a body that is not UTF-8; "
            "record it as YAML"
        ) from None


def _document(chunks: Iterable[str], suffix: str) -> str:
    if suffix == ".json":
        return '{"version": 1, "interactions": [\n' + ",\n".join(chunks) + "\n]}\n"
    return "interactions:\n" + ("".join(chunks) or "  []\n") + "version: 1\n"


def _replace(file: Path, text: str) -> None:
    """Replace a file atomically: a reader sees the old content or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, text.encode("ascii"))
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_new(file: Path, data: bytes) -> None:
    """Write a new file; if the system supports it, the name appears after the last byte."""
    descriptor = _nameless(file.parent)
    if descriptor is None:
        with file.open("xb") as stream:
            _onto_disk(stream, data)
        return
    with os.fdopen(descriptor, "wb") as stream:
        _onto_disk(stream, data)
        # Without src_dir_fd, Python would link the symbolic link itself.
        os.link(f"/proc/self/fd/{descriptor}", file, src_dir_fd=descriptor, follow_symlinks=True)


def _nameless(folder: Path) -> int | None:
    """Open a file without a name; return None if the system or the disk has no such files."""
    flag: int | None = getattr(os, "O_TMPFILE", None)
    if flag is None or not Path("/proc/self/fd").exists():
        return None
    try:
        return os.open(folder, flag | os.O_WRONLY, 0o666)
    except OSError:
        return None


def _onto_disk(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
    stream.flush()
    os.fsync(stream.fileno())
