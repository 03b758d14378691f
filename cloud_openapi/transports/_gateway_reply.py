"""The gateway's responses as wx-server-sdk 4.0.2 reads them, with its errors to the letter."""

import re
from collections.abc import Iterable
from typing import Any, Final

from cloud_openapi.errors import SDK_TEXTS, CloudSDKError, advice, system_error
from cloud_openapi.json_text import read_json, read_json_body
from cloud_openapi.masking import mask_text
from cloud_openapi.transports._base import Reply, bad_body
from cloud_openapi.transports._packing import to_json
from cloud_openapi.wire.messages import MessageError, read_answer

# The exact Content-Type by which the SDK recognises an error of the gateway's own.
_ERROR_TYPE: Final = "application/json; charset=utf-8"
_TEXT = re.compile(r"application/json|text/plain")
_NO_JSON: Final = object()
_SYSTEM_ERROR, _RESOURCE_ERROR = -601001, -501001
_LONGEST_SHOWN: Final = 2000
_FOREIGN: Final = "The response is not the gateway's: a proxy or another server may have sent it."

_CODES: Final = {
    "SERVER_TIMEOUT": -501002,
    "EXCEED_REQUEST_LIMIT": -501003,
    "EXCEED_CONCURRENT_REQUEST_LIMIT": -501004,
    "INVALIID_ENV": -501005,  # sic
    "INVALID_COMMON_PARAM": -501006,
    "INVALID_PARAM": -501007,
    "INVALID_REQUEST_SOURCE": -501008,
    "RESOURCE_NOT_INITIAL": -501009,
    "DATABASE_REQUEST_FAILED": -502001,
    "DATABASE_INVALID_OPERRATOR": -502002,  # sic
    "DATABASE_PERMISSION_DENIED": -502003,
    "DATABASE_COLLECTION_EXCEED_LIMIT": -502004,
    "DATABASE_COLLECTION_NOT_EXIST": -502005,
    "STORAGE_REQUEST_FAIL": -503001,
    "STORAGE_EXCEED_AUTHORITY": -503002,
    "STORAGE_FILE_NONEXIST": -503003,
    "STORAGE_SIGN_PARAM_INVALID": -503004,
    "FUNCTIONS_REQUEST_FAIL": -504001,
    "FUNCTIONS_EXECUTE_FAIL": -504002,
}


def answer_of(api: str, reply: Reply) -> dict[str, Any]:
    """Return WeChat's response within a reply of the gateway. Raises CloudSDKError."""
    if reply.content_type == _ERROR_TYPE:
        error = _json(reply.body)
        if error is not _NO_JSON:
            raise _refusal(api, error)
    try:
        answer = read_answer(reply.body)
    except MessageError as complaint:
        raise _no_message(api, reply.body, str(complaint)) from None
    if answer.error_code:
        raise system_error(answer.error_code, advice(answer.error_code))
    if not _TEXT.search(answer.content_type):
        return {"contentType": answer.content_type.strip(), "buffer": answer.body}
    value = _json(answer.body)
    if isinstance(value, dict) and isinstance(value.get("errcode", 0), int | str):
        return value
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    text = answer.body.decode("utf-8", "replace")
    if value is _NO_JSON and "text/plain" in answer.content_type:
        return {"result": text}
    raise bad_body(text).failure(api)


def result_of(reply: Reply) -> tuple[Any, str]:
    """Return the result of a called function, and the request's id. Raises CloudSDKError."""
    answer = _json(reply.body)
    code, result = None, None
    if isinstance(answer, dict):
        code, data = answer.get("code"), answer.get("data")
        result = data.get("response_data") if isinstance(data, dict) else None
    if code:
        hint = f"The gateway says {code}, request {answer.get('requestId')}."
        raise CloudSDKError(-1, f"callFunction:fail {answer.get('message', '')}", hint)
    if not isinstance(result, str):
        raise CloudSDKError(-1, "callFunction:fail unknown response", _FOREIGN)
    # The SDK parses a result that is a string once more.
    for _ in range(2):
        result = _parsed(result)
    return result, answer.get("requestId", "")


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except (ValueError, RecursionError):
        return value


def without_secrets(failure: CloudSDKError, secrets: Iterable[str | None]) -> CloudSDKError:
    """Return an error with the secrets masked that the gateway repeated in it, and a body cut."""
    known = frozenset(secrets)
    message, hint = (mask_text(text, known) for text in (failure.errMsg, failure.hint))
    if failure.errCode == _SYSTEM_ERROR and len(message) > _LONGEST_SHOWN:
        message = f"{message[:_LONGEST_SHOWN]}…"
    return CloudSDKError(failure.errCode, message, hint)


def gateway_failure(name: str, code: Any, message: str) -> CloudSDKError:
    """Return the SDK's error for a code of the gateway's own."""
    number = _CODES.get(str(code), _RESOURCE_ERROR)
    hint = f"The gateway says {code}."
    return CloudSDKError(number, f"{name}:fail {number} {SDK_TEXTS[number]}. {message}", hint)


def _refusal(api: str, error: Any) -> CloudSDKError:
    fields = error if isinstance(error, dict) else {}
    if fields.get("code"):
        return gateway_failure(
            f"openapi.{api}", fields["code"], str(fields.get("message") or "Error")
        )
    if fields.get("errcode"):
        return CloudSDKError(fields["errcode"], f"{api}:fail {fields.get('errmsg')}")
    return CloudSDKError(_RESOURCE_ERROR, f"{api}:fail unknown response [object Object]")


def _no_message(api: str, body: bytes, complaint: str) -> CloudSDKError:
    error = _json(body)
    if error is _NO_JSON or error is None:
        text = f"{api}:fail unknown wx response received: {complaint}"
        return CloudSDKError(_SYSTEM_ERROR, text, _FOREIGN)
    if isinstance(error, dict) and error.get("code") and "message" in error:
        code = _CODES.get(str(error["code"]), _RESOURCE_ERROR)
        return CloudSDKError(code, f"{api}:fail {error['message']}")
    text = to_json(api, error).decode()
    return CloudSDKError(_RESOURCE_ERROR, f"{api}:fail {text}")


def _json(body: bytes) -> Any:
    """Return the JSON value of a body, or _NO_JSON for any other body."""
    try:
        # Invalid UTF-8 becomes U+FFFD, as in Node.js.
        return read_json_body(body.decode("utf-8", "replace"))
    except ValueError:
        return _NO_JSON
