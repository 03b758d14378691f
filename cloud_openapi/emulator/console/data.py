from http import HTTPStatus
from typing import Any

from flask import Flask, Response, render_template, request, url_for

from cloud_openapi.charts import STYLE, csv_text, svg_document
from cloud_openapi.emulator.console.data_query import (
    LASTS,
    MOST_ROWS,
    PORTRAIT_DAYS,
    Query,
    choices,
    is_day,
    read_query,
)
from cloud_openapi.emulator.console.data_views import View, Views
from cloud_openapi.emulator.console.data_windows import Readers
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.periods import Span, last_complete

_CHOICES: dict[Span, int] = {"week": 156, "month": 60}
_QUICK: dict[Span, tuple[int, ...]] = {
    "day": (7, 30, 90, 365),
    "week": (4, 12, 52, 104),
    "month": (6, 12, 24, 60),
}


def add_data(app: Flask, tools: Tools) -> None:
    """Add the page to the console: the numbers of a mini program, and their export."""
    emulator = tools.emulator
    readers = Readers(emulator)

    def asked() -> tuple[Query, str]:
        return read_query(request.args, list(emulator.programs))

    def made() -> tuple[Query, View]:
        query, mistake = asked()
        if mistake:
            raise InvalidInputError(mistake)
        return query, Views(readers, emulator.program(query.appid), query).make()

    @app.get("/data")
    def data() -> tuple[str, int]:
        query, mistake = asked()
        program = emulator.program(query.appid)
        views = Views(readers, program, query)
        view = None
        try:
            view = None if mistake else views.make()
        except InvalidInputError as error:
            mistake = str(error)
        page = render_template(
            "data.html",
            query=query,
            mistake=mistake,
            view=view,
            appids=list(emulator.programs),
            mode=emulator.modes.mode,
            sources=views.windows.sources,
            now=views.windows.now,
            exports=_exports(query, view),
            aria_sort=lambda name: _aria_sort(query, name),
            sort_url=query.sort_url,
            **_form(query, views),
        )
        return page, HTTPStatus.BAD_REQUEST if mistake else HTTPStatus.OK

    @app.get("/data.csv")
    def data_csv() -> Response:
        query, view = made()
        content = csv_text(view.header, view.rows, spreadsheet="excel" in request.args)
        return _file(content, "text/csv; charset=utf-8", f"{_name(query)}.csv")

    @app.get("/data.svg")
    def data_svg() -> Response:
        query, view = made()
        name = request.args.get("chart", "")
        if name not in view.charts:
            raise NotFoundError(t(f"chart {name[:40]}", f"图表 {name[:40]}"))
        title = f"{_name(query)}-{name}"
        content = svg_document(view.charts[name](), title).encode()
        return _file(content, "image/svg+xml", f"{title}.svg")

    @app.get("/charts.css")
    def charts_css() -> Response:
        return Response(STYLE, content_type="text/css; charset=utf-8")


def _file(content: bytes, kind: str, name: str) -> Response:
    response = Response(content, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _name(query: Query) -> str:
    if query.view == "retention":
        return f"retention-{query.span}-{query.users}"
    return f"trends-{query.span}" if query.view == "trends" else query.view


def _exports(query: Query, view: View | None) -> dict[str, Any]:
    """Return the URLs of the view as files."""
    if view is None:
        return {}
    csv = query.url("data_csv")
    between = "&" if "?" in csv else "?"
    svg = query.url("data_svg")
    names = {
        "heat": t("Heat map", "热力图"),
        "curves": t("Curves", "曲线"),
        "trend": t("Chart", "图表"),
    }
    charts = [
        (names[name], f"{svg}{'&' if '?' in svg else '?'}chart={name}", f"{_name(query)}-{name}")
        for name in view.charts
    ]
    return {"csv": csv, "excel": f"{csv}{between}excel=1", "charts": charts}


def _form(query: Query, views: Views) -> dict[str, Any]:
    """Return the choices of the form."""
    today = views.windows.now.date()
    daily = query.view not in ("retention", "trends")
    span: Span = "day" if daily else query.span
    newest = last_complete(span, today)
    return {
        "is_day": is_day,
        "newest": newest,
        "daily": daily,
        "periods": choices(newest, _CHOICES[span]) if span in _CHOICES else [],
        "lasts": _QUICK[span],
        "last": query.last or LASTS[span],
        "most_rows": MOST_ROWS,
        "portrait_days": PORTRAIT_DAYS,
        "charts_css": url_for("charts_css"),
    }


def _aria_sort(query: Query, name: str) -> str:
    if query.sort != name:
        return ""
    return "ascending" if query.order == "asc" else "descending"
