"""The fields of a request to the CloudBase gateway, in either of its encodings."""

import json
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.wire import multipart


class GatewayError(Exception):
    """An error of the gateway itself."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


def read_fields(request: Request) -> dict[str, bytes]:
    """Return the fields of a body; those that are not texts as JSON. Raises GatewayError."""
    content_type = request.headers.get("Content-Type", "")
    try:
        body = request.get_data()
        if content_type.startswith(multipart.CONTENT_TYPE):
            return multipart.read(content_type, body)
        value = json.loads(body)
    except RequestEntityTooLarge:
        raise GatewayError("INVALID_PARAM", "the body is larger than 6 MB") from None
    except (ValueError, RecursionError) as error:
        raise GatewayError("INVALID_PARAM", f"the body is invalid: {error}") from None
    if not isinstance(value, dict):
        raise GatewayError("INVALID_PARAM", "the body is not a JSON object")
    return {name: _as_string(part).encode("utf-8", "surrogatepass") for name, part in value.items()}


def _as_string(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
