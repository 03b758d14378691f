"""The form of an upload, read piece by piece: its file may be larger than the memory."""

from collections.abc import Iterator
from typing import IO, Final, NamedTuple

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from cloud_openapi.emulator.errors import InvalidInputError

PIECE: Final = 256 * 1024
"""Bytes that are read at a time."""

_LONGEST_FIELD: Final = 8 * 1024
_MOST_PARTS: Final = 20
_MOST_BUFFERED: Final = 4 * PIECE


class FormError(InvalidInputError):
    """A form that is invalid or too large, or that has no file."""


class Form(NamedTuple):
    """The fields that stand before the file, by lower-case name, and the pieces of the file.

    The pieces raise FormError where the form ends too early.
    """

    fields: dict[str, str]
    content: Iterator[bytes]


def read_form(stream: IO[bytes], content_type: str) -> Form:
    """Read a form up to its file. Raises FormError."""
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary.isascii() or not boundary:
        raise FormError("Content-Type has no boundary")
    events = _events(stream, boundary.encode())
    fields: dict[str, str] = {}
    name, value = "", b""
    for event in events:
        if isinstance(event, File) or (isinstance(event, Field) and event.name == "file"):
            return Form(fields, _content(events))
        if isinstance(event, Field):
            name, value = str(event.name).lower(), b""
        elif isinstance(event, Data):
            value += event.data
            if len(value) > _LONGEST_FIELD:
                raise FormError(f"the field {name[:100]} has more than {_LONGEST_FIELD} bytes")
            fields[name] = value.decode("utf-8", "replace")
    raise FormError("there is no part named file")


def _events(stream: IO[bytes], boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, _MOST_BUFFERED, max_parts=_MOST_PARTS)
    while True:
        try:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                decoder.receive_data(stream.read(PIECE) or None)
                continue
        except RequestEntityTooLarge:
            raise FormError("a part's header is too long, or there are too many parts") from None
        except ValueError:
            raise FormError("the form ends too early, or a part has no name") from None
        yield event
        if isinstance(event, Epilogue):
            return


def _content(events: Iterator[Event]) -> Iterator[bytes]:
    ended = False
    for event in events:
        if isinstance(event, Data) and not ended:
            yield event.data
            ended = not event.more_data
