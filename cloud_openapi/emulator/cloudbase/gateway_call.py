"""A call by the CloudBase gateway: its caller, its parameters and its response."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Request, Response

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.caller import Caller
from cloud_openapi.emulator.weixin.respond import UNREAD, Call

if TYPE_CHECKING:
    from cloud_openapi.wire.messages import Pair

Carry = Callable[[bytes, int], Response]
"""Makes an HTTP answer of WeChat's JSON, or of the platform's error code if it is not 0."""


class GatewayCall(Call):
    """One call of an API by its name, without an access token."""

    __slots__ = ("_carry", "_operation", "_params", "function", "refusal")

    via = "gateway"

    def __init__(
        self,
        request: Request,
        program: MiniProgram,
        operation: Operation | None,
        params: "Params",
        carry: Carry,
    ) -> None:
        self.request = request
        self.path = request.path if operation is None else operation.path
        self.side_car = False
        self.program = program
        self.now = program.clock.now()
        self.function: str | None = None
        self.refusal: RefusalError | None = None
        """The reason why the caller may not make the call."""
        self._json = UNREAD
        self._operation = operation
        self._params = params
        self._carry = carry

    @property
    def method(self) -> str:
        """Return the HTTP method of the API."""
        return self.request.method if self._operation is None else self._operation.method

    def authorise(self, _method: str) -> MiniProgram:
        """Return the mini program that makes the call. Raises RefusalError."""
        if self.refusal is not None:
            raise self.refusal
        return self.program

    def caller(self, _emulator: Emulator) -> Caller:
        """Return the sender; a fault has no token to revoke."""
        address = self.request.remote_addr or ""
        return Caller(self.program, self.path, None, address, gateway=True)

    def body_to_keep(self) -> bytes:
        """Return the parameters, each as it came."""
        return self._params.body

    def response(self, data: bytes, platform_code: int) -> Response:
        """Return the gateway's response."""
        return self._carry(data, platform_code)

    def _read(self, _form_error: int) -> dict[str, Any]:
        return self._params.read()


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
