"""The fields of a request to the CloudBase gateway, in either of its encodings."""

import json
from http import HTTPStatus
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.wire import multipart

# What a function calls, by the beginning of an action or of an internal API's name.
_CALLS = {
    "ApiGetOpenDataByCloudId": "cloud.getOpenData()",
    "ApiVoipSign": "cloud.getVoIPSign()",
    "GetCloudCallSign": "cloud.getCloudCallSign()",
    "ai.": "ai()",
    "database.": "cloud.database()",
    "getCrossAccountToken": "access to another account's environment",
    "storage.": "cloud storage (uploadFile, downloadFile, getTempFileURL, deleteFile)",
    "wx.wxCallContainerApi": "cloud.callContainer()",
    "wx.wxPayApi": "cloud.cloudPay",
}


class GatewayError(Exception):
    """An error of the gateway itself."""

    status = HTTPStatus.OK

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


class NotEmulatedError(GatewayError):
    """A request for a service that the emulator lacks; the function's log gets the message too."""

    def __init__(self, what: str, name: str) -> None:
        call = next((call for begin, call in _CALLS.items() if name.startswith(begin)), "")
        so = f", so {call} fails" if call else ""
        super().__init__(
            "INVALID_PARAM",
            f'{what} is not emulated{so}: leave the call out when the variable TCB_ENV is "local", '
            "or replace it in your tests",
        )
        if name.startswith("storage."):
            # SDKs from 2.1 to 3.0 do not expect an error with status 200 here.
            self.status = HTTPStatus.NOT_IMPLEMENTED


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
