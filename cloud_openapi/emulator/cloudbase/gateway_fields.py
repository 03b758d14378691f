"""The fields of a request to the CloudBase gateway, in either of its encodings."""

import json
from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from cloud_openapi.json_text import read_json_body
from cloud_openapi.wire import multipart

# What a function calls, by the beginning of an action or of an internal API's name.
_CALLS = {
    "ApiGetOpenDataByCloudId": "cloud.getOpenData()",
    "ApiVoipSign": "cloud.getVoIPSign()",
    "GetCloudCallSign": "cloud.getCloudCallSign()",
    "RunMysqlCommand": "the MySQL database",
    "ai.": "cloud.ai()",
    "auth.wsWebSign": "watch() of cloud.database()",
    "auth.": "auth()",
    "database.": "this action of cloud.database()",
    "getCrossAccountToken": "access to another account's environment",
    "storage.getFileAuthority": "getFileAuthority()",
    "storage.": "this action of cloud storage",
    "wx.wxCallContainerApi": "cloud.callContainer()",
    "wx.wxPayApi": "cloud.cloudPay",
}
_LARGE: Final = "the body is larger than 6 MB"
_LESS: Final = "upload large contents and pass their fileIDs, and write fewer documents at a time"


class GatewayError(Exception):
    """An error of the gateway itself; ``reason`` says more than the platform's message."""

    status = HTTPStatus.OK
    body = ""
    """The request as the journal shows it."""

    marks: Collection[str] = ()
    """Parts of the errors that some SDKs raise instead of the message."""

    def __init__(self, code: str, message: str, reason: str = "") -> None:
        super().__init__(code, message, reason)
        self.code = code
        self.message = message
        self.reason = reason or message


class FailedActionError(GatewayError):
    """An action that failed after the caller was known; ``body`` is the request for the journal."""

    def __init__(
        self, code: str, message: str, reason: str, body: str, marks: Collection[str] = ()
    ) -> None:
        super().__init__(code, message, reason)
        self.body = body
        self.marks = marks


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


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class GatewayFields(NamedTuple):
    """The fields of a body as bytes by lower-case name, and the values of a JSON body.

    Lower case, because that is how the signature knows them.
    """

    texts: Mapping[str, bytes] = _NONE
    values: Mapping[str, Any] = _NONE
    file: Iterator[bytes] | None = None
    """The pieces of a file that is too large for ``texts``."""


def read_fields(request: Request) -> GatewayFields:
    """Return the fields of a body; values of JSON that are not strings are JSON in ``texts``.

    Raises GatewayError.
    """
    content_type = request.headers.get("Content-Type", "")
    values: dict[str, Any] = {}
    try:
        body = request.get_data()
        if content_type.startswith(multipart.CONTENT_TYPE):
            fields = multipart.read(content_type, body)
        else:
            values = _json_values(body)
            fields = {name: _as_bytes(value) for name, value in values.items()}
    except RequestEntityTooLarge:
        return _large_upload(request, content_type)
    except ValueError as error:
        raise GatewayError("INVALID_PARAM", f"the body is invalid: {error}") from None
    return GatewayFields({name.lower(): value for name, value in fields.items()}, values)


def _large_upload(request: Request, content_type: str) -> GatewayFields:
    """Return the fields of a form with a large file. Raises GatewayError.

    The oldest SDKs send a file in the action itself, behind the fields.
    """
    # Loaded on demand, as all of cloud storage.
    from cloud_openapi.emulator.cloudbase.storage_form import FormError, read_form  # noqa: PLC0415

    refused = GatewayError("INVALID_PARAM", _LARGE, f"{_LARGE}: {_LESS}")
    try:
        form = read_form(get_input_stream(request.environ), content_type)
    except FormError:
        raise refused from None
    if form.fields.get("action") != "storage.uploadFile":
        raise refused
    return GatewayFields(
        {name: each.encode() for name, each in form.fields.items()}, file=form.content
    )


def _json_values(body: bytes) -> dict[str, Any]:
    value = read_json_body(body, _distinct)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    if len(value) > multipart.MOST_PARTS:
        raise ValueError(f"it has over {multipart.MOST_PARTS} fields")
    if len({name.lower() for name in value}) < len(value):
        raise ValueError("the names of two fields differ in case only")
    return value


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise ValueError("an object has two members of the same name")
    return value


def _as_bytes(value: Any) -> bytes:
    """Return the bytes that an SDK signs of a value."""
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError:
            # Node.js writes U+FFFD for half a surrogate pair.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # JSON.stringify escapes half a surrogate pair.
    return text.encode("utf-8", "backslashreplace")
