"""Isolation of mini programs."""

import json
import threading
import time
from datetime import datetime, timedelta
from functools import partial

import pytest
from support.processes import WAIT
from support.threads import run_concurrently
from support.values import DAILY, DAY, NOW, QUOTA, STABLE

from cloud_openapi.emulator import Clock, Emulator, Entry, create_app
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.emulator.state.journal import select
from cloud_openapi.emulator.state.quota import Quota
from cloud_openapi.periods import BEIJING

ONE, TWO = "wxone", "wxtwo"
APPS = {ONE: "one", TWO: "two"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=BEIJING)


class AppClient:
    """A client that controls and calls one mini program."""

    def __init__(self, emulator, appid):
        self.appid = appid
        self.emulator = emulator
        self.client = create_app(emulator).test_client()
        self.seen = []

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body)
        answer = self.client.open(f"/_emulator/{path}", method=method, data=data)
        assert answer.status_code < 300, answer.text
        return answer.json

    def clock(self, **change):
        return self.control("PUT", "clock", {"appid": self.appid, **change})

    def call(self, path, body=None, token=None):
        query = {} if token is None else {"access_token": token}
        answer = self.client.post(path, query_string=query, json=body)
        self.seen.append(answer.text)
        return answer.json

    def token(self, secret=None, **more):
        fields = {"grant_type": "client_credential", "appid": self.appid}
        return self.call(STABLE, {**fields, "secret": secret or APPS[self.appid], **more})

    def use_everything(self, rounds):
        """Use every feature, ``rounds`` times."""
        for number in range(rounds):
            self.control("POST", "reset", {"appid": self.appid})
            self.control("PUT", f"apps/{self.appid}", {"seed": number, "ready_hour": 9})
            self.clock(freeze=f"2026-03-1{number % 5 + 1}T08:00")
            self.token("wrong")
            old = self.token()["access_token"]
            self.call(DAILY, DAY, old)
            token = self.token(force_refresh=True)["access_token"]
            self.call(DAILY, DAY, old)  # 40001, of this mini program
            self.clock(advance=3600)
            self.call(DAILY, DAY, token)
            fault = {"kind": "error", "errcode": 61504, "rate": 0.5, "appid": self.appid}
            self.control("POST", "faults", {**fault, "until": f"2026-03-2{number % 5 + 1}"})
            for _ in range(5):
                self.call(DAILY, DAY, token)
            self.control("DELETE", f"faults?appid={self.appid}")
            self.control("PUT", f"apps/{self.appid}", {"daily_limits": {DAILY: 4}})
            for _ in range(3):
                self.call(DAILY, {"begin_date": "20260301", "end_date": "20260301"}, token)
            self.call(QUOTA, {"cgi_path": DAILY}, token)
            self.clock(advance=7200)
            self.call(DAILY, DAY, token)  # 42001
            self.seen += self.journal()
            self.seen.append(self.control("GET", f"apps/{self.appid}"))

    def journal(self):
        entries = self.control("GET", f"journal?appid={self.appid}&limit=1000")["entries"]
        # All mini programs share these numbers, and no time is the same twice.
        own = {"check": "fault ", "reason": "fault "}
        for entry in entries:
            entry.update({key: entry[key].partition(text)[0] for key, text in own.items()})
            del entry["milliseconds"], entry["number"], entry["answered"]
        return entries


def new_emulator():
    return Emulator(clock=Clock(NOW), apps=APPS)


def alone(appid, rounds):
    tester = AppClient(new_emulator(), appid)
    tester.use_everything(rounds)
    return tester.seen


def test_concurrent_clients_of_two_mini_programs_are_isolated():
    emulator = new_emulator()
    testers = [AppClient(emulator, appid) for appid in APPS]
    threads = [threading.Thread(target=tester.use_everything, args=(6,)) for tester in testers]
    stop = threading.Event()

    def noise():
        # Endless requests of unknown callers and of a later mini program.
        emulator.configure_app("wxnoise", secret="n")
        client = create_app(emulator).test_client()
        while not stop.is_set():
            client.post("/nowhere", json={})
            token, _ = emulator.program("wxnoise").tokens.grant()
            client.post(DAILY, query_string={"access_token": token}, json={})
            emulator.faults.add({"kind": "error", "errcode": -1, "appid": "wxnoise", "times": 1})
            emulator.clock_of("wxnoise").advance(timedelta(hours=5))

    threads.append(threading.Thread(target=noise))
    for thread in threads:
        thread.start()
    for thread in threads[:2]:
        thread.join()
    stop.set()
    threads[2].join()
    for tester in testers:
        assert tester.seen == alone(tester.appid, 6)
    entries = [entry for entry in testers[0].seen if isinstance(entry, dict)]
    codes = {entry["errcode"] for entry in entries if "check" in entry}
    assert codes == {0, 40001, 40125, 42001, 45009, 61503, 61504}
    assert testers[0].seen != testers[1].seen


# ---- own clocks ----------------------------------------------------------------------------


@pytest.fixture
def emulator():
    return new_emulator()


def test_own_clock_follows_the_common_clock_until_it_is_set(emulator):
    own = emulator.clock_of(ONE)
    emulator.clock.advance(timedelta(hours=1))
    assert own.now() == emulator.clock.now() == at("2026-03-11T13:00")
    own.advance(timedelta(hours=2))
    emulator.clock.freeze(at("2020-01-01T00:00"))
    assert own.now() == emulator.clock_of(ONE).now() == at("2026-03-11T15:00")
    assert emulator.clock_of(TWO).now() == emulator.clock.now() == at("2020-01-01T00:00")
    emulator.reset_app(ONE)
    assert emulator.clock_of(ONE) is own
    assert own.now() == at("2020-01-01T00:00")


def test_own_clock_starts_at_the_common_time(emulator):
    own = emulator.clock_of(ONE)
    own.freeze()
    assert own.frozen_at == NOW
    own.run()
    assert own.frozen_at is None
    assert abs(own.now() - datetime.now(BEIJING)) < timedelta(seconds=30)
    assert emulator.clock.frozen_at == NOW


def test_own_seed_invalidates_earlier_tokens(emulator):
    emulator.configure_app(ONE, cloud_run={"api_whitelist": ["/*"]})
    before = emulator.program(ONE).tokens.grant()[0], emulator.cloudbase_access_token(ONE)
    emulator.configure_app(ONE, seed=77)
    assert emulator.program_of_token(before[0]) is None
    assert emulator.cloudbase_access_token(ONE) != before[1]


def test_refused_move_leaves_own_clock_following(emulator):
    own = emulator.clock_of(ONE)
    with pytest.raises(ValueError, match="between 1971 and 2105"):
        own.advance(timedelta(days=3_000_000))
    emulator.clock.advance(timedelta(hours=1))
    assert own.now() == at("2026-03-11T13:00")


def test_unknown_mini_program_has_no_clock(emulator):
    with pytest.raises(ValueError, match="appid is one of wxone, wxtwo"):
        emulator.clock_of("wxunknown")


def test_control_shows_and_sets_own_clock(emulator):
    tester = AppClient(emulator, ONE)
    common = {"now": "2026-03-11T12:00:00+08:00", "frozen": True, "offset": 0.0}
    assert tester.control("GET", f"clock?appid={ONE}") == common
    assert "clock" not in tester.control("GET", f"apps/{ONE}")
    own = {"now": "2026-03-09T08:00:00+08:00", "frozen": True, "offset": 0.0}
    assert tester.clock(freeze="2026-03-09T08:00") == own
    assert tester.control("GET", f"clock?appid={ONE}") == own
    assert tester.control("GET", f"apps/{ONE}")["clock"] == own
    assert tester.control("GET", "clock") == tester.control("GET", f"clock?appid={TWO}") == common
    assert tester.control("POST", "reset", {"appid": ONE}) == {
        "appid": ONE,
        "ready_hour": 0,
        "daily_limits": {},
        "minute_limits": {},
        "cloud_run": False,
    }
    assert tester.control("GET", f"clock?appid={ONE}") == common


def test_own_clock_decides_expiry_faults_rids_and_journal(emulator):
    tester = AppClient(emulator, ONE)
    token = tester.token()
    assert token["expires_in"] == 7200
    tester.clock(advance=3600)
    assert tester.token()["expires_in"] == 3600
    fault = {"kind": "not_ready", "appid": ONE, "until": "2026-03-11T13:30"}
    tester.control("POST", "faults", fault)
    refused = tester.call(DAILY, DAY, token["access_token"])
    assert refused["errcode"] == 61503
    assert f"rid: {int(at('2026-03-11T13:00').timestamp()):08x}-" in refused["errmsg"]
    assert tester.journal()[-1]["time"] == "2026-03-11T13:00:00+08:00"
    tester.clock(advance=1800)
    assert tester.call(DAILY, DAY, token["access_token"])["ref_date"] == "20260310"
    tester.clock(advance=86400)
    expired = tester.call(DAILY, DAY, token["access_token"])
    assert expired["errcode"] == 42001
    assert tester.journal()[-1]["time"] == "2026-03-12T13:30:00+08:00"
    assert emulator.clock.now() == NOW


def test_midnight_of_another_mini_program_does_not_reset_a_quota(emulator):
    one, two = AppClient(emulator, ONE), AppClient(emulator, TWO)
    tokens = [tester.token()["access_token"] for tester in (one, two)]
    emulator.configure_app(ONE, daily_limits={DAILY: 1})
    assert one.call(DAILY, DAY, tokens[0])["ref_date"] == "20260310"
    two.clock(advance=86400)
    two.call(DAILY, DAY, two.token()["access_token"])
    assert one.call(DAILY, DAY, tokens[0])["errcode"] == 45009


# ---- own seeds -----------------------------------------------------------------------------


def test_own_seed_equals_an_emulator_with_that_seed(emulator):
    emulator.configure_app(ONE, seed=8)
    made = Emulator(clock=Clock(NOW), apps=APPS, seed=8)
    granted = [one.program(ONE).tokens.grant()[0] for one in (emulator, made)]
    assert granted[0] == granted[1]
    answers = [AppClient(one, ONE).call(DAILY, DAY, granted[0]) for one in (emulator, made)]
    assert answers[0] == answers[1]
    assert emulator.program(TWO).tokens.grant()[0] != made.program(TWO).tokens.grant()[0]
    assert emulator.describe_app(ONE)["seed"] == 8
    assert "seed" not in emulator.describe_app(TWO)


def test_reseed_skips_mini_programs_with_own_seed(emulator):
    emulator.configure_app(ONE, seed=8)
    emulator.faults.add({"kind": "html", "appid": ONE})
    emulator.faults.add({"kind": "html", "appid": TWO})
    expected = Emulator(apps=APPS, seed=8)
    emulator.program(ONE).tokens.grant()
    expected.program(ONE).tokens.grant()
    emulator.reseed(5)
    assert emulator.program(ONE).tokens.grant()[0] == expected.program(ONE).tokens.grant()[0]
    assert [fault.appid for fault in emulator.faults.listed()] == [ONE]
    emulator.reset()
    assert (emulator.seed, emulator.describe_app(ONE).get("seed")) == (0, None)


def test_tokens_and_rids_do_not_depend_on_other_mini_programs():
    def answers_beside(noise):
        tester = AppClient(new_emulator(), ONE)
        for _ in range(noise):
            tester.emulator.program(TWO).tokens.grant()
            tester.client.post("/nowhere")
        token = tester.token()["access_token"]
        return token, tester.call(DAILY, {}, token)["errmsg"], tester.token("wrong")["errmsg"]

    assert answers_beside(0) == answers_beside(3)


# ---- initial settings ----------------------------------------------------------------------


def test_reset_restores_the_initial_settings():
    first = {"secret": "one", "ready_hour": 9, "daily_limits": {DAILY: 5}, "seed": 7}
    emulator = Emulator(apps={ONE: first, TWO: "two"})
    made = emulator.describe()["apps"]
    assert made[ONE] == {
        "appid": ONE,
        "ready_hour": 9,
        "daily_limits": {DAILY: 5},
        "minute_limits": {},
        "cloud_run": False,
        "seed": 7,
    }
    for reset in (lambda: emulator.reset_app(ONE), emulator.reset):
        changed = {"secret": "x", "ready_hour": 0, "daily_limits": {DAILY: None}, "seed": 1}
        emulator.configure_app(ONE, **changed)
        emulator.clock_of(ONE).advance(timedelta(hours=1))
        assert emulator.describe()["apps"] != made
        reset()
        assert emulator.describe()["apps"] == made
        assert emulator.apps == APPS


@pytest.mark.parametrize(
    ("apps", "reason"),
    [
        ({"wx one": "s"}, "an appid is"),
        ({ONE: ""}, "secret is a text"),
        ({ONE: 5}, "a mini program is an object of secret, ready_hour"),
        ({ONE: {"secrt": "s"}}, "secrt: a mini program has secret, ready_hour"),
        ({ONE: {"secret": "s", "seed": "1"}}, "seed is a whole number"),
        ({ONE: {"ready_hour": 9}}, "appid is one of"),
    ],
)
def test_invalid_settings_are_refused(apps, reason):
    with pytest.raises(ValueError, match=reason):
        Emulator(apps=apps)


# ---- many mini programs --------------------------------------------------------------------


@pytest.mark.slow
def test_message_names_only_the_first_mini_programs():
    emulator = Emulator(apps={f"wx{number}": "s" for number in range(10_000)})
    for refused in (
        lambda: emulator.program("wxunknown"),
        lambda: emulator.faults.add({"kind": "html", "appid": "wxunknown"}),
    ):
        with pytest.raises(ValueError, match="wx0, wx1, wx2, wx3, wx4 and 9,995 more, not"):
            refused()


@pytest.mark.slow
def test_adding_mini_programs_takes_linear_time(emulator):
    began = time.process_time()
    for number in range(10_000):
        emulator.configure_app(f"wx{number}", secret="s", ready_hour=9, seed=number)
    # Takes a tenth of a second; quadratic time would be a hundred times that.
    assert time.process_time() - began < 2
    assert len(emulator.apps) == 10_002


# ---- journals ------------------------------------------------------------------------------


@pytest.mark.slow
def test_noisy_mini_programs_do_not_evict_entries_of_others():
    noisy = [f"wx{number}" for number in range(11)]
    apps = dict.fromkeys(("wxquiet", *noisy), "s")
    emulator = Emulator(clock=Clock(NOW), apps=apps)
    quiet = AppClient(emulator, "wxquiet")
    for _ in range(3):
        quiet.token("s")
    before = quiet.journal()
    client = create_app(emulator).test_client()
    for appid in noisy:
        token, _ = emulator.program(appid).tokens.grant()
        for _ in range(1000):
            client.post(DAILY, query_string={"access_token": token}, json=DAY)
    assert len(before) == 3
    assert quiet.journal() == before
    assert all(len(emulator.program(appid).journal) == 1000 for appid in noisy)


def test_store_evicts_its_oldest_values():
    store = BoundedStore(3)
    for number in range(20):
        store.add(number, number)
    store.add(18, "again")
    assert store.items() == [(17, 17), (19, 19), (18, "again")]
    assert (store.get(5), store.get(17), 17 in store, 5 in store) == (None, 17, True, False)
    store.clear()
    assert (len(store), store.items()) == (0, [])


def test_large_values_evict_older_ones():
    store, heavy = BoundedStore(100), 1024 * 1024
    for number in range(60):
        store.add(number, number, heavy)
    assert [key for key, _ in store.items()] == [56, 57, 58, 59]
    store.add(59, "light", 0)
    store.add("new", "new", heavy)
    assert [key for key, _ in store.items()] == [56, 57, 58, 59, "new"]
    store.add("new", "too heavy", 5 * heavy)
    assert store.items() == []


def entry_of(appid, body=b""):
    return Entry(
        time=at("2026-03-11T12:00"),
        method="POST",
        path="/x",
        appid=appid,
        body=body,
        errcode=0,
        check="simulation",
    )


def test_concurrent_reset_keeps_entries_of_other_mini_programs():
    emulator = Emulator(apps=APPS, journal_size=2000)

    def write():
        for number in range(2000):
            emulator.program(TWO).journal.add(entry_of(TWO, b"%d" % number))

    def reset():
        for _ in range(300):
            emulator.program(ONE).journal.add(entry_of(ONE))
            emulator.reset_app(ONE)

    run_concurrently(write, reset, reset)
    entries, _ = select(emulator.program(TWO).journal, limit=5000)
    assert [entry.body for _number, entry in entries] == [b"%d" % number for number in range(2000)]


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("kind", ["a token", "a forced token", "a good call", "a bad call"])
def test_request_during_a_reset_leaves_no_trace(emulator, monkeypatch, kind, everything):
    tester, spend = AppClient(emulator, ONE), Quota.spend
    token = tester.token()["access_token"]

    def overtaken(quota, *call):
        monkeypatch.setattr(Quota, "spend", spend)
        reset = emulator.reset if everything else partial(emulator.reset_app, ONE)
        run_concurrently(reset)
        spend(quota, *call)

    monkeypatch.setattr(Quota, "spend", overtaken)
    answer = {
        "a token": tester.token,
        "a forced token": partial(tester.token, force_refresh=True),
        "a good call": partial(tester.call, DAILY, DAY, token),
        "a bad call": partial(tester.call, DAILY, {}, token),
    }[kind]()
    fresh = new_emulator()
    program, untouched = emulator.program(ONE), fresh.program(ONE)
    assert tester.journal() == []
    assert [program.quota.show(path, NOW)["quota"]["used"] for path in (STABLE, DAILY)] == [0, 0]
    assert program.rids.get(answer.get("errmsg", "")[-26:]) is None
    assert emulator.program_of_token(answer.get("access_token", token)) is None
    assert program.tokens.grant() == untouched.tokens.grant()
    assert AppClient(emulator, ONE).token("bad") == AppClient(fresh, ONE).token("bad")


def test_journal_reader_misses_no_entry():
    emulator = Emulator(apps=APPS, journal_size=5000)

    def write(appid):
        for _ in range(1000):
            emulator.program(appid).journal.add(entry_of(appid))

    def read():
        seen, last, deadline = 0, 0, time.monotonic() + WAIT
        while seen < 3000 and time.monotonic() < deadline:
            entries, last = select(emulator.journal, after=last, limit=5000)
            seen += len(entries)
        return seen

    writers = [partial(write, appid) for appid in (ONE, TWO, ONE)]
    assert run_concurrently(read, *writers)[0] == 3000
