"""The parameters of a request over HTTPS: a JSON body, a query, a form with files."""

import base64
import json
import mimetypes
import re
from collections.abc import Mapping
from typing import Any, Final

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.raw_response import is_content_type
from cloud_openapi.json_text import read_json_body
from cloud_openapi.wire import multipart

INVALID_JSON: Final = 47001
_TOO_LARGE: Final = 45002
_FORM = re.compile(rb"&?[A-Za-z_][\w.\[\]-]*=")
_FORM_SENT: Final = "the body is a form: send JSON, as with json= of requests or JSON.stringify"
_NO_FILENAME: Final = (
    "the part {0} has no filename, so WeChat takes it for a text: with curl, -F {0}=@FILE"
)
_NUMBERS: Final = {"integer": int, "number": float}
_BOOLEANS: Final = {"true": True, "false": False}


def read_fields(
    request: Request, operation: Operation, form_error: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the parameters of a request and the contents of its files.

    A file among the parameters is ``{"filename", "contentType", "size"}``. Texts of the query and
    of a form become numbers and booleans where the API takes these. Raises RefusalError.
    """
    params, files = _body(request, operation, form_error)
    fields = operation.schema("https", "request")["properties"]
    for name in operation.query:
        text = request.args.get(name)
        if text is not None:
            params[name] = _typed(text, fields[name])
    return params, files


def file_of(filename: str, content: bytes, content_type: str = "") -> dict[str, Any]:
    """Return a file as a parameter."""
    kind = content_type if is_content_type(content_type) else mimetypes.guess_type(filename)[0]
    kind = kind or "application/octet-stream"
    return {"filename": filename, "contentType": kind, "size": len(content)}


def file_json(filename: str, content: bytes) -> bytes:
    """Return a file as the journal shows it, with its content."""
    return _json({"filename": filename, "base64": base64.b64encode(content).decode()})


def fields_json(params: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return the parameters of a request as the journal shows them."""
    members = []
    for name, value in params.items():
        content = files.get(name)
        shown = _json(value) if content is None else file_json(value["filename"], content)
        members.append(_json(name) + b":" + shown)
    return b"{" + b",".join(members) + b"}"


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # JSON can write half a surrogate pair only as an escape.
    return text.encode("utf-8", "backslashreplace")


def json_object(request: Request, form_error: int) -> dict[str, Any]:
    """Return a body as a JSON object; the Content-Type is ignored. Raises RefusalError."""
    try:
        data = request.get_data()
    except RequestEntityTooLarge:
        raise RefusalError(_TOO_LARGE, "body") from None
    if not data:
        raise RefusalError(44002, "body")
    try:
        value = read_json_body(data)
    except ValueError:
        is_form = _FORM.match(data) is not None
        if is_form:
            raise RefusalError(form_error, "body is a form", reason=_FORM_SENT) from None
        raise RefusalError(INVALID_JSON, "body") from None
    if not isinstance(value, dict):
        raise RefusalError(INVALID_JSON, "body")
    return value


def _body(
    request: Request, operation: Operation, form_error: int
) -> tuple[dict[str, Any], dict[str, bytes]]:
    if operation.method == "GET":
        return {}, {}
    if operation.files and request.mimetype == multipart.CONTENT_TYPE:
        return _form(request, operation)
    if not request.content_length and operation.query:
        return {}, {}
    return json_object(request, form_error), {}


def _form(request: Request, operation: Operation) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        parts = multipart.read_parts(request.headers["Content-Type"], request.get_data())
    except RequestEntityTooLarge:
        raise RefusalError(_TOO_LARGE, "body") from None
    except multipart.MultipartError as error:
        raise RefusalError(INVALID_JSON, "body", reason=f"the form is invalid: {error}") from None
    fields = operation.schema("https", "request")["properties"]
    params: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for name, part in parts.items():
        if name in operation.files:
            if not part.filename:
                raise RefusalError(41005, "files", reason=_NO_FILENAME.format(name))
            params[name] = file_of(part.filename, part.content, part.content_type)
            files[name] = part.content
        else:
            params[name] = _typed(part.content.decode("utf-8", "replace"), fields.get(name, {}))
    return params, files


def _typed(text: str, field: Mapping[str, Any]) -> Any:
    """Return a text as the number or the boolean that a field takes, else as it is."""
    kind = field.get("type")
    if kind == "boolean":
        return _BOOLEANS.get(text, text)
    try:
        return _NUMBERS[kind](text) if kind in _NUMBERS else text
    except ValueError:
        return text
