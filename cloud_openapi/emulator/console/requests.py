"""The list of requests: calls of APIs and invocations of functions, the newest first."""

from typing import Final, NamedTuple

from flask import Flask, render_template, request

from cloud_openapi.emulator.console.filters import FORMS, UNKNOWN_PROGRAM, Filters
from cloud_openapi.emulator.console.rows import PAGE, Mark, find
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.state.journal import Entry

_MOST_CHOICES: Final = 500


class Choices(NamedTuple):
    """The values that filters are likely to have; that of the page is always among them."""

    functions: dict[str, str]
    programs: dict[str, str]
    apis: list[str]
    codes: list[str]


def add_requests(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""

    @app.get("/requests")
    def requests() -> str:
        filters = Filters.of(request.args)
        given = request.args.get("before")
        before = Mark.of(given) if given else None
        found = find(tools, filters, before, PAGE + 1)
        rows = found.rows[:PAGE]
        return render_template(
            "requests.html",
            filters=filters,
            choices=_choices(tools, filters, found.read),
            found=found,
            rows=rows,
            more=0,
            before=before,
            older=rows[-1].before if len(found.rows) > PAGE else None,
            selected=request.args.get("selected", 0, type=int),
            others=[] if found.matching else _others(tools, filters),
            several_programs=len(tools.emulator.programs) > 1,
            forms=form_names(),
        )


def form_names() -> dict[str, str]:
    """Return the names of the forms by the values of their filter."""
    return dict(
        zip(FORMS, ("HTTPS", t("cloud call", "云调用"), t("function", "云函数")), strict=True)
    )


def _choices(tools: Tools, filters: Filters, entries: list[Entry]) -> Choices:
    known = tools.emulator
    functions = {*(tools.functions or ()), *{each.function for each in entries}}
    programs = {appid: appid for appid in (*known.programs.copy(), filters.appid) if appid}
    if None in {each.appid for each in entries}:
        programs[UNKNOWN_PROGRAM] = t("unknown", "未知")
    codes = {(each.errcode, each.status): each for each in entries}
    return Choices(
        functions={name: name for name in _sorted({*functions, filters.function})},
        programs=programs,
        apis=_sorted(
            {
                *known.catalogue.outlines,
                *{each.path for each in entries},
                *{each.name for each in entries if not each.apis},
            }
        ),
        codes=_sorted({each.outcome for each in codes.values()}),
    )


def _sorted(values: set[str | None]) -> list[str]:
    return sorted(filter(None, values))[:_MOST_CHOICES]


def _others(tools: Tools, filters: Filters) -> list[tuple[str, Filters, int]]:
    """Return each filter's name with the other filters, and how many rows match without it."""
    counted = [
        (name, others, find(tools, others, most=0).matching)
        for name, others in filters.without_each()
    ]
    return [each for each in counted if each[2]]
