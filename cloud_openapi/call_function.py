"""cloud.callFunction: a call from one function to another."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.errors import CloudSDKError
from cloud_openapi.transports import Transport

_OPTIONS = ("name", "data")


def call_function(transport: Transport, options: Any) -> dict[str, Any]:
    """Return the SDK's result of calling a function. Raises CloudSDKError, TypeError."""
    _check(options)
    call = getattr(transport, "call_function", None)
    if call is None:
        raise CloudSDKError(
            -1,
            "callFunction:fail no gateway",
            "Functions call each other by the CloudBase gateway only. It is the default in a "
            "function without an appid and a secret; CLOUD_OPENAPI_TRANSPORT=gateway selects it.",
        )
    result, request_id = call(options["name"], options.get("data") or {})
    return {"result": result, "errMsg": "callFunction:ok", "requestID": request_id}


def _check(options: Any) -> None:
    """Raise the SDK's errors for options of a wrong type, in JavaScript's words."""
    if not isinstance(options, Mapping):
        raise CloudSDKError(-1, f"parameter should be object instead of {_kind(options)}; ")
    unknown = [str(name) for name in options if name not in _OPTIONS]
    if unknown:
        raise TypeError(f"callFunction has no option {', '.join(unknown)}; it has name and data.")
    for option, kind in (("name", "string"), ("data", "object")):
        given = _kind(options[option]) if option in options else "undefined"
        if given != kind and (option == "name" or option in options):
            raise CloudSDKError(-1, f"parameter.{option} should be {kind} instead of {given};")
    if not options["name"]:
        raise CloudSDKError(-1, "callFunction:fail 函数名不能为空")


def _kind(value: Any) -> str:
    kinds = {str: "string", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return kinds.get(type(value), "array" if isinstance(value, list | tuple) else "object")
