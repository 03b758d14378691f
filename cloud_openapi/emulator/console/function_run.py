"""A run of a function: the events that the editor offers, and what came out."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from flask import request
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from cloud_openapi.emulator.cloudbase.http_access import access_event
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.json_text import json_text
from cloud_openapi.runtime import Outcome, Timer, readable_log

_LONGEST_SHOWN: Final = 100_000
_REPORT: Final = re.compile(
    r"Report RequestId:(\S+) Duration:(\d+)ms Memory:\d+MB MemUsage:(\S+)MB"
)
_OF_PLATFORM: Final = re.compile(r" *(?:START|Response|END|Report) RequestId:")
_OF_FAILURE: Final = re.compile(r" *(?:Reason: |ERROR RequestId:)")


class Template(NamedTuple):
    """An event to begin with."""

    label: str
    source: str
    event: str


def templates_of(timers: Sequence[dict[str, Any]], now: datetime) -> dict[str, Template]:
    """Return the events of the platform's callers for a function with these timers, or none."""
    timer = Timer(timers[0]["trigger"] if timers else "timer", "0 0 9 * * * *")
    found = {
        "client": (t("Mini program", "小程序"), "wx_client", {}),
        "http": (t("HTTP access", "HTTP 访问"), "wx_http", _http_event()),
        "timer": (t("Timer", "定时触发器"), "wx_trigger", timer.event(now)),
    }
    return {
        key: Template(label, source, json_text(event, indent=2))
        for key, (label, source, event) in found.items()
    }


def _http_event() -> dict[str, Any]:
    builder = EnvironBuilder("/", query_string={"name": "value"}, base_url=request.host_url)
    return access_event(Request(builder.get_environ()), "/")


class Run(NamedTuple):
    """A run of a function that the console has started."""

    function: str
    event: str
    source: str
    outcome: Outcome

    @property
    def invocation(self) -> str:
        """Return the request id."""
        return self._report[0]

    @property
    def milliseconds(self) -> float:
        """Return how long it took."""
        return float(self._report[1])

    @property
    def memory(self) -> float:
        """Return the megabytes that the function used."""
        return float(self._report[2])

    @property
    def good(self) -> bool:
        """Return whether the function returned a value."""
        return self.outcome.status == HTTPStatus.OK

    @property
    def stack(self) -> str:
        """Return the stack of the error that the function raised."""
        return "" if self.good else str(self.outcome.result.get("stackTrace") or "")

    @property
    def shown(self) -> str:
        """Return the beginning of the result, in lines."""
        text = self.outcome.text
        # A result that is nested too deeply for Python's writer is shown as it came.
        with suppress(RecursionError):
            text = json.dumps(self.outcome.result, ensure_ascii=False, indent=2)
        return text[:_LONGEST_SHOWN]

    @property
    def is_cut(self) -> bool:
        """Return whether only the beginning of the result is shown."""
        return len(self.shown) == _LONGEST_SHOWN

    @property
    def log(self) -> Iterator[tuple[str, str]]:
        """Yield the lines of the log, each with its CSS class; errors have their stacks."""
        for line in "".join(readable_log(self.outcome.log)).splitlines():
            platform = "dim" if _OF_PLATFORM.match(line) else ""
            yield "reason" if _OF_FAILURE.match(line) else platform, line

    @property
    def _report(self) -> re.Match[str] | tuple[str, str, str]:
        found = _REPORT.fullmatch(self.outcome.report)
        return found.groups() if found else ("", "0", "0")  # type: ignore[return-value]
