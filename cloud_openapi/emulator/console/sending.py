"""Calls that the console makes, as programs make them: over HTTPS, or by the gateway."""

import json
import secrets
from collections.abc import Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from flask import request

from cloud_openapi import clocks
from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.overrides.broken_responses import DroppedConnectionError
from cloud_openapi.naming import to_snake_case
from cloud_openapi.runtime import StandIn
from cloud_openapi.wire import https_form, multipart, signature

_NO_FILES: Final[Mapping[str, multipart.Part]] = MappingProxyType({})
_GATEWAY: Final = "/admin"
_QUERY: Final = "env=local"
# For a program that is not a function, any id will do.
_PROGRAM: Final = "console"


def send_https(
    tools: Tools,
    appid: str,
    operation: Operation,
    params: Mapping[str, Any],
    files: Mapping[str, multipart.Part] = _NO_FILES,
) -> int:
    """Call an API with a token of a mini program; return the number of the journal's entry.

    ``params`` have the names of the HTTPS form. Raises InvalidInputError.
    """
    given = {**params, **files}
    try:
        if operation.takes_json:
            written = https_form.write_json(given)
        else:
            written = https_form.write(given, operation.method, operation.query)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(error) from None
    return send_as_written(tools, appid, operation.method, operation.path, written)


def send_as_written(
    tools: Tools, appid: str, method: str, path: str, written: https_form.Written
) -> int:
    """Send any request with a token of a mini program; return the number of the journal's entry.

    Raises InvalidInputError for an unknown mini program.
    """
    token, _ = tools.emulator.program(appid).tokens.grant_stable(force=False)
    in_url = parse_qsl(written.query, keep_blank_values=True)
    headers = {"Content-Type": written.content_type} if written.content_type else {}
    before = tools.emulator.journal.newest
    query = [pair for pair in in_url if pair[0] != "access_token"] + [("access_token", token)]
    _send(tools, method, path, query=urlencode(query), body=written.body or b"", headers=headers)
    return _entry_after(tools, before, "https", path, body=written.body or b"")


def send_cloud(  # noqa: PLR0913 - each is a part of the call
    tools: Tools,
    function: str | None,
    api: str,
    params: Mapping[str, Any],
    files: Mapping[str, multipart.Part] = _NO_FILES,
    *,
    appid: str = "",
    convert: bool = True,
) -> int:
    """Call an API by the gateway as a function does; return the number of the journal's entry.

    Without a function the permissions are those of code outside of functions. ``convert`` renames
    the parameters as wx-server-sdk does; without it they are sent as they are. Raises
    InvalidInputError, and UnknownFunctionError.
    """
    message = _message(to_snake_case(dict(params)) if convert else params, files, appid)
    functions = tools.functions
    standing_in = functions.stand_in(function) if functions and function else nullcontext(None)
    before = tools.emulator.journal.newest
    with standing_in as caller:
        fields: dict[str, str | bytes] = {
            "action": "wx.openApi",
            "apiName": api,
            "wxCloudApiToken": "" if caller is None else caller.token,
            "requestData": message,
        }
        boundary = secrets.token_hex(16)
        kind = f"{multipart.CONTENT_TYPE}; boundary={boundary}"
        body = multipart.write(fields, boundary)
        headers = _signed(tools, caller, kind, fields)
        _send(tools, "POST", _GATEWAY, query=_QUERY, body=body, headers=headers)
    operation = tools.emulator.catalogue.get(api)
    path = _GATEWAY if operation is None else operation.path
    return _entry_after(tools, before, "gateway", path, "" if caller is None else caller.request_id)


def _message(params: Mapping[str, Any], files: Mapping[str, multipart.Part], appid: str) -> bytes:
    # Loaded on demand: protobuf is an optional dependency.
    try:
        from cloud_openapi.wire.messages import Pair, write_request  # noqa: PLC0415
    except ImportError:
        raise InvalidInputError(
            t(
                "Cloud calls need protobuf: pip install 'protobuf>=4.25'",
                "云调用需要 protobuf：pip install 'protobuf>=4.25'",
            )
        ) from None
    pairs = [Pair(name, part.content, part.filename) for name, part in files.items()]
    try:
        pairs[:0] = [
            Pair(name, json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
            for name, value in params.items()
        ]
        return write_request(pairs, appid)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unwritable(error) from None


def _signed(
    tools: Tools, caller: StandIn | None, kind: str, fields: Mapping[str, str | bytes]
) -> dict[str, str]:
    """Return the headers of a request to the gateway, signed as its caller signs."""
    headers = {"content-type": kind}
    if caller is not None:
        secret_id, secret_key = caller.secret_id, caller.secret_key
    elif tools.emulator.gateway_secret is not None:
        secret_id, secret_key = _PROGRAM, tools.emulator.gateway_secret
    else:
        return headers
    encoded = {
        name: value if isinstance(value, bytes) else value.encode()
        for name, value in fields.items()
        if value
    }
    timestamp = int(clocks.now())
    signed = signature.Signed(
        f"//{request.host}{_GATEWAY}", _QUERY, {**headers, "host": request.host}, encoded
    )
    authorization = signature.sign(signed, secret_id, secret_key, timestamp)
    return {**headers, "authorization": authorization, "x-timestamp": str(timestamp)}


def _send(tools: Tools, method: str, path: str, **parts: Any) -> None:
    # A fault may drop the connection; the journal has the request all the same.
    try:
        tools.send(method, path, **parts)
    except DroppedConnectionError:
        return


def _entry_after(  # noqa: PLR0913 - each tells the entry from those of others
    tools: Tools, before: int, via: str, path: str, invocation: str = "", body: bytes = b""
) -> int:
    """Return the number of the entry of a request that was sent when ``before`` was the newest."""
    found = [
        (number, entry)
        for number, entry in tools.emulator.journal.numbered()
        # The gateway's own errors have its path.
        if number > before
        and (entry.via, entry.invocation) == (via, invocation)
        and entry.path in {path, _GATEWAY}
    ]
    # Others may call the API at the same time. A body with a secret is another one in the journal.
    alike = [pair for pair in found if pair[1].body == body]
    for number, _entry in alike or found:
        return number
    raise NotFoundError(t("entry of the request in the journal", "该请求的日志条目"))


def _unwritable(error: Exception) -> InvalidInputError:
    return InvalidInputError(
        t(
            f"the parameters cannot be written as JSON: {error}",
            f"参数无法写成 JSON：{error}",
        )
    )
