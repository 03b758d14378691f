from typing import Any, NamedTuple, Protocol

from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.emulator.state.seeds import RandomStreams


class Owner(Protocol):
    """The owner of faults and pins: a mini program, or all of them if the appid is None."""

    appid: str | None
    clock: Clock
    streams: RandomStreams
    faults: list[Any]
    """Of `Fault`."""
    pins: Any
    """`PinTables`."""


class Caller(NamedTuple):
    """The attributes of a request that select the faults for it.

    ``token`` is None unless it is valid. A call by the CloudBase gateway has no token.
    """

    owner: Owner
    path: str
    token: str | None
    address: str
    gateway: bool = False
