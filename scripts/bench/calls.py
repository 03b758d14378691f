"""Calls in the HTTPS form, made without the facade."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from cloud_openapi.catalogue import Operation, default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.periods import BEIJING, Period, period_with, write_day

DOCUMENTED = "20170313"
_RETAIN = default_catalogue()["analysis.getDailyRetain"]
DOCUMENTED_PATH = _RETAIN.path
_EPOCH = date(2017, 3, 1)
_SPANS = ("day", "week", "month")
_DAYS = 30


class Call(NamedTuple):
    """A request and its expected answer; None accepts any answer with status 200."""

    target: str
    body: bytes
    answer: bytes | None = None
    headers: str = ""
    content_type: str = "application/json"


def granted_token(url: str) -> str:
    """Return a new access token, requested without a client library."""
    secrets = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("GET", f"/cgi-bin/token?{urlencode(secrets)}")
        token: str = json.load(connection.getresponse())["access_token"]
        return token


def calls_of(url: str, path: str, *requests: dict[str, Any]) -> list[Call]:
    """Make calls to an API, and return them with their answers."""
    target = f"{path}?{urlencode({'access_token': granted_token(url)})}"
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        calls = []
        for params in requests:
            body = json.dumps(params).encode()
            connection.request("POST", target, body)
            answer = connection.getresponse().read()
            # A success may contain errcode 0, as in getPerformanceData.
            if json.loads(answer).get("errcode"):
                raise RuntimeError(f"The call to measure returns an error: {answer!r}")
            calls.append(Call(target, body, answer))
        return calls


def documented_call(url: str) -> Call:
    """Make the call of WeChat's documented example."""
    (call,) = calls_of(url, DOCUMENTED_PATH, {"begin_date": DOCUMENTED, "end_date": DOCUMENTED})
    return call


def requests_of(operation: Operation, today: date | None = None) -> list[dict[str, Any]]:
    """Return valid requests to an API, with dates as varied as its date rule allows."""
    today = today or datetime.now(BEIJING).date()
    example = operation.examples[0]["request"]
    if not operation.rules:
        return [example]
    rule = operation.rules[0]
    found = []
    for begin, end in _dates(today):
        if "." in rule.begin:
            (outer, first), (_, last) = rule.begin.split("."), rule.end.split(".")
            params = {**example, outer: {first: _seconds(begin), last: _seconds(end)}}
        else:
            params = {**example, rule.begin: write_day(begin), rule.end: write_day(end)}
        if isinstance(rule.check(params, today), Period):
            found.append(params)
    return found[:_DAYS]


def _dates(today: date) -> Iterator[tuple[date, date]]:
    for days in (1, 7, 30):
        for ago in (1, 2):
            yield today - timedelta(days=ago + days - 1), today - timedelta(days=ago)
    for number in range(_DAYS):
        for span in _SPANS:
            period = period_with(span, _EPOCH + timedelta(days=37 * number))  # type: ignore[arg-type]
            yield period.begin, period.end


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp())
