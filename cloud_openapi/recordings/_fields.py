"""Fields of a cassette or a HAR file. Errors name the field and its expected type."""

import base64
from datetime import date, datetime, timezone
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import parse_now

_TYPES = {dict: "an object", str: "a string", int: "an integer"}


class within:  # noqa: N801 - faster than a generator, which would slow down loading
    """Put the place of a message in front of the fields that errors name."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: object) -> None:
        if isinstance(raised[1], RecordingError):
            raise RecordingError(f"{self._place}.{raised[1]}") from None


def field(message: Any, name: str, kind: type) -> Any:
    """Return a field of the given type. Raises RecordingError."""
    if not isinstance(message, dict) or name not in message:
        raise RecordingError(f"{name}: is missing")
    value = message[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RecordingError(f"{name}: must be {_TYPES[kind]}")
    return value


def split_url(name: str, url: str) -> SplitResult:
    """Return the parts of a field's URL. Raises RecordingError."""
    try:
        return urlsplit(url)
    except ValueError:
        raise RecordingError(f"{name}: is not a valid URL") from None


def from_base64(name: str, text: Any) -> bytes:
    """Return the bytes of a field in base64. Raises RecordingError."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise RecordingError(f"{name}: is not base64") from None


def moment(name: str, value: Any) -> datetime | None:
    """Return the time of a field, None if missing. Raises RecordingError."""
    try:
        # YAML parses an unquoted time itself, into UTC.
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return parse_now(value.isoformat() if isinstance(value, date) else value)
    except (TypeError, ValueError):
        raise RecordingError(f"{name}: must be an ISO 8601 time, is {value!r}") from None
