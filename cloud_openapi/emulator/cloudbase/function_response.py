"""The HTTP response of a function's result.

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
# Hop-by-hop headers (RFC 9110, 7.6.1), and the length, which the gateway sets.
_IGNORED_HEADERS = frozenset(
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


class InvalidResponseError(ValueError):
    """A function's response that HTTP cannot transmit; the message names the field."""


def to_response(result: Any) -> Response:
    """Return the response of a function's result. Raises InvalidResponseError.

    An object with a numeric ``statusCode`` and an object ``headers`` is an integrated response: it
    sets status, headers and body. A string or a number is sent as text, any other value as JSON.
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
        raise InvalidResponseError(f"body is not base64: {error}") from None


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = f"character {error.start} of the body is half of a surrogate pair"
        raise InvalidResponseError(message) from None


def _status_of(status: float) -> int:
    if status != int(status) or not HTTPStatus.OK <= status <= _LAST_STATUS:
        raise InvalidResponseError(
            f"statusCode must be {HTTPStatus.OK} to {_LAST_STATUS}, not {status}"
        )
    return int(status)


def _fields(headers: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield each name with its value or values. Raises InvalidResponseError."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise InvalidResponseError(f"invalid header name {name[:100]!a}")
        if name.lower() in _IGNORED_HEADERS:
            continue
        for each in value if isinstance(value, list) else [value]:
            text = each if isinstance(each, str) else json.dumps(each)
            if not _VALUE.fullmatch(text):
                raise InvalidResponseError(
                    f"header {name}: {text[:100]!a} has a control character or one beyond Latin-1"
                )
            yield name, text
