from typing import Any, NamedTuple, Protocol

from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.emulator.state.seeds import RandomStreams


class Owner(Protocol):
    """The mini program that faults and pins belong to; with appid None they are for all."""

    appid: str | None
    clock: Clock
    streams: RandomStreams
    faults: list[Any]
    """Of `Fault`."""
    pins: Any
    """`PinTables`."""


class Caller(NamedTuple):
    """The sender of a request, as far as a fault may select by it.

    ``token`` is None unless it is valid. A call by the CloudBase gateway has no token.
    """

    owner: Owner
    path: str
    token: str | None
    address: str
    gateway: bool = False
