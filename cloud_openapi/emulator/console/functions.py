"""The functions: their settings, a run with an event, permissions, timers and last invocations."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

from flask import Flask, Response, redirect, render_template, request, url_for
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi.emulator.cloudbase.http_access import access_event
from cloud_openapi.emulator.cloudbase.http_invoke import SOURCE_PATTERN
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.json_text import json_text, read_json
from cloud_openapi.runtime import (
    Ended,
    Functions,
    Outcome,
    Settings,
    Timer,
    UnknownFunctionError,
    nothing_found,
    shown_path,
)
from cloud_openapi.runtime.check import Finding

_LANGUAGES: Final = {"node": "Node.js", "python": "Python"}
_SOURCES: Final = ("wx_client", "wx_http", "wx_trigger", "wx_devtools")
_MOST_RUNS, _MOST_BYTES = 20, 32 * 2**20
_LONGEST_SHOWN: Final = 100_000
_MOST_ENDED: Final = 20
_START: Final = re.compile(r"START RequestId:(\S+)")


class Run(NamedTuple):
    """A run of a function that the console has started."""

    function: str
    invocation: str
    event: str
    source: str
    outcome: Outcome

    @property
    def good(self) -> bool:
        """Return whether the function returned a value."""
        return self.outcome.status == HTTPStatus.OK


class Given(NamedTuple):
    """What stands in the editor, and what is wrong with it."""

    event: str
    source: str
    wrong: str = ""


class Checked(NamedTuple):
    """What the check of a function found, and when."""

    at: datetime
    findings: list[Finding]

    def of(self, code: str) -> list[Finding]:
        """Return the findings of one kind."""
        return [each for each in self.findings if each.code == code]


def add_functions(app: Flask, tools: Tools) -> None:
    """Add the list of functions and a page for each to the console."""
    runs: BoundedStore[str, Run] = BoundedStore(_MOST_RUNS, _MOST_BYTES)
    checked: dict[str, Checked] = {}

    @app.get("/functions")
    def functions() -> str:
        found = tools.functions
        rows = [] if found is None else [_row(tools, found, name) for name in found]
        looked = "" if found is None else nothing_found(found.folder)
        folder = "" if found is None else shown_path(found.folder)
        return render_template("functions.html", rows=rows, looked=looked, folder=folder)

    @app.get("/functions/<name>")
    def function(name: str) -> str:
        return _page(tools, name, checked.get(name), run=runs.get(request.args.get("run", "")))

    @app.post("/functions/<name>/invoke")
    def invoke(name: str) -> AnyResponse | tuple[str, int]:
        given = Given(request.form.get("event", ""), request.form.get("source", ""))
        try:
            event, source = _event(given.event), _source(given.source)
        except InvalidInputError as error:
            given = given._replace(wrong=str(error))
            return _page(tools, name, checked.get(name), given=given), HTTPStatus.BAD_REQUEST
        outcome = _functions(tools).invoke(_known(tools, name), event, _now(tools), source)
        return _landed(runs, Run(name, _id_of(outcome), given.event, source, outcome))

    @app.post("/functions/<name>/timers/<trigger>")
    def fire(name: str, trigger: str) -> AnyResponse:
        timer = _timers_of(tools, name).get(trigger)
        if tools.timers is None or timer is None:
            raise NotFoundError(f"timer {name}/{trigger}")
        event = json_text(timer.event(_now(tools)), indent=2)
        outcome = tools.timers.fire_now(name, trigger)
        return _landed(runs, Run(name, _id_of(outcome), event, "wx_trigger", outcome))

    @app.post("/functions/<name>/check")
    def check(name: str) -> AnyResponse:
        found = _functions(tools).check(_known(tools, name))
        checked[name] = Checked(_now(tools), [_short(each) for each in found])
        return redirect(url_for("function", name=name) + "#permissions", HTTPStatus.SEE_OTHER)

    @app.get("/functions/<name>/runs/<invocation>.json")
    def result(name: str, invocation: str) -> Response:
        run = runs.get(invocation)
        if run is None or run.function != name:
            raise NotFoundError(f"run {invocation}")
        headers = {"Content-Disposition": f'attachment; filename="{invocation}.json"'}
        return Response(run.outcome.text, content_type="application/json", headers=headers)


def _functions(tools: Tools) -> Functions:
    if tools.functions is None:
        raise NotFoundError(t("folder of functions", "云函数目录"))
    return tools.functions


def _known(tools: Tools, name: str) -> str:
    if name not in _functions(tools):
        raise NotFoundError(t(f"function {name}", f"云函数 {name}"))
    return name


def _now(tools: Tools) -> datetime:
    return tools.emulator.clock_of(tools.emulator.first_appid).now()


def _short(finding: Finding) -> Finding:
    """Return a finding whose place is shown from the working directory on."""
    place = finding.place._replace(file=shown_path(Path(finding.place.file)))
    return replace(finding, place=place)


def _landed(runs: BoundedStore[str, Run], run: Run) -> AnyResponse:
    """Keep a run and lead to its page, so that a browser may load it again."""
    runs.add(run.invocation, run, len(run.outcome.text) + len(run.outcome.log))
    place = url_for("function", name=run.function, run=run.invocation)
    return redirect(f"{place}#result", HTTPStatus.SEE_OTHER)


def _id_of(outcome: Outcome) -> str:
    found = _START.search(outcome.log) or re.search(r'"requestId": ?"([^"]+)"', outcome.text)
    return found[1] if found else ""


def _event(text: str) -> Any:
    if not text.strip():
        return {}
    try:
        return read_json(text)
    except (ValueError, RecursionError) as error:
        message = t(f"The event is not JSON: {error}", f"事件不是 JSON：{error}")
        raise InvalidInputError(message) from None


def _source(text: str) -> str:
    if SOURCE_PATTERN.fullmatch(text) is None:
        raise InvalidInputError(
            t(f"{text!r} is not a source such as wx_client", f"{text!r} 不是 wx_client 之类的来源")
        )
    return text


def _row(tools: Tools, functions: Functions, name: str) -> dict[str, Any]:
    try:
        settings = functions.settings_of(name)
    except (UnknownFunctionError, OSError):  # its folder was removed meanwhile
        return {"name": name, "settings": None}
    return {
        "name": name,
        "settings": settings,
        "language": _LANGUAGES[settings.language],
        "timers": [(each, _next(tools, each)) for each in _timers_of(tools, name).values()],
        "last": next(_ended(functions, name), None),
    }


def _ended(functions: Functions, name: str) -> Iterator[Ended]:
    """Yield the last invocations of a function, the newest first."""
    return (each for each in reversed(functions.ended.copy()) if each.function == name)


def _timers_of(tools: Tools, name: str) -> dict[str, Timer]:
    if tools.functions is None:
        return {}
    return {timer.name: timer for function, timer in tools.functions.timers() if function == name}


def _next(tools: Tools, timer: Timer) -> datetime | None:
    return next(timer.after(_now(tools)), None)


def _page(
    tools: Tools,
    name: str,
    checked: Checked | None,
    *,
    run: Run | None = None,
    given: Given | None = None,
) -> str:
    functions = _functions(tools)
    settings = functions.settings_of(_known(tools, name))
    templates = _templates(tools, name)
    chosen = templates.get(request.args.get("template", ""), next(iter(templates.values())))
    run = run if run is not None and run.function == name else None
    if given is None:
        given = Given(chosen["event"], chosen["source"])
        given = given if run is None else Given(run.event, run.source)
    return render_template(
        "function.html",
        name=name,
        settings=settings,
        language_name=_LANGUAGES[settings.language],
        origins=_origins(settings),
        folder=shown_path(settings.folder),
        file=shown_path(settings.file),
        given=given,
        templates=templates,
        sources=list(dict.fromkeys([*_SOURCES, given.source])),
        run=run,
        shown=None if run is None else _shown(run),
        timers=[(each, _next(tools, each)) for each in _timers_of(tools, name).values()],
        permissions=_permissions(functions, name, checked),
        checked=checked,
        ended=[each for each, _ in zip(_ended(functions, name), range(_MOST_ENDED), strict=False)],
        debugger=_debugger(functions, settings),
    )


def _templates(tools: Tools, name: str) -> dict[str, dict[str, str]]:
    """Return the events that the editor offers, as the platform's callers send them."""
    timer = next(iter(_timers_of(tools, name).values()), Timer("timer", "0 0 2 * * * *"))
    made: dict[str, tuple[str, str, Callable[[], Any]]] = {
        "client": (t("Mini program", "小程序"), "wx_client", dict),
        "http": (t("HTTP access", "HTTP 访问"), "wx_http", _http_event),
        "timer": (t("Timer", "定时触发器"), "wx_trigger", lambda: timer.event(_now(tools))),
    }
    return {
        key: {"label": label, "source": source, "event": json_text(event(), indent=2)}
        for key, (label, source, event) in made.items()
    }


def _http_event() -> dict[str, Any]:
    builder = EnvironBuilder("/", query_string={"name": "value"}, base_url=request.host_url)
    return access_event(Request(builder.get_environ()), "/")


def _shown(run: Run) -> dict[str, Any]:
    """Return the result for the page, cut if it is long."""
    text = run.outcome.text
    # A result that is nested too deeply for Python's writer is shown as it came.
    with suppress(RecursionError):
        text = json.dumps(run.outcome.result, ensure_ascii=False, indent=2)
    return {"text": text[:_LONGEST_SHOWN], "cut": len(text) > _LONGEST_SHOWN, "size": len(text)}


def _origins(settings: Settings) -> dict[str, str]:
    """Return the file that each setting of cloudbaserc.json comes from."""
    names = {"timeout": "timeout", "memory": "memorySize", "runtime": "runtime"}
    return {name: settings.place for name, key in names.items() if key in settings.entry}


def _permissions(functions: Functions, name: str, checked: Checked | None) -> dict[str, Any]:
    """Return the APIs that config.json lists, those that the sources call, and what to add."""
    declared = sorted(functions.permissions_of(name))
    if checked is None:
        return {"declared": declared, "missing": [], "unused": [], "wanted": ""}
    missing = sorted({each.fix.add for each in checked.of("missing-permission") if each.fix})
    notes = " ".join(each.message for each in checked.of("unused-permission"))
    unused = [api for api in declared if f'"{api}"' in notes]
    wanted = json_text({"permissions": {"openapi": [*declared, *missing]}}, indent=2)
    return {"declared": declared, "missing": missing, "unused": unused, "wanted": wanted}


def _debugger(functions: Functions, settings: Settings) -> str:
    debug = functions.debug
    if debug is None or debug.function != settings.name:
        return ""
    return f"127.0.0.1:{debug.port_of(settings)}"
