"""JSON responses of the emulator itself and of CloudBase."""

from http import HTTPStatus
from typing import Any, Final

import orjson
from flask import Response

from cloud_openapi.json_text import json_text
from cloud_openapi.known_names import nearest
from cloud_openapi.runtime import Functions, new_request_id, no_descriptor, reason_of

# wx-server-sdk recognises the gateway's errors by exactly this Content-Type.
JSON_UTF8: Final = "application/json; charset=utf-8"
# Messages repeat input of any length.
_LONGEST_MESSAGE = 2000
_LONGEST_NAME = 200


def json_bytes(value: Any) -> bytes:
    """Return a value as JSON, fast."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # Half a surrogate pair that a request had, or a number of more than 64 bits.
        return json_text(value).encode()


def json_answer(value: Any, status: int = HTTPStatus.OK, content_type: str = JSON_UTF8) -> Response:
    """Return a value as JSON."""
    return Response(json_text(value), status, content_type=content_type)


def refusal(status: int, code: str, message: str) -> Response:
    """Return ``{"code", "message"}``: the problem and its fix."""
    return json_answer({"code": code, "message": message[:_LONGEST_MESSAGE]}, status)


def no_descriptors(error: OSError) -> Response:
    """Return the refusal of a request when no file descriptor is left. Raises any other error."""
    if not no_descriptor(error):
        raise error
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "NO_FILE_DESCRIPTORS", reason_of(error))


def platform_refusal(status: int, code: str, message: str) -> Response:
    """Return a refusal as CloudBase's: ``{"code", "message", "requestId"}``."""
    message = message[:_LONGEST_MESSAGE]
    return json_answer({"code": code, "message": message, "requestId": new_request_id()}, status)


def unknown_function(name: str, functions: Functions, source: str = "") -> Response:
    """Return CloudBase's refusal of an unknown function.

    With the ``source`` of an invocation, its end is reported, too.
    """
    name, known = name[:_LONGEST_NAME], list(functions)
    close = nearest(name, known)
    meant = f" Did you mean {close}?" if close else ""
    message = (
        f'There is no function "{name}" in {functions.folder}.{meant} '
        f"Known: {', '.join(known) or 'none'}."
    )
    if source:
        functions.refuse(name, source, HTTPStatus.NOT_FOUND, message)
    return platform_refusal(HTTPStatus.NOT_FOUND, "FUNCTION_NOT_FOUND", message)
