"""A call that came by the CloudBase gateway: who made it, what it asks for, how it is answered."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Request, Response

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.state.caller import Caller
from cloud_openapi.emulator.weixin.respond import Call

if TYPE_CHECKING:
    from cloud_openapi.wire.messages import Pair

Carry = Callable[[bytes, int], Response]
"""Makes an HTTP answer of WeChat's JSON, or of the platform's error code if it is not 0."""


class GatewayCall(Call):
    """One call of an API by its name, without an access token."""

    __slots__ = ("_body", "_carry", "function")

    via = "gateway"

    def __init__(
        self, request: Request, operation: Operation | None, body: bytes, carry: Carry
    ) -> None:
        super().__init__(request)
        if operation is not None:
            self.method, self.path = operation.method, operation.path
        self.function: str | None = None
        self._body = body
        self._carry = carry

    def caller(self, _emulator: Emulator) -> Caller:
        """Return who calls; there is no token that a fault could revoke."""
        address = self.request.remote_addr or ""
        return Caller(self.path, self.appid, None, self.appid, address, gateway=True)

    def body_to_keep(self) -> bytes:
        """Return the parameters, each as it came."""
        return self._body

    def response(self, data: bytes, platform_code: int) -> Response:
        """Return the gateway's answer."""
        return self._carry(data, platform_code)


class Params(NamedTuple):
    """Parameters as they came, and what reads them. Reading raises RefusalError."""

    body: bytes
    read: Callable[[], dict[str, Any]]


def params_of_pairs(pairs: "Iterable[Pair]") -> Params:
    """Return the parameters of a message; a file is ``{"filename", "base64"}`` in them."""
    values = [(pair.key, _file(pair) if pair.filename else pair.value) for pair in pairs]
    members = (json.dumps(key, ensure_ascii=False).encode() + b":" + value for key, value in values)

    def read() -> dict[str, Any]:
        return {key: _json(value) for key, value in values}

    return Params(b"{" + b",".join(members) + b"}", read)


def params_of_text(text: str) -> Params:
    """Return the parameters that a text holds as a JSON object; an empty one has none."""

    def read() -> dict[str, Any]:
        value = _json(text.encode("utf-8", "surrogatepass")) if text else {}
        if not isinstance(value, Mapping):
            raise RefusalError(47001, "requestData")
        return dict(value)

    return Params(text.encode("utf-8", "backslashreplace"), read)


def _file(pair: "Pair") -> bytes:
    content = base64.b64encode(pair.value).decode()
    return json.dumps({"filename": pair.filename, "base64": content}, ensure_ascii=False).encode()


def _json(value: bytes) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise RefusalError(47001, "requestData") from None
