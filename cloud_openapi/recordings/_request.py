"""Compare requests, and describe their differences."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cloud_openapi.recordings._rules import REDACTED, Rules
from cloud_openapi.wire import multipart

_LONGEST_SHOWN = 60
_ABSENT = object()


class Key(NamedTuple):
    """The parts of a request that a comparison uses. Keys of equal requests are equal."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str | bytes
    """JSON with sorted names, also that of a form's parts; the bytes of any other body."""

    @property
    def is_masked(self) -> bool:
        """Return whether the request contains a masked value, which matches any text."""
        body = self.body if isinstance(self.body, str) else self.body.decode("utf-8", "replace")
        return REDACTED in body or any(REDACTED in text for pair in self.query for text in pair)


def key_of(method: str, uri: str, body: bytes, rules: Rules) -> Key:
    """Return the key of a redacted request, without members that are secret by name."""
    parts = urlsplit(uri)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = tuple(sorted(pair for pair in pairs if not rules.secret(pair[0])))
    return Key(method.upper(), parts.path, query, _canonical(body, rules))


def request_differences(asked: Key, recorded: Key) -> list[str]:
    """Return the differences between a request and a recorded one, as text.

    A masked value of the recording matches any text: a request alone need not reveal a secret
    that a response, or the recorder's settings, revealed.
    """
    found = [
        f"{name} is {mine}, recorded is {theirs}"
        for name, mine, theirs in (
            ("the method", asked.method, recorded.method),
            ("the path", asked.path, recorded.path),
        )
        if mine != theirs
    ]
    found += _of_values("query", _grouped(asked.query), _grouped(recorded.query))
    mine, theirs = _parsed(asked.body), _parsed(recorded.body)
    return found + list(_of_values("body", mine, theirs))


def _canonical(body: bytes, rules: Rules) -> str | bytes:
    try:
        value = _form(body) if body.startswith(b"--") else json.loads(body)
        return json.dumps(_comparable(value, rules), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return body


def _form(body: bytes) -> dict[str, Any]:
    """Return a form as JSON, so that forms are compared whatever their boundary is.

    Raises ValueError for a body that is not a form.
    """
    boundary = body[2:].split(b"\r\n", 1)[0].decode("latin-1")
    parts = multipart.read_parts(f'{multipart.CONTENT_TYPE}; boundary="{boundary}"', body)
    return {"form": {name: _part(part) for name, part in parts.items()}}


def _part(part: multipart.Part) -> Any:
    if not part.filename:
        return part.content.decode("utf-8", "replace")
    digest = hashlib.sha256(part.content).hexdigest()
    return {"filename": part.filename, "size": len(part.content), "sha256": digest}


def _comparable(value: Any, rules: Rules) -> Any:
    if isinstance(value, dict):
        return {
            name: _comparable(item, rules) for name, item in value.items() if not rules.secret(name)
        }
    if isinstance(value, list):
        return [_comparable(item, rules) for item in value]
    # 1 and 1.0 are the same number in JSON.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _grouped(query: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in query:
        found[name] = f"{found[name]}&{value}" if name in found else value
    return found


def _parsed(body: str | bytes) -> Any:
    return json.loads(body) if isinstance(body, str) else body.decode("utf-8", "replace")


def _of_values(where: str, mine: Any, theirs: Any) -> Iterator[str]:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*mine, *theirs}):
            place = f"{where}.{name}"
            yield from _of_values(place, mine.get(name, _ABSENT), theirs.get(name, _ABSENT))
    elif mine is _ABSENT:
        yield f"{where} is missing, recorded is {_shown(theirs)}"
    elif theirs is _ABSENT:
        yield f"{where} is {_shown(mine)}, recorded without it"
    elif isinstance(theirs, str) and REDACTED in theirs:
        if not _masks(theirs, mine):
            # Do not show the text: it may contain the secret.
            yield f"{where} is another text, recorded is {_shown(theirs)}"
    elif mine != theirs or type(mine) is not type(theirs):
        yield f"{where} is {_shown(mine)}, recorded is {_shown(theirs)}"


def _masks(recorded: str, value: Any) -> bool:
    """Return whether a text fits a masked one, of which each mask stands for some characters."""
    if recorded == REDACTED:
        return True
    first, *others = recorded.split(REDACTED)
    if not isinstance(value, str) or not value.startswith(first):
        return False
    # The leftmost place of each part is as good as any later one, so no search is repeated.
    at, last = len(first), others.pop()
    for part in others:
        at = value.find(part, at + 1)
        if at < 0:
            return False
        at += len(part)
    return at + 1 + len(last) <= len(value) and value.endswith(last)


def _shown(value: Any) -> str:
    if value == "":
        return "empty"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
