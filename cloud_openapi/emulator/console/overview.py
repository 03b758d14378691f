"""The overview: where the emulator is, what runs, what failed last, and the clocks."""

import math
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from http import HTTPStatus
from itertools import starmap
from operator import attrgetter
from typing import Any, Final, NamedTuple

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from cloud_openapi import clocks
from cloud_openapi.demo import secret_for
from cloud_openapi.emulator.console.inside import all_failed_inside
from cloud_openapi.emulator.console.overrides import described_fault, described_pin
from cloud_openapi.emulator.console.stored import title_of
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.environment import (
    emulator_variables,
    first_command,
    gateway_variables,
)
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.clock import Clock, OwnClock, read_moment
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.errors import one_line
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import LANGUAGE_NAMES, Ended, UnknownFunctionError, shown_path

_MOST_FAILURES: Final = 8
_MOST_PROGRAMS: Final = 20
# They go through a cookie.
_MOST_WARNINGS: Final = 3
_UNITS: Final = {"minutes": 60, "hours": 3600, "days": 86400}
_A_SECOND: Final = 1


class Time(NamedTuple):
    """A clock as the page shows it; ``appid`` is empty for the common clock."""

    appid: str
    now: datetime
    frozen: bool
    follows: bool
    offset: timedelta

    @property
    def ahead(self) -> str:
        """Return how far a running clock is from this machine's, empty if it is not."""
        seconds = round(self.offset.total_seconds())
        if abs(seconds) <= _A_SECOND:
            return ""
        length = timedelta(seconds=abs(seconds))
        if seconds > 0:
            return t(f"{length} ahead of this machine", f"比本机快 {_chinese(length)}")
        return t(f"{length} behind this machine", f"比本机慢 {_chinese(length)}")


class State(NamedTuple):
    """A function as the page shows it; ``last`` is None before its first invocation."""

    name: str
    language: str
    problems: tuple[str, ...]
    running: bool
    last: Ended | None
    failed_inside: bool


class Failure(NamedTuple):
    """A request or an invocation that failed; ``begun`` is a moment of `clocks.monotonic`."""

    begun: float
    id: str
    href: str
    name: str
    code: str
    reason: str

    @property
    def time(self) -> str:
        """Return this machine's time of day."""
        moment = datetime.fromtimestamp(clocks.now() - clocks.monotonic() + self.begun, BEIJING)
        return moment.astimezone().strftime("%H:%M:%S")


def add_overview(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/")
    def overview() -> str:
        return _page(tools)

    @app.post("/")
    def set_clock() -> Response | tuple[str, int]:
        """Freeze, move or run the clock of the query: a mini program's, or the common one."""
        try:
            _set_clock(_clock_of(tools.emulator, _chosen()), request.form)
        except InvalidInputError as error:
            return _page(tools, wrong=str(error)), HTTPStatus.BAD_REQUEST
        # A browser keeps the fragment of the form's address, which would hide the message.
        target = url_for("overview", clock=_chosen() or None, _anchor="content")
        return redirect(target, HTTPStatus.SEE_OTHER)

    @app.get("/overview/live")
    def overview_live() -> str:
        """Return what changes by itself; the rest of the page has forms, which must stay."""
        return render_template("overview_live.html", seen=request.args.get("seen"), **_live(tools))

    @app.get("/reset")
    def reset() -> str:
        appid = request.args.get("appid")
        if appid is not None:
            tools.emulator.program(appid)
        return render_template("overview_reset.html", appid=appid)

    @app.post("/reset")
    def do_reset() -> Response:
        appid = request.form.get("appid")
        if appid:
            tools.emulator.reset_app(appid)
            flash(t(f"{appid} is as at the start.", f"{appid} 已恢复到初始状态。"))
        else:
            tools.emulator.reset()
            flash(t("The emulator is as at the start.", "模拟器已恢复到初始状态。"))
        return redirect(url_for("overview"), HTTPStatus.SEE_OTHER)


def _page(tools: Tools, wrong: str = "") -> str:
    emulator, url = tools.emulator, request.host_url.rstrip("/")
    chosen = _chosen()
    clock = _time(chosen, _clock_of(emulator, chosen))
    moment = clock.now.strftime("%Y-%m-%d %H:%M")
    values = {"moment": moment, "amount": "1", "unit": "hours", **request.form}
    return render_template(
        "overview.html",
        wrong=wrong,
        clock=clock,
        values=values,
        units=_units(),
        timers=tools.timers is not None and bool(tools.timers.describe()),
        url=url,
        source=emulator.modes.describe(),
        variables=_exports(_public_variables(url, emulator)),
        gateway=_exports(gateway_variables(url)),
        first=first_command(url, tools.functions, emulator, _public_secret(emulator)),
        folder=None if tools.functions is None else shown_path(tools.functions.folder),
        nothing_yet=not emulator.journal.newest
        and not (tools.functions is not None and tools.functions.ended),
        **_live(tools),
    )


def _live(tools: Tools) -> dict[str, Any]:
    """Return the variables of what changes by itself. ``digest`` changes with the left part."""
    emulator = tools.emulator
    left = {
        "functions": list(_functions(tools)),
        "failures": list(_failures(tools)),
        "faults": [described_fault(fault) for fault in emulator.faults.listed()],
        "pins": [described_pin(pin) for pin in emulator.pins.listed() if not pin.over],
    }
    return {
        **left,
        "digest": blake2b(repr(left).encode("utf-8", "replace"), digest_size=8).hexdigest(),
        "common": _time("", emulator.clock),
        "seed": emulator.seed,
        **_programs(emulator),
    }


# ---- mini programs and clocks --------------------------------------------------------------


def _programs(emulator: Emulator) -> dict[str, Any]:
    """Return the mini programs that a search selects, the first ones of many."""
    wanted = request.args.get("program", "").strip()
    found = [appid for appid in emulator.programs.copy() if wanted.lower() in appid.lower()]
    shown = [_program(emulator, appid) for appid in found[:_MOST_PROGRAMS]]
    return {
        "programs": shown,
        "more": len(found) - len(shown),
        "wanted": wanted,
        "many": len(emulator.programs) > _MOST_PROGRAMS,
    }


def _program(emulator: Emulator, appid: str) -> dict[str, Any]:
    settings = emulator.describe_app(appid)
    per = {"daily_limits": t("a day", "每天"), "minute_limits": t("a minute", "每分钟")}
    limits = [
        (path, limit, per[kind]) for kind in per for path, limit in sorted(settings[kind].items())
    ]
    time = _time(appid, emulator.clock_of(appid))
    newest = emulator.program(appid).first_day_not_ready(time.now) - timedelta(days=1)
    return {
        **settings,
        "time": time,
        "limits": limits,
        "seed": settings.get("seed"),
        "newest_day": newest,
    }


def _chosen() -> str:
    return request.args.get("clock", "")


def _clock_of(emulator: Emulator, appid: str) -> Clock:
    return emulator.clock_of(appid) if appid else emulator.clock


def _time(appid: str, clock: Clock) -> Time:
    follows = isinstance(clock, OwnClock) and clock.follows
    setting = clock.setting
    return Time(appid, clock.now(), setting.frozen_at is not None, follows, setting.offset)


def _set_clock(clock: Clock, form: Mapping[str, str]) -> None:
    """Change a clock as a form says. Raises InvalidInputError."""
    warnings: list[str] = []
    how = form.get("do")
    if how == "advance":
        warnings = clock.advance(_amount(form))
    elif how == "freeze":
        warnings = clock.freeze()
    elif how == "freeze_at":
        warnings = clock.freeze(_moment_of(form))
    elif how == "run_from":
        clock.run(_moment_of(form))
    elif how == "run":
        clock.run()
    else:
        raise InvalidInputError(t("choose what to do with the clock", "请选择如何设置时钟"))
    now = f"{clock.now():%Y-%m-%d %H:%M:%S}"
    if clock.frozen_at is None:
        flash(t(f"The clock runs from {now}.", f"时钟从 {now} 开始走动。"))
    else:
        flash(t(f"The clock stands still at {now}.", f"时钟已冻结在 {now}。"))
    for warning in warnings[:_MOST_WARNINGS]:
        flash(one_line(warning))
    further = len(warnings) - _MOST_WARNINGS
    if further > 0:
        flash(t(f"{further} more warnings", f"另有 {further} 条警告"))


def _moment_of(form: Mapping[str, str]) -> datetime:
    return read_moment(t("The moment", "时刻"), form.get("moment", "").strip())


def _amount(form: Mapping[str, str]) -> timedelta:
    try:
        amount = float(form.get("amount", ""))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        text = form.get("amount", "")
        raise InvalidInputError(
            t(f"the amount is a number, not {text!r}", f"时长应是数字，而不是 {text!r}")
        )
    try:
        return timedelta(seconds=amount * _UNITS.get(form.get("unit", ""), 1))
    except OverflowError:
        raise InvalidInputError(t("the amount is too large", "时长过大")) from None


def _units() -> dict[str, str]:
    texts = (t("minutes", "分钟"), t("hours", "小时"), t("days", "天"))
    return dict(zip(_UNITS, texts, strict=True))


def _chinese(length: timedelta) -> str:
    clock = timedelta(seconds=length.seconds)
    return f"{length.days} 天 {clock}" if length.days else str(clock)


# ---- functions and failures ----------------------------------------------------------------


def _functions(tools: Tools) -> Iterator[State]:
    functions = tools.functions
    if functions is None:
        return
    inside = all_failed_inside(tools, functions)
    last = {ended.function: ended for ended in functions.ended.copy()}
    for name in functions:
        try:
            settings = functions.settings_of(name)
        except UnknownFunctionError:  # its folder was removed meanwhile
            continue
        running = functions.running_of(name) is not None
        language = LANGUAGE_NAMES[settings.language]
        yield State(
            name=name,
            language=language,
            problems=settings.problems,
            running=running,
            last=last.get(name),
            failed_inside=name in last and last[name].invocation in inside,
        )


def _failures(tools: Tools) -> list[Failure]:
    """Return the newest requests and invocations that failed, the newest first.

    Of what failed within a failed invocation, the invocation alone is shown: its reason says it.
    """
    ended = () if tools.functions is None else tools.functions.ended.copy()
    failed = [one for one in ended if one.status != HTTPStatus.OK]
    # An unknown function has no invocation.
    within = {one.invocation for one in failed if one.invocation}
    invocations = [one for one in failed if one.parent not in within]
    requests = [
        (number, entry)
        for number, entry in tools.emulator.journal.numbered()
        if entry.failed and entry.invocation not in within
    ]
    found = [*map(_failed_invocation, invocations[-_MOST_FAILURES:])]
    found += starmap(_failed_request, requests[-_MOST_FAILURES:])
    return sorted(found, key=attrgetter("begun"), reverse=True)[:_MOST_FAILURES]


def _failed_request(number: int, entry: Entry) -> Failure:
    code = str(entry.errcode or entry.status or t("no answer", "无响应"))
    name, reason = title_of(entry), entry.reason or entry.check
    return Failure(
        entry.begun, f"request-{number}", url_for("request", number=number), name, code, reason
    )


def _failed_invocation(ended: Ended) -> Failure:
    href = url_for("trace", invocation=ended.invocation) if ended.invocation else ""
    reason = one_line(ended.reason or ended.message)
    name = f"trace-{ended.invocation}"
    return Failure(ended.begun, name, href, ended.function, str(ended.status), reason)


# ---- addresses -----------------------------------------------------------------------------


def _public_secret(emulator: Emulator) -> str:
    """Return the first mini program's secret if it is the public default, else a placeholder."""
    appid = emulator.first_appid
    secret = emulator.apps[appid]
    return secret if secret == secret_for(appid) else "…"


def _public_variables(url: str, emulator: Emulator) -> dict[str, str]:
    return {
        **emulator_variables(url, emulator),
        "CLOUD_OPENAPI_SECRET": _public_secret(emulator),
    }


def _exports(variables: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())
