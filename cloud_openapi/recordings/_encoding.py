"""Decode bodies that are compressed, with or without a Content-Encoding that says so."""

import json
import re
import zlib
from base64 import b64decode
from collections.abc import Callable
from importlib import import_module
from typing import Any

from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._interaction import Headers

LARGEST_BODY = 32 * 2**20
"""The most bytes of a decoded body: a small body may decode to many gigabytes."""
_OF_TRANSFER = frozenset({"content-encoding", "transfer-encoding"})
_NAMES = {"x-gzip": "gzip", "x-deflate": "deflate", "zstandard": "zstd", "brotli": "br"}
_PLAIN = frozenset({"", "identity", "none"})
_GZIP = b"\x1f\x8b\x08"
_MAGIC = {
    _GZIP: "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    **dict.fromkeys((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), "deflate"),
}
# Images, sound and films that WeChat's APIs take and return. No coding compresses them.
_MEDIA = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n|GIF8|RIFF|#!AMR|ID3|OggS|\0\0\0.ftyp", re.DOTALL)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_MOST_CODINGS = 8
_MOST_MEMBERS = 64
# The beginning of JSON, XML or a form, which no base64 has.
_STRUCTURED = re.compile(rb"\s*(?:[{\[<]|[\w.%+-]+=[^=\s])")
_BASE64 = re.compile(rb"\s*[A-Za-z0-9+/_-][A-Za-z0-9+/_\s-]{14,}={0,2}\s*")
_TEXT_TYPE = re.compile(r"\s*(?:text/|application/(?:json|xml))", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class _NotEncodedError(Exception):
    """The data are not of the coding that was tried."""


def decoded(body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Decode a body by its codings, named or not; return it with headers that fit it.

    VCR.py and browsers may decode a body and keep the header: such a body is returned unchanged.
    Raises RecordingError for any other body that cannot be decoded.
    """
    if not body:
        return body, headers
    named = [
        _NAMES.get(coding.strip().lower(), coding.strip().lower())
        for name, values in headers.items()
        if name.lower() == "content-encoding"
        for value in values
        for coding in value.split(",")
    ]
    plain = _undone(body, [coding for coding in named if coding not in _PLAIN])
    if plain == body and set(named) <= _PLAIN:
        return body, headers
    length = {"content-length": [str(len(plain))]}
    return plain, {
        name: length.get(name.lower(), values)
        for name, values in headers.items()
        if name.lower() not in _OF_TRANSFER
    }


def check_text(body: bytes, headers: Headers) -> None:
    """Raise RecordingError if a body that its type calls text is of an unknown encoding."""
    kinds = [each for name, each in headers.items() if name.lower() == "content-type"]
    is_text = any(_TEXT_TYPE.match(kind) for each in kinds for kind in each)
    broken = isinstance(text_of(body), bytes) and _CONTROL.search(body.decode("latin-1"))
    if is_text and broken and not _is_text(body):
        raise RecordingError("body: is not the text that its Content-Type says: is it encoded?")


def _undone(body: bytes, codings: list[str]) -> bytes:
    """Undo codings, the last one first, then those that no header names."""
    if len(codings) > _MOST_CODINGS:
        raise RecordingError(f"headers.Content-Encoding: has more than {_MOST_CODINGS} codings")
    failure = ""
    for coding in reversed(codings):
        body, reason = _tried(body, coding)
        failure = failure or reason
    if not failure:
        body = _from_unnamed_base64(body)
    for _ in range(_MOST_CODINGS):
        plain = _unnamed(body)
        if plain is None:
            break
        body = plain
    else:
        raise RecordingError(f"body: is encoded more than {_MOST_CODINGS} times")
    if failure and body and not is_media(body):
        # A coding that is not known may leave text, as base64 does.
        is_known = all(coding in _DECODERS for coding in codings)
        if not (_is_text(body) if is_known else _STRUCTURED.match(body)):
            raise RecordingError(failure)
    return body


def _from_unnamed_base64(body: bytes) -> bytes:
    """Return what a body is in base64, as HAR programs save one, if that is JSON, XML or a form."""
    if not _BASE64.fullmatch(body):
        return body
    digits = b"".join(body.split()).rstrip(b"=").translate(_URL_SAFE)
    plain = b64decode(digits + b"=" * (-len(digits) % 4)) if len(digits) % 4 != 1 else b""
    return plain if _STRUCTURED.match(plain) and _is_text(plain) else body


def _tried(body: bytes, coding: str) -> tuple[bytes, str]:
    """Return a body without a coding, or unchanged with the reason."""
    try:
        return _without(body, coding), ""
    except _NotEncodedError as error:
        return body, str(error)


def _without(body: bytes, coding: str) -> bytes:
    decode = _DECODERS.get(coding)
    if decode is None:
        known = ", ".join(_DECODERS)
        raise _NotEncodedError(f"headers.Content-Encoding: is {coding}; supported are {known}")
    try:
        return decode(body)
    except ModuleNotFoundError:
        raise _NotEncodedError(
            f"body: is {coding} data, which need a package: pip install {_PACKAGES[coding]}"
        ) from None


def _unnamed(body: bytes) -> bytes | None:
    """Return a body without a coding that no header names, None if it has none."""
    if not body or _is_text(body) or _MEDIA.match(body):
        return None
    magic = next((coding for magic, coding in _MAGIC.items() if body.startswith(magic)), None)
    if magic is not None:
        plain, reason = _tried(body, magic)
        if reason:
            raise RecordingError(reason)
        return plain
    # Without a magic number, bytes that decode may be anything else, unless they become text.
    for coding in ("deflate", "br"):
        plain, reason = _tried(body, coding)
        if not reason and (coding == "deflate" or _is_text(plain)):
            return plain
    return None


def _gunzipped(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        raise _NotEncodedError("body: is not gzip data")
    return _members("gzip", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), body, zlib.error)


def _inflated(body: bytes) -> bytes:
    # Servers send deflate with and without zlib's header, and some send gzip instead.
    for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        inflater = zlib.decompressobj(bits)
        try:
            plain = _output("deflate", inflater, body, zlib.error)
        except _NotEncodedError:
            continue
        if not inflater.unused_data:
            return plain
    raise _NotEncodedError("body: is not deflate data")


def _unbrotlied(body: bytes) -> bytes:
    brotli = import_module("brotli")
    decoder = brotli.Decompressor()
    if not hasattr(decoder, "can_accept_more_data"):
        raise ModuleNotFoundError("this release of brotli cannot limit its output")
    try:
        plain: bytes = decoder.process(body, output_buffer_limit=LARGEST_BODY)
    except brotli.error:
        raise _NotEncodedError("body: is not br data") from None
    if len(plain) >= LARGEST_BODY:
        raise _too_large("br")
    if not decoder.is_finished():
        raise _NotEncodedError("body: the br data end too early")
    return plain


def _unzstandarded(body: bytes) -> bytes:
    zstd = import_module("backports.zstd")
    return _members("zstd", zstd.ZstdDecompressor, body, zstd.ZstdError)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzipped,
    "deflate": _inflated,
    "br": _unbrotlied,
    "zstd": _unzstandarded,
}
_PACKAGES = {"br": "'brotli>=1.2'", "zstd": "backports.zstd"}


def _members(coding: str, decoder: Callable[[], Any], body: bytes, error: type[Exception]) -> bytes:
    """Return the output of gzip's members or zstd's frames, which may follow each other."""
    plain = b""
    for _ in range(_MOST_MEMBERS):
        one = decoder()
        plain += _output(coding, one, body, error, LARGEST_BODY - len(plain))
        body = one.unused_data.lstrip(b"\0")
        if not body:
            return plain
    raise RecordingError(f"body: the {coding} data have more than {_MOST_MEMBERS} members")


def _output(
    coding: str, decoder: Any, body: bytes, error: type[Exception], most: int = LARGEST_BODY
) -> bytes:
    """Return all output of a decoder of zlib or zstd."""
    try:
        plain: bytes = decoder.decompress(body, most + 1)
    except error:
        raise _NotEncodedError(f"body: is not {coding} data") from None
    if len(plain) > most:
        raise _too_large(coding)
    if not decoder.eof:
        raise _NotEncodedError(f"body: the {coding} data end too early")
    return plain


def _too_large(coding: str) -> RecordingError:
    return RecordingError(f"body: the {coding} data decode to more than {LARGEST_BODY} bytes")


def _is_text(body: bytes) -> bool:
    """Return whether a body is text in UTF-8, -16 or -32."""
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return False
    return bool(text) and not _CONTROL.search(text)


def is_media(body: bytes) -> bool:
    """Return whether a body is an image, sound or a film by its first bytes, and not a text."""
    return bool(_MEDIA.match(body)) and not _is_text(body)


def text_of(body: bytes) -> str | bytes:
    """Return a body as a string, or unchanged if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def rewritten(body: bytes, rewrite: Callable[[str], str]) -> bytes:
    """Return a body with its characters rewritten: those of UTF-8, -16 or -32.

    The first bytes suggest the codec, but may mislead: a body is read as UTF-8 too.
    """
    guess = json.detect_encoding(body)
    for codec in [guess] if guess.startswith("utf-8") else [guess, "utf-8"]:
        # UTF-8 keeps bytes that are none; a broken UTF-16 text is repaired.
        errors = "surrogateescape" if codec.startswith("utf-8") else "replace"
        text = body.decode(codec, errors)
        changed = rewrite(text)
        if changed != text:
            body = changed.encode(codec, errors)
    return body
