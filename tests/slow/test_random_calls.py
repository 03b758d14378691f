"""A hundred thousand random calls: the server never fails, and the answers agree."""

import io
import json
import logging
import random
import re
import sys
from datetime import date, datetime, timedelta

import pytest
from jsonschema_rs import Draft202012Validator
from support import identities

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.periods import BEIJING, period_with

pytestmark = pytest.mark.slow

CATALOGUE = default_catalogue()
VALID = {
    name: Draft202012Validator(operation.schema("https", "response")).is_valid
    for name, operation in CATALOGUE.items()
    if operation.simulation
}
LAUNCH = date(2017, 1, 9)
ERRMSG = re.compile(r".+ rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}", re.DOTALL)
APPIDS = [f"wx{number}" for number in range(30)]
CHUNKS, CALLS = 10, 10_000


class Service:
    """The application of an emulator, with a counter of calls."""

    def __init__(self, chance):
        self.chance = chance
        self.emulator = Emulator(apps=dict.fromkeys(APPIDS, "secret"))
        self.calls = 0
        self._app = create_app(self.emulator)
        self.live_at(datetime(2026, 3, 10, 12, tzinfo=BEIJING))

    def live_at(self, moment):
        self.emulator.clock.freeze(moment)
        self.emulator.reseed(self.chance.randrange(100))
        self.appid = self.chance.choice(APPIDS)
        self.token = self.emulator.program(self.appid).tokens.grant()[0]

    def send(self, method, path, query, body):
        """Send a request, check that the answer is a JSON object with status 200, and return it."""
        statuses = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "7070",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        chunks = self._app(environ, lambda status, _headers, _error=None: statuses.append(status))
        text = b"".join(chunks)
        self.calls += 1
        assert statuses == ["200 OK"], (method, path, query, body)
        answer = json.loads(text)
        assert isinstance(answer, dict)
        return answer

    def ask(self, api, begin, end):
        """Call an API, check the answer against its schema, and return it."""
        operation = CATALOGUE[f"analysis.{api}"]
        body = json.dumps({"begin_date": f"{begin:%Y%m%d}", "end_date": f"{end:%Y%m%d}"})
        answer = self.send(
            operation.method, operation.path, f"access_token={self.token}", body.encode()
        )
        assert VALID[operation.name](answer), (operation.name, body, answer)
        return answer

    def trend(self, day):
        """Return the row of a day, or zeros if it is missing."""
        rows = self.ask("getDailyVisitTrend", day, day)["list"]
        names = ("session_cnt", "visit_pv", "visit_uv", "visit_uv_new", "visit_depth")
        return rows[0] if rows else dict.fromkeys(names, 0)


@pytest.fixture
def service(chunk):
    return Service(random.Random(chunk))


@pytest.fixture
def records():
    """Return a list of all log records from the level of a warning."""
    found = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = found.append
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_calls_are_answered_or_refused_and_the_answers_agree(chunk, service, records):
    checks = (odd_calls, one_day, one_week_or_month, one_portrait, performance, before_launch)
    while service.calls < CALLS:
        service.live_at(some_moment(service.chance))
        for check in checks:
            check(service)
    assert records == []


def some_moment(chance):
    """Return a time between the spring of 2017 and 2041, more often than not before June 2018."""
    days = chance.choice([chance.randint(130, 500), chance.randint(500, 9000)])
    day = LAUNCH + timedelta(days=days)
    return datetime(day.year, day.month, day.day, chance.randrange(24), tzinfo=BEIJING)


def today_of(service):
    return service.emulator.clock.now().date()


def some_day(service):
    """Return one of the first days, or a later day whose week and month are over too.

    WeChat's own examples, which agree with nothing, are of the February and March between.
    """
    newest = (today_of(service) - LAUNCH).days - 32
    chance = service.chance
    return LAUNCH + timedelta(chance.choice([chance.randint(0, 20), chance.randint(82, newest)]))


def whole(service, span, day):
    period = period_with(span, day)
    name = {"week": "Weekly", "month": "Monthly"}[span]
    (trend,) = service.ask(f"get{name}VisitTrend", period.begin, period.end)["list"]
    return period, trend, service.ask(f"get{name}Retain", period.begin, period.end)


def one_day(service):
    day = some_day(service)
    retain = service.ask("getDailyRetain", day, day)
    (trend,) = service.ask("getDailyVisitTrend", day, day)["list"]
    (summary,) = service.ask("getDailySummary", day, day)["list"]
    before = day - timedelta(days=1)
    rows_before = service.ask("getDailySummary", before, before)["list"]
    identities.assert_trend_has_the_users_of_the_retention(trend, retain)
    identities.assert_means_have_the_same_total_time(trend)
    identities.assert_retained_users_do_not_exceed_first_users(retain)
    identities.assert_total_grows_by_the_new_users(summary, rows_before, trend["visit_uv_new"])
    for item in retain["visit_uv"][1:]:
        later = service.trend(day + timedelta(days=item["key"]))
        identities.assert_retained_users_are_active_and_not_new(retain, item["key"], later)
    distribution = service.ask("getVisitDistribution", day, day)
    identities.assert_distribution_adds_up_to_the_sessions(distribution, trend)
    identities.assert_distribution_has_the_means_of_the_sessions(distribution, trend)
    shown = service.ask("getVisitPage", day, day)["list"]
    identities.assert_pages_share_the_visits(shown, trend, summary)


def one_week_or_month(service):
    span = service.chance.choice(["week", "week", "week", "month"])
    period, trend, retain = whole(service, span, some_day(service))
    length = (period.end - period.begin).days + 1
    days = [service.trend(period.begin + timedelta(days=number)) for number in range(length)]
    identities.assert_whole_has_the_visits_of_its_days(trend, days)
    identities.assert_whole_has_the_depth_of_its_days(trend, days)
    identities.assert_trend_has_the_users_of_the_retention(trend, retain)
    identities.assert_retained_users_do_not_exceed_first_users(retain)
    if span == "week":
        for item in retain["visit_uv"][1:]:
            _, later, _ = whole(service, span, period.after(item["key"]).begin)
            key = item["key"]
            identities.assert_retained_users_are_active_and_not_new(retain, key, later)


def one_portrait(service):
    length = service.chance.choice([1, 7, 30])
    end = today_of(service) - timedelta(days=service.chance.choice([1, 2]))
    begin = end - timedelta(days=length - 1)
    if begin == date(2017, 6, 11) and length == 7:
        return  # WeChat's example
    answer = service.ask("getUserPortrait", begin, end)
    trends = [service.trend(begin + timedelta(days=number)) for number in range(length)]
    new = sum(trend["visit_uv_new"] for trend in trends)
    active = identities.values(answer["visit_uv"]["genders"])
    identities.assert_portrait_has_as_many_users(answer, new, active)
    identities.assert_portrait_has_each_city_and_device_once(answer)
    users = [trend["visit_uv"] for trend in trends]
    assert max(users) <= active <= sum(users)


def performance(service):
    operation = CATALOGUE["analysis.getPerformanceData"]
    day, length = some_day(service), service.chance.randint(0, 30)
    begin = int(datetime(day.year, day.month, day.day, tzinfo=BEIJING).timestamp())
    params = {
        "time": {"begin_timestamp": begin, "end_timestamp": begin + 86400 * length},
        "module": service.chance.choice(["10016", "10017", 10021, 10022, "10023"]),
        "params": [],
    }
    body = json.dumps(params).encode()
    answer = service.send("POST", operation.path, f"access_token={service.token}", body)
    assert VALID[operation.name](answer), answer
    days = [f"{day + timedelta(days=number):%Y%m%d}" for number in range(length + 1)]
    identities.assert_tables_have_each_day(answer["data"]["body"], days)


def before_launch(service):
    day = LAUNCH - timedelta(days=service.chance.randint(1, 2000))
    for api in ("getDailySummary", "getDailyVisitTrend", "getVisitDistribution", "getVisitPage"):
        assert service.ask(api, day, day)["list"] == []
    retain = service.ask("getDailyRetain", day, day)
    assert {item["value"] for item in retain["visit_uv"]} == {0}
    assert {item["value"] for item in retain["visit_uv_new"]} == {0}


def odd_calls(service):
    """Make calls that are mostly refused, each with WeChat's envelope."""
    for _ in range(60):
        operation = CATALOGUE[service.chance.choice(list(VALID))]
        method = service.chance.choice(["POST"] * 20 + ["GET", "PUT", "DELETE", "PATCH"])
        query = service.chance.choice(
            [f"access_token={service.token}"] * 10
            + ["", "access_token=", "access_token=x", "%ff=%"]
        )
        body = odd_body(service.chance, operation, today_of(service))
        answer = service.send(method, operation.path, query, body)
        if answer.get("errcode"):
            assert answer.keys() == {"errcode", "errmsg"}
            assert ERRMSG.fullmatch(answer["errmsg"]), answer
        else:
            assert VALID[operation.name](answer), (operation.name, body, answer)


def odd_body(chance, operation, today):
    match chance.randrange(8):
        case 0:
            return chance.randbytes(chance.randrange(40))
        case 1:
            return json.dumps(odd_value(chance)).encode()
        case 2:
            return b"begin_date=20170313&end_date=20170313"
        case _:
            example = operation.examples[0]["request"]
            odd = {name: odd_value(chance) for name in example if chance.random() < 0.3}
            dates = odd_dates(chance, today) if "begin_date" in example else {}
            extra = {odd_text(chance): odd_value(chance)} if chance.random() < 0.2 else {}
            return json.dumps({**example, **dates, **odd, **extra}).encode()


def odd_dates(chance, today):
    begin = today + timedelta(days=chance.choice([-1, 0, 1, -chance.randint(-40, 4000)]))
    span = chance.choice(["day", "week", "month", "window"])
    if span == "window":
        period = begin, begin + timedelta(days=chance.choice([0, 6, 29, chance.randint(-3, 40)]))
    else:
        period = period_with(span, begin)[1:]
    begin, end = (f"{day:%Y%m%d}" for day in period)
    return {"begin_date": begin, "end_date": end}


def odd_value(chance, depth=0):
    kinds = [
        lambda: None,
        lambda: chance.random() < 0.5,
        lambda: chance.choice([0, -1, 1.5, 1e308, 10**30, chance.randint(-(2**63), 2**63)]),
        lambda: odd_text(chance),
        lambda: chance.choice(["20170313", "2017-03-13", "20170230", "99999999", "00000000"]),
        lambda: [odd_value(chance, depth + 1) for _ in range(chance.randrange(4))],
        lambda: {odd_text(chance): odd_value(chance, depth + 1) for _ in range(3)},
    ]
    return chance.choice(kinds[:5] if depth > 3 else kinds)()


def odd_text(chance):
    letters = [*"a0_ %'", '"', "\n", "\0", "\u5929", "\u0661", "\ud800", "\U0001f600"]
    return "".join(chance.choices(letters, k=chance.randrange(9)))
