"""Whatever the control routes are sent: an answer of theirs, and nothing changed if refused."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.values import DAILY, NOW

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.overrides.fault import KINDS

EMULATOR = Emulator(clock=Clock(NOW), apps={DEMO_APPID: DEMO_SECRET, "wxother": "s"})
APP = create_app(EMULATOR)
APP.testing = True  # an exception is seen as one
CLIENT = APP.test_client()

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
numbers = st.sampled_from([0, 1, 0.5, -1, 9, 24, 25, 400, 599, 61504, 10**400, 1e300])
times = st.sampled_from(["2026-03-12", "2026-03-11T13:00", "9000-12-31", "1971-01-01", "soon"])
appids = st.sampled_from([DEMO_APPID, "wxother", "wxnew", "wx new", ""])
names = st.sampled_from([DAILY, "analysis.getDailyRetain", "/nowhere"])
limits = st.dictionaries(names, st.none() | numbers | anything, max_size=2)
latencies = st.dictionaries(
    st.sampled_from(["uniform", "lognormal"]), st.lists(numbers, max_size=3)
)
likely = st.one_of(numbers, times, appids, names, limits, latencies, st.sampled_from([True, None]))
values = likely | anything
fields = {
    "reset": ["appid", "all"],
    "clock": ["freeze", "run", "advance", "appid"],
    "seed": ["seed"],
    "apps/wxother": ["secret", "ready_hour", "daily_limits", "seed"],
    "apps/wxnew": ["secret", "ready_hour", "daily_limits", "seed"],
    "faults": ["api", "path", "appid", "times", "rate", "until", "errcode", "errmsg", "seconds"],
    "pins": ["api", "response", "request", "responses", "appid", "times", "force"],
}
ROUTES = [
    ("POST", "reset"),
    ("PUT", "clock"),
    ("PUT", "seed"),
    ("PUT", "apps/wxother"),
    ("PUT", "apps/wxnew"),
    ("POST", "faults"),
    ("POST", "pins"),
]
GOOD = {"all": True, "appid": "wxother", "freeze": True, "run": True, "advance": 5, "seed": 5}
GOOD |= {"secret": "s", "ready_hour": 5, "daily_limits": {DAILY: 5}, "times": 1, "rate": 0.5}
GOOD |= {"api": "analysis.getDailyRetain", "response": {"errcode": 61504}, "force": True}
QUERIES = ["appid", "api", "path", "errcode", "since", "after", "limit", "x"]
bounded = settings(max_examples=50, deadline=None, database=None)


@st.composite
def sent(draw, path):
    """Return a body: one that is likely to be understood in part, or anything at all."""
    if draw(st.integers(0, 9)) == 0:
        return json.dumps(draw(anything))
    chosen = draw(st.lists(st.sampled_from(fields[path]), min_size=1, max_size=3, unique=True))
    body = {
        name: GOOD[name] if name in GOOD and draw(st.booleans()) else draw(values)
        for name in chosen
    }
    if path == "faults":
        body["kind"] = draw(st.sampled_from([*KINDS, "x"]))
    if path == "pins":
        body["api"] = GOOD["api"]
    return json.dumps(body)


def known():
    pins = [pin.describe() for pin in EMULATOR.pins.listed()]
    return EMULATOR.describe(), pins, dict(EMULATOR.apps), EMULATOR.journal_entries()


def begin():
    """Put something there that a refused request might change."""
    EMULATOR.reset()
    token, _ = EMULATOR.program("wxother").tokens.grant()
    CLIENT.post(DAILY, query_string={"access_token": token}, data=b"{}")
    EMULATOR.faults.add({"kind": "html", "appid": "wxother", "times": 3})
    pinned = {"response": {"errcode": 61504}, "appid": "wxother"}
    EMULATOR.pins.add({"api": "analysis.getDailyRetain", **pinned})
    EMULATOR.clock_of("wxother").advance(timedelta(hours=1))
    EMULATOR.configure_app("wxother", seed=5, ready_hour=3, daily_limits={DAILY: 8})


def check(method, path, **sent):
    before = known()
    answer = CLIENT.open(f"/_emulator/{path}", method=method, **sent)
    assert answer.status_code in {200, 201, 400, 404}, answer.text
    json.loads(answer.text)
    if answer.status_code >= 400:
        assert answer.json.keys() == {"code", "message"}
        assert known() == before
    return answer.status_code


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), ROUTES)
@bounded
@given(data=st.data())
def test_refused_body_changes_nothing(method, path, data):
    begin()
    check(method, path, data=data.draw(sent(path)))


@pytest.mark.parametrize(
    "body",
    [b"9" * 5000, b'{"seed": ' + b"9" * 5000 + b"}", b'{"seed": ' + b"[" * 900 + b"]" * 900 + b"}"]
    + [b'{"seed": ' + b"[" * depth + b"]" * depth + b"}" for depth in (2_000, 50_000)]
    + [b'{"advance": Infinity}', b'{"\\ud800": "\\ud800"}', b"\xff\xfe", b""],
)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_malformed_body_is_400_and_changes_nothing(method, path, body):
    begin()
    assert check(method, path, data=body) == 400


@bounded
@given(st.dictionaries(st.sampled_from(QUERIES), likely.map(str) | st.text(), max_size=3))
def test_refused_query_changes_nothing(query):
    begin()
    for method, path in (
        ("GET", "journal"),
        ("GET", "clock"),
        ("DELETE", "faults"),
        ("DELETE", "pins"),
    ):
        check(method, path, query_string=query)


@bounded
@given(st.sampled_from(["apps", "faults", "journal", "x"]), st.text(max_size=30))
def test_refused_path_changes_nothing(route, name):
    begin()
    quoted = "".join(f"%{byte:02x}" for byte in name.encode("utf-8", "replace"))
    for method in ("GET", "PUT", "POST", "DELETE"):
        before = known()
        answer = CLIENT.open(f"/_emulator/{route}/{quoted}", method=method, data=b"{}")
        assert answer.status_code in {200, 400, 404, 405}
        if answer.status_code >= 400:
            assert known() == before
