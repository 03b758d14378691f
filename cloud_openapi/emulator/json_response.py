"""Answers in the emulator's own words or CloudBase's. WeChat's are made in view.py."""

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from cloud_openapi.json_text import json_text
from cloud_openapi.runtime import Functions, new_request_id

# wx-server-sdk takes an answer for an error of the gateway's by this Content-Type, to the letter.
OWN_TYPE: Final = "application/json; charset=utf-8"
# Of a message that repeats what was sent, however long that was.
_LONGEST_MESSAGE = 2000
_LONGEST_NAME = 200


def json_answer(value: Any, status: int = HTTPStatus.OK, content_type: str = OWN_TYPE) -> Response:
    """Return a value as JSON."""
    return Response(json_text(value), status, content_type=content_type)


def refusal(status: int, code: str, message: str) -> Response:
    """Return ``{"code", "message"}``: what was wrong, and what to do."""
    return json_answer({"code": code, "message": message[:_LONGEST_MESSAGE]}, status)


def platform_refusal(status: int, code: str, message: str) -> Response:
    """Return a refusal as CloudBase's: ``{"code", "message", "requestId"}``."""
    told = {"code": code, "message": message[:_LONGEST_MESSAGE], "requestId": new_request_id()}
    return json_answer(told, status)


def unknown_function(name: str, functions: Functions) -> Response:
    """Return CloudBase's refusal of a name that no function has."""
    known = ", ".join(functions) or "none"
    message = (
        f'There is no function "{name[:_LONGEST_NAME]}" in {functions.folder}. Known: {known}.'
    )
    return platform_refusal(HTTPStatus.NOT_FOUND, "FUNCTION_NOT_FOUND", message)
