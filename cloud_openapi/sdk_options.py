"""The SDK's checks of the options of its calls, in its words."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cloud_openapi.errors import CloudSDKError

_KINDS = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    list: "array",
    tuple: "array",
    datetime: "date",
    re.Pattern: "regexp",
}


def kind_of(value: Any) -> str:
    """Return JavaScript's name for the type of a value."""
    return _KINDS.get(type(value), "object")


def check_option(options: Mapping[str, Any], name: str, kind: str) -> None:
    """Raise CloudSDKError unless an option is of a kind, such as ``object`` for a mapping."""
    given = kind_of(options[name]) if name in options else "undefined"
    if given != kind or (kind == "object" and not isinstance(options[name], Mapping)):
        raise CloudSDKError(-1, f"parameter.{name} should be {kind} instead of {given};")


def options_of(
    call: str, options: Any, keywords: Mapping[str, Any], known: tuple[str, ...]
) -> Mapping[str, Any]:
    """Return the options of a call, an object or keywords. Raises TypeError, CloudSDKError."""
    given = keywords if options is None else options
    if not isinstance(given, Mapping):
        raise CloudSDKError(-1, f"parameter should be object instead of {kind_of(given)}; ")
    unknown = [str(name) for name in given if name not in known]
    if unknown or (options is not None and keywords):
        wrong = f"no option {', '.join(unknown)}" if unknown else "an object or keywords, not both"
        raise TypeError(f"{call} has {wrong}; its options: {', '.join(known)}.")
    return given
