"""The fields of a request to the CloudBase gateway, in either of its encodings."""

import json
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.json_text import read_json_body
from cloud_openapi.wire import multipart


class GatewayError(Exception):
    """An error of the gateway itself."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


def read_fields(request: Request) -> dict[str, bytes]:
    """Return the fields of a body by lower-case name; those that are not texts as JSON.

    Lower case, because that is how the signature knows them. Raises GatewayError.
    """
    content_type = request.headers.get("Content-Type", "")
    try:
        body = request.get_data()
        if content_type.startswith(multipart.CONTENT_TYPE):
            fields = multipart.read(content_type, body)
        else:
            fields = _json_fields(body)
    except RequestEntityTooLarge:
        raise GatewayError("INVALID_PARAM", "the body is larger than 6 MB") from None
    except ValueError as error:
        raise GatewayError("INVALID_PARAM", f"the body is invalid: {error}") from None
    return {name.lower(): value for name, value in fields.items()}


def _json_fields(body: bytes) -> dict[str, bytes]:
    value = read_json_body(body, _distinct)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    if len(value) > multipart.MOST_PARTS:
        raise ValueError(f"it has over {multipart.MOST_PARTS} fields")
    if len({name.lower() for name in value}) < len(value):
        raise ValueError("the names of two fields differ in case only")
    return {name: _as_string(part).encode("utf-8", "surrogatepass") for name, part in value.items()}


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("an object has two members of the same name")
    return value


def _as_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
