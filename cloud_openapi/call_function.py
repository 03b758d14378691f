"""cloud.callFunction: a call from one function to another."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.json_text import read_json
from cloud_openapi.sdk_options import check_option, kind_of
from cloud_openapi.transports import Transport
from cloud_openapi.transports.actions import FOREIGN, ActionError, by_gateway
from cloud_openapi.transports.javascript import to_json

_OPTIONS = ("name", "data")


def call_function(transport: Transport, options: Any) -> dict[str, Any]:
    """Return the SDK's result of calling a function. Raises CloudSDKError, TypeError."""
    _check(options)
    act = by_gateway(transport, "callFunction", "Functions call each other").act
    data = to_json("callFunction", options.get("data") or {}).decode()
    try:
        answer = act(
            "functions.invokeFunction", {"function_name": options["name"], "request_data": data}
        )
    except ActionError as error:
        failure = error.failure("callFunction", coded=False)
    else:
        return {
            "result": _result(answer),
            "errMsg": "callFunction:ok",
            "requestID": answer.get("requestId", ""),
        }
    raise failure


def _result(answer: Mapping[str, Any]) -> Any:
    data = answer.get("data")
    result = data.get("response_data") if isinstance(data, dict) else None
    if not isinstance(result, str):
        raise CloudSDKError(-1, "callFunction:fail unknown response", FOREIGN)
    # The SDK parses a result that is a string once more.
    for _ in range(2):
        result = _parsed(result)
    return result


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except (ValueError, RecursionError):
        return value


def _check(options: Any) -> None:
    """Raise the SDK's errors for options of a wrong type, in JavaScript's words."""
    if not isinstance(options, Mapping):
        raise CloudSDKError(-1, f"parameter should be object instead of {kind_of(options)}; ")
    unknown = [str(name) for name in options if name not in _OPTIONS]
    if unknown:
        raise TypeError(f"callFunction has no option {', '.join(unknown)}; it has name and data.")
    check_option(options, "name", "string")
    if "data" in options:
        check_option(options, "data", "object")
    if not options["name"]:
        raise CloudSDKError(-1, "callFunction:fail 函数名不能为空")
