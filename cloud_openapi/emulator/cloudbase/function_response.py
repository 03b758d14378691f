"""What a function's result is as an HTTP response.

https://docs.cloudbase.net/service/access-cloud-function
"""

import base64
import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

from cloud_openapi.json_schema.values import is_number
from cloud_openapi.json_text import json_text

_TEXT = "text/plain; charset=utf-8"
_LAST_STATUS = 599
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Of one server and the next (RFC 9110, 7.6.1); and the length is the gateway's to say.
_OF_THE_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


class UnsendableError(ValueError):
    """A response that HTTP has no form for; the message says what of it."""


def response_of(result: Any) -> Response:
    """Return what a function's result is as a response. Raises UnsendableError.

    An object with a numeric ``statusCode`` and an object of ``headers`` says all of it itself, but
    for the headers of the connection. Any other object, list or truth value is JSON; a text or a
    number is a text.
    """
    if _is_integrated(result):
        return _integrated(result)
    if isinstance(result, str):
        return Response(_utf8(result), content_type=_TEXT)
    if is_number(result):
        return Response(json.dumps(result), content_type=_TEXT)
    return Response(json_text(result), content_type="application/json")


def _is_integrated(result: Any) -> bool:
    if not isinstance(result, dict):
        return False
    status, headers = result.get("statusCode"), result.get("headers")
    return is_number(status) and isinstance(headers, dict)


def _integrated(result: dict[str, Any]) -> Response:
    headers = Headers(_fields(result["headers"]))
    if "Content-Type" not in headers:
        headers["Content-Type"] = _TEXT
    return Response(_body_of(result), _status_of(result["statusCode"]), headers)


def _body_of(result: dict[str, Any]) -> bytes:
    body = result.get("body", "")
    if not isinstance(body, str):
        return json_text(body).encode()
    if result.get("isBase64Encoded") is not True:
        return _utf8(body)
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as error:
        raise UnsendableError(f"body is no base64: {error}") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = f"character {error.start} of the body is half a surrogate pair, no text"
        raise UnsendableError(message) from None


def _status_of(status: float) -> int:
    if status != int(status) or not HTTPStatus.OK <= status <= _LAST_STATUS:
        raise UnsendableError(f"statusCode is {HTTPStatus.OK} to {_LAST_STATUS}, not {status}")
    return int(status)


def _fields(headers: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield each field; the values of one may come as a list. Raises UnsendableError."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise UnsendableError(f"a header cannot have the name {name[:100]!a}")
        if name.lower() in _OF_THE_CONNECTION:
            continue
        for each in value if isinstance(value, list) else [value]:
            text = each if isinstance(each, str) else json.dumps(each)
            if not _VALUE.fullmatch(text):
                raise UnsendableError(
                    f"header {name}: {text[:100]!a} has a character that a header cannot have: a "
                    "control character, or one beyond Latin-1"
                )
            yield name, text
