"""New rows of the list of requests, as server-sent events."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Final

from flask import Flask, Response, render_template, request

from cloud_openapi import clocks
from cloud_openapi.emulator.console.filters import Filters
from cloud_openapi.emulator.console.requests import form_names
from cloud_openapi.emulator.console.rows import Found, Mark, count_all, find_after, is_gone
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.server.dispatch import CLOSING

_MOST_ROWS: Final = 50
_PAUSE_SECONDS: Final = 0.5
# More browsers than threads take turns.
_STREAM_SECONDS: Final = 30.0
_RETRY: Final = "retry: 300\n\n"
# A write that fails shows that the browser has gone.
_NOTHING: Final = ":\n\n"
_LINE_END: Final = re.compile(r"\r\n|\r|\n")


def add_live(app: Flask, tools: Tools) -> None:
    """Add the stream of events to the console."""

    @app.get("/events")
    def events() -> Response:
        filters = Filters.of(request.args)
        after = Mark.of(request.headers.get("Last-Event-ID") or request.args.get("after", "0.0"))
        environ = dict(request.environ)

        def html(found: Found) -> str:
            # The context of the request ends before the stream begins.
            with app.request_context(environ):
                more = found.matching - len(found.rows)
                return render_template(
                    "requests_rows.html",
                    rows=found.rows,
                    more=more,
                    total=count_all(tools),
                    selected=0,
                    forms=form_names(),
                    filters=filters,
                )

        closing = environ.get(CLOSING) or threading.Event()
        stream = _stream(tools, filters, after, closing, html)
        return Response(stream, content_type="text/event-stream; charset=utf-8")


def _stream(
    tools: Tools,
    filters: Filters,
    mark: Mark,
    closing: threading.Event,
    html: Callable[[Found], str],
) -> Iterator[str]:
    """Yield events: ``rows`` with new rows, ``gone`` before them if all former ones are gone."""
    end = clocks.monotonic() + _STREAM_SECONDS
    yield _RETRY
    while True:
        if is_gone(tools, mark):
            mark = Mark()
            yield _event("gone", mark, "")
        found = find_after(tools, filters, mark, _MOST_ROWS)
        mark = found.newest
        yield _event("rows", mark, html(found)) if found.rows else _NOTHING
        if clocks.monotonic() >= end or closing.wait(_PAUSE_SECONDS):
            return


def _event(name: str, mark: Mark, data: str) -> str:
    lines = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
    return f"event: {name}\nid: {mark}\n{lines}\n"
