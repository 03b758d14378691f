"""Everything that an emulator knows and remembers."""

import random
import re
import threading
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator.clock import Clock
from cloud_openapi.emulator.errors import MANAGEMENT_PATHS, TOKEN_PATHS
from cloud_openapi.emulator.fault import Known
from cloud_openapi.emulator.faults import Faults
from cloud_openapi.emulator.journal import Journal
from cloud_openapi.emulator.pins import Pins
from cloud_openapi.emulator.quota import Quota, checked_limits
from cloud_openapi.emulator.readiness import Readiness, checked_hour
from cloud_openapi.emulator.rids import Rids
from cloud_openapi.emulator.tokens import Tokens
from cloud_openapi.emulator.world import World

_WORLDS = 1000
_APPID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Emulator:
    """The state behind the application: mini programs, tokens, clock, numbers, journal.

    ``apps`` maps each appid to its secret; by default it is the demo mini program alone. The same
    seed gives the same numbers, tokens and request ids. Until ``ready_hour`` (0 to 24, Beijing's)
    the data of yesterday are not ready. With ``gateway_secret``, a SecretKey, the CloudBase
    gateway checks the signature of each request.
    """

    APP_SETTINGS = ("secret", "ready_hour", "daily_limits")

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        apps: Mapping[str, str] | None = None,
        catalogue: Catalogue | None = None,
        journal_size: int = 1000,
        ready_hour: int = 0,
        gateway_secret: str | None = None,
    ) -> None:
        self.seed = self._first_seed = seed
        self.clock = clock or Clock()
        self.apps = dict(apps or {DEMO_APPID: DEMO_SECRET})
        self._first_apps = dict(self.apps)
        self._lock = threading.RLock()
        self.catalogue = default_catalogue() if catalogue is None else catalogue
        self.journal = Journal(journal_size)
        self.readiness = Readiness(ready_hour)
        self.gateway_secret = gateway_secret
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.tokens = Tokens(self.apps, self.clock, self.chance)
        self._paths = {api.name: api.path for api in self.catalogue.values()}
        self._names = {path: name for name, path in self._paths.items()}
        self.paths = frozenset({*TOKEN_PATHS, *MANAGEMENT_PATHS, *self._names})
        self.faults = Faults(seed, self.clock, Known(self._paths, self.paths, self.apps))
        self.pins = Pins(self.catalogue, self.apps)
        self.quota = Quota()
        self.rids = Rids()
        self.world = lru_cache(maxsize=_WORLDS)(self._make_world)
        """Return the simulated mini program of an appid."""

    def reset(self) -> None:
        """Go back to the beginning: as it was made, with no token, fault, pin or journal."""
        with self._lock:
            self.clock.reset()
            self.apps.update(self._first_apps)
            for appid in self.apps.keys() - self._first_apps.keys():
                del self.apps[appid]
            self._forget(None)
            self.reseed(self._first_seed)

    def reset_app(self, appid: str) -> None:
        """Forget one mini program's tokens, own faults and pins, settings and journal.

        Raises ValueError.
        """
        with self._lock:
            self._forget(self.known_appid(appid))

    def reseed(self, seed: int) -> None:
        """Start numbers, tokens and request ids anew from a seed, without faults.

        Raises ValueError, unless it is a whole number.
        """
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError(f"seed is a whole number, not {seed!r}")  # noqa: TRY004
        with self._lock:
            self.seed = seed
            self.chance.seed(seed)
            self.world.cache_clear()
            self.faults.reset(seed)

    def configure_app(
        self,
        appid: str,
        *,
        secret: str | None = None,
        ready_hour: int | None = None,
        daily_limits: Mapping[str, int | None] | None = None,
    ) -> None:
        """Change a mini program, or add one, which needs a secret. Raises ValueError.

        ``daily_limits`` has the calls of a day by API or path; None lifts a limit.
        """
        if _APPID.fullmatch(appid) is None:
            raise ValueError("an appid is 1 to 64 letters, digits, hyphens and underscores")
        if secret is None:
            self.known_appid(appid)
        elif not isinstance(secret, str) or not secret:
            raise ValueError("secret is a text that is not empty")
        if ready_hour is not None:
            checked_hour(ready_hour)
        limits = {}
        if daily_limits is not None:
            names = {**self._paths, **{path: path for path in TOKEN_PATHS + tuple(self._names)}}
            limits = checked_limits(daily_limits, names)
        with self._lock:
            if secret is not None:
                self.apps[appid] = secret
            if ready_hour is not None:
                self.readiness.set(appid, ready_hour)
            self.quota.set_limits(appid, limits)

    def known_appid(self, appid: Any) -> str:
        """Return an appid that the emulator knows. Raises ValueError, which names them."""
        if not isinstance(appid, str) or appid not in self.apps:
            raise ValueError(f"appid is one of {', '.join(self.apps)}, not {appid!r}")
        return appid

    def describe(self) -> dict[str, Any]:
        """Return the state as JSON; no token and no secret is in it."""
        return {
            "seed": self.seed,
            "clock": self.describe_clock(),
            "apps": {appid: self.describe_app(appid) for appid in list(self.apps)},
            "faults": [fault.describe() for fault in self.faults.listed()],
            "pins": len(self.pins),
            "journal": len(self.journal),
        }

    def describe_clock(self) -> dict[str, Any]:
        """Return ``{"now", "frozen", "offset"}``: a time, whether it stands still, seconds."""
        return {
            "now": self.clock.now().isoformat(),
            "frozen": self.clock.frozen_at is not None,
            "offset": self.clock.offset.total_seconds(),
        }

    def describe_app(self, appid: str) -> dict[str, Any]:
        """Return a mini program's settings without its secret. Raises KeyError."""
        if appid not in self.apps:
            raise KeyError(appid)
        return {
            "appid": appid,
            "ready_hour": self.readiness.hour_of(appid),
            "daily_limits": self.quota.limits_of(appid),
        }

    def journal_entries(
        self,
        *,
        api: str | None = None,
        path: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
        **equal: Any,
    ) -> list[dict[str, Any]]:
        """Return the newest entries as JSON, the oldest first; ``equal`` is appid or errcode.

        Raises ValueError for an API that does not exist and for a limit below 1.
        """
        if api is not None and (path is not None or api not in self._paths):
            raise ValueError(f"api is one of {', '.join(self._paths)}, and then path is not given")
        path = path if api is None else self._paths[api]
        found = self.journal.select(path=path, since=since, limit=limit, **equal)
        return [{**entry.describe(), "api": self._names.get(entry.path)} for entry in found]

    def _forget(self, appid: str | None) -> None:
        self.tokens.forget(appid)
        self.faults.clear(appid)
        self.pins.clear(appid)
        self.readiness.reset(appid)
        self.quota.reset(appid)
        self.rids.clear(appid)
        self.journal.clear(appid)

    def _make_world(self, appid: str) -> World:
        return World(self.seed, appid)
