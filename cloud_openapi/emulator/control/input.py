"""Parse the requests of the control routes."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.clock import read_moment
from cloud_openapi.json_schema.values import is_number

_SPACE = re.compile(r" (?=\d\d:?\d\d$)")
_LONGEST_NUMBER = 9
_FILTERS = (
    *("appid", "api", "path", "errcode", "failed", "function", "via", "rid", "text"),
    *("since", "after", "limit"),
)


def body() -> Any:
    """Return the body, any JSON value. Raises ValueError."""
    try:
        return json.loads(request.get_data())
    except (ValueError, RecursionError, RequestEntityTooLarge):
        raise InvalidInputError("the body is not JSON") from None


def text_body(largest: int) -> str:
    """Return a body of at most so many bytes as text in UTF-8. Raises ValueError."""
    # Not limited as the requests of clients are.
    stream = get_input_stream(request.environ, max_content_length=largest)
    try:
        return stream.read().decode()
    except UnicodeDecodeError:
        raise InvalidInputError("the body is not text in UTF-8") from None
    except RequestEntityTooLarge:
        raise InvalidInputError(f"the body is larger than {largest // 1024 // 1024} MB") from None


def fields(*allowed: str) -> dict[str, Any]:
    """Return the body, an object of these fields. Raises ValueError."""
    value = body()
    known = f"the body is a JSON object of {', '.join(allowed)}"
    if not isinstance(value, dict):
        raise InvalidInputError(known)
    if not value:
        raise InvalidInputError(f"{known}, and this one is empty")
    unknown = value.keys() - set(allowed)
    if unknown:
        raise InvalidInputError(f"{', '.join(sorted(unknown))}: {known}")
    return value


def query(*allowed: str) -> MultiDict[str, str]:
    """Return the query, of these fields only. Raises ValueError."""
    unknown = request.args.keys() - set(allowed)
    if unknown:
        raise InvalidInputError(
            f"{', '.join(sorted(unknown))}: the query may have {', '.join(allowed)}"
        )
    return request.args


def filters() -> dict[str, Any]:
    """Return the filters of the journal. Raises ValueError."""
    found: dict[str, Any] = dict(query(*_FILTERS).items())
    for name in ("errcode", "after", "limit"):
        if name in found:
            try:
                found[name] = int(found[name])
            except ValueError:
                raise InvalidInputError(f"{name} is a whole number, not {found[name]!r}") from None
    if "failed" in found:
        found["failed"] = flag(found, "failed")
    if "since" in found:
        # An unescaped plus is a space in a query.
        found["since"] = read_moment("since", _SPACE.sub("+", found["since"]))
    return found


def flag(given: Mapping[str, str], name: str) -> bool:
    """Return a field of a query, true or false; false if missing. Raises ValueError."""
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidInputError(f"{name} is true or false, not {text!r}")
    return text == "true"


def whole(given: Mapping[str, str], name: str, default: int) -> int:
    """Return a field of a query, a whole number. Raises ValueError."""
    text = given.get(name, str(default))
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InvalidInputError(f"{name} is a whole number of at least 0, not {text!r:.80}")
    return int(text)


def seconds(value: Any) -> timedelta:
    """Return a number of seconds as a timedelta. Raises ValueError."""
    if not is_number(value):  # Python reads NaN as JSON.
        raise InvalidInputError(f"advance is a number of seconds, not {json.dumps(value)}")
    try:
        return timedelta(seconds=value)
    except OverflowError:
        raise InvalidInputError("advance is too large") from None
