import threading
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cloud_openapi.emulator.overrides.pins import PinTables
from cloud_openapi.emulator.simulation.world import World
from cloud_openapi.emulator.state.app_settings import AppSettings
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.emulator.state.cloud_run import CloudRun
from cloud_openapi.emulator.state.journal import Journal
from cloud_openapi.emulator.state.kept_files import KeptFiles
from cloud_openapi.emulator.state.places import Places
from cloud_openapi.emulator.state.quota import Quota
from cloud_openapi.emulator.state.rids import Rids
from cloud_openapi.emulator.state.seeds import CommonSeed, RandomStreams
from cloud_openapi.emulator.state.tokens import Tokens, mark_of_appid
from cloud_openapi.forks import fork_safe
from cloud_openapi.periods import Period

if TYPE_CHECKING:
    from cloud_openapi.emulator.database.database import Database
    from cloud_openapi.emulator.database.databases import Databases
    from cloud_openapi.emulator.overrides.fault import Fault
    from cloud_openapi.emulator.state.clock import Clock
    from cloud_openapi.emulator.storage.storage import Storage

_DAY = timedelta(days=1)
_MOST_UPLOADS = 1000


class MiniProgram:
    """The state of one mini program; with ``appid`` None, that of unknown callers.

    A reset replaces the object. A request that is still running writes into the discarded one.
    """

    def __init__(  # noqa: PLR0913 - what it shares with others
        self,
        appid: str | None,
        *,
        clock: "Clock",
        seed: CommonSeed,
        ready_hour: int,
        journal: Journal,
        places: Places,
        databases: "Databases",
    ) -> None:
        mark = mark_of_appid(appid or "")
        self.appid = appid
        self.secret = ""
        self.ready_hour = ready_hour
        """The hour in Beijing from which yesterday's data are ready; 24 is never."""
        self.clock = clock
        self.streams = RandomStreams(appid, seed)
        self.tokens = Tokens(mark, clock, self.streams)
        self.cloud_run = CloudRun(mark, clock, self.streams)
        self.quota = Quota(clock)
        self.faults: list[Fault] = []
        """The faults in force; those for every mini program belong to unknown callers."""
        self.pins = PinTables()
        self.journal = journal
        self.rids = Rids()
        self.kept_files = KeptFiles()
        self._world: tuple[int, World] | None = None
        self._places = places
        self._making = fork_safe(threading.Lock())
        self._databases = databases
        self._database: Database | None = None
        self._storage: Storage | None = None

    @property
    def world(self) -> World:
        """Return the simulated numbers, which follow from the seed and the appid."""
        seed = self.streams.seed
        if self._world is None or self._world[0] != seed:
            self._world = (seed, World(seed, self.appid or ""))
        return self._world[1]

    @property
    def storage(self) -> "Storage":
        """Return cloud storage; it is made when it is first used."""
        if self._storage is None:
            from cloud_openapi.emulator.storage.files import Files  # noqa: PLC0415
            from cloud_openapi.emulator.storage.storage import Storage  # noqa: PLC0415
            from cloud_openapi.emulator.storage.urls import Signer  # noqa: PLC0415

            with self._making:
                if self._storage is None:
                    kept = self._places.kept(self.appid, "storage")
                    files = Files(self._places.seed("storage"), kept)
                    signer = Signer(self.streams.draw("storage", 32))
                    self._storage = Storage(files, signer, BoundedStore(_MOST_UPLOADS))
        return self._storage

    @property
    def database(self) -> "Database":
        """Return the cloud database; it is opened when it is first used.

        Raises ValueError, OSError.
        """
        return self._database or self.open_database()

    def open_database(self) -> "Database":
        """Open the cloud database, if that was not done before. Raises ValueError, OSError."""
        from cloud_openapi.emulator.database.opening import Program  # noqa: PLC0415

        with self._making:
            if self._database is None:
                program = Program(self.appid or "", self.clock.now, lambda: self.streams.seed)
                self._database = self._databases.open(program)
            return self._database

    def forget_database(self) -> None:
        """Open the database again when it is used next."""
        self._database = None

    def first_day_not_ready(self, now: datetime) -> date:
        """Return the first day whose data are not ready: today, or yesterday before the hour."""
        today = now.date()
        return today if now.hour >= self.ready_hour else today - _DAY

    def lacks_data_of(self, period: Period, now: datetime) -> bool:
        """Return whether a period is over whose data are not ready.

        A period that includes today is answered without the missing days.
        """
        return self.first_day_not_ready(now) <= period.end < now.date()

    def apply(self, settings: AppSettings) -> None:
        """Apply the settings that are not None."""
        if settings.secret is not None:
            self.secret = settings.secret
        if settings.ready_hour is not None:
            self.ready_hour = settings.ready_hour
        self.quota.set_limits(settings.daily_limits, settings.minute_limits)
        if settings.cloud_run is not None:
            self.cloud_run.service = settings.cloud_run or None
        if settings.seed is not None:
            self.streams.own_seed = settings.seed
            self.restart_streams()

    def restart_streams(self) -> None:
        """Begin numbers, tokens and request ids again from the seed."""
        self.tokens.clear()
        self.cloud_run.clear_tokens()
        self.streams.restart()

    def keep_data_of(self, former: "MiniProgram") -> None:
        """Take over the data of the mini program that this one replaces, reset to the seed."""
        if former.uses_storage:
            self._storage = former.storage
            self._storage.files.reset()

    def discard_data(self) -> None:
        """Remove the data of a mini program that is removed."""
        if self.uses_storage:
            self.storage.files.reset()
            self.storage.files.close()

    @property
    def uses_storage(self) -> bool:
        """Return whether there may be files other than the seed's."""
        return self._storage is not None or self._places.data is not None

    def close(self) -> None:
        """Invalidate every token for good: the mini program was reset or removed."""
        self.tokens.close()
        self.cloud_run.clear_tokens()
