"""Fields of a cassette or a HAR file. Errors name the field and its expected type."""

import base64
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import BEIJING, parse_now

_TYPES = {dict: "an object", str: "a string", int: "an integer"}
_STATUSES = 100, 999
# Numbers between these are days: 20260101 is not a second of August 1970.
_FIRST_DAY, _LAST_DAY = 19700101, 21000101
# Seconds of such a size would be after the year 5000.
_MILLISECONDS = 10**11
_LONGEST_SHOWN = 60


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


def read_text(file: Path, most: int) -> str:
    """Return the text of a file of at most ``most`` bytes. Raises RecordingError."""
    try:
        if file.stat().st_size > most:
            raise RecordingError(f"is larger than {most // 2**20} MiB, the limit; split it")
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise RecordingError("is not UTF-8 text") from None


def split_url(name: str, url: str) -> SplitResult:
    """Return the parts of a field's URL. Raises RecordingError."""
    try:
        return urlsplit(url)
    except ValueError:
        raise RecordingError(f"{name}: is not a valid URL") from None


def from_base64(name: str, text: Any) -> bytes:
    """Return the bytes of a field in base64, in one line or several. Raises RecordingError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, TypeError, AttributeError):
        raise RecordingError(f"{name}: is not base64") from None


def status_of(name: str, value: Any) -> int:
    """Return an HTTP status. Raises RecordingError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise RecordingError(f"{name}: must be an integer")
    if not _STATUSES[0] <= value <= _STATUSES[1]:
        raise RecordingError(f"{name}: must be an HTTP status from 100 to 999, is {value}")
    return value


def moment(name: str, value: Any) -> datetime | None:
    """Return the time of a field, None if missing. Raises RecordingError.

    A time is a text in ISO 8601, a day ``yyyymmdd``, or a number of seconds or milliseconds since
    1970. YAML parses some of them itself. A time without an offset is Beijing time.
    """
    try:
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=BEIJING)
        if isinstance(value, date):
            return parse_now(value.isoformat())
        if isinstance(value, int | float) and not isinstance(value, bool):
            if _FIRST_DAY < value < _LAST_DAY:
                return parse_now(str(value))
            seconds = value / 1000 if abs(value) >= _MILLISECONDS else value
            return datetime.fromtimestamp(seconds, timezone.utc)
        return parse_now(value)
    except (TypeError, ValueError, OverflowError, OSError):
        raise RecordingError(f"{name}: must be an ISO 8601 time, is {_short(value)}") from None


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str | int | float) else type(value).__name__
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
