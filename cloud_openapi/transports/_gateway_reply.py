"""The gateway's responses as wx-server-sdk 4.0.2 reads them, with its errors to the letter."""

import re
from collections.abc import Iterable
from typing import Any, Final

from cloud_openapi.errors import CloudSDKError, advice, system_error
from cloud_openapi.masking import mask_text
from cloud_openapi.transports._base import Reply, bad_body
from cloud_openapi.transports.actions import (
    FOREIGN,
    RESOURCE_ERROR,
    ActionError,
    code_number,
    gateway_failure,
)
from cloud_openapi.transports.javascript import (
    NO_JSON,
    field_text,
    read_json,
    to_json,
    to_text,
    whole,
)
from cloud_openapi.wire.messages import MessageError, read_answer

# The exact Content-Type by which the SDK recognises an error of the gateway's own.
_ERROR_TYPE: Final = "application/json; charset=utf-8"
_TEXT = re.compile(r"application/json|text/plain")
_SYSTEM_ERROR = -601001
_LONGEST_SHOWN: Final = 2000


def answer_of(api: str, reply: Reply) -> dict[str, Any]:
    """Return WeChat's response within a reply of the gateway. Raises CloudSDKError."""
    if reply.content_type == _ERROR_TYPE:
        error = read_json(reply.body)
        if error is not NO_JSON:
            raise _refusal(api, error)
    try:
        answer = read_answer(reply.body)
    except MessageError as complaint:
        raise _no_message(api, reply.body, str(complaint)) from None
    if answer.error_code:
        raise system_error(answer.error_code, advice(answer.error_code))
    if not _TEXT.search(answer.content_type):
        return {"contentType": answer.content_type.strip(), "buffer": answer.body}
    value = read_json(answer.body)
    if isinstance(value, dict) and not isinstance(value.get("errcode"), list | dict):
        return {**value, "errcode": whole(value["errcode"])} if value.get("errcode") else value
    if isinstance(value, list):
        return {str(index): item for index, item in enumerate(value)}
    text = answer.body.decode("utf-8", "replace")
    if value is NO_JSON and "text/plain" in answer.content_type:
        return {"result": text}
    raise bad_body(text).failure(api)


def answer_of_action(reply: Reply) -> dict[str, Any]:
    """Return the gateway's answer to a JSON action. Raises ActionError."""
    answer = read_json(reply.body)
    if not isinstance(answer, dict):
        raise ActionError("", "unknown response", FOREIGN)
    if answer.get("code"):
        code = to_text(answer["code"])
        hint = f"The gateway says {code}, request {answer.get('requestId')}."
        raise ActionError(code, field_text(answer, "message"), hint)
    return answer


def without_secrets(failure: CloudSDKError, secrets: Iterable[str | None]) -> CloudSDKError:
    """Return an error with the secrets masked that the gateway repeated in it, and a body cut."""
    known = frozenset(secrets)
    message, hint = (mask_text(text, known) for text in (failure.errMsg, failure.hint))
    if failure.errCode == _SYSTEM_ERROR and len(message) > _LONGEST_SHOWN:
        message = f"{message[:_LONGEST_SHOWN]}…"
    return CloudSDKError(failure.errCode, message, hint, code=failure.code)


def _refusal(api: str, error: Any) -> CloudSDKError:
    fields = error if isinstance(error, dict) else {}
    if fields.get("code"):
        return gateway_failure(
            f"openapi.{api}", fields["code"], to_text(fields.get("message") or "Error")
        )
    if fields.get("errcode"):
        return CloudSDKError(whole(fields["errcode"]), f"{api}:fail {field_text(fields, 'errmsg')}")
    return CloudSDKError(RESOURCE_ERROR, f"{api}:fail unknown response {to_text(error)}")


def _no_message(api: str, body: bytes, complaint: str) -> CloudSDKError:
    error = read_json(body)
    if error is NO_JSON or error is None:
        text = f"{api}:fail unknown wx response received: {complaint}"
        return CloudSDKError(_SYSTEM_ERROR, text, FOREIGN)
    if isinstance(error, dict) and error.get("code") and "message" in error:
        code = code_number(error["code"])
        return CloudSDKError(code, f"{api}:fail {to_text(error['message'])}")
    text = to_json(api, error).decode()
    return CloudSDKError(RESOURCE_ERROR, f"{api}:fail {text}")
