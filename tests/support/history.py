"""An emulator whose answers are kept in a store, and a history's time by the emulator's clock."""

from collections import Counter
from datetime import datetime

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.history import Clock, Window, stored, sync
from cloud_openapi.periods import BEIJING, period_with
from cloud_openapi.transports.wsgi import WSGIExchange

DAILY = "analysis.getDailyRetain"
ASKED = datetime(2026, 3, 11, 12, tzinfo=BEIJING)


class EmulatorClock(Clock):
    """Waits by moving the emulator's clock."""

    def __init__(self, emulator):
        super().__init__(emulator.clock.now)
        self._emulator = emulator
        self.waited = []

    def seconds(self):
        return self.now().timestamp()

    def wait(self, seconds):
        self.waited.append(seconds)
        self._emulator.clock.advance(seconds + 0.001)

    def standing(self):
        """Return a clock with the emulator's date that waits as the machine does."""
        return Clock(self.now)


class World:
    """An emulator with mini programs wx0, wx1 …, and a store."""

    def __init__(self, folder, count=1):
        self.apps = {f"wx{number}": f"secret-{number}" for number in range(count)}
        self.emulator = Emulator(apps=self.apps, journal_size=100_000)
        self.clock = EmulatorClock(self.emulator)
        self.exchange = WSGIExchange(create_app(self.emulator))
        self.url = str(folder / "history.sqlite")
        self.seen = self.after = 0
        self.at("2026-03-11T12:00")

    def at(self, time):
        self.emulator.clock.freeze(time)

    def fault(self, kind, **settings):
        return self.emulator.faults.add({"kind": kind, **settings})

    def sync(self, apis=DAILY, begin="20260201", end=None, **options):
        options = {"store": self.url, "apps": self.apps, "exchange": self.exchange, **options}
        options = {"clock": self.clock, "base_url": "http://127.0.0.1", **options}
        return sync(apis, begin, end, **options)

    def asked(self):
        """Return appid, body and error of each call since the last time, without tokens."""
        entries = [e for e in self.emulator.journal if e.path.startswith("/datacube")]
        new, self.seen = entries[self.seen :], len(entries)
        return [(entry.appid, entry.body, entry.errcode) for entry in new]

    def outcomes(self):
        """Return the number of calls since the last time by error and whether a fault struck."""
        found = Counter()
        page = self.emulator.journal_page(after=self.after, limit=100_000)
        self.after = page["last"]
        for entry in page["entries"]:
            if entry["path"].startswith("/datacube"):
                found[entry["errcode"], "fault" in entry["check"]] += 1
        return found

    def keys(self, api=DAILY, begin="20260201", appid="wx0"):
        """Return the keys of each stored window by its ``ref_date``."""
        windows = stored(api, begin, "20261231", appid, store=self.url)
        return {w.ref: [row["key"] for row in w.answer["visit_uv"]] for w in windows}


def retention(day, values, appid="wx1"):
    """Return a window of a day with values by key."""
    rows = [{"key": key, "value": value} for key, value in values.items()]
    answer = {"ref_date": f"{day:%Y%m%d}", "visit_uv_new": rows, "visit_uv": rows[:1]}
    return Window(appid, DAILY, period_with("day", day), answer, asked=ASKED)
