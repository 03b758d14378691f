"""Who calls by the gateway: a running function, known by its token, or another program."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from cloud_openapi.runtime import Credentials

ILLEGAL_SOURCE = -604104


class Invocation(Protocol):
    """A function that is running."""

    @property
    def function(self) -> str:
        """Its name."""

    @property
    def source(self) -> str:
        """By what it was started: ``wx_client``, ``wx_trigger`` and so on."""


class Outcome(Protocol):
    """What an invocation gave."""

    @property
    def result(self) -> Any:
        """The function's value, or an error object."""

    @property
    def text(self) -> str:
        """The same as JSON."""

    @property
    def status(self) -> int:
        """200, or the status of the error."""


class Invoker(Protocol):
    """What the gateway needs of `runtime.Functions`."""

    credentials: Credentials

    def invocation_of(self, token: str, /) -> Invocation | None:
        """Return the running invocation that was given a token."""

    def permissions_of(self, function: str, /) -> frozenset[str]:
        """Return the APIs that a function's config.json lists."""

    def root_permissions(self) -> frozenset[str]:
        """Return the APIs that the config.json of other programs lists."""

    def invoke(self, name: str, event: Any, *, now: datetime, source: str) -> Outcome:
        """Run a function, which is told the time and by what it was started.

        Raises UnknownFunctionError.
        """


class GatewayCaller(NamedTuple):
    """Who made a request to the gateway, and by what it was started."""

    function: str | None
    source: str


class UnknownCallerError(Exception):
    """A token that opens nothing: made up, of an invocation that is over, or another function's."""


def known_caller(token: str, owner: str | None, functions: Invoker | None) -> GatewayCaller:
    """Return who sent a request with a token. Raises UnknownCallerError.

    ``owner`` is the function whose credentials signed it. A token is good only with those of the
    function that it was given to; without either it is a program that the emulator did not start.
    """
    if not token and owner is None:
        return GatewayCaller(None, "")
    invocation = functions.invocation_of(token) if functions is not None and token else None
    if invocation is None or owner != invocation.function:
        raise UnknownCallerError
    return GatewayCaller(invocation.function, invocation.source)


def permits(caller: GatewayCaller, api: str, functions: Invoker | None) -> bool:
    """Say whether the caller's config.json lists an API; without functions there is none to ask."""
    if functions is None:
        return True
    if caller.function is None:
        return api in functions.root_permissions()
    return api in functions.permissions_of(caller.function)
