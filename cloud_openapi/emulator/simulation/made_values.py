"""The values of an answer that are made for each request.

Such a value is an object with a key that begins with ``$``; entry.schema.json describes them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from string import ascii_letters, digits, hexdigits
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.state.kept_files import KeptFiles
from cloud_openapi.emulator.state.seeds import RandomStreams


class NotKeptError(Exception):
    """No file is kept under an id; ``code`` is WeChat's error for it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


MISSING: Final = object()
"""A parameter that the request lacks: its field is left out."""
_ALPHABETS: Final = {"#": digits, "?": hexdigits[:16], "*": digits + ascii_letters}
# A sign after a backslash stands for itself.
_SIGNS: Final = re.compile(r"\\?.")
_ID_OF_A_FILE: Final = "*" * 64


class File(NamedTuple):
    """An answer that is a file."""

    content_type: str
    content: bytes


class Source(NamedTuple):
    """The source of the values that are made for an answer."""

    api: str
    streams: RandomStreams
    kept_files: KeptFiles
    now: datetime
    appid: str
    params: Any
    """The parameters of the request; within a list, the item of the request's list."""
    files: Mapping[str, bytes]


Writer = Callable[[Source], Any]
"""Writes an answer, which may be a `File`, or a part of one. Raises NotKeptError."""


def writer(value: Any) -> Writer:
    """Return what writes an answer of an entry, with its values made for each request."""
    if not _is_made(value):
        return lambda _source: value
    if isinstance(value, list):
        items = list(map(writer, value))
        return lambda source: [write(source) for write in items]
    for key in value:
        if key.startswith("$"):
            return partial(_MAKERS[key], value)
    makers = {name: writer(inner) for name, inner in value.items() if _is_made(inner)}

    def write(source: Source) -> dict[str, Any]:
        made = {name: make(source) for name, make in makers.items()}
        whole = {**value, **made}
        for name, inner in made.items():
            if inner is MISSING:
                del whole[name]
        return whole

    return write


def _is_made(value: Any) -> bool:
    """Return whether a written answer has a value to make."""
    if isinstance(value, list):
        return any(map(_is_made, value))
    if not isinstance(value, dict):
        return False
    return any(key.startswith("$") or _is_made(inner) for key, inner in value.items())


def _text(value: Mapping[str, Any], source: Source) -> str | int:
    pattern: str = value["$made"]
    signs = _SIGNS.findall(pattern)
    drawn = source.streams.draw("made", len(signs))
    made = [
        alphabet[byte % len(alphabet)] if (alphabet := _ALPHABETS.get(sign)) else sign[-1]
        for sign, byte in zip(signs, drawn, strict=True)
    ]
    if value.get("as") != "integer":
        return "".join(made)
    # The first digit is not 0, so that the number has all its digits.
    return int("".join([digits[1 + drawn[0] % 9], *made[1:]]))


def _param(value: Mapping[str, Any], source: Source) -> Any:
    found: Any = source.params
    # The path "." is the item of a list itself.
    for name in filter(None, value["$param"].split(".")):
        if not isinstance(found, Mapping) or name not in found:
            return writer(value["or"])(source) if "or" in value else MISSING
        found = found[name]
    return found


def _now(value: Mapping[str, Any], source: Source) -> int:
    return int(source.now.timestamp()) + int(value["$now"])


def _appid(value: Mapping[str, Any], source: Source) -> str:  # noqa: ARG001 - as the others
    return source.appid


def _each(value: Mapping[str, Any], source: Source) -> list[Any]:
    write = writer(value["item"])
    return [write(source._replace(params=item)) for item in source.params.get(value["$each"], ())]


def _keep(value: Mapping[str, Any], source: Source) -> str:
    name, made = value["$keep"], _text({"$made": _ID_OF_A_FILE}, source)
    kind = source.params[name]["contentType"]
    source.kept_files.keep(str(made), kind, source.files[name], source.now)
    return str(made)


def _kept(value: Mapping[str, Any], source: Source) -> Any:
    found = source.kept_files.find(str(source.params[value["$kept"]]), source.now)
    if found is None:
        raise NotKeptError(value["errcode"])
    return File(found.content_type, found.content)


def _qr(value: Mapping[str, Any], source: Source) -> File:
    # Loaded on demand: few programs ask for a code.
    from cloud_openapi.emulator.simulation.qr_code import png  # noqa: PLC0415

    shown = {name: source.params[name] for name in value["$qr"] if name in source.params}
    width = source.params.get(value.get("width", ""))
    return File("image/png", png(source.api, shown, width))


_MAKERS: Final = {
    "$made": _text,
    "$param": _param,
    "$now": _now,
    "$appid": _appid,
    "$each": _each,
    "$keep": _keep,
    "$kept": _kept,
    "$qr": _qr,
}
