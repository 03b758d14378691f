"""Cloud Run's open interface service: calls without a token, or with a token from its file.

https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/open.html
https://developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/weixin/token.html
"""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError, RefusalError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.emulator.state.clock import Clock
from cloud_openapi.emulator.state.seeds import RandomStreams
from cloud_openapi.emulator.state.tokens import make_token
from cloud_openapi.forks import fork_safe

TOKEN_NAME: Final = "cloudbase_access_token"  # noqa: S105 - the name of a parameter and a file
_EVERY_PATH = "/*"
_PUSH_INTERVAL = timedelta(minutes=10)
_LIFETIME = timedelta(minutes=30)
_MOST_TOKENS = 100


class Service(NamedTuple):
    """The settings of the service for one mini program; ``ready`` is False while it starts."""

    api_whitelist: tuple[str, ...]
    ready: bool = True

    @classmethod
    def of(cls, setting: Mapping[str, Any]) -> "Service":
        """Return the service of a checked setting."""
        return cls(tuple(setting["api_whitelist"]), setting.get("ready", True))

    def allows(self, path: str) -> bool:
        """Return whether the whitelist contains the path or ``/*``."""
        return path in self.api_whitelist or _EVERY_PATH in self.api_whitelist

    def describe(self) -> dict[str, Any]:
        """Return the setting as JSON."""
        return {"api_whitelist": list(self.api_whitelist), "ready": self.ready}


class CloudRun:
    """The service of one mini program, and the tokens pushed to its file.

    Safe to share between threads.
    """

    def __init__(self, mark: str, clock: Clock, streams: RandomStreams) -> None:
        self._mark = mark
        self._clock = clock
        self._streams = streams
        self._lock = fork_safe(threading.Lock())
        self.service: Service | None = None
        """None while the service is off."""
        self._pushed: BoundedStore[str, datetime] = BoundedStore(_MOST_TOKENS)
        self._latest: tuple[str, datetime] | None = None

    def check_token(self, token: str, path: str) -> None:
        """Raise RefusalError unless the token is from the file and may call the path."""
        pushed_at = self._pushed.get(token)
        if pushed_at is None:
            raise RefusalError(40001, TOKEN_NAME)
        if self.service is None:
            raise RefusalError(41001, "cloud_run is off")
        if not self.service.ready:
            raise RefusalError(85113, "cloud_run is not ready")
        if self._clock.now() >= pushed_at + _LIFETIME:
            raise RefusalError(42001, TOKEN_NAME)
        if not self.service.allows(path):
            raise RefusalError(85107, "api_whitelist")

    def token_file(self, appid: str) -> str:
        """Return the token in the file, renewed every ten minutes. Raises ValueError."""
        if self.service is None or not self.service.ready:
            raise InvalidInputError(
                f"{appid}: no {TOKEN_NAME} is pushed while cloud_run is off or not ready; "
                'switch it on with {"cloud_run": {"api_whitelist": ["/*"]}}'
            )
        now = self._clock.now()
        with self._lock:
            if (
                self._latest is None
                or not self._latest[1] <= now < self._latest[1] + _PUSH_INTERVAL
            ):
                # The times of pushes are multiples of the interval after the first one.
                late = timedelta(0) if self._latest is None else (now - self._latest[1])
                self._latest = self._push(now - late % _PUSH_INTERVAL)
            return self._latest[0]

    def clear_tokens(self) -> None:
        """Invalidate all pushed tokens; the next read pushes a new one."""
        with self._lock:
            self._pushed.clear()
            self._latest = None

    def _push(self, at: datetime) -> tuple[str, datetime]:
        token = make_token(self._mark, self._streams, "cloud_run")
        self._pushed.add(token, at)
        return token, at
