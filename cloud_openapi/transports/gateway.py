"""The CloudBase gateway: the form of wx-server-sdk's own calls, without an access token.

Messages, fields, signature and errors are those of wx-server-sdk 4.0.2. The platform gives each
invocation a token; by it the gateway finds the function and its config.json.
"""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar

from cloud_openapi import clocks
from cloud_openapi.catalogue import Operation
from cloud_openapi.context import DynamicEnv, current_env
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError
from cloud_openapi.transports._base import Exchange, ExchangeError, Reply, bad_status
from cloud_openapi.transports._body import masked
from cloud_openapi.transports._gateway_reply import (
    answer_of,
    gateway_failure,
    result_of,
    without_secrets,
)
from cloud_openapi.transports._gateway_request import (
    Invocation,
    NoCredentialsError,
    api_token,
    read_invocation,
    signed_headers,
)
from cloud_openapi.transports._packing import pack, to_json
from cloud_openapi.wire import multipart
from cloud_openapi.wire.messages import write_request

_Read = TypeVar("_Read")


class _Request(NamedTuple):
    exchange: Exchange
    base: str
    target: str
    body: bytes
    headers: dict[str, str]
    tokens: tuple[str, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no error may show."""
        return (*self.tokens, self.headers["authorization"].rpartition("=")[2])

    def read(self, reply: Reply, read: Callable[[Reply], _Read]) -> _Read:
        """Return what ``read`` finds in the response.

        Raises ExchangeError for a status other than 200, with Node.js's phrase for it, and the
        CloudSDKError of ``read`` without secrets.
        """
        if reply.status != HTTPStatus.OK:
            raise bad_status(reply.status, _phrase(reply.status), self.base + self.target)
        try:
            return read(reply)
        except CloudSDKError as error:
            failure = without_secrets(error, self.secrets)
        raise failure


class GatewayTransport:
    """Calls WeChat's APIs by the CloudBase gateway, as the running function.

    ``env`` is the environment's id, by default the function's own. Address, credentials and tokens
    are read from the platform's variables once for each invocation token, or at each call without
    a token. ``exchange_of`` opens an exchange with a base URL. Safe to share between threads.
    """

    enforces_permissions = True
    """The gateway itself checks config.json; the facade does not."""

    def __init__(
        self, exchange_of: Callable[[str], Exchange], env: str | DynamicEnv | None = None
    ) -> None:
        self._exchange_of = exchange_of
        self._env = env
        self._exchanges: dict[str, Exchange] = {}
        self._numbers = count(1)
        self._known: tuple[str, Invocation] | None = None

    def __repr__(self) -> str:
        return f"<GatewayTransport {self._env or 'of the function'}>"

    def send(self, operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return WeChat's response, also for an error of WeChat's.

        A response other than JSON is ``{"contentType": str, "buffer": bytes}``. Raises
        CloudSDKError, and TypeError for parameters that JSON cannot write.
        """
        name = operation.name
        message = write_request(pack(name, params))
        try:
            request = self._request(
                {"action": "wx.openApi", "apiName": name, "requestData": message}, "multipart"
            )
            reply = request.exchange.send("POST", request.target, request.body, request.headers)
            answer = request.read(reply, partial(answer_of, name))
        except NoCredentialsError as error:
            failure = gateway_failure(f"openapi.{name}", "INVALID_PARAM", str(error))
        except ExchangeError as error:
            code = -501001
            text = f"openapi.{name}:fail {code} {SDK_TEXTS[code]}. {error.reason}"
            failure = CloudSDKError(code, text, error.hint)
        else:
            return masked(answer, *request.secrets) if answer.get("errcode") else answer
        raise failure

    def call_function(self, name: str, data: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the result of a function of the same environment, and the id of the request.

        Raises CloudSDKError with errCode -1 as the SDK does, TypeError for data that JSON cannot
        write.
        """
        fields: dict[str, str | bytes] = {
            "action": "functions.invokeFunction",
            "function_name": name,
            "request_data": to_json("callFunction", data).decode(),
        }
        try:
            request = self._request(fields, "json")
            reply = request.exchange.send("POST", request.target, request.body, request.headers)
            return request.read(reply, result_of)
        except NoCredentialsError as error:
            failure = CloudSDKError(-1, f"callFunction:fail {error}")
        except ExchangeError as error:
            failure = CloudSDKError(-1, f"callFunction:fail {error.reason}", error.hint)
        raise failure

    def _request(self, fields: dict[str, str | bytes], form: str) -> "_Request":
        sequence = os.environ.get("TCB_SEQID", "")
        invocation = self._invocation()
        address = invocation.address
        fields |= invocation.fields
        query = (
            f"{address.query}env={invocation.env}&seqId={f'{sequence}-' if sequence else ''}"
            f"{int(clocks.now() * 1000):x}_{next(self._numbers):x}"
        )
        if form == "multipart":
            boundary = "-" * 26 + secrets.token_hex(12)
            kind = f"{multipart.CONTENT_TYPE}; boundary={boundary}"
            body = multipart.write(fields, boundary)
        else:
            kind = "application/json"
            body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed_headers(invocation, query, kind, fields)
        base = address.base
        exchange = self._exchanges.get(base)
        if exchange is None:
            exchange = self._exchanges[base] = self._exchange_of(base)
        target = f"{address.path}?{query}"
        return _Request(exchange, base, target, body, headers, invocation.secrets)

    def _invocation(self) -> Invocation:
        token, known = api_token(), self._known
        if known is not None and known[0] == token:
            return known[1]
        invocation = read_invocation(
            self._env if isinstance(self._env, str) else current_env(), token
        )
        # One assignment: other threads read the pair.
        self._known = (token, invocation) if token else None
        return invocation


# Node.js's phrases that differ from Python's, or from those of some Python versions.
_PHRASES: Final = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
    509: "Bandwidth Limit Exceeded",
}


def _phrase(status: int) -> str:
    if status in _PHRASES:
        return _PHRASES[status]
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "undefined"
