"""A call through the CloudBase gateway."""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Request, Response

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.caller import Caller
from cloud_openapi.emulator.weixin.request_fields import file_json, file_of
from cloud_openapi.emulator.weixin.respond import UNREAD, WEIXIN_JSON, Call, Rename
from cloud_openapi.json_text import read_json_body

if TYPE_CHECKING:
    from cloud_openapi.wire.messages import Pair

ResponseBuilder = Callable[[bytes, int, str], Response]
"""Returns the HTTP response with WeChat's answer, or with the platform's error code if not 0."""


class GatewayCall(Call):
    """A call of an API by its name, without an access token."""

    __slots__ = (
        "_build_response",
        "_params",
        "_secrets",
        "function",
        "invocation",
        "on_failure",
        "refusal",
        "rename",
    )

    via = "gateway"

    def __init__(  # noqa: PLR0913 - each is a part of the call
        self,
        request: Request,
        program: MiniProgram,
        operation: Operation | None,
        params: "Params",
        build_response: ResponseBuilder,
        secrets: tuple[str | None, ...],
    ) -> None:
        self.request = request
        self.path = request.path if operation is None else operation.path
        self.side_car = False
        self.program = program
        self.now = program.clock.now()
        self.function: str | None = None
        self.invocation = ""
        self.apis = ()
        self.rename: Rename = str
        self.on_failure: Callable[[str, int, str], None] | None = None
        """Called with the reason, the code and the rid of a failed call."""
        self.refusal: RefusalError | None = None
        """The error that refuses the call, None if it is permitted."""
        self._json = UNREAD
        self.files = params.files
        self.operation = operation
        self._params = params
        self._build_response = build_response
        self._secrets = secrets

    @property
    def secrets(self) -> tuple[str | None, ...]:
        """Return the secrets that neither a journal entry nor a message may show."""
        return (*self._secrets, self.program.secret)

    @property
    def method(self) -> str:
        """Return the HTTP method of the API."""
        return self.request.method if self.operation is None else self.operation.method

    def authorise(self, _method: str) -> MiniProgram:
        """Return the mini program that makes the call. Raises RefusalError."""
        if self.refusal is not None:
            raise self.refusal
        return self.program

    def caller(self, _emulator: Emulator) -> Caller:
        """Return the sender, without a token that a fault could revoke."""
        address = self.request.remote_addr or ""
        return Caller(self.program, self.path, None, address, gateway=True)

    def journal_body(self) -> bytes:
        """Return the parameters as received."""
        return self._params.body

    def response(self, data: bytes, platform_code: int, content_type: str) -> Response:
        """Return the gateway's response."""
        # A recording may have any type; the SDK takes an answer of another type for a file.
        binary = self.operation is None or self.operation.binary
        return self._build_response(data, platform_code, content_type if binary else WEIXIN_JSON)

    def explain(self, reason: str, code: int, rid: str) -> None:
        """Tell the function why its call failed."""
        if self.on_failure is not None:
            self.on_failure(reason, code, rid)

    def _parse_body(self, _form_error: int) -> dict[str, Any]:
        return self._params.parse()


class Params(NamedTuple):
    """Parameters as received, and a function that parses them, or raises RefusalError."""

    body: bytes
    parse: Callable[[], dict[str, Any]]
    files: Mapping[str, bytes] = MappingProxyType({})


def params_from_pairs(pairs: "Iterable[Pair]") -> Params:
    """Return the parameters of a message; the body has each file as `file_json` writes it."""
    given = list(pairs)
    values = [
        (each.key, file_json(each.filename, each.value) if each.filename else each.value)
        for each in given
    ]
    members = (json.dumps(key, ensure_ascii=False).encode() + b":" + value for key, value in values)

    def parse() -> dict[str, Any]:
        return {
            each.key: file_of(each.filename, each.value)
            if each.filename
            else _parse_json(each.value)
            for each in given
        }

    files = {each.key: each.value for each in given if each.filename}
    return Params(b"{" + b",".join(members) + b"}", parse, files)


def params_from_json(body: bytes) -> Params:
    """Return the parameters in a JSON object, none for an empty body."""

    def parse() -> dict[str, Any]:
        value = _parse_json(body) if body else {}
        if not isinstance(value, dict):
            raise RefusalError(47001, "requestData")
        return value

    return Params(body, parse)


def _parse_json(value: bytes) -> Any:
    try:
        return read_json_body(value)
    except ValueError:
        raise RefusalError(47001, "requestData") from None
