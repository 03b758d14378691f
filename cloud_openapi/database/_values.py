"""Values of documents, queries and updates in the form that MongoDB reads."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.wire import extended_json


class Encodable(ABC):
    """A value of the SDK's own, such as a command or a geometry."""

    @abstractmethod
    def toJSON(self) -> Any:
        """Return the value as MongoDB writes it."""


class RegExp(Encodable):
    """A regular expression of MongoDB (PCRE), with options such as ``i``."""

    def __init__(self, regexp: str, options: str = "") -> None:
        if not isinstance(regexp, str) or not regexp:
            raise CloudSDKError(-1, "regexp must be a string")
        self.regexp = regexp
        self.options = options

    def __repr__(self) -> str:
        return f"RegExp({self.regexp!r}, {self.options!r})"

    def toJSON(self) -> dict[str, Any]:
        """Return the value as MongoDB writes it."""
        return {"$regularExpression": {"pattern": self.regexp, "options": self.options}}


def encode(value: Any) -> Any:
    """Return a value with the SDK's own values in MongoDB's form.

    Raises TypeError for bytes and other types that a document cannot have, ValueError for a time
    without a zone.
    """
    if isinstance(value, Encodable):
        return value.toJSON()
    if isinstance(value, Mapping):
        return {name: encode(each) for name, each in value.items()}
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError(
            f"{value!r} has no time zone: take datetime.now(timezone.utc), or "
            ".replace(tzinfo=…) if you know the zone"
        )
    if isinstance(value, re.Pattern) and isinstance(value.pattern, bytes):
        raise TypeError("a regular expression of bytes: the cloud database has texts only")
    return [encode(each) for each in value] if is_list(value) else value


def is_list(value: Any) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Return True for a list of values; a ServerDate is a tuple, but one value."""
    return isinstance(value, list | tuple) and not isinstance(value, extended_json.ServerDate)


def to_text(value: Any) -> str:
    """Return a value as canonical Extended JSON. Raises TypeError, ValueError."""
    try:
        text = extended_json.write(encode(value), "canonical")
    except RecursionError:
        raise ValueError("Cannot convert circular structure to JSON") from None
    # JSON.stringify escapes half a surrogate pair.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
