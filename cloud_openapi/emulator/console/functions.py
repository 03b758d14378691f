"""The functions: a run with an event, permissions, timers, settings and the last invocations."""

import difflib
import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask import Flask, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi import clocks
from cloud_openapi.emulator.cloudbase.http_invoke import SOURCE_PATTERN
from cloud_openapi.emulator.cloudbase.timers import Due
from cloud_openapi.emulator.console.function_run import Run, templates_of
from cloud_openapi.emulator.console.inside import all_failed_inside
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import NotFoundError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.json_text import json_text, read_json
from cloud_openapi.runtime import (
    LANGUAGE_NAMES,
    Ended,
    Functions,
    Settings,
    UnknownFunctionError,
    functions_option,
    nothing_found,
    shown_path,
)

if TYPE_CHECKING:
    from cloud_openapi.runtime.check import Calls, Finding, Place

_SOURCES: Final = ("wx_client", "wx_http", "wx_trigger", "wx_devtools", "wx_client,scf")
_MOST_RUNS, _MOST_BYTES = 20, 32 * 2**20
_LONGEST_IN_COMMAND: Final = 500
_MOST_ENDED: Final = 20


class Given(NamedTuple):
    """The texts in the editor, and the mistake in each."""

    event: str
    source: str
    wrong_event: str = ""
    wrong_source: str = ""


class Checked(NamedTuple):
    """The findings of a check of a function, and the settings that it read."""

    settings: Settings
    findings: "list[Finding]"
    calls: "Calls"

    @property
    def problems(self) -> int:
        """Return how many findings are problems on the platform."""
        return sum(each.severity == "problem" for each in self.findings)


class Permission(NamedTuple):
    """An API that config.json permits or that the sources call; ``place`` is its first call."""

    api: str
    state: str
    place: str


class _Kept:
    """The last runs of functions and the last findings of checks, which the console keeps."""

    def __init__(self) -> None:
        self.runs: BoundedStore[str, Run] = BoundedStore(_MOST_RUNS, _MOST_BYTES)
        self.checked: dict[str, Checked] = {}

    def land(self, run: Run) -> AnyResponse:
        """Keep a run and lead to its page, so that a browser may load it again."""
        outcome = run.outcome
        weight = len(outcome.text) + len(outcome.log) + len(run.event)
        self.runs.add(run.invocation, run, weight)
        place = url_for("function", name=run.function, run=run.invocation)
        return redirect(f"{place}#result", HTTPStatus.SEE_OTHER)

    def run(self, invocation: str, function: str) -> Run | None:
        """Return a run of a function, None if it is unknown or evicted."""
        run = self.runs.get(invocation)
        return run if run is not None and run.function == function else None


def add_functions(app: Flask, tools: Tools) -> None:
    """Add the list of functions and a page for each to the console."""
    kept = _Kept()
    _add_list(app, tools, kept)
    _add_runs(app, tools, kept)

    @app.get("/functions/<name>")
    def function(name: str) -> str:
        return _page(tools, kept, name)

    @app.post("/functions/<name>/check")
    def check(name: str) -> AnyResponse:
        kept.checked.update(_check(_functions(tools), [name]))
        return redirect(url_for("function", name=name) + "#permissions", HTTPStatus.SEE_OTHER)


def _add_list(app: Flask, tools: Tools, kept: _Kept) -> None:
    @app.get("/functions")
    def functions() -> str:
        found = tools.functions
        return render_template(
            "functions.html",
            rows=[] if found is None else list(_rows(tools, found, kept)),
            looked="" if found is None else nothing_found(found.folder),
            folder="" if found is None else shown_path(found.folder),
            now=_now(tools),
            ago=_ago,
        )

    @app.post("/functions")
    def check_all() -> AnyResponse:
        found = _functions(tools)
        kept.checked.update(_check(found, list(found)))
        return redirect(url_for("functions"), HTTPStatus.SEE_OTHER)


def _add_runs(app: Flask, tools: Tools, kept: _Kept) -> None:
    @app.post("/functions/<name>")
    def invoke(name: str) -> AnyResponse | tuple[str, int]:
        text, source = request.form.get("event", ""), request.form.get("source", "")
        given = Given(text, source, _mistake(text), _wrong_source(source))
        if given.wrong_event or given.wrong_source:
            return _page(tools, kept, name, given), HTTPStatus.BAD_REQUEST
        event = read_json(text) if text.strip() else {}
        try:
            outcome = _functions(tools).invoke(name, event, _now(tools), source)
        except UnknownFunctionError:
            raise _no_function(name) from None
        return kept.land(Run(name, text, source, outcome))

    @app.post("/functions/<name>/timers/<trigger>")
    def fire(name: str, trigger: str) -> AnyResponse:
        due = _due(tools, name, trigger)
        if tools.timers is None or due is None:
            raise NotFoundError(t(f"timer {name}/{trigger}", f"定时触发器 {name}/{trigger}"))
        try:
            outcome = tools.timers.fire(due)
        except UnknownFunctionError:
            raise _no_function(name) from None
        event = json_text(due.timer.event(due.at), indent=2)
        return kept.land(Run(name, event, "wx_trigger", outcome))

    @app.get("/functions/<name>/runs/<invocation>.json")
    def result(name: str, invocation: str) -> Response:
        run = kept.run(invocation, name)
        if run is None:
            raise NotFoundError(t(f"result of {invocation}", f"{invocation} 的结果"))
        headers = {"Content-Disposition": f'attachment; filename="{invocation}.json"'}
        return Response(run.outcome.text, content_type="application/json", headers=headers)


def _page(tools: Tools, kept: _Kept, name: str, given: Given | None = None) -> str:
    functions = _functions(tools)
    settings = _settings(functions, name)
    run = kept.run(request.args.get("run", ""), name)
    checked = kept.checked.get(name)
    timers = _timers(tools).get(name, [])
    templates = templates_of(timers, _now(tools))
    if given is None:
        chosen = templates.get(request.args.get("template", ""), templates["client"])
        given = Given(run.event, run.source) if run else Given(chosen.event, chosen.source)
    return render_template(
        "function.html",
        name=name,
        settings=settings,
        problems=_problems(functions, settings),
        language_name=LANGUAGE_NAMES[settings.language],
        handler=_handler(settings),
        shown_path=shown_path,
        given=given,
        templates=templates,
        sources=dict.fromkeys([*_SOURCES, given.source]),
        run=run,
        is_lost="run" in request.args and run is None,
        timers=timers,
        now=_now(tools),
        config=shown_path(settings.folder / "config.json"),
        permissions=list(_permissions(functions, settings, checked)),
        wanted=list(_wanted(settings, checked)),
        catalogue=tools.emulator.catalogue,
        checked=checked,
        is_old=checked is not None and checked.settings is not settings,
        running=[each for each in functions.running() if each[0].function == name],
        ended=_ended(functions, name)[:_MOST_ENDED],
        inside=all_failed_inside(tools, functions),
        ago=_ago,
        debugger=_debugger(functions, settings),
        commands=_commands(functions, name, given),
    )


def _functions(tools: Tools) -> Functions:
    if tools.functions is None:
        raise NotFoundError(t("folder of functions", "云函数目录"))
    return tools.functions


def _settings(functions: Functions, name: str) -> Settings:
    try:
        return functions.settings_of(name)
    except UnknownFunctionError:
        raise _no_function(name) from None


def _no_function(name: str) -> NotFoundError:
    return NotFoundError(t(f"function {name}", f"云函数 {name}"))


def _now(tools: Tools) -> datetime:
    return tools.emulator.clock_of(tools.emulator.first_appid).now()


def _mistake(event: str) -> str:
    """Return what is wrong with an event, empty if it is JSON or missing."""
    try:
        if event.strip():
            read_json(event)
    except RecursionError:
        return t("The event is nested too deeply.", "事件嵌套过深。")
    except ValueError as error:
        return t(f"The event is not JSON: {error}", f"事件不是有效的 JSON：{error}")
    return ""


def _wrong_source(source: str) -> str:
    if SOURCE_PATTERN.fullmatch(source):
        return ""
    return t(
        f"{source!r} is not a source such as wx_client", f"{source!r} 不是 wx_client 之类的来源"
    )


def _rows(tools: Tools, functions: Functions, kept: _Kept) -> Iterator[dict[str, Any]]:
    timers = _timers(tools)
    last = {each.function: each for each in functions.ended.copy()}
    inside = all_failed_inside(tools, functions)
    running = {each.function for each, _begun in functions.running()}
    for name in functions:
        try:
            settings = functions.settings_of(name)
        except UnknownFunctionError:  # its folder was removed meanwhile
            continue
        checked = kept.checked.get(name)
        yield {
            "name": name,
            "settings": settings,
            "problems": _problems(functions, settings),
            "language": LANGUAGE_NAMES[settings.language],
            "handler": _handler(settings),
            "timers": timers.get(name, []),
            "last": last.get(name),
            "failed_inside": name in last and last[name].invocation in inside,
            "running": name in running,
            "checked": checked if checked and checked.settings is settings else None,
        }


def _problems(functions: Functions, settings: Settings) -> list[str]:
    """Return what is wrong in the files of the settings."""
    return list(dict.fromkeys([*settings.problems, *functions.mistakes_in_config(settings.name)]))


def _handler(settings: Settings) -> str:
    """Return the handler as cloudbaserc.json names it, such as index.main."""
    file = settings.file.relative_to(settings.folder).with_suffix("")
    return f"{file.as_posix()}.{settings.handler}"


def _ended(functions: Functions, name: str) -> list[Ended]:
    """Return the last invocations of a function, the newest first."""
    return [each for each in reversed(functions.ended.copy()) if each.function == name]


def _ago(begun: float) -> str:
    seconds = int(clocks.monotonic() - begun)
    for size, english, chinese in ((3600, "h", "小时"), (60, "min", "分钟"), (1, "s", "秒")):
        if seconds >= size:
            return t(f"{seconds // size} {english} ago", f"{seconds // size} {chinese}前")
    return t("now", "刚刚")


def _timers(tools: Tools) -> dict[str, list[dict[str, Any]]]:
    """Return the timers by function, as the control API describes them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in tools.timers.describe() if tools.timers else []:
        moment = each["next"] and datetime.fromisoformat(each["next"])
        found.setdefault(each["function"], []).append({**each, "next": moment})
    return found


def _due(tools: Tools, name: str, trigger: str) -> Due | None:
    """Return a timer as if it were due now, None if the function has none of that name."""
    for function, timer in _functions(tools).timers():
        if (function, timer.name) == (name, trigger):
            return Due(_now(tools), name, timer)
    return None


def _check(functions: Functions, names: list[str]) -> Iterator[tuple[str, Checked]]:
    # The first page does not wait for the checks.
    from cloud_openapi.runtime.check import calls_of  # noqa: PLC0415

    settings = [_settings(functions, name) for name in names]
    calls = calls_of(settings)
    findings = functions.check(*names)
    for each in settings:
        own = [
            replace(found, place=_within(each.folder, found.place))
            for found in findings
            if found.function == each.name
        ]
        yield each.name, Checked(each, own, calls[each.name])


def _within(folder: Path, place: "Place") -> "Place":
    """Return a place whose file is relative to a folder, if it is within."""
    return place._replace(file=place.file.removeprefix(f"{folder}{os.sep}"))


def _permissions(
    functions: Functions, settings: Settings, checked: Checked | None
) -> Iterator[Permission]:
    """Yield the APIs that config.json permits or that the sources call, missing ones first."""
    declared = functions.permissions_of(settings.name)
    places = checked.calls.places if checked else {}
    for api in sorted({*declared, *places}, key=lambda api: (api in declared, api)):
        place = places.get(api)
        shown = str(_within(settings.folder, place)) if place else ""
        if api not in declared:
            yield Permission(api, "missing", shown)
        elif checked and checked.calls.complete and place is None:
            yield Permission(api, "unused", "")
        else:
            yield Permission(api, "permitted", shown)


def _wanted(settings: Settings, checked: Checked | None) -> Iterator[tuple[bool, str]]:
    """Yield the lines of config.json with what the check would correct, and which are new."""
    from cloud_openapi.runtime.check import fixed_text  # noqa: PLC0415

    fixes = [each.fix for each in checked.findings if each.fix] if checked else []
    config = settings.folder / "config.json"
    if not fixes:
        return
    try:
        wanted = fixed_text(config, fixes).splitlines()
        written = config.read_text("utf-8-sig").splitlines() if config.exists() else []
    except (ValueError, OSError):
        return  # the function's problems say what is wrong with the file
    for line in difflib.ndiff(written, wanted):
        if line[0] in "+ ":
            yield line[0] == "+", line[2:]


def _debugger(functions: Functions, settings: Settings) -> dict[str, Any]:
    debug = functions.debug
    return debug.describe(settings) if debug and debug.function == settings.name else {}


def _commands(functions: Functions, name: str, given: Given) -> dict[str, str]:
    """Return the commands that do in a terminal what the page does."""
    option = functions_option(functions.folder)
    data = "'{}'"
    if given.event.strip() and not given.wrong_event:
        text = json_text(read_json(given.event))
        data = shlex.quote(text) if len(text) <= _LONGEST_IN_COMMAND else '"$(cat event.json)"'
    source = "" if given.source == "wx_client" else f" --source {shlex.quote(given.source)}"
    url = f"{request.host_url}v1/functions/{name}?source={given.source}"
    return {
        "invoke": f"cloud-openapi invoke {name} --data {data}{source}{option}",
        "curl": f"curl {shlex.quote(url)} -d {data}",
        "logs": f"cloud-openapi logs {name} --follow",
        "check": f"cloud-openapi check {name}{option}",
        "fix": f"cloud-openapi check {name} --fix{option}",
        "debug": f"cloud-openapi serve --debug {name}{option}",
    }
