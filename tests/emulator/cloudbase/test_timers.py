"""Timers: the seven fields, and firing by a moved or running clock."""

import random
from datetime import datetime, timedelta, timezone
from itertools import islice

import pytest
from flask import Flask
from support.processes import until

from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Clock, Emulator
from cloud_openapi.emulator.cloudbase.timers import Timers
from cloud_openapi.emulator.control.routes import add_control
from cloud_openapi.errors import ConfigError
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Log, Outcome, Timer
from cloud_openapi.runtime._timer import read_timer

START = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
DAILY = "0 0 2 * * * *"


def times(expression, start=START, count=3):
    return [
        f"{time:%Y-%m-%dT%H:%M:%S}" for time in islice(Timer("t", expression).after(start), count)
    ]


# ---- the expression ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The examples of WeChat's page with the documented times.
        ("*/5 * * * * * *", ["2026-03-11T12:00:05", "2026-03-11T12:00:10", "2026-03-11T12:00:15"]),
        ("0 0 2 1 * * *", ["2026-04-01T02:00:00", "2026-05-01T02:00:00", "2026-06-01T02:00:00"]),
        (
            "0 15 10 * * MON-FRI *",
            ["2026-03-12T10:15:00", "2026-03-13T10:15:00", "2026-03-16T10:15:00"],
        ),
        (
            "0 0 10,14,16 * * * *",
            ["2026-03-11T14:00:00", "2026-03-11T16:00:00", "2026-03-12T10:00:00"],
        ),
        (
            "0 */30 9-17 * * * *",
            ["2026-03-11T12:30:00", "2026-03-11T13:00:00", "2026-03-11T13:30:00"],
        ),
        (
            "0 0 12 * * WED *",
            ["2026-03-18T12:00:00", "2026-03-25T12:00:00", "2026-04-01T12:00:00"],
        ),
        # Sunday is 0; from minute 1 on every ten; a year; day or weekday.
        ("0 0 0 * * 0 *", ["2026-03-15T00:00:00", "2026-03-22T00:00:00", "2026-03-29T00:00:00"]),
        (
            "0 1/10 * * * * *",
            ["2026-03-11T12:01:00", "2026-03-11T12:11:00", "2026-03-11T12:21:00"],
        ),
        ("0 0 0 1 jan * 2028", ["2028-01-01T00:00:00"]),
        ("0 0 0 20 * MON *", ["2026-03-16T00:00:00", "2026-03-20T00:00:00", "2026-03-23T00:00:00"]),
        ("0 0 0 30 2 * *", []),
        ("0 0 0 29 2 * 2026-2031", ["2028-02-29T00:00:00"]),
        # The last valid year, and a past one.
        ("0 0 0 1 1 * 2099", ["2099-01-01T00:00:00"]),
        ("0 0 0 1 1 * 2017", []),
    ],
)
def test_an_expression_fires_at_its_times(expression, expected):
    assert times(expression) == expected


def test_an_expression_is_in_beijing_time():
    utc = datetime(2026, 3, 11, 17, 59, 59, tzinfo=timezone.utc)
    assert times(DAILY, utc, 1) == ["2026-03-12T02:00:00"]


def test_random_expressions_fire_exactly_at_matching_times():
    dice = random.Random(7)
    start = datetime(2026, 2, 27, tzinfo=BEIJING)
    for _ in range(50):
        hours = sorted(dice.sample(range(24), 2))
        days = sorted(dice.sample(range(1, 29), 2))
        weekday = dice.randrange(7)
        expression = f"0 0 {hours[0]},{hours[1]} {days[0]}-{days[1]} * {weekday} *"
        found = set(islice(Timer("t", expression).after(start), 20))
        expected = set()
        moment = start
        while len(expected) < len(found):
            moment += timedelta(hours=1)
            either = days[0] <= moment.day <= days[1] or moment.isoweekday() % 7 == weekday
            if moment.hour in hours and either:
                expected.add(moment)
        assert found == expected, expression


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("0 2 * * *", "seven fields"),
        ("0 0 2 * * *", "seven fields"),
        ("60 * * * * * *", "second: 0 to 59, with , - * and /, not '60'"),
        ("0 0 24 * * * *", "hour: 0 to 23"),
        ("0 0 0 0 * * *", "day of the month: 1 to 31"),
        ("0 0 0 * 13 * *", "month: 1 to 12 or JAN to DEC"),
        ("0 0 0 * * 7 *", "weekday: 0 to 6 or SUN to SAT"),
        ("0 0 0 * * * 1969", "year: 1970 to 2099"),
        ("0 0 0 * * ? *", "'?'"),
        ("0 0 0 L * * *", "'L'"),
        ("0 0 17-9 * * * *", "'17-9'"),
        ("*/0 * * * * * *", "'*/0'"),
        ("1,,2 * * * * * *", "''"),
        ("0 0 0 * * MON#1 *", "'MON#1'"),
        ("R * * * * * *", "'R'"),
    ],
)
def test_an_invalid_expression_is_refused_with_the_field(expression, reason):
    with pytest.raises(ConfigError) as refused:
        Timer("t", expression)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("triggers", "reason"),
    [
        ({}, "triggers must be an array"),
        ([1], "triggers[0] must be an object"),
        (
            [{"name": "t", "type": "ckafka", "config": DAILY}],
            "triggers[0]: type must be timer, not",
        ),
        ([{"type": "timer", "config": DAILY}], "triggers[0]: name must be a string, not null"),
        ([{"name": "t", "type": "timer", "config": "x"}], "triggers[0]: config is seven fields"),
        ([{"name": "1t", "type": "timer", "config": DAILY}], "not '1t'"),
        (
            [{"name": "t", "type": "timer", "config": DAILY}] * 2,
            "a function has at most one, not 2",
        ),
    ],
)
def test_invalid_triggers_are_refused_with_the_path(triggers, reason):
    with pytest.raises(ConfigError) as refused:
        read_timer({"triggers": triggers})
    assert reason in str(refused.value)


@pytest.mark.parametrize("config", [{}, {"triggers": []}, {"permissions": {"openapi": []}}])
def test_timer_is_optional(config):
    assert read_timer(config) is None


# ---- firing --------------------------------------------------------------------------------


class RecordingFunctions:
    """Functions that record their invocations."""

    def __init__(self, **expressions):
        self._timers = {name: Timer("EveryDay", text) for name, text in expressions.items()}
        self.runs = []
        self.outcome = Outcome("null", 200)
        self._logs = {name: Log() for name in expressions}

    def log_of(self, name):
        return self._logs[name]

    def lines(self, name):
        return [line for _, line in self._logs[name].since()]

    def timers(self):
        return self._timers.items()

    def invoke(self, name, event, now, source):
        self.runs.append((name, event, now, source))
        return self.outcome


def timed(start=START, **expressions):
    emulator = Emulator(clock=Clock(start))
    functions = RecordingFunctions(**expressions)
    return emulator.clock, functions, Timers(emulator, functions)


def test_timer_fires_once_with_the_documented_event():
    clock, functions, _ = timed(datetime(2019, 2, 21, 19, 48, tzinfo=BEIJING), f="0 49 * * * * *")
    clock.advance(timedelta(minutes=2))
    event = {
        "Type": "Timer",
        "TriggerName": "EveryDay",
        "Time": "2019-02-21T11:49:00Z",
        "Message": "",
    }
    assert functions.runs == [
        ("f", event, datetime(2019, 2, 21, 19, 49, tzinfo=BEIJING), "wx_trigger")
    ]
    clock.advance(timedelta(minutes=2))
    assert len(functions.runs) == 1


def test_exactly_reached_time_fires_once():
    clock, functions, _ = timed(f=DAILY)
    clock.freeze(datetime(2026, 3, 12, 2, tzinfo=BEIJING))
    assert len(functions.runs) == 1
    clock.advance(timedelta(seconds=1))
    assert len(functions.runs) == 1


def test_due_timers_fire_in_order_of_time():
    clock, functions, _ = timed(f=DAILY, g="0 0 3 * * * *")
    clock.advance(timedelta(days=3))
    assert [name for name, *_ in functions.runs] == ["f", "g"] * 3
    assert [event["Time"] for _, event, *_ in functions.runs] == [
        "2026-03-11T18:00:00Z",
        "2026-03-11T19:00:00Z",
        "2026-03-12T18:00:00Z",
        "2026-03-12T19:00:00Z",
        "2026-03-13T18:00:00Z",
        "2026-03-13T19:00:00Z",
    ]


def test_move_over_years_fires_at_most_100_times():
    clock, functions, _ = timed(f="* * * * * * *")
    clock.advance(timedelta(days=3650))
    assert len(functions.runs) == 100
    clock.advance(timedelta(seconds=2))
    assert len(functions.runs) == 102


def test_firings_skipped_by_a_long_move_are_reported():
    clock, functions, _ = timed(f="* * * * * * *", g=DAILY)
    skipped = (
        "Timer f/EveryDay fires at most 100 times in a move of the clock: skipped from "
        "2026-03-11T12:01:41+08:00 to 2026-03-11T13:00:00+08:00"
    )
    assert clock.advance(timedelta(hours=1)) == [skipped]
    assert functions.lines("f") == [f"Warning: {skipped}"]
    assert functions.lines("g") == []
    assert clock.advance(timedelta(seconds=100)) == []
    assert len(clock.freeze(clock.now() + timedelta(days=200))) == 2
    assert len(functions.lines("g")) == 1


def test_the_control_response_reports_skipped_firings():
    emulator = Emulator(clock=Clock(START))
    functions = RecordingFunctions(f="* * * * * * *")
    timers = Timers(emulator, functions)
    app = Flask("control")
    add_control(app, emulator)
    client = app.test_client()
    response = client.put("/_emulator/clock", json={"advance": 3600}).json
    assert response.keys() == {"now", "frozen", "offset", "warnings"}
    ((_, line),) = functions.log_of("f").since()
    assert response["warnings"] == [line.removeprefix("Warning: ")]
    assert "warnings" not in client.put("/_emulator/clock", json={"advance": 10}).json
    assert timers.due() == []


@pytest.mark.parametrize("second", [60, 7200, -60])
def test_moves_at_the_same_time_fire_each_time_once(second):
    clock, functions, _ = timed(f="0 0 * * * * *", g="0 1 15 * * * *")
    nested = []

    def move_meanwhile():
        # The clock shows the first move, whose timers have not fired yet.
        if not nested and clock.now() > START:
            nested.append(second)
            clock.advance(second)

    clock.watch(move_meanwhile)
    clock.advance(timedelta(hours=3))
    last = START + timedelta(hours=3, seconds=second)
    hours = int((last - START).total_seconds() // 3600)
    fired = [now for name, _event, now, _source in functions.runs if name == "f"]
    assert fired == [START + timedelta(hours=hour + 1) for hour in range(hours)]
    assert [name for name, *_ in functions.runs].count("g") == int(second > 0)


def test_times_fire_again_after_moving_back():
    clock, functions, _ = timed(f=DAILY)
    clock.advance(timedelta(days=1))
    clock.advance(timedelta(days=-1))
    assert len(functions.runs) == 1
    clock.advance(timedelta(days=1))
    assert len(functions.runs) == 2


@pytest.mark.parametrize("restart", [Clock.run, Clock.reset])
def test_restarting_the_clock_fires_nothing(restart):
    clock, functions, timers = timed(datetime(2017, 3, 13, tzinfo=BEIJING), f=DAILY)
    clock.freeze(datetime(2017, 3, 13, 1, tzinfo=BEIJING))
    restart(clock)
    assert (functions.runs, timers.due()) == ([], [])


def test_a_timer_can_be_fired_by_hand():
    _, functions, timers = timed(f=DAILY)
    timers.fire_now("f", "EveryDay")
    assert functions.runs[0][1]["Time"] == "2026-03-11T04:00:00Z"
    with pytest.raises(KeyError):
        timers.fire_now("f", "EveryHour")


def test_description_has_the_next_time():
    _, _, timers = timed(f=DAILY)
    assert timers.describe() == [
        {
            "function": "f",
            "trigger": "EveryDay",
            "config": DAILY,
            "next": "2026-03-12T02:00:00+08:00",
            "last": None,
        }
    ]


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (Outcome("5", 200), ""),
        (
            Outcome(
                '{"errorMessage": "user code exception caught", "stackTrace": "Error: no\\n at"}',
                430,
                reason="its reason",
            ),
            "Error: no",
        ),
    ],
    ids=["good", "failed"],
)
def test_description_has_the_last_outcome(outcome, message):
    clock, functions, timers = timed(f=DAILY)
    functions.outcome = outcome
    clock.advance(timedelta(days=1))
    (described,) = timers.describe()
    assert described["last"] == {
        "at": "2026-03-12T02:00:00+08:00",
        "status": outcome.status,
        "message": message,
        "reason": outcome.reason,
    }


def test_running_clock_fires_timers():
    functions = RecordingFunctions(f="* * * * * * *")
    with Timers(Emulator(), functions):
        assert until(lambda: functions.runs)


def test_own_clock_of_the_functions_mini_program_fires_timers():
    emulator = Emulator(clock=Clock(START))
    functions = RecordingFunctions(f=DAILY)
    Timers(emulator, functions)
    emulator.clock_of(DEMO_APPID).advance(timedelta(days=1))
    assert [now for _, _, now, _ in functions.runs] == [datetime(2026, 3, 12, 2, tzinfo=BEIJING)]
    emulator.clock.advance(timedelta(days=9))
    assert len(functions.runs) == 1
    emulator.reset()
    emulator.clock.advance(timedelta(days=1))
    assert len(functions.runs) == 2
