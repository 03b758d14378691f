"""Ways to carry a call to WeChat or to the emulator: each has one method, send."""

from cloud_openapi.transports._base import (
    Exchange,
    ExchangeError,
    Reply,
    Transport,
    bad_body,
    bad_status,
    timed_out,
    unreachable,
)
from cloud_openapi.transports._settings import connect, is_loopback

__all__ = [
    "Exchange",
    "ExchangeError",
    "Reply",
    "Transport",
    "bad_body",
    "bad_status",
    "connect",
    "is_loopback",
    "timed_out",
    "unreachable",
]
