"""Everything that an emulator knows and remembers."""

import threading
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator.errors import (
    CREDENTIAL_PATHS,
    MANAGEMENT_PATHS,
    TOKEN_PATHS,
    InvalidInputError,
    NotHereError,
)
from cloud_openapi.emulator.names import some_of
from cloud_openapi.emulator.overrides.fault import Known
from cloud_openapi.emulator.overrides.faults import Faults
from cloud_openapi.emulator.overrides.pins import Pins
from cloud_openapi.emulator.simulation.world import World
from cloud_openapi.emulator.sources.modes import Modes, Sources
from cloud_openapi.emulator.state.app_settings import APP_SETTINGS, app_settings, checked_app
from cloud_openapi.emulator.state.clock import Clock, Clocks, OwnClock, describe_clock
from cloud_openapi.emulator.state.cloud_run import CloudRun
from cloud_openapi.emulator.state.journal import Journal
from cloud_openapi.emulator.state.quota import Quota
from cloud_openapi.emulator.state.readiness import Readiness
from cloud_openapi.emulator.state.rids import Rids
from cloud_openapi.emulator.state.seeds import Seeds, checked_seed
from cloud_openapi.emulator.state.tokens import Tokens
from cloud_openapi.mode import Mode

_GATEWAY = "/admin"
_FUNCTIONS = ("/v1/functions/", "/http/")
_WORLDS = 256


class Emulator:
    """The state behind the application: mini programs, tokens, clock, numbers, journal.

    ``apps`` maps each appid to its secret, or to its settings as `configure_app` takes them; by
    default it is the demo mini program alone. The same seed gives the same numbers, tokens and
    request ids. Until ``ready_hour`` (0 to 24, Beijing's) the data of yesterday are not ready.
    With ``gateway_secret``, a SecretKey, the CloudBase gateway checks the signature of each
    request. ``mode`` says who is asked before the simulation: ``recordings``, a folder or a
    cassette, or ``upstream``, by default WeChat itself, in the name of ``upstream_app``, an appid
    and its secret. With ``by_api`` a request that was not recorded gets another recording of its
    API. Raises ValueError, RecordingError.
    """

    APP_SETTINGS = APP_SETTINGS

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        apps: Mapping[str, str | Mapping[str, Any]] | None = None,
        catalogue: Catalogue | None = None,
        journal_size: int = 1000,
        ready_hour: int = 0,
        gateway_secret: str | None = None,
        mode: Mode = "simulate",
        recordings: str | Path | None = None,
        upstream: str | None = None,
        upstream_app: tuple[str, str] | None = None,
        by_api: bool = False,
    ) -> None:
        self.clock = clock or Clock()
        """The common clock; see also `clock_of`."""
        self.clocks = Clocks(self.clock)
        self.seeds = Seeds(seed)
        self._first_seed = seed
        self._lock = threading.RLock()
        self.resets = 0
        """How many resets there were, so that a request which one overtakes leaves no trace."""
        self._reset_at: dict[str | None, int] = {}
        self.catalogue = default_catalogue() if catalogue is None else catalogue
        self.journal = Journal(journal_size)
        self.readiness = Readiness(ready_hour)
        self.gateway_secret = gateway_secret
        self.apps: dict[str, str] = {}
        """The secret of each mini program."""
        self.secrets: set[bytes] = set()
        """All of these that there were since the last reset, to be known wherever they stand."""
        self.tokens = Tokens(self.apps, self.clocks, self.seeds)
        self._paths = {api.name: api.path for api in self.catalogue.values()}
        self._names = {path: name for name, path in self._paths.items()}
        self._limited = {**self._paths, **{path: path for path in (*TOKEN_PATHS, *self._names)}}
        self.paths = frozenset({*CREDENTIAL_PATHS, *MANAGEMENT_PATHS, *self._names})
        self.faults = Faults(self.seeds, self.clocks, Known(self._paths, self.paths, self.apps))
        self.pins = Pins(self.catalogue, self.apps)
        self.quota = Quota(self.clocks)
        self.cloud_run = CloudRun(self.clocks, self.seeds)
        self.rids = Rids()
        place = None if recordings is None else Path(recordings)
        self.modes = Modes(mode, Sources(self.catalogue, place, upstream, upstream_app, by_api))
        self._world = lru_cache(maxsize=_WORLDS)(World)
        given = {DEMO_APPID: DEMO_SECRET} if apps is None else apps
        if not given:
            raise InvalidInputError("apps: an emulator has at least one mini program")
        self._first_apps = {appid: app_settings(one) for appid, one in given.items()}
        self.first_appid = next(iter(self._first_apps))
        """The mini program in whose name a program calls that was told nothing else."""
        for appid in self._first_apps:
            self._configure_first(appid)

    @property
    def seed(self) -> int:
        """Return the common seed."""
        return self.seeds.common

    def now(self, appid: str | None = None) -> datetime:
        """Return the time of a mini program, or of nobody known."""
        return self.clocks.now(appid)

    def clock_of(self, appid: str) -> OwnClock:
        """Return a mini program's clock: the common time, until it is set itself.

        Then it is independent, until a reset. Raises ValueError.
        """
        return self.clocks.own(self.known_appid(appid))

    def world(self, appid: str) -> World:
        """Return the simulated mini program of an appid."""
        return self._world(self.seeds.of(appid), appid)

    def never_blocks(self, path: str) -> bool:
        """Say whether a request for a path leaves its thread to others while it waits."""
        if path.startswith(_FUNCTIONS):
            return True
        calls = path in self.paths or path == _GATEWAY
        return calls and not self.faults and self.modes.ask is None

    def reset_since(self, resets: int, appid: str | None) -> bool:
        """Say whether there was a reset of a mini program or of all since there were so many."""
        return (
            self.resets != resets
            and max(self._reset_at.get(None, 0), self._reset_at.get(appid, 0)) > resets
        )

    def reset(self) -> None:
        """Go back to the beginning: as it was made, with no token, fault, pin or journal."""
        with self._lock:
            # First, since recordings may have become unreadable, and then nothing is changed.
            self.modes.reset()
            self._count_reset(None)
            self._forget(None)
            self.seeds.reset(self._first_seed)
            self.faults.reseed()
            self.secrets.clear()
            for appid in self.apps.keys() - self._first_apps.keys():
                del self.apps[appid]
                self.clocks.forget(appid)
            for appid in self._first_apps:
                self._configure_first(appid)

    def reset_app(self, appid: str) -> None:
        """Take one mini program back to its beginning, and leave all others alone.

        It loses its tokens, own faults and pins, clock, seed, settings and journal. Raises
        ValueError.
        """
        with self._lock:
            self.known_appid(appid)
            self._count_reset(appid)
            self._forget(appid)
            self.seeds.forget(appid)
            self._configure_first(appid)

    def reseed(self, seed: int) -> None:
        """Start numbers, tokens and request ids anew from a seed, without faults.

        Mini programs with a seed of their own are left alone. Raises ValueError, unless it is a
        whole number.
        """
        with self._lock:
            self.seeds.reseed(checked_seed(seed))
            self.faults.reseed()
            for appid in self.apps:
                if self.seeds.own(appid) is None:
                    self._end_tokens(appid)

    def configure_app(  # noqa: PLR0913 - each is a setting of its own
        self,
        appid: str,
        *,
        secret: str | None = None,
        ready_hour: int | None = None,
        daily_limits: Mapping[str, int | None] | None = None,
        minute_limits: Mapping[str, int | None] | None = None,
        cloud_run: Mapping[str, Any] | bool | None = None,
        seed: int | None = None,
    ) -> None:
        """Change a mini program, or add one, which needs a secret. Raises ValueError.

        The limits have the calls of a day or a minute by API or path; None lifts one.
        ``cloud_run`` is ``{"api_whitelist": [paths], "ready": bool}``, or False to switch it off.
        A ``seed`` of its own starts its numbers, tokens and request ids anew.
        """
        given = (secret, ready_hour, daily_limits, minute_limits, cloud_run, seed)
        self._configure(appid, dict(zip(APP_SETTINGS, given, strict=True)))

    def _configure(self, appid: str, given: Mapping[str, Any]) -> None:
        settings = checked_app(appid, given, self._limited)
        with self._lock:
            if settings.secret is None:
                if appid not in self.apps:
                    known = some_of(self.apps)
                    raise InvalidInputError(
                        f"appid is one of {known}, not {appid!r}: a secret would add it"
                    )
            else:
                self.apps[appid] = settings.secret
                self.secrets.add(settings.secret.encode("utf-8", "surrogatepass"))
            if settings.ready_hour is not None:
                self.readiness.set(appid, settings.ready_hour)
            self.quota.set_limits(appid, settings.daily_limits, settings.minute_limits)
            if settings.cloud_run is not None:
                self.cloud_run.set(appid, settings.cloud_run or None)
            if settings.seed is not None:
                self._end_tokens(appid)
                self.seeds.set(appid, settings.seed)

    def _configure_first(self, appid: str) -> None:
        """Set a mini program to what the emulator was made with, if it was."""
        if appid not in self._first_apps:
            return
        try:
            self._configure(appid, self._first_apps[appid])
        except ValueError as error:
            raise InvalidInputError(f"{appid}: {error}") from None

    def known_appid(self, appid: Any) -> str:
        """Return an appid that the emulator knows. Raises ValueError, which names them."""
        if not isinstance(appid, str) or appid not in self.apps:
            raise InvalidInputError(f"appid is one of {some_of(self.apps)}, not {appid!r}")
        return appid

    def describe(self) -> dict[str, Any]:
        """Return the state as JSON; no token and no secret is in it."""
        # Nothing of a reset that is half done.
        with self._lock:
            return {
                **self.modes.describe(),
                "seed": self.seed,
                "clock": describe_clock(self.clock),
                "apps": {appid: self.describe_app(appid) for appid in self.apps},
                "faults": [fault.describe() for fault in self.faults.listed()],
                "pins": len(self.pins),
                "journal": len(self.journal),
            }

    def describe_clock(self, appid: str | None = None) -> dict[str, Any]:
        """Return ``{"now", "frozen", "offset"}``: a time, whether it stands still, seconds.

        With the appid of a mini program it is that one's clock. Raises ValueError.
        """
        return describe_clock(self.clock if appid is None else self.clock_of(appid))

    def describe_app(self, appid: str) -> dict[str, Any]:
        """Return a mini program's settings without its secret. Raises KeyError.

        ``seed`` and ``clock`` are there if it has one of its own.
        """
        with self._lock:
            if appid not in self.apps:
                raise NotHereError(appid)
            seed, clock = self.seeds.own(appid), self.clocks.set_of(appid)
            return {
                "appid": appid,
                "ready_hour": self.readiness.hour_of(appid),
                **self.quota.describe(appid),
                "cloud_run": self.cloud_run.describe(appid),
                **({} if seed is None else {"seed": seed}),
                **({} if clock is None else {"clock": describe_clock(clock)}),
            }

    def cloudbase_access_token(self, appid: str) -> str:
        """Return what Cloud Run's token file holds now. Raises ValueError."""
        return self.cloud_run.token_file(self.known_appid(appid))

    def journal_entries(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the entries of `journal_page` alone. Raises ValueError."""
        entries: list[dict[str, Any]] = self.journal_page(**filters)["entries"]
        return entries

    def journal_page(
        self, *, api: str | None = None, path: str | None = None, **filters: Any
    ) -> dict[str, Any]:
        """Return ``{"entries", "last"}``: the newest that match, the oldest first, as JSON.

        ``filters`` are those of `Journal.select`; what ``last`` is, given for ``after``, leaves
        only those that came later. Raises ValueError for an API that does not exist and for a
        limit below 1.
        """
        if api is not None and (path is not None or api not in self._paths):
            raise InvalidInputError(
                f"api is one of {', '.join(self._paths)}, and then path is not given"
            )
        path = path if api is None else self._paths[api]
        found, last = self.journal.select(path=path, **filters)
        entries = [{**entry.describe(), "api": self._names.get(entry.path)} for entry in found]
        return {"entries": entries, "last": last}

    def _end_tokens(self, appid: str) -> None:
        self.tokens.forget(appid)
        self.cloud_run.forget_tokens(appid)

    def _count_reset(self, appid: str | None) -> None:
        self.resets += 1
        if appid is None:
            self._reset_at.clear()
        self._reset_at[appid] = self.resets

    def _forget(self, appid: str | None) -> None:
        self.clocks.reset(appid)
        self.tokens.forget(appid)
        self.faults.clear(appid)
        self.pins.clear(appid)
        self.readiness.reset(appid)
        self.quota.reset(appid)
        self.cloud_run.reset(appid)
        self.rids.clear(appid)
        self.journal.clear(appid)
