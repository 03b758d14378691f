"""Cloud Run's open interface service: calls without a token, or with one that it pushes to a file.

https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/open.html
https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/token.html
"""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from flask import Request

from cloud_openapi.emulator.errors import InvalidInputError, RefusalError, SideCarError
from cloud_openapi.emulator.state.bounded_store import Newest
from cloud_openapi.emulator.state.clock import Clocks
from cloud_openapi.emulator.state.seeds import Seeds
from cloud_openapi.emulator.state.tokens import make_token

TOKEN_NAME: Final = "cloudbase_access_token"  # noqa: S105 - the name of a parameter and a file
_EVERY_PATH = "/*"
_PUSHED_EVERY = timedelta(minutes=10)
_LIFETIME = timedelta(minutes=30)
_REMEMBERED = 100


class Service(NamedTuple):
    """The service of one mini program; it is not ready while a container starts."""

    api_whitelist: tuple[str, ...]
    ready: bool = True

    def allows(self, path: str) -> bool:
        """Say whether the list has the path, or them all."""
        return path in self.api_whitelist or _EVERY_PATH in self.api_whitelist


class _Pushed(NamedTuple):
    token: str
    appid: str
    at: datetime


class CloudRun:
    """The mini programs that have the service, in the order in which it was switched on.

    The first is the container's own; the others share theirs. Safe to share between threads.
    """

    def __init__(self, clocks: Clocks, seeds: Seeds) -> None:
        self._clocks = clocks
        self._seeds = seeds
        self._lock = threading.Lock()
        # Replaced as a whole, so that reading takes no lock.
        self._services: dict[str, Service] = {}
        self._pushed: Newest[str, _Pushed] = Newest()
        self._latest: dict[str, _Pushed] = {}

    def set(self, appid: str, service: Service | None) -> None:
        """Switch the service on or change it; None switches it off."""
        with self._lock:
            services = dict(self._services)
            if service is None:
                services.pop(appid, None)
                self._latest.pop(appid, None)
            else:
                services[appid] = service
            self._services = services

    def describe(self, appid: str) -> dict[str, Any] | bool:
        """Return the setting as JSON, and whether it is the container's own; False when off."""
        services = self._services
        service = services.get(appid)
        if service is None:
            return False
        shown = {"api_whitelist": list(service.api_whitelist), "ready": service.ready}
        return {**shown, "own": appid == next(iter(services))}

    def appid_of(self, request: Request) -> str:
        """Return in whose name a request without an access_token is made.

        Raises RefusalError, and SideCarError for a path that the side-car does not let through.
        """
        services = self._services
        if not services:
            raise RefusalError(41001, "access_token")
        token = request.args.get(TOKEN_NAME)
        if token:
            return self._by_token(services, token, request.path)
        if request.is_secure:
            raise RefusalError(41001, "https")
        appid = request.args.get("from_appid") or next(iter(services))
        service = services.get(appid)
        if service is None:
            raise RefusalError(85105, "from_appid")
        if not service.ready:
            raise RefusalError(41001, "cloud_run is not ready")
        if not service.allows(request.path):
            raise SideCarError("api_whitelist")
        return appid

    def owner(self, request: Request) -> str | None:
        """Return in whose name a request is made; nothing, if it is refused."""
        try:
            return self.appid_of(request)
        except (RefusalError, SideCarError):
            return None

    def token_file(self, appid: str) -> str:
        """Return what the file holds now: a new token every ten minutes. Raises ValueError."""
        service = self._services.get(appid)
        if service is None or not service.ready:
            raise InvalidInputError(
                f"{appid}: no {TOKEN_NAME} is pushed while cloud_run is off or not ready; "
                'switch it on with {"cloud_run": {"api_whitelist": ["/*"]}}'
            )
        now = self._clocks.now(appid)
        with self._lock:
            latest = self._latest.get(appid)
            if latest is None or not latest.at <= now < latest.at + _PUSHED_EVERY:
                # Pushes that nobody read went on in the rhythm of the first.
                at = now if latest is None else now - (now - latest.at) % _PUSHED_EVERY
                latest = self._latest[appid] = self._push(appid, at)
            return latest.token

    def reset(self, appid: str | None = None) -> None:
        """Switch the service of one mini program or of all off, and forget its tokens."""
        self.forget_tokens(appid)
        with self._lock:
            self._services = {
                name: service
                for name, service in self._services.items()
                if appid not in {None, name}
            }

    def forget_tokens(self, appid: str | None = None) -> None:
        """End what was pushed to one mini program or to all; another is pushed at once."""
        with self._lock:
            if appid is None:
                self._pushed.clear()
            else:
                self._pushed.forget(appid)
            for name in [name for name in self._latest if appid in {None, name}]:
                del self._latest[name]

    def _by_token(self, services: Mapping[str, Service], token: str, path: str) -> str:
        pushed = self._pushed.get(token)
        if pushed is None:
            raise RefusalError(40001, TOKEN_NAME)
        service = services.get(pushed.appid)
        if service is None:
            raise RefusalError(41001, "cloud_run is off")
        if not service.ready:
            raise RefusalError(85113, "cloud_run is not ready")
        if self._clocks.now(pushed.appid) >= pushed.at + _LIFETIME:
            raise RefusalError(42001, TOKEN_NAME)
        if not service.allows(path):
            raise RefusalError(85107, "api_whitelist")
        return pushed.appid

    def _push(self, appid: str, at: datetime) -> _Pushed:
        pushed = _Pushed(make_token(self._seeds, appid, "cloud_run"), appid, at)
        self._pushed.add(appid, pushed.token, pushed, _REMEMBERED)
        return pushed


def checked_service(value: Any) -> Service | None:
    """Return the setting that a JSON value is; False is none. Raises ValueError."""
    if value is False:
        return None
    if not isinstance(value, Mapping) or not {"api_whitelist"} <= value.keys() <= _FIELDS:
        raise InvalidInputError(
            'cloud_run is false or an object such as {"api_whitelist": ["/*"], "ready": true}'
        )
    paths, ready = value["api_whitelist"], value.get("ready", True)
    if not isinstance(paths, list | tuple) or not all(map(_is_path, paths)):
        raise InvalidInputError(
            "cloud_run: api_whitelist is a list of paths without a query, or of /*"
        )
    if not isinstance(ready, bool):
        raise InvalidInputError(f"cloud_run: ready is true or false, not {ready!r}")
    return Service(tuple(paths), ready)


_FIELDS: Final = frozenset({"api_whitelist", "ready"})


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("/") and "?" not in value
