import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator.database.databases import Databases
from cloud_openapi.emulator.errors import (
    CREDENTIAL_PATHS,
    MANAGEMENT_PATHS,
    TOKEN_PATHS,
    InvalidInputError,
    NotFoundError,
    RefusalError,
    meant,
)
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.fault import FaultTargets
from cloud_openapi.emulator.overrides.faults import Faults
from cloud_openapi.emulator.overrides.pins import Pins
from cloud_openapi.emulator.sources.modes import Modes
from cloud_openapi.emulator.sources.source import SourceSettings
from cloud_openapi.emulator.state.app_settings import (
    APP_SETTINGS,
    app_settings,
    checked_app,
    checked_setting,
)
from cloud_openapi.emulator.state.clock import Clock, OwnClock, describe_clock
from cloud_openapi.emulator.state.journal import Entry, Journal, Journals, Numbers, select
from cloud_openapi.emulator.state.places import Places
from cloud_openapi.emulator.state.rids import Record
from cloud_openapi.emulator.state.seeds import CommonSeed
from cloud_openapi.emulator.state.tokens import mark_of_appid, mark_of_token
from cloud_openapi.forks import fork_safe
from cloud_openapi.known_names import shortened
from cloud_openapi.mode import Mode

_GATEWAY = "/admin"
# Smaller ones are read within a fraction of a second, by the first action.
_LARGE_SEED = 4 * 1024 * 1024
_FUNCTIONS = ("/v1/functions/", "/http/")


class Emulator:
    """The mini programs, and what they share: clock, seed, mode, faults and pins for all.

    ``apps`` maps each appid to its secret or to the settings of `configure_app`; the default is
    the demo mini program. The same seed gives the same numbers, tokens and
    request ids. ``journal_size`` limits the entries of each journal. Until
    ``ready_hour`` (0 to 24, in Beijing) the data of yesterday are not ready. With
    ``gateway_secret``, a SecretKey, the CloudBase gateway checks the signature of each request.
    ``mode`` selects a source that comes before the simulation: ``recordings``, a folder or a
    cassette, or ``upstream``, by default WeChat, called as ``upstream_app``, an appid and its
    secret. With ``by_api`` a request without a recording gets another recording of its API.
    ``seeds`` is a folder with the first content of the cloud database in ``database`` and of cloud
    storage in ``storage``; ``data`` a folder that keeps the changes between runs. ``database`` is
    the URL of a MongoDB server that has the cloud database. Raises ValueError, RecordingError.
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
        seeds: str | Path | None = None,
        data: str | Path | None = None,
        database: str | None = None,
    ) -> None:
        self.catalogue = default_catalogue() if catalogue is None else catalogue
        self.clock = clock or Clock()
        """The common clock; see also `clock_of`."""
        self.gateway_secret = gateway_secret
        self._initial_seed = checked_setting("seed", seed)
        self._seed = CommonSeed(seed)
        self._ready_hour = checked_setting("ready_hour", ready_hour)
        self._journal_size = journal_size
        self._places = Places(*(None if each is None else Path(each) for each in (seeds, data)))
        self.databases = Databases(self._places, database)
        self._numbers = Numbers()
        self._lock = fork_safe(threading.RLock())
        self.programs: dict[str, MiniProgram] = {}
        """The mini programs by appid. A reset replaces each object."""
        self.common = self._new(None, self.clock)
        """The state of unknown callers, with the faults and pins for all mini programs."""
        self.container: dict[str, MiniProgram] = {}
        """The mini programs with Cloud Run's service; the container belongs to the first."""
        self.secrets: set[bytes] = set()
        """Every secret since the last reset, for masking."""
        self._by_mark: dict[str, MiniProgram] = {}
        outlines = self.catalogue.outlines
        self._paths = {name: outline.path for name, outline in outlines.items()}
        self.apis_at: dict[str, list[str]] = {}
        """The names of the APIs at each path."""
        for name, path in self._paths.items():
            self.apis_at.setdefault(path, []).append(name)
        self._limit_paths = {
            **self._paths,
            **{path: path for path in (*TOKEN_PATHS, *self.apis_at)},
        }
        self.paths = frozenset({*CREDENTIAL_PATHS, *MANAGEMENT_PATHS, *self.apis_at})
        simulated = frozenset(each.path for each in outlines.values() if each.simulated)
        targets = FaultTargets(self._paths, self.paths, self.programs, simulated, self.catalogue)
        self.faults = Faults(self._owner, targets)
        # Drops expired faults, so that they do not return if the clock is moved back.
        self.clock.watch(self.faults.listed)
        self.pins = Pins(self._owner, self.catalogue, self.programs)
        self.journal = Journals(self._numbers, lambda: [each.journal for each in self._all()])
        place = None if recordings is None else Path(recordings)
        self.lasting = True
        """Whether it outlasts one command, so that reasons name commands which control it."""
        self.on_entry: Callable[[Entry], None] | None = None
        """Called with each entry of a journal, by the thread that answers the request."""
        self.modes = Modes(
            mode, SourceSettings(self.catalogue, place, upstream, upstream_app, by_api)
        )
        given = {DEMO_APPID: DEMO_SECRET} if apps is None else apps
        if not given:
            raise InvalidInputError("apps: an emulator has at least one mini program")
        self._initial_apps = {appid: app_settings(one) for appid, one in given.items()}
        self.first_appid = next(iter(self._initial_apps))
        """The default mini program: of functions, and of calls that name no appid."""
        for appid in self._initial_apps:
            self._apply_initial_settings(appid)

    @property
    def seed(self) -> int:
        """Return the common seed."""
        return self._seed.value

    @property
    def apps(self) -> dict[str, str]:
        """Return the secret of each mini program."""
        return {appid: program.secret for appid, program in self.programs.copy().items()}

    def program(self, appid: Any) -> MiniProgram:
        """Return a mini program. Raises ValueError for an unknown appid."""
        program = self.programs.get(appid) if isinstance(appid, str) else None
        if program is None:
            known = shortened(self.programs)
            guess = meant(appid, self.programs)
            raise InvalidInputError(f"appid is one of {known}, not {appid!r}{guess}")
        return program

    def program_of_token(self, token: str) -> MiniProgram | None:
        """Return the mini program that an access token was granted to, expired or not."""
        program = self._by_mark.get(mark_of_token(token))
        return program if program is not None and token in program.tokens else None

    def program_of_mark(self, mark: str) -> MiniProgram | None:
        """Return the mini program that a mark of `mark_of_appid` stands for, None if unknown."""
        return self._by_mark.get(mark)

    def program_of_cloud_run_token(self, token: str) -> MiniProgram | None:
        """Return the mini program whose mark a token of Cloud Run's file has, valid or not."""
        return self._by_mark.get(mark_of_token(token))

    def record_of(self, rid: str, program: MiniProgram) -> Record:
        """Return the request with a rid. Raises RefusalError for an unknown or foreign rid."""
        record = program.rids.get(rid)
        if record is None:
            foreign = any(other.rids.get(rid) is not None for other in self._all())
            raise RefusalError(76003 if foreign else 76001, "rid")
        return record

    def open_data(self) -> None:
        """Take the folder of ``data``, connect to the server of ``database``, read large seeds.

        So a folder in use or a server that does not answer is an error now and not later, and the
        time to read large files of documents is not that of the function which needs them first.

        Raises ValueError, OSError.
        """
        if self._places.data is not None:
            for program in self.programs.values():
                program.storage.files.open()
        is_kept = self._places.data is not None or self.databases.server is not None
        if is_kept or self._places.size_of_seed("database") > _LARGE_SEED:
            for program in self.programs.values():
                program.open_database()

    def clock_of(self, appid: str) -> Clock:
        """Return a mini program's clock. Raises ValueError for an unknown appid.

        It shows the common time until it is set itself; then it is independent until a reset.
        """
        return self.program(appid).clock

    def keep(self, program: MiniProgram, entry: Entry) -> None:
        """Write an entry to a mini program's journal, and report it."""
        entry = program.journal.add(entry)
        if self.on_entry is not None:
            self.on_entry(entry)

    def never_blocks(self, path: str) -> bool:
        """Return whether a request for a path never blocks its thread."""
        if path.startswith(_FUNCTIONS):
            return True
        calls = path in self.paths or path == _GATEWAY
        on_server = path == _GATEWAY and self.databases.server is not None
        return calls and not on_server and not self.faults and self.modes.source is None

    def reset(self) -> None:
        """Restore the initial state: no tokens, no faults, no pins, an empty journal."""
        with self._lock:
            # First, before anything is changed: unreadable recordings raise.
            self.modes.reset()
            discarded = list(self._all())
            self._seed.value = self._initial_seed
            self.clock.reset()
            self.secrets.clear()
            self.container = {}
            for appid, program in list(self.programs.items()):
                program.clock.reset()
                if appid not in self._initial_apps:
                    self._reset_database(program)
                    program.discard_data()
                    del self.programs[appid], self._by_mark[mark_of_appid(appid)]
            self.common = self._new(None, self.clock)
            for appid in self._initial_apps:
                self._replace(appid)
            self.faults.clear()
            self.faults.reseed()
            self.pins.clear()
            for program in discarded:
                program.close()

    def reset_app(self, appid: str) -> None:
        """Restore the initial state of one mini program, with its clock and settings.

        Raises ValueError for an unknown appid.
        """
        with self._lock:
            discarded = self.program(appid)
            discarded.clock.reset()
            self._switch_cloud_run(discarded, on=False)
            self._replace(appid)
            self.faults.clear_of(discarded)
            self.pins.clear_of(discarded)
            discarded.close()

    def reset_database(self, appid: str) -> None:
        """Let a mini program's database go back to its seed. Raises ValueError, OSError."""
        with self._lock:
            self._reset_database(self.program(appid))

    def reseed(self, seed: int) -> None:
        """Restart numbers, tokens and request ids from a seed, and remove the faults.

        Mini programs with their own seed keep their state. Raises ValueError unless the seed is a
        whole number.
        """
        with self._lock:
            self._seed.value = checked_setting("seed", seed)
            self.faults.reseed()
            for program in self._all():
                if program.streams.own_seed is None:
                    program.restart_streams()

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
        """Change a mini program, or add one with its secret. Raises ValueError.

        The limits map an API or path to its calls per day or minute; None removes a limit.
        ``cloud_run`` is ``{"api_whitelist": [paths], "ready": bool}``, or False to switch it off.
        A ``seed`` restarts the mini program's numbers, tokens and request ids.
        """
        given = (secret, ready_hour, daily_limits, minute_limits, cloud_run, seed)
        self._configure(appid, dict(zip(APP_SETTINGS, given, strict=True)))

    def describe(self) -> dict[str, Any]:
        """Return the state as JSON, without tokens and secrets."""
        # A reset must not interleave.
        with self._lock:
            return {
                **self.modes.describe(),
                "seed": self.seed,
                "clock": describe_clock(self.clock),
                "apps": {appid: self.describe_app(appid) for appid in self.programs},
                "faults": [fault.describe() for fault in self.faults.listed()],
                "pins": len(self.pins),
                "journal": len(self.journal),
            }

    def describe_app(self, appid: str) -> dict[str, Any]:
        """Return a mini program's settings without its secret. Raises KeyError.

        ``seed`` and ``clock`` are included only if the common ones do not apply.
        """
        with self._lock:
            program = self.programs.get(appid)
            if program is None:
                raise NotFoundError(appid)
            seed, clock = program.streams.own_seed, program.clock
            service = program.cloud_run.service
            own = isinstance(clock, OwnClock) and not clock.follows
            return {
                "appid": appid,
                "ready_hour": program.ready_hour,
                **program.quota.describe(),
                "cloud_run": service is not None
                and {**service.describe(), "own": appid == next(iter(self.container))},
                **({} if seed is None else {"seed": seed}),
                **({"clock": describe_clock(clock)} if own else {}),
            }

    def cloudbase_access_token(self, appid: str) -> str:
        """Return the content of Cloud Run's token file. Raises ValueError."""
        return self.program(appid).cloud_run.token_file(appid)

    def journal_entries(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the entries of `journal_page`. Raises ValueError."""
        entries: list[dict[str, Any]] = self.journal_page(**filters)["entries"]
        return entries

    def journal_entry(self, number: int) -> Entry | None:
        """Return the entry of a journal with a number, None if there is none any more."""
        return self.journal.get(number)

    def journal_page(
        self,
        *,
        appid: str | None = None,
        api: str | None = None,
        path: str | None = None,
        **filters: Any,
    ) -> dict[str, Any]:
        """Return ``{"entries", "last"}``: the newest matching entries as JSON, oldest first.

        ``filters`` are those of `journal.select`; pass ``last`` as ``after`` to get later entries
        only. Raises ValueError for an unknown API and for a limit below 1.
        """
        if api is not None and path is not None:
            raise InvalidInputError("give either api or path")
        if api is not None and api not in self._paths:
            known = shortened(list(self._paths))
            raise InvalidInputError(f"api is one of {known}, not {api!r}{meant(api, self._paths)}")
        journal: Journal | Journals = self.journal
        if appid is not None:
            program = self.programs.get(appid)
            journal = Journal(0, self._numbers) if program is None else program.journal
        found, last = select(journal, api=api, path=path, **filters)
        entries = [{"number": number, **entry.describe()} for number, entry in found]
        return {"entries": entries, "last": last}

    def _all(self) -> Iterator[MiniProgram]:
        return iter((self.common, *self.programs.copy().values()))

    def _owner(self, appid: str | None) -> MiniProgram:
        return self.common if appid is None else self.program(appid)

    def _new(self, appid: str | None, clock: Clock) -> MiniProgram:
        return MiniProgram(
            appid,
            clock=clock,
            seed=self._seed,
            ready_hour=self._ready_hour,
            journal=Journal(self._journal_size, self._numbers),
            places=self._places,
            databases=self.databases,
        )

    def _add(self, appid: str) -> MiniProgram:
        clock = OwnClock(self.clock)
        clock.watch(self.faults.listed)
        return self._put(self._new(appid, clock))

    def _put(self, program: MiniProgram) -> MiniProgram:
        assert program.appid is not None  # noqa: S101 - `common` is not in the dict
        self.programs[program.appid] = self._by_mark[mark_of_appid(program.appid)] = program
        return program

    def _replace(self, appid: str) -> None:
        """Replace a mini program, except its clock, which tests and timers refer to."""
        former = self.programs.get(appid)
        if former is not None:
            self._reset_database(former)
            program = self._put(self._new(appid, former.clock))
            program.secret = former.secret
            program.keep_data_of(former)
        self._apply_initial_settings(appid)

    def _reset_database(self, program: MiniProgram) -> None:
        assert program.appid is not None  # noqa: S101 - only `common` lacks one, and it has no data
        try:
            self.databases.reset(program.appid)
        finally:
            # It is discarded also on failure, and would acknowledge writes that it does not keep.
            program.forget_database()

    def _configure(self, appid: str, given: Mapping[str, Any]) -> None:
        settings = checked_app(appid, given, self._limit_paths)
        with self._lock:
            program = self.programs.get(appid)
            if program is None and settings.secret is None:
                known = shortened(self.programs)
                guess = meant(appid, self.programs)
                raise InvalidInputError(
                    f"appid is one of {known}, not {appid!r}{guess}; give a secret to add a mini "
                    "program"
                )
            program = program or self._add(appid)
            if settings.secret is not None:
                self.secrets.add(settings.secret.encode("utf-8", "surrogatepass"))
            program.apply(settings)
            if settings.cloud_run is not None:
                self._switch_cloud_run(program, on=bool(settings.cloud_run))

    def _switch_cloud_run(self, program: MiniProgram, *, on: bool) -> None:
        # Replaced as a whole: requests read it without a lock.
        others = {appid: one for appid, one in self.container.items() if on or one is not program}
        self.container = {**others, str(program.appid): program} if on else others

    def _apply_initial_settings(self, appid: str) -> None:
        """Apply the settings that the emulator was created with, if any."""
        try:
            if appid in self._initial_apps:
                self._configure(appid, self._initial_apps[appid])
        except ValueError as error:
            raise InvalidInputError(f"{appid}: {error}") from None
