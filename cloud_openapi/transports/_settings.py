"""From settings to a transport: the address of a call, and the mini program that makes it."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args
from urllib.parse import urlsplit

from cloud_openapi.context import DynamicEnv
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.errors import ConfigError
from cloud_openapi.loopback import is_loopback
from cloud_openapi.masking import mask_url
from cloud_openapi.transports._base import Exchange, Kind, TokenAPI, Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloud_openapi.recordings import Recorder
    from cloud_openapi.tokens import Granted
    from cloud_openapi.tokens._shared import SharedToken
    from cloud_openapi.transports.https import HTTPExchange

WEIXIN = "https://api.weixin.qq.com"
_CHOICES = {"token_api": get_args(TokenAPI), "transport": get_args(Kind)}


class TransportSettings(NamedTuple):
    """The options of ``cloud.init`` that choose a transport; ``timeout`` is in seconds."""

    appid: str | None = None
    secret: str | None = None
    base_url: str | None = None
    token_api: TokenAPI = "stable_token"  # noqa: S105 - the name of an API
    timeout: float = 15.0
    transport: Kind | None = None
    env: str | DynamicEnv | None = None
    token_file: Path | None = None
    token_store: Any = None

    def __repr__(self) -> str:
        # The secret must not reach a log.
        return f"<TransportSettings of {self.appid} for {self.base_url}>"


def settings_from_environment(**given: Any) -> TransportSettings:
    """Return the settings; a variable CLOUD_OPENAPI_… is the default of each.

    Raises ConfigError for an invalid value.
    """
    values: dict[str, Any] = {name: given.get(name) for name in TransportSettings._fields}
    for name, value in values.items():
        if value is None:
            values[name] = variable_of(name)
    for name, choices in _CHOICES.items():
        _check_choice(name, values[name], choices)
    values["token_api"] = values["token_api"] or "stable_token"
    values["timeout"] = _seconds(values["timeout"])
    if values["token_file"] is not None:
        values["token_file"] = Path(values["token_file"])
    return TransportSettings(**values)


def variable_of(name: str) -> str | None:
    """Return the variable of an option, such as CLOUD_OPENAPI_APPID; None if empty or missing."""
    return os.environ.get(f"CLOUD_OPENAPI_{name.upper()}") or None


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ConfigError(
            f"{name} (CLOUD_OPENAPI_{name.upper()}) is {', '.join(choices[:-1])} or {choices[-1]}, "
            f'not "{value}"'
        )


def _seconds(value: float | str | None) -> float:
    try:
        seconds = 15.0 if value is None else float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"timeout (CLOUD_OPENAPI_TIMEOUT) is a number of seconds, not {value!r}")
    return seconds


def connect(
    settings: TransportSettings,
    recorder: "Recorder | None" = None,
    exchange: Exchange | None = None,
) -> Transport | None:
    """Return the transport that the settings choose, or None if they name no service to call.

    An appid, a secret or an address selects HTTPS; without them a function of CloudBase uses the
    gateway. The real service is never called without credentials. A loopback address needs none:
    the emulator's demo mini program is the default there, and nowhere else. With ``recorder``
    each response over HTTPS is recorded. Mini programs with one ``exchange`` share its connections.

    Raises ConfigError for settings that contradict each other.
    """
    kind = settings.transport
    if kind is None and not (settings.appid or settings.secret or settings.base_url):
        kind = "gateway" if _in_cloudbase() else None
        if kind is None:
            return None
    if recorder is not None and kind in {"gateway", "cloudrun"}:
        raise ConfigError(
            f"Calls by {kind} are not recorded: set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET, "
            "or let the emulator record them (cloud-openapi serve --mode record)."
        )
    if kind == "gateway":
        return _gateway(settings)
    if kind == "cloudrun":
        return _cloudrun(settings)
    return _https(settings, recorder, exchange)


def _in_cloudbase() -> bool:
    """Return True in a function of CloudBase, which signs its calls by these variables."""
    if os.environ.get("TCB_CONTEXT_CNFG"):
        return True
    credentials = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY")
    inside = os.environ.get("TENCENTCLOUD_RUNENV") == "SCF"
    return inside and all(map(os.environ.get, credentials))


def _gateway(settings: TransportSettings) -> Transport:
    try:
        # This loads protobuf, which the other transports do not need.
        from cloud_openapi.transports.gateway import GatewayTransport  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The CloudBase gateway needs the package {error.name}: "
            "pip install 'protobuf>=4.25', or set CLOUD_OPENAPI_TRANSPORT=https."
        ) from None
    return GatewayTransport(lambda url: open_exchange(url, settings.timeout), settings.env)


def _cloudrun(settings: TransportSettings) -> Transport:
    from cloud_openapi.transports.cloudrun import TOKEN_FILE, CloudRunTransport  # noqa: PLC0415

    token_file = settings.token_file
    if token_file is None and TOKEN_FILE.is_file():
        token_file = TOKEN_FILE
    # Without a token file a call must use http: the side-car fills the token in.
    default = WEIXIN if token_file else WEIXIN.replace("https:", "http:")
    base_url = (settings.base_url or default).rstrip("/")
    return CloudRunTransport(open_exchange(base_url, settings.timeout), token_file)


def _https(
    settings: TransportSettings, recorder: "Recorder | None", exchange: Exchange | None
) -> Transport:
    base_url = address_of(settings)
    appid, secret = credentials(settings)
    from cloud_openapi.transports.https import HTTPSTransport  # noqa: PLC0415

    http = exchange or open_exchange(base_url, settings.timeout)
    if recorder is None:
        share = _share(settings, base_url, appid) if settings.token_store is not None else None
        return HTTPSTransport(http, appid, secret, settings.token_api, share)
    from cloud_openapi.transports.recording import RecordingExchange  # noqa: PLC0415

    recorder.redactor.give(appid, secret)
    recording = RecordingExchange(http, base_url, recorder)
    return HTTPSTransport(recording, appid, secret, settings.token_api)


def _share(
    settings: TransportSettings, base_url: str, appid: str
) -> "Callable[[Callable[[], Granted]], SharedToken]":
    """Return what makes the token of a mini program one of the store. Raises ConfigError."""
    # A process that keeps its token to itself does not need these.
    from cloud_openapi.tokens._shared import SharedToken  # noqa: PLC0415
    from cloud_openapi.tokens._store import Key, token_store  # noqa: PLC0415

    store, key = token_store(settings.token_store), Key(base_url, appid)
    # A little more than a fetch can take: connecting and the answer have the timeout each.
    seconds = 2 * settings.timeout + 1
    return lambda fallback: SharedToken(store, key, fallback, seconds)


def credentials(settings: TransportSettings) -> tuple[str, str]:
    """Return the appid and the secret to call HTTPS with. Raises ConfigError."""
    base_url, appid, secret = address_of(settings), settings.appid, settings.secret
    loopback = is_loopback_url(base_url)
    if loopback and not (appid or secret):
        return DEMO_APPID, DEMO_SECRET
    if not appid or not secret:
        missing = "appid (CLOUD_OPENAPI_APPID)" if not appid else "secret (CLOUD_OPENAPI_SECRET)"
        raise ConfigError(f"{base_url} needs an appid and a secret: the {missing} is missing.")
    if appid == DEMO_APPID and not loopback:
        raise ConfigError(
            f"{DEMO_APPID} is the emulator's own and is sent to a loopback address only, not to "
            f"{base_url}. Set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET to your mini program's."
        )
    if base_url.startswith("http:") and not loopback:
        warnings.warn(f"{base_url} gets the secret unencrypted; use https.", stacklevel=5)
    return appid, secret


def address_of(settings: TransportSettings) -> str:
    """Return the address that HTTPS calls, without a slash at its end."""
    return (settings.base_url or WEIXIN).rstrip("/")


def open_exchange(base_url: str, timeout: float) -> "HTTPExchange":
    """Return connections to an address; they open with the first request."""
    # This loads requests, which a process without calls does not need.
    from cloud_openapi.transports.https import HTTPExchange  # noqa: PLC0415

    return HTTPExchange(base_url, timeout=timeout, use_proxies=not is_loopback_url(base_url))


def is_loopback_url(base_url: str) -> bool:
    """Return True if a base URL leads to this machine. Raises ConfigError for an invalid URL."""
    try:
        parts = urlsplit(base_url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise ConfigError(
            f'"{mask_url(base_url)}" is not a base URL; one looks like {WEIXIN} or '
            "http://127.0.0.1:7070"
        )
    if parts.username or parts.password:
        raise ConfigError("The base URL must not hold a user name or a password.")
    return is_loopback(host)
