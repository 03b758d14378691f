"""Interactions onto the disk: redacted, and each file whole or not at all."""

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
from cloud_openapi.recordings._cassette import entry_of
from cloud_openapi.recordings._files import SUFFIXES, load_file, yaml_library
from cloud_openapi.recordings._interaction import Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor
from cloud_openapi.recordings._request import key_of

Serializer = Literal["yaml", "json"]

_SLUG = re.compile(r"[^A-Za-z0-9]+")
_DATE = re.compile(r"\d{1,20}")


class Recorder:
    """Writes interactions below a folder, a file each, or all into one file.

    ``path`` with the ending of a cassette is that one file; it is added to, by one recorder at a
    time. Anything else is a folder: ``<api>/<begin>-<end>.yaml``. A request that was recorded
    before this recorder was made is recorded anew; one that comes again gets a further file. Safe
    to share between threads; several processes may write to one folder.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        redactor: Redactor | None = None,
        serializer: Serializer = "yaml",
        catalogue: Catalogue | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        self._path = Path(path)
        self._catalogue = default_catalogue() if catalogue is None else catalogue
        self._one_file = self._path.suffix in SUFFIXES
        self._suffix = self._path.suffix if self._one_file else f".{serializer}"
        self._lock = threading.Lock()
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
        """Write an interaction that its importer has redacted; raise errors as `add` does."""
        chunk = _chunk(clean, self._suffix)
        with self._lock:
            if self._one_file:
                self._chunks.append(chunk)
                _replace(self._path, _document(self._chunks, self._suffix))
                return self._path
            stem = self.stem(clean)
            times = self._times[stem] = self._times.get(stem, 0) + 1
        further = "" if times == 1 else f"_{times}"
        file = self._path / f"{stem}{further}{self._suffix}"
        _replace(file, _document([chunk], self._suffix))
        return file

    def stem(self, clean: Interaction) -> str:
        """Return the name of a redacted interaction's file, without its ending."""
        operation = self._catalogue.get(clean.api or "")
        if operation is None:
            path = _SLUG.sub("-", clean.path).strip("-")[:60] or "root"
            return f"{path}/{self._digest(clean)}"
        rule, params = operation.rules[0], clean.request_json
        ends = [_at(params, name) for name in (rule.begin, rule.end)]
        if not all(_DATE.fullmatch(end) for end in ends):
            return f"{operation.name}/{self._digest(clean)}"
        more = isinstance(params, dict) and params.keys() - {rule.begin, rule.end}
        return f"{operation.name}/{'-'.join([*ends, *([self._digest(clean)] if more else [])])}"

    def _digest(self, clean: Interaction) -> str:
        key = key_of(clean.method, clean.uri, clean.request_body, self.redactor.rules)
        return hashlib.sha256(repr(key).encode()).hexdigest()[:12]


def write(
    path: str | Path, interactions: Iterable[Interaction], redactor: Redactor | None = None
) -> None:
    """Write a cassette of these interactions alone, without their secrets.

    The ending decides whether it is YAML or JSON. Raises OSError and RecordingError.
    """
    file, redactor = Path(path), redactor or Redactor()
    if file.suffix not in SUFFIXES:
        raise RecordingError(f"{file}: a cassette ends in {', '.join(SUFFIXES)}")
    clean = [redactor.interaction(one) for one in interactions]
    _replace(file, _document([_chunk(one, file.suffix) for one in clean], file.suffix))


def _at(params: Any, dotted: str) -> str:
    for name in dotted.split("."):
        params = params.get(name) if isinstance(params, Mapping) else None
    return str(params)


def _chunk(clean: Interaction, suffix: str) -> str:
    """Return one entry of a cassette as text, so that a long one is not encoded again and again.

    In ASCII, since VCR.py reads a file in whatever encoding the machine prefers.
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
            f"{clean.method} {clean.path}: a body is no UTF-8 text, which JSON cannot hold; "
            "record it as YAML"
        ) from None


def _document(chunks: Iterable[str], suffix: str) -> str:
    if suffix == ".json":
        return '{"version": 1, "interactions": [\n' + ",\n".join(chunks) + "\n]}\n"
    return "interactions:\n" + ("".join(chunks) or "  []\n") + "version: 1\n"


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all: whoever looks finds the former one or this one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, text.encode("ascii"))
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_new(file: Path, data: bytes) -> None:
    """Write a file that has a name only when it is whole, where the system can do that."""
    descriptor = _nameless(file.parent)
    if descriptor is None:
        with file.open("xb") as stream:
            _onto_disk(stream, data)
        return
    with os.fdopen(descriptor, "wb") as stream:
        _onto_disk(stream, data)
        # With a descriptor of a folder, or else the link to the file would be linked.
        os.link(f"/proc/self/fd/{descriptor}", file, src_dir_fd=descriptor, follow_symlinks=True)


def _nameless(folder: Path) -> int | None:
    """Open a file that has no name yet; nothing, if it is not Linux or the disk has none such."""
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
