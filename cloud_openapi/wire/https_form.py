"""The parameters of a call as HTTPS takes them: a query, and a body of JSON or of files."""

import json
import os
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

JSON_TYPE: Final = "application/json"


class Written(NamedTuple):
    """The parameters of one request."""

    query: str
    """The parameters in the URL, encoded; empty without any."""
    content_type: str
    """The type of the body; empty without one."""
    body: bytes | None


def write_json(params: Mapping[str, Any]) -> Written:
    """Return the parameters as a body alone. Raises the errors of `write`."""
    return Written("", JSON_TYPE, _json(params).encode())


def write(params: Mapping[str, Any], method: str, in_query: Collection[str]) -> Written:
    """Return the parameters as a request carries them; a `multipart.Part` is a file.

    ``in_query`` names the parameters that belong in the URL. With GET all do, and beside a file
    all others. Raises TypeError, ValueError or RecursionError for values that JSON cannot write.
    """
    # Most calls are written by `write_json`, and the start of a function counts.
    from cloud_openapi.wire import multipart  # noqa: PLC0415

    files = {name: value for name, value in params.items() if isinstance(value, multipart.Part)}
    others = params if not files else {name: params[name] for name in params if name not in files}
    all_in_url = bool(files) or method == "GET"
    in_url = others if all_in_url else {name: params[name] for name in params if name in in_query}
    query = urlencode({name: _text(in_url[name]) for name in in_url if in_url[name] is not None})
    if method == "GET":
        return Written(query, "", None)
    if files:
        boundary = "-" * 26 + os.urandom(12).hex()
        body = multipart.write(files, boundary)
        return Written(query, f"{multipart.CONTENT_TYPE}; boundary={boundary}", body)
    in_body = {name: params[name] for name in params if name not in in_url} if in_url else params
    # WeChat's clients send no body if the URL has all parameters.
    body = b"" if in_url and not in_body else _json(in_body).encode()
    return Written(query, JSON_TYPE if body else "", body)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
