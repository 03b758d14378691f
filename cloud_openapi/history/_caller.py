"""Calls for many mini programs, by one HTTP exchange in each process."""

import threading
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.history._verdict import Verdict, error_of, verdict_of
from cloud_openapi.history._windows import App
from cloud_openapi.transports import (
    Exchange,
    Transport,
    TransportSettings,
    address_of,
    connect,
    open_exchange,
)


class Outcome(NamedTuple):
    """WeChat's answer, or the error in its place; ``sent`` is False without a request."""

    answer: dict[str, Any] | None
    error: CloudSDKError | None = None
    sent: bool = True


class Caller:
    """Makes the calls of one run for any number of mini programs, over one HTTP exchange.

    Once a refusal concerns all calls of a mini program, or all of an API, further ones are not
    sent. ``transport`` carries the calls of every mini program, in place of the settings. Safe to
    share between threads; in another process, all tasks of a run share one caller.
    """

    def __init__(
        self,
        settings: TransportSettings,
        exchange: Exchange | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._exchange = exchange
        self._transport = transport
        self._run = uuid4().hex
        self._lock = threading.Lock()
        self._transports: dict[str, Transport] = {}
        self._refusals: dict[tuple[str, str], CloudSDKError] = {}

    def __repr__(self) -> str:
        return f"<Caller of {self._settings}>"

    def __reduce__(self) -> Any:
        if self._exchange is not None or self._transport is not None:
            raise TypeError(
                "an exchange or a transport of your own stays in this process: "
                "use threads, or settings such as base_url"
            )
        return _caller_of_process, (self._run, self._settings)

    def __call__(self, app: App, api: str, request: dict[str, Any]) -> Outcome:
        """Make one call. Raises ConfigError for settings that cannot be used."""
        refused = self._refusals.get((app.appid, "")) or self._refusals.get((app.appid, api))
        if refused is not None:
            return Outcome(None, _of_api(api, refused), sent=False)
        transport = self._transports.get(app.appid) or self._connect(app)
        try:
            answer = transport.send(default_catalogue()[api], request)
            error = error_of(api, answer)
        except CloudSDKError as failure:
            answer, error = {}, failure
        if error is None:
            return Outcome(answer)
        verdict = verdict_of(error)
        if verdict.stops:
            self._refusals[app.appid, api if verdict is not Verdict.NO_CREDENTIAL else ""] = error
        return Outcome(None, error)

    def _connect(self, app: App) -> Transport:
        with self._lock:
            if app.appid not in self._transports:
                self._transports[app.appid] = self._transport or self._https(app)
            return self._transports[app.appid]

    def _https(self, app: App) -> Transport:
        settings = self._settings._replace(appid=app.appid, secret=app.secret, transport="https")
        # The first one checks the address.
        if self._exchange is None:
            self._exchange = open_exchange(address_of(settings), settings.timeout)
        transport = connect(settings, exchange=self._exchange)
        assert transport is not None, "https is chosen"  # noqa: S101 - for the type checker
        return transport


def _of_api(api: str, error: CloudSDKError) -> CloudSDKError:
    """Return an error of a mini program, which another API met first, as that of an API."""
    _, colon, text = error.errMsg.partition(":fail")
    if not colon:
        return error
    return CloudSDKError(error.errCode, f"openapi.{api}{colon}{text}", error.hint, error.code)


@lru_cache(maxsize=4)
def _caller_of_process(_run: str, settings: TransportSettings) -> Caller:
    return Caller(settings)
