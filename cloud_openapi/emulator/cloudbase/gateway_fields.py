"""The fields of a request to the CloudBase gateway, in either of its encodings."""

import json
from http import HTTPStatus
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from cloud_openapi.json_text import read_json_body
from cloud_openapi.wire import multipart

# What a function calls, by the beginning of an action or of an internal API's name.
_CALLS = {
    "ApiGetOpenDataByCloudId": "cloud.getOpenData()",
    "ApiVoipSign": "cloud.getVoIPSign()",
    "GetCloudCallSign": "cloud.getCloudCallSign()",
    "RunMysqlCommand": "the MySQL database",
    "ai.": "cloud.ai()",
    "auth.": "auth()",
    "database.": "cloud.database()",
    "getCrossAccountToken": "access to another account's environment",
    "storage.batchCopyFile": "copyFile()",
    "storage.batchDeleteFile": "cloud.deleteFile()",
    "storage.batchGetDownloadUrl": "cloud.getTempFileURL() and cloud.downloadFile()",
    "storage.getFileAuthority": "getFileAuthority()",
    "storage.getUploadMetadata": "cloud.uploadFile()",
    "storage.": "cloud storage",
    "wx.wxCallContainerApi": "cloud.callContainer()",
    "wx.wxPayApi": "cloud.cloudPay",
}


class GatewayError(Exception):
    """An error of the gateway itself; ``reason`` says more than the platform's message."""

    status = HTTPStatus.OK

    def __init__(self, code: str, message: str, reason: str = "") -> None:
        super().__init__(code, message, reason)
        self.code = code
        self.message = message
        self.reason = reason or message


class NotEmulatedError(GatewayError):
    """A request for a service that the emulator lacks; ``what`` names it, as the SDK does."""

    def __init__(self, what: str, name: str) -> None:
        call = next((call for begin, call in _CALLS.items() if name.startswith(begin)), "")
        named = f"{call} is not emulated ({what})" if call else f"{what} is not emulated"
        super().__init__(
            "INVALID_PARAM",
            f'{named}: leave the call out when the variable TCB_ENV is "local", replace it in your '
            "tests, or run the function in a test environment of CloudBase",
        )
        if name.startswith("storage."):
            # SDKs from 2.1 to 3.0 do not expect an error with status 200 here.
            self.status = HTTPStatus.NOT_IMPLEMENTED


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
