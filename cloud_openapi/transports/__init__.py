"""Ways to carry a call to WeChat or to the emulator; each is a class with the method ``send``."""

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
from cloud_openapi.transports._settings import (
    WEIXIN,
    TransportSettings,
    address_of,
    connect,
    credentials,
    is_loopback_url,
    open_exchange,
    settings_from_environment,
    variable_of,
)

__all__ = [
    "WEIXIN",
    "Exchange",
    "ExchangeError",
    "Reply",
    "Transport",
    "TransportSettings",
    "address_of",
    "bad_body",
    "bad_status",
    "connect",
    "credentials",
    "is_loopback_url",
    "open_exchange",
    "settings_from_environment",
    "timed_out",
    "unreachable",
    "variable_of",
]
