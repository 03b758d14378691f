"""The CloudBase gateway: the form of wx-server-sdk's own calls, without an access token.

Messages, fields, signature and errors are those of wx-server-sdk 4.0.2. The platform gives each
invocation a token; by it the gateway finds the function and its config.json.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

from cloud_openapi import clocks
from cloud_openapi.catalogue import Operation
from cloud_openapi.context import DynamicEnv, current_env
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError
from cloud_openapi.transports._base import Exchange, ExchangeError, Reply, bad_status
from cloud_openapi.transports._body import masked
from cloud_openapi.transports._gateway_reply import (
    answer_of,
    answer_of_action,
    without_secrets,
)
from cloud_openapi.transports._gateway_request import (
    Invocation,
    NoCredentialsError,
    api_token,
    json_bytes_of,
    read_invocation,
    signed_headers,
)
from cloud_openapi.transports._packing import pack
from cloud_openapi.transports.actions import FOREIGN, ActionError, gateway_failure
from cloud_openapi.transports.javascript import replace_halves
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

    def __repr__(self) -> str:
        # Body and headers hold tokens.
        return f"<_Request to {self.base}>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what no error may show."""
        return (*self.tokens, self.headers["authorization"].rpartition("=")[2])

    def read(self, reply: Reply, read: Callable[[Reply], _Read]) -> _Read:
        """Return what ``read`` finds in the response.

        Raises ExchangeError for a status other than 200, with Node.js's phrase for it, and the
        error of ``read`` without secrets.
        """
        if reply.status != HTTPStatus.OK:
            raise bad_status(reply.status, _phrase(reply.status), self.base + self.target)
        try:
            return read(reply)
        except CloudSDKError as error:
            failure: Exception = without_secrets(error, self.secrets)
        except ActionError as error:
            failure = error.masked(self.secrets)
        raise failure


class GatewayTransport:
    """Calls WeChat's APIs by the CloudBase gateway, as the running function.

    ``env`` is the environment's id, by default the function's own. Address, credentials and tokens
    are read from the platform's variables once for each invocation token, or at each call without
    a token. ``exchange_of`` opens an exchange with a base URL. Safe to share between threads and
    with forked processes.
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

    def act(self, action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a JSON action, such as database.getDocument.

        The values of the fields are texts, numbers, booleans, lists and objects. Raises
        ActionError.
        """
        try:
            whole = {
                name: replace_halves(value) if isinstance(value, str) else value
                for name, value in fields.items()
            }
            request = self._request({"action": action, **whole}, "json")
            reply = request.exchange.send("POST", request.target, request.body, request.headers)
            return request.read(reply, answer_of_action)
        except NoCredentialsError as error:
            failure = ActionError("INVALID_PARAM", str(error))
        except ExchangeError as error:
            failure = ActionError(str(error.code), error.reason, error.hint)
        raise failure

    def in_environment(self, env: str | DynamicEnv) -> "GatewayTransport":
        """Return the transport to another environment of the account."""
        other = GatewayTransport(self._exchange_of, env)
        other._exchanges = self._exchanges
        return other

    def transfer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | BinaryIO | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Reply:
        """Send one request to the file storage, with content or for some, in parts.

        ``sink`` is given the parts of the content of a response of status 200. Raises ActionError.
        """
        try:
            address = urlsplit(url)
            exchange = self._exchange(f"{address.scheme}://{address.netloc}")
            target = urlunsplit(("", "", address.path or "/", address.query, ""))
            return exchange.transfer(method, target, headers, content, sink)
        except ExchangeError as error:
            failure = ActionError(str(error.code), error.reason, error.hint)
        except ValueError:
            failure = ActionError("", "unknown response", FOREIGN)
        raise failure

    def _exchange(self, base: str) -> Exchange:
        exchange = self._exchanges.get(base)
        if exchange is None:
            exchange = self._exchanges[base] = self._exchange_of(base)
        return exchange

    def _request(self, fields: dict[str, Any], form: str) -> "_Request":
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
            body = json_bytes_of(fields)
        headers = signed_headers(invocation, query, kind, fields)
        exchange = self._exchange(address.base)
        target = f"{address.path}?{query}"
        return _Request(exchange, address.base, target, body, headers, invocation.secrets)

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
