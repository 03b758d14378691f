"""The values of an answer that are made for each request.

Such a value is an object with a key that begins with ``$``; entry.schema.json describes them.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from string import ascii_letters, digits, hexdigits
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.state.kept_files import KeptFiles
from cloud_openapi.emulator.state.seeds import RandomStreams

MISSING: Final = object()
"""A parameter that the request lacks: its field is left out."""
_ALPHABETS: Final = {"#": digits, "?": hexdigits[:16], "*": digits + ascii_letters}
# A sign after a backslash stands for itself.
_SIGNS: Final = re.compile(r"\\?.")
_ID_OF_A_FILE: Final = "*" * 64
_WIDTH: Final = 430


class File(NamedTuple):
    """An answer that is a file."""

    content_type: str
    content: bytes


class Source(NamedTuple):
    """What the values of an answer are made of."""

    api: str
    streams: RandomStreams
    kept_files: KeptFiles
    now: datetime
    appid: str
    params: Any
    """The parameters of the request; within a list, the item of the request's list."""
    files: Mapping[str, bytes]


def is_made(value: Any) -> bool:
    """Return whether a written answer has a value to make."""
    if isinstance(value, list):
        return any(map(is_made, value))
    if not isinstance(value, dict):
        return False
    return any(key.startswith("$") or is_made(inner) for key, inner in value.items())


def made_answer(value: Any, source: Source) -> Any:
    """Return a written answer with its values made; a `File`, or MISSING for one not kept."""
    if isinstance(value, list):
        return [made_answer(item, source) for item in value]
    if not isinstance(value, dict):
        return value
    for key in value:
        if key.startswith("$"):
            return _MAKERS[key](value, source)
    made = ((name, made_answer(inner, source)) for name, inner in value.items())
    return {name: inner for name, inner in made if inner is not MISSING}


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
            return made_answer(value["or"], source) if "or" in value else MISSING
        found = found[name]
    return found


def _now(value: Mapping[str, Any], source: Source) -> int:
    return int(source.now.timestamp()) + int(value["$now"])


def _appid(value: Mapping[str, Any], source: Source) -> str:  # noqa: ARG001 - as the others
    return source.appid


def _each(value: Mapping[str, Any], source: Source) -> list[Any]:
    items = source.params.get(value["$each"], ())
    return [made_answer(value["item"], source._replace(params=item)) for item in items]


def _keep(value: Mapping[str, Any], source: Source) -> str:
    name, made = value["$keep"], _text({"$made": _ID_OF_A_FILE}, source)
    kind = source.params[name]["contentType"]
    source.kept_files.keep(str(made), kind, source.files[name], source.now)
    return str(made)


def _kept(value: Mapping[str, Any], source: Source) -> Any:
    found = source.kept_files.find(str(source.params[value["$kept"]]), source.now)
    return MISSING if found is None else File(found.content_type, found.content)


def _qr(value: Mapping[str, Any], source: Source) -> File:
    # Loaded on demand: few programs ask for a code.
    from cloud_openapi.emulator.simulation.qr_code import png  # noqa: PLC0415

    shown = {name: source.params[name] for name in value["$qr"] if name in source.params}
    width = source.params.get("width", _WIDTH)
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
