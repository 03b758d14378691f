"""The emulated api.weixin.qq.com against documented and recorded answers."""

import errno
import json
import re
import string
from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.paths import sample
from support.values import DAILY, NOW, STABLE, TOKEN, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.weixin import simulated
from cloud_openapi.periods import BEIJING

MONTHLY = "/datacube/getweanalysisappidmonthlyretaininfo"
APIS = {"getDailyRetain": DAILY, "getWeeklyRetain": WEEKLY, "getMonthlyRetain": MONTHLY}

CONTENT_TYPE = "application/json; encoding=utf-8"
FORM = "application/x-www-form-urlencoded"
RID = re.compile(r" rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")

# Without the rid; 41004 keeps its comma.
BAD_CREDENTIAL = (
    40001,
    (
        "invalid credential, access_token is invalid or not latest, could get access_token by "
        "getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"
    ),
)
BAD_GRANT_TYPE = (40002, "invalid grant_type")
BAD_APPID = (40013, "invalid appid")
BAD_URL = (40066, "invalid url")
BAD_SECRET = (40125, "invalid appsecret")
NO_TOKEN = (41001, "access_token missing")
NO_APPID = (41002, "appid missing")
NO_SECRET = (41004, "appsecret missing,")
EXPIRED = (42001, "access_token expired")
GET_NEEDED = (43001, "require GET method")
POST_NEEDED = (43002, "require POST method")
EMPTY_BODY = (44002, "empty post data")
TOO_LARGE = (45002, "content size out of limit")
QUOTA = (
    45009,
    (
        "reach max api daily quota limit, could get access_token by getStableAccessToken, more "
        "details at https://mmbizurl.cn/s/JtxxFh33r"
    ),
)
NOT_JSON = (47001, "data format error")
DATE_FORMAT = (61500, "date format error")
DATE_RANGE = (61501, "date range error")
KNOWN = {
    code
    for code, _ in (
        BAD_CREDENTIAL,
        BAD_GRANT_TYPE,
        BAD_APPID,
        BAD_URL,
        BAD_SECRET,
        NO_TOKEN,
        NO_APPID,
        NO_SECRET,
        EXPIRED,
        GET_NEEDED,
        POST_NEEDED,
        EMPTY_BODY,
        TOO_LARGE,
        QUOTA,
        NOT_JSON,
        DATE_FORMAT,
        DATE_RANGE,
    )
}

FIELDS = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
LIMIT = 6 * 1024 * 1024


class MovableClock(Clock):
    """A clock that stands still between its moves."""

    def __init__(self, moment):
        super().__init__()
        self.moment = moment

    def now(self):
        return self.moment

    def advance(self, **time):
        self.moment += timedelta(**time)


class Weixin:
    """An emulator, its clock, and a client with a valid token."""

    def __init__(self, **settings):
        self.clock = MovableClock(settings.pop("now", NOW))
        self.emulator = Emulator(clock=self.clock, **settings)
        app = create_app(self.emulator)
        app.testing = True  # exceptions are raised
        self.client = app.test_client()
        self.token, _ = self.emulator.program(DEMO_APPID).tokens.grant()

    def call(self, path, body, token=None, method="POST", content_type="application/json"):
        """Send bytes, or a value as JSON. ``token`` defaults to the valid one; False omits it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = {} if token is False else {"access_token": self.token if token is None else token}
        return self.client.open(
            path, method=method, query_string=query, data=data, content_type=content_type
        )

    def call_dates(self, path, begin, end, token=None):
        return self.call(path, {"begin_date": begin, "end_date": end}, token)

    def works(self, token):
        """Return "works" for a valid token, else the error code."""
        return self.call_dates(DAILY, "20170313", "20170313", token).json.get("errcode", "works")

    def get_token(self, **fields):
        return self.client.get(TOKEN, query_string={**FIELDS, **fields})

    def get_stable(self, **fields):
        return self.client.post(STABLE, json={**FIELDS, **fields})

    def granted(self, answer):
        assert answer.json.keys() == {"access_token", "expires_in"}
        return answer.json["access_token"], answer.json["expires_in"]

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def weixin():
    return Weixin()


def check_refused(answer, expected, moment=NOW):
    """Check that the answer is exactly this error."""
    code, text = expected
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert list(answer.json) == ["errcode", "errmsg"]
    assert answer.json["errcode"] == code
    rid = RID.search(answer.json["errmsg"])
    assert rid, answer.json["errmsg"]
    assert RID.sub("", answer.json["errmsg"]) == text
    assert rid[1] == f"{int(moment.timestamp()):08x}"


def dates(begin, end):
    return json.dumps({"begin_date": begin, "end_date": end}).encode()


GOOD = dates("20260310", "20260310")


# ---- single errors -------------------------------------------------------------------------


def case(name, expected, body=GOOD, **more):
    return pytest.param({"path": DAILY, "body": body, **more}, expected, id=name)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        case("no token", NO_TOKEN, token=False),
        case("empty token", NO_TOKEN, token=""),
        case("invalid token", BAD_CREDENTIAL, token="invalid"),
        case("token cut short", BAD_CREDENTIAL, token="emulator_"),
        case(
            "token in the body only",
            NO_TOKEN,
            b'{"access_token":"t","begin_date":"20170313","end_date":"20170313"}',
            token=False,
        ),
        *(
            case(f"{method} {path[27:]}", POST_NEEDED, path=path, method=method)
            for path in (DAILY, WEEKLY, MONTHLY)
            for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")
        ),
        case("empty body", EMPTY_BODY, b""),
        case("empty body of a form", EMPTY_BODY, b"", content_type=FORM),
        case("text", NOT_JSON, b"hello"),
        case("white space", NOT_JSON, b"  "),
        case("half of an object", NOT_JSON, b'{"begin_date": "20170313"'),
        case("invalid UTF-8", NOT_JSON, b'{"begin_date": "\xff\xfe"}'),
        case("XML", NOT_JSON, b"<xml><a b='c'/></xml>"),
        case("100,000 brackets", NOT_JSON, b"[" * 100_000),
        case("JSON array", NOT_JSON, b'["20170313","20170313"]'),
        case("JSON number", NOT_JSON, b"20170313"),
        case("JSON string", NOT_JSON, b'"20170313"'),
        case("JSON null", NOT_JSON, b"null"),
        case("JSON true", NOT_JSON, b"true"),
        # Recorded with a leading &; see samples/error.61500-hint.json.
        case(
            "form body",
            DATE_FORMAT,
            b"&end_date=20170313&begin_date=20170313",
            content_type=FORM,
        ),
        case(
            "form body, no content type",
            DATE_FORMAT,
            b"begin_date=20170313&end_date=20170313",
            content_type=None,
        ),
        case(
            "form body with the content type of JSON",
            DATE_FORMAT,
            b"begin_date=20170313&end_date=20170313",
        ),
        case("hyphens", DATE_FORMAT, dates("2017-03-13", "2017-03-13")),
        case("month 13", DATE_FORMAT, dates("20171399", "20171399")),
        case("no leap year", DATE_FORMAT, dates("20170229", "20170229")),
        case("no leap century", DATE_FORMAT, dates("19000229", "19000229")),
        case("year 0", DATE_FORMAT, dates("00000101", "00000101")),
        case("numbers", DATE_FORMAT, dates(20170313, 20170313)),
        case("null", DATE_FORMAT, dates(None, None)),
        case("true", DATE_FORMAT, dates(True, True)),  # noqa: FBT003 - a JSON value
        case("lists", DATE_FORMAT, dates(["20170313"], ["20170313"])),
        case("objects", DATE_FORMAT, dates({"a": 1}, {})),
        case("NaN", NOT_JSON, dates(float("nan"), "20170313")),
        case("empty strings", DATE_FORMAT, dates("", "")),
        case("begin_date missing", DATE_FORMAT, b'{"end_date":"20170313"}'),
        case("end_date missing", DATE_FORMAT, b'{"begin_date":"20170313"}'),
        case("empty object", DATE_FORMAT, b"{}"),
        case(
            "names of the cloud form",
            DATE_FORMAT,
            b'{"beginDate":"20170313","endDate":"20170313"}',
        ),
        case("full-width digits", DATE_FORMAT, dates("２０１７０３１３", "２０１７０３１３")),
        case("superscript digit", DATE_FORMAT, dates("2017031³", "2017031³")),
        case("line feed at the end", DATE_FORMAT, dates("20170313\n", "20170313\n")),
        case("space in front", DATE_FORMAT, dates(" 20170313", " 20170313")),
        case("sign in front", DATE_FORMAT, dates("+2017313", "+2017313")),
        case("underscore inside", DATE_FORMAT, dates("2017_313", "2017_313")),
        case("seven digits", DATE_FORMAT, dates("2017313", "2017313")),
        case("nine digits", DATE_FORMAT, dates("201703130", "201703130")),
        case("only end_date is bad", DATE_FORMAT, dates("20170313", "2017-03-13")),
        case("half a surrogate pair", DATE_FORMAT, dates("\ud800", "20170313")),
        case(
            "half a surrogate pair in another field",
            NOT_JSON,
            b'{"time":{"begin_timestamp":1,"end_timestamp":1},"module":"\\ud800","params":[]}',
            path="/wxa/business/performance/boot",
        ),
        case("two days", DATE_RANGE, dates("20260308", "20260309")),
        case("today", DATE_RANGE, dates("20260311", "20260311")),
        case("yesterday to today", DATE_RANGE, dates("20260310", "20260311")),
        case("tomorrow", DATE_RANGE, dates("20260312", "20260312")),
        case("last day of all", DATE_RANGE, dates("99991231", "99991231")),
        case("begin after end", DATE_RANGE, dates("20260309", "20260308")),
        case("a week on the daily API", DATE_RANGE, dates("20260302", "20260308")),
        case("Tuesday to Monday", DATE_RANGE, dates("20260303", "20260309"), path=WEEKLY),
        case("Monday to Saturday", DATE_RANGE, dates("20260302", "20260307"), path=WEEKLY),
        case("Sunday to Saturday", DATE_RANGE, dates("20260222", "20260228"), path=WEEKLY),
        case("Monday alone", DATE_RANGE, dates("20260302", "20260302"), path=WEEKLY),
        case("two weeks", DATE_RANGE, dates("20260223", "20260308"), path=WEEKLY),
        case("week backwards", DATE_RANGE, dates("20260308", "20260302"), path=WEEKLY),
        case("current week", DATE_RANGE, dates("20260309", "20260315"), path=WEEKLY),
        case("next week", DATE_RANGE, dates("20260316", "20260322"), path=WEEKLY),
        case("last week of all", DATE_RANGE, dates("99991227", "99991231"), path=WEEKLY),
        case("December without its 31st", DATE_RANGE, dates("20181201", "20181230"), path=MONTHLY),
        case("Jan 11 to Feb 10", DATE_RANGE, dates("20190111", "20190210"), path=MONTHLY),
        case("a day on the monthly API", DATE_RANGE, dates("20190210", "20190210"), path=MONTHLY),
        case("two months", DATE_RANGE, dates("20260101", "20260228"), path=MONTHLY),
        case("leap February cut", DATE_RANGE, dates("20240201", "20240228"), path=MONTHLY),
        case("month backwards", DATE_RANGE, dates("20260228", "20260201"), path=MONTHLY),
        case("current month", DATE_RANGE, dates("20260301", "20260331"), path=MONTHLY),
        case("current month so far", DATE_RANGE, dates("20260301", "20260310"), path=MONTHLY),
        case("last month of all", DATE_RANGE, dates("99991201", "99991231"), path=MONTHLY),
        case("unknown path", BAD_URL, path="/datacube/nosuchapi"),
        case("unknown path, GET", BAD_URL, path="/datacube/nosuchapi", method="GET"),
        case("path without /datacube", BAD_URL, path=DAILY.removeprefix("/datacube")),
        case("path with a slash too many", BAD_URL, path=DAILY + "/"),
        case("path in capitals", BAD_URL, path=DAILY.upper()),
        case("unknown cgi-bin path", BAD_URL, path="/cgi-bin/nosuch"),
    ],
)
def test_invalid_request_returns_wechats_exact_error_with_http_200(weixin, fields, expected):
    check_refused(weixin.call(**fields), expected)


@pytest.mark.parametrize("path", [DAILY, WEEKLY, MONTHLY, STABLE])
def test_head_returns_200_without_body_and_is_journalled_as_43002(weixin, path):
    answer = weixin.call(path, b"", method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert weixin.last.errcode == 43002


def test_uncommon_method_returns_43002_with_http_200(weixin):
    check_refused(weixin.call(DAILY, b"", method="TRACE"), POST_NEEDED)


@pytest.mark.parametrize("path", [DAILY, STABLE])
def test_path_with_two_slashes_is_unknown_and_not_redirected(weixin, path):
    check_refused(weixin.call(path.replace("/", "//").removeprefix("/"), GOOD), BAD_URL)


@pytest.mark.parametrize("path", [DAILY, WEEKLY, MONTHLY, STABLE])
def test_body_over_6_mib_returns_45002(weixin, path):
    check_refused(weixin.call(path, b" " * (LIMIT + 1)), TOO_LARGE)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"method": "GET"}, 43002), ({"token": False}, 41001), ({"path": "/nowhere"}, 40066)],
    ids=["GET", "no token", "unknown path"],
)
def test_body_over_6_mib_with_another_error_returns_one_of_both(weixin, fields, code):
    answer = weixin.call(**{"path": DAILY, "body": b" " * (LIMIT + 1), **fields})
    assert answer.status_code == 200
    assert answer.json["errcode"] in (code, 45002)


def test_body_of_6_mib_is_accepted(weixin):
    assert weixin.call(DAILY, GOOD + b" " * (LIMIT - len(GOOD))).json["ref_date"] == "20260310"


# ---- several errors: the order of the checks -----------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        case("method before missing token", POST_NEEDED, b"", method="GET", token=False),
        case("method before invalid token", POST_NEEDED, b"", method="PUT", token="invalid"),
        case("method before body", POST_NEEDED, b"hello", method="PUT"),
        case("method before dates", POST_NEEDED, dates("x", "y"), method="DELETE"),
        case("missing token before empty body", NO_TOKEN, b"", token=False),
        case("missing token before text", NO_TOKEN, b"hello", token=False),
        case("missing token before dates", NO_TOKEN, dates("x", "y"), token=False),
        case("invalid token before empty body", BAD_CREDENTIAL, b"", token="invalid"),
        case("invalid token before text", BAD_CREDENTIAL, b"hello", token="invalid"),
        case("invalid token before a form", BAD_CREDENTIAL, b"begin_date=1", token="invalid"),
        case("invalid token before dates", BAD_CREDENTIAL, dates("x", "y"), token="invalid"),
        case("format of end before today", DATE_FORMAT, dates("20260311", "2026-03-11")),
        case("format of begin before begin > end", DATE_FORMAT, dates("2026-03-11", "20260308")),
        case("missing end before tomorrow", DATE_FORMAT, b'{"begin_date":"20260312"}'),
        case("format before span", DATE_FORMAT, dates("20260303", "20260299"), path=WEEKLY),
    ],
)
def test_first_failed_check_decides_the_error(weixin, fields, expected):
    check_refused(weixin.call(**fields), expected)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"a=b", dates("x", "y"), dates("20260312", "20260311")]
)
def test_expired_token_is_reported_before_body_errors(weixin, body):
    weixin.clock.advance(hours=2)
    check_refused(weixin.call(DAILY, body), EXPIRED, weixin.clock.moment)


# ---- tokens in a call ----------------------------------------------------------------------


def test_token_expires_with_42001_after_two_hours(weixin):
    weixin.clock.advance(seconds=7199)
    assert weixin.works(weixin.token) == "works"
    weixin.clock.advance(seconds=1)
    check_refused(weixin.call(DAILY, GOOD), EXPIRED, weixin.clock.moment)
    weixin.clock.advance(days=30)
    check_refused(weixin.call(DAILY, GOOD), EXPIRED, weixin.clock.moment)


def test_superseded_token_is_valid_for_five_minutes_then_40001(weixin):
    weixin.clock.advance(minutes=10)
    newer, _ = weixin.granted(weixin.get_token())
    weixin.clock.advance(seconds=299)
    assert (weixin.works(weixin.token), weixin.works(newer)) == ("works", "works")
    weixin.clock.advance(seconds=2)
    check_refused(weixin.call(DAILY, GOOD), BAD_CREDENTIAL, weixin.clock.moment)
    assert weixin.works(newer) == "works"


def test_fresh_token_of_either_endpoint_is_valid_at_once(weixin):
    for ask, fields in (
        (weixin.get_token, {}),
        (weixin.get_stable, {}),
        (weixin.get_stable, {"force_refresh": True}),
    ):
        token, expires_in = weixin.granted(ask(**fields))
        assert (weixin.works(token), expires_in) == ("works", 7200)


# ---- ignored parts of a request ------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; charset=gbk",
        "text/plain",
        "application/octet-stream",
        FORM,
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "nonsense",
        None,
    ],
)
def test_content_type_of_a_json_body_is_ignored(weixin, content_type):
    answer = weixin.call(DAILY, dates("20170313", "20170313"), content_type=content_type)
    assert answer.json == sample("getDailyRetain.response.official-https.json")


@pytest.mark.parametrize(
    "extra",
    [
        {"access_token": "t"},
        {"beginDate": "x", "user_source": 0},
        {"a": {"b": [1, None]}, "": "", "errcode": 5},
    ],
)
@pytest.mark.parametrize("day", ["20170313", "20260301"])
def test_additional_body_fields_are_ignored(weixin, day, extra):
    plain = weixin.call_dates(DAILY, day, day)
    assert weixin.call(DAILY, {**extra, "begin_date": day, "end_date": day}).data == plain.data


def test_additional_query_parameters_are_ignored(weixin):
    query = {"access_token": weixin.token, "lang": "zh_CN", "begin_date": "x"}
    answer = weixin.client.post(DAILY, query_string=query, data=GOOD)
    assert answer.json["ref_date"] == "20260310"


# ---- the recorded bodies -------------------------------------------------------------------


def without_tail(body):
    text = re.sub(r" (rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}|hint: \[.*\])$", "", body["errmsg"])
    return {**body, "errmsg": text}


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("40001-2026-rid", lambda weixin: weixin.call(DAILY, GOOD, "invalid")),
        ("40013-token-rid", lambda weixin: weixin.get_token(appid="wx0000000000000000")),
        ("40013-token-rid", lambda weixin: weixin.get_stable(appid="wx0000000000000000")),
        ("40125-rid", lambda weixin: weixin.get_token(secret="wrong")),
        ("40125-rid", lambda weixin: weixin.get_stable(secret="wrong")),
        ("41001-rid", lambda weixin: weixin.call(DAILY, GOOD, token=False)),
        ("41002-rid", lambda weixin: weixin.client.get(TOKEN)),
        ("41004-rid", lambda weixin: weixin.get_token(secret="")),
        ("41004-rid", lambda weixin: weixin.get_stable(secret="")),
        ("44002-hint", lambda weixin: weixin.call(DAILY, b"")),
        ("47001-rid", lambda weixin: weixin.call(DAILY, b"hello")),
        (
            "61500-hint",
            lambda weixin: weixin.call(DAILY, b"&end_date=20170313&begin_date=20170313"),
        ),
        ("61501-hint", lambda weixin: weixin.call_dates(MONTHLY, "20190111", "20190210")),
        ("61501-rid", lambda weixin: weixin.call_dates(DAILY, "20200915", "20200917")),
        ("61501-two-days-rid", lambda weixin: weixin.call_dates(DAILY, "20210911", "20210912")),
        (
            "61501-begin-after-end-rid",
            lambda weixin: weixin.call_dates(DAILY, "20240219", "20240218"),
        ),
        ("61501-today-hint", lambda weixin: weixin.call_dates(DAILY, "20260311", "20260311")),
    ],
)
def test_errors_equal_recorded_ones_except_for_rid_and_hint(weixin, name, ask):
    assert without_tail(ask(weixin).json) == without_tail(sample(f"error.{name}.json"))


def test_expired_token_error_equals_the_recorded_one_except_for_the_rid(weixin):
    weixin.clock.advance(hours=2)
    expected = without_tail(sample("error.42001-rid.json"))
    assert without_tail(weixin.call(DAILY, GOOD).json) == expected


# ---- the token endpoints -------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["get_token", "get_stable"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"appid": ""}, NO_APPID),
        ({"appid": "wx0000000000000000"}, BAD_APPID),
        ({"appid": DEMO_APPID.upper()}, BAD_APPID),
        ({"secret": ""}, NO_SECRET),
        ({"secret": "wrong"}, BAD_SECRET),
        ({"secret": DEMO_SECRET + " "}, BAD_SECRET),
        ({"grant_type": ""}, BAD_GRANT_TYPE),
        ({"grant_type": "authorization_code"}, BAD_GRANT_TYPE),
        # The appid comes before grant_type (recorded).
        ({"appid": "", "grant_type": "x"}, NO_APPID),
        ({"appid": "wx0000000000000000", "grant_type": "x"}, BAD_APPID),
        ({"appid": "wx0000000000000000", "grant_type": ""}, BAD_APPID),
        ({"appid": "wx0000000000000000", "secret": "wrong", "grant_type": "x"}, BAD_APPID),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else str(value[0]),
)
def test_token_request_with_invalid_field_returns_wechats_exact_error(
    weixin, endpoint, fields, expected
):
    check_refused(getattr(weixin, endpoint)(**fields), expected)


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        (TOKEN, {"method": "GET"}, NO_APPID),
        (TOKEN, {"method": "POST"}, GET_NEEDED),
        (TOKEN, {"method": "PUT"}, GET_NEEDED),
        (STABLE, {"method": "GET"}, POST_NEEDED),
        (STABLE, {"method": "OPTIONS"}, POST_NEEDED),
        (STABLE, {"data": b""}, EMPTY_BODY),
        (STABLE, {"data": b"hello"}, NOT_JSON),
        (STABLE, {"data": b"[]"}, NOT_JSON),
        (STABLE, {"data": b"{}"}, NO_APPID),
        (STABLE, {"data": b"", "query_string": FIELDS}, EMPTY_BODY),
        (STABLE, {"data": b"{}", "query_string": FIELDS}, NO_APPID),
    ],
)
def test_token_request_with_wrong_method_or_body_returns_wechats_exact_error(
    weixin, path, fields, expected
):
    check_refused(weixin.client.open(path, **{"method": "POST", **fields}), expected)


def test_refused_token_request_does_not_supersede_a_token(weixin):
    weixin.get_token(secret="wrong")
    weixin.get_token(grant_type="x")
    weixin.get_stable(secret="wrong", force_refresh=True)
    weixin.clock.advance(minutes=6)
    assert weixin.works(weixin.token) == "works"


def test_tokens_are_unique_and_at_most_512_characters_long(weixin):
    tokens = [weixin.granted(weixin.get_token())[0] for _ in range(50)]
    assert len(set(tokens)) == 50
    assert all(len(token) <= 512 for token in tokens)


def test_stable_token_is_returned_again_with_its_remaining_lifetime(weixin):
    first = weixin.granted(weixin.get_stable())
    weixin.clock.advance(seconds=7200 - 345)
    second = weixin.granted(weixin.get_stable())
    assert (first[1], second) == (7200, (first[0], 345))
    assert weixin.granted(weixin.get_stable(force_refresh=False)) == second


def test_stable_token_is_renewed_in_its_last_five_minutes_and_both_are_valid(weixin):
    old, _ = weixin.granted(weixin.get_stable())
    weixin.clock.advance(seconds=7200 - 301)
    assert weixin.granted(weixin.get_stable()) == (old, 301)
    weixin.clock.advance(seconds=2)
    new, expires_in = weixin.granted(weixin.get_stable())
    assert new != old
    assert expires_in == 7200
    assert (weixin.works(old), weixin.works(new)) == ("works", "works")
    weixin.clock.advance(seconds=298)
    assert (weixin.works(old), weixin.works(new)) == ("works", "works")
    weixin.clock.advance(seconds=2)
    assert weixin.works(old) in (40001, 42001)
    assert weixin.works(new) == "works"


def test_expired_stable_token_is_replaced(weixin):
    old, _ = weixin.granted(weixin.get_stable())
    weixin.clock.advance(hours=3)
    new, expires_in = weixin.granted(weixin.get_stable())
    assert new != old
    assert expires_in == 7200
    assert (weixin.works(old), weixin.works(new)) == (42001, "works")


def test_forced_refresh_invalidates_the_former_stable_token_at_once(weixin):
    old, _ = weixin.granted(weixin.get_stable())
    new, expires_in = weixin.granted(weixin.get_stable(force_refresh=True))
    assert new != old
    assert expires_in == 7200
    check_refused(weixin.call(DAILY, GOOD, old), BAD_CREDENTIAL)
    assert weixin.works(new) == "works"
    assert weixin.granted(weixin.get_stable())[0] == new


def test_forced_refreshes_within_thirty_seconds_return_the_same_token(weixin):
    first, _ = weixin.granted(weixin.get_stable(force_refresh=True))
    weixin.clock.advance(seconds=29)
    assert weixin.granted(weixin.get_stable(force_refresh=True)) == (first, 7200 - 29)
    assert weixin.works(first) == "works"
    weixin.clock.advance(seconds=31)
    third, _ = weixin.granted(weixin.get_stable(force_refresh=True))
    assert third != first
    assert weixin.works(first) == 40001


def test_forced_refresh_is_limited_to_20_a_day(weixin):
    for _ in range(20):
        current, _ = weixin.granted(weixin.get_stable(force_refresh=True))
        weixin.clock.advance(minutes=1)
    check_refused(weixin.get_stable(force_refresh=True), QUOTA, weixin.clock.moment)
    assert weixin.granted(weixin.get_stable())[0] == current
    assert weixin.works(current) == "works"
    weixin.clock.moment = datetime(2026, 3, 12, 0, 0, 1, tzinfo=BEIJING)
    assert weixin.granted(weixin.get_stable(force_refresh=True))[0] != current


def test_token_endpoints_do_not_invalidate_each_others_tokens(weixin):
    weixin.granted(weixin.get_token())
    plain, _ = weixin.granted(weixin.get_token())
    stable, _ = weixin.granted(weixin.get_stable())
    assert plain != stable
    weixin.clock.advance(minutes=1)
    forced, _ = weixin.granted(weixin.get_stable(force_refresh=True))
    assert (weixin.works(plain), weixin.works(forced)) == ("works", "works")
    weixin.granted(weixin.get_token())
    weixin.clock.advance(minutes=6)
    assert (weixin.works(plain), weixin.works(forced)) == (40001, "works")
    assert weixin.granted(weixin.get_stable())[0] == forced


def test_stable_token_survives_many_grants_of_the_other_endpoint(weixin):
    stable, _ = weixin.granted(weixin.get_stable())
    for _ in range(10_001):
        weixin.emulator.program(DEMO_APPID).tokens.grant()
    assert weixin.works(stable) == "works"
    assert weixin.granted(weixin.get_stable())[0] == stable


def test_mini_programs_have_separate_tokens_and_numbers():
    weixin = Weixin(apps={DEMO_APPID: DEMO_SECRET, "wx1": "one", "wx2": "two"})
    one, _ = weixin.granted(weixin.get_stable(appid="wx1", secret="one"))
    two, _ = weixin.granted(weixin.get_stable(appid="wx2", secret="two"))
    weixin.get_stable(appid="wx2", secret="two", force_refresh=True)
    check_refused(weixin.get_stable(appid="wx1", secret="two"), BAD_SECRET)
    assert (weixin.works(one), weixin.works(two)) == ("works", 40001)
    answers = [
        weixin.call_dates(DAILY, "20260301", "20260301", token).data
        for token in (one, weixin.token)
    ]
    assert answers[0] != answers[1]


# ---- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_documented_request_returns_exactly_the_documented_response(weixin, api):
    answer = weixin.call(APIS[api], sample(f"{api}.request.official-https.json"))
    expected = sample(f"{api}.response.official-https.json")
    assert json.dumps(answer.json) == json.dumps(expected)  # the order counts too
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)


@pytest.mark.parametrize("api", APIS)
def test_documented_request_is_refused_while_the_clock_is_before_its_end(api):
    weixin = Weixin(now=datetime(2017, 2, 28, 23, 59, tzinfo=BEIJING))
    fields = sample(f"{api}.request.official-https.json")
    check_refused(weixin.call(APIS[api], fields), DATE_RANGE, weixin.clock.moment)


def ago(days):
    return NOW.date() - timedelta(days=days)


def of_day(day):
    return DAILY, f"{day:%Y%m%d}", f"{day:%Y%m%d}"


def of_week(monday):
    return WEEKLY, f"{monday:%Y%m%d}", f"{monday + timedelta(days=6):%Y%m%d}"


@pytest.mark.parametrize(
    ("fields", "ref_date", "keys"),
    [
        (of_day(ago(1)), "20260310", [0]),
        (of_day(ago(2)), "20260309", [0, 1]),
        (of_day(ago(7)), "20260304", [0, 1, 2, 3, 4, 5, 6]),
        (of_day(ago(9)), "20260302", [0, 1, 2, 3, 4, 5, 6, 7]),
        (of_day(ago(13)), "20260226", [0, 1, 2, 3, 4, 5, 6, 7]),
        (of_day(ago(15)), "20260224", [0, 1, 2, 3, 4, 5, 6, 7, 14]),
        (of_day(ago(30)), "20260209", [0, 1, 2, 3, 4, 5, 6, 7, 14]),
        (of_day(ago(31)), "20260208", [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]),
        (of_day(date(2024, 2, 29)), "20240229", [0, 1, 2, 3, 4, 5, 6, 7, 14, 30]),
        (of_week(date(2026, 3, 2)), "20260302-20260308", [0]),
        (of_week(date(2026, 2, 23)), "20260223-20260301", [0, 1]),
        (of_week(date(2026, 2, 9)), "20260209-20260215", [0, 1, 2, 3]),
        (of_week(date(2026, 2, 2)), "20260202-20260208", [0, 1, 2, 3, 4]),
        (of_week(date(2024, 12, 30)), "20241230-20250105", [0, 1, 2, 3, 4]),
        ((MONTHLY, "20260201", "20260228"), "202602", [0]),
        ((MONTHLY, "20260101", "20260131"), "202601", [0, 1]),
        ((MONTHLY, "20240201", "20240229"), "202402", [0, 1]),
        ((MONTHLY, "20251201", "20251231"), "202512", [0, 1]),
    ],
    ids=lambda value: "-".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_retention_keys_are_listed_once_their_period_is_over(weixin, fields, ref_date, keys):
    answer = weixin.call_dates(*fields).json
    assert list(answer) == ["ref_date", "visit_uv_new", "visit_uv"]
    assert answer["ref_date"] == ref_date
    for field in ("visit_uv_new", "visit_uv"):
        assert [item["key"] for item in answer[field]] == keys
        assert all(list(item) == ["key", "value"] for item in answer[field])
        assert all(type(item["value"]) is int and item["value"] > 0 for item in answer[field])


@pytest.mark.parametrize(
    ("fields", "ref_date"),
    [
        ((DAILY, "09990101", "09990101"), "09990101"),
        ((DAILY, "00010101", "00010101"), "00010101"),
        ((WEEKLY, "00010101", "00010107"), "00010101-00010107"),
        ((MONTHLY, "00010101", "00010131"), "000101"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_ref_date_has_a_four_digit_year(weixin, fields, ref_date):
    assert weixin.call_dates(*fields).json["ref_date"] == ref_date


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ((DAILY, "20170108", "20170108"), 10),
        ((DAILY, "20161101", "20161101"), 10),
        ((WEEKLY, "20170102", "20170108"), 5),
        ((MONTHLY, "20161201", "20161231"), 2),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_numbers_before_the_launch_of_mini_programs_are_zero(weixin, fields, length):
    answer = weixin.call_dates(*fields).json
    for field in ("visit_uv_new", "visit_uv"):
        assert [item["value"] for item in answer[field]] == [0] * length


def test_launch_day_of_mini_programs_has_users(weixin):
    answer = weixin.call_dates(DAILY, "20170109", "20170109").json
    assert answer["visit_uv"][0]["value"] > 0


@pytest.mark.parametrize(
    ("now", "day_is_over"),
    [
        (datetime(2026, 3, 10, 15, 59, 59, tzinfo=timezone.utc), False),
        (datetime(2026, 3, 10, 16, 0, 0, tzinfo=timezone.utc), True),
        (datetime(2026, 3, 10, 23, 59, 59, tzinfo=BEIJING), False),
        (datetime(2026, 3, 11, 0, 0, 0, tzinfo=BEIJING), True),
    ],
)
def test_day_ends_at_midnight_in_beijing(now, day_is_over):
    weixin = Weixin()
    weixin.clock.moment = Clock(now).now()
    token, _ = weixin.emulator.program(DEMO_APPID).tokens.grant()
    answer = weixin.call_dates(DAILY, "20260310", "20260310", token).json
    assert answer.get("errcode") == (None if day_is_over else 61501)


def test_later_keys_do_not_change_earlier_numbers(weixin):
    first = weixin.call_dates(DAILY, "20260302", "20260302").json
    weixin.clock.advance(days=40)
    token, _ = weixin.granted(weixin.get_stable())
    later = weixin.call_dates(DAILY, "20260302", "20260302", token).json
    assert later["visit_uv"][:8] == first["visit_uv"]
    assert later["visit_uv_new"][:8] == first["visit_uv_new"]
    assert len(later["visit_uv"]) == 10


def session_of(seed):
    """Return the bytes of a response of each endpoint."""
    weixin = Weixin(seed=seed)
    answers = [
        weixin.get_token(),
        weixin.get_stable(),
        weixin.get_stable(force_refresh=True),
        weixin.call_dates(DAILY, "20260301", "20260301"),
        weixin.call_dates(WEEKLY, "20260202", "20260208"),
        weixin.call_dates(MONTHLY, "20260101", "20260131"),
        weixin.call(DAILY, b"hello"),
        weixin.call("/nowhere", b""),
    ]
    return [answer.data for answer in answers]


def test_same_seed_gives_the_same_bytes():
    assert session_of(7) == session_of(7)


def test_another_seed_changes_numbers_tokens_and_rids():
    assert all(one != other for one, other in zip(session_of(7), session_of(8), strict=True))


@pytest.mark.parametrize(
    ("path", "body"),
    [(DAILY, GOOD), (DAILY, dates("20170313", "20170313")), (STABLE, FIELDS)],
    ids=["simulated", "documented", "token"],
)
def test_successful_responses_have_wechats_content_type(weixin, path, body):
    answer = weixin.call(path, body)
    assert "errcode" not in answer.json
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_healthz_returns_status_version_and_emulator_time(weixin):
    answer = weixin.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json.keys() == {"status", "version", "now"}
    assert answer.json["status"] == "ok"
    assert answer.json["now"] == "2026-03-11T12:00:00+08:00"


def test_healthz_refuses_post_in_json(weixin):
    answer = weixin.client.post("/healthz")
    assert (answer.status_code, answer.json["code"]) == (405, "METHOD_NOT_ALLOWED")


# ---- the journal ---------------------------------------------------------------------------


def test_journal_has_each_request_with_its_code_and_failed_check(weixin):
    weixin.get_token()
    weixin.get_token(appid="")
    weixin.call(DAILY, GOOD, method="PUT")
    weixin.call(DAILY, GOOD, token=False)
    weixin.call(DAILY, b"")
    weixin.call(DAILY, b"a=b")
    weixin.call(DAILY, dates("20260310", "2026"))
    weixin.call(DAILY, dates("20170313", "20170313"))
    weixin.call(DAILY, GOOD)
    weixin.call("/nowhere", b"")
    entries = list(weixin.emulator.journal)
    assert [(entry.path, entry.errcode) for entry in entries] == [
        (TOKEN, 0),
        (TOKEN, 41002),
        (DAILY, 43002),
        (DAILY, 41001),
        (DAILY, 44002),
        (DAILY, 61500),
        (DAILY, 61500),
        (DAILY, 0),
        (DAILY, 0),
        ("/nowhere", 40066),
    ]
    words = ["token", "appid", "method", "access_token", "body", "form", "end_date"]
    words += ["documented example", "simulation", "url"]
    assert [word in entry.check for word, entry in zip(words, entries, strict=True)] == [True] * 10
    assert entries[8][:5] == (NOW, "POST", DAILY, DEMO_APPID, GOOD)
    assert entries[2].method == "PUT"
    assert entries[3].appid is None


SECRETS = {
    "GET token": lambda weixin: weixin.get_token(),
    "POST stable_token": lambda weixin: weixin.get_stable(),
    "forced stable_token": lambda weixin: weixin.get_stable(force_refresh=True),
    "PUT on stable_token": lambda weixin: weixin.client.put(STABLE, json=FIELDS),
    "stable_token with a slash too many": lambda weixin: weixin.call(STABLE + "/", FIELDS),
    "refused token request": lambda weixin: weixin.get_token(grant_type="x"),
    "good call": lambda weixin: weixin.call(DAILY, GOOD),
    "refused call": lambda weixin: weixin.call(DAILY, b"hello"),
    "unknown path": lambda weixin: weixin.call("/nowhere", GOOD),
    "token in the body only": lambda weixin: weixin.call(
        DAILY, {"access_token": weixin.token}, token=False
    ),
    "token in the body too": lambda weixin: weixin.call(
        DAILY, {"access_token": weixin.token, "begin_date": "20260310", "end_date": "20260310"}
    ),
    "token in a form body": lambda weixin: weixin.call(
        DAILY, f"access_token={weixin.token}&begin_date=20260310".encode()
    ),
    "token instead of a date": lambda weixin: weixin.call_dates(DAILY, weixin.token, weixin.token),
    "token in the path for want of a ?": lambda weixin: weixin.call(
        f"{DAILY}&access_token={weixin.token}", GOOD, token=False
    ),
    "secret in the path for want of a ?": lambda weixin: weixin.call(
        f"{TOKEN}&appid={DEMO_APPID}&secret={DEMO_SECRET}", b"", token=False, method="GET"
    ),
    "secret in the body of a call": lambda weixin: weixin.call(DAILY, FIELDS),
    "secret for a misspelt path": lambda weixin: weixin.call("/cgi_bin/stable_token", FIELDS),
}


@pytest.mark.parametrize("ask", SECRETS.values(), ids=SECRETS)
def test_journal_masks_tokens_and_secrets(weixin, ask):
    answer = ask(weixin)
    entries = list(weixin.emulator.journal)
    assert len(entries) == 1
    granted = answer.json.get("access_token", weixin.token)
    for secret in (weixin.token, granted, DEMO_SECRET):
        assert secret[:18] not in repr(entries)  # nor its beginning


def test_journal_keeps_answers_and_shows_them_without_tokens(weixin):
    weixin.get_token()
    weixin.call_dates(DAILY, "20170313", "20170313")
    (_, granted), (newest, answered) = weixin.emulator.journal.numbered()
    assert json.loads(granted.shown_answer()) == {"access_token": "***", "expires_in": 7200}
    assert json.loads(answered.shown_answer())["ref_date"] == "20170313"
    assert answered.begun >= granted.begun > 0
    assert weixin.emulator.journal.newest == newest
    assert weixin.emulator.journal_entry(newest) == answered
    assert weixin.emulator.journal_entry(newest + 1) is None
    echoed = answered._replace(answer=b'{"text": "s3cret-value", "access_token": "a"}')
    assert echoed.shown_answer([b"s3cret-value"]) == b'{"text": "***", "access_token": "***"}'


def test_journal_keeps_only_the_newest_entries():
    weixin = Weixin(journal_size=3)
    for number in range(5):
        weixin.call(f"/nowhere/{number}", b"")
    entries = weixin.emulator.journal
    assert len(entries) == 3
    assert [entry.path for entry in entries] == ["/nowhere/2", "/nowhere/3", "/nowhere/4"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GOOD + b" " * 2**20, id="long body"),
        pytest.param(dates("2" * 2**20, "20260310"), id="long date"),
    ],
)
def test_journal_entries_have_a_maximum_size(weixin, body):
    weixin.call(DAILY, body)
    assert len(weixin.last.body) <= 64 * 1024
    assert len(weixin.last.check) <= 64 * 1024


# ---- random requests -----------------------------------------------------------------------

FROZEN = Emulator(clock=Clock(NOW))
APP = create_app(FROZEN)
APP.testing = True  # exceptions are raised
GOOD_TOKEN, _ = FROZEN.program(DEMO_APPID).tokens.grant()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
days = st.dates().map(lambda day: f"{day.year:04}{day:%m%d}")
recent_days = st.dates(date(2025, 12, 1), date(2026, 4, 1)).map("{:%Y%m%d}".format)
eight_digits = st.text(string.digits, min_size=8, max_size=8)
date_values = st.one_of(days, recent_days, eight_digits, json_values)
objects = st.fixed_dictionaries(
    {}, optional={"begin_date": date_values, "end_date": date_values, "x": json_values}
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(str.encode),
    json_values.map(lambda value: json.dumps(value).encode()),
    objects.map(lambda value: json.dumps(value).encode()),
)
bounded = settings(max_examples=100, deadline=None, database=None)


def check_known_shape(answer):
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    if "errcode" in answer.json:
        assert answer.json.keys() == {"errcode", "errmsg"}
        assert answer.json["errcode"] in KNOWN
        assert RID.search(answer.json["errmsg"])
    elif "access_token" not in answer.json:
        assert answer.json.keys() == {"ref_date", "visit_uv_new", "visit_uv"}


@bounded
@given(
    path=st.sampled_from([DAILY, WEEKLY, MONTHLY, STABLE, TOKEN, "/nowhere"]),
    method=st.sampled_from(["POST", "POST", "POST", "POST", "GET", "PUT", "DELETE"]),
    token=st.one_of(st.just(GOOD_TOKEN), st.just(GOOD_TOKEN), st.none(), st.text(max_size=9)),
    body=bodies,
    content_type=st.sampled_from([None, "application/json", FORM, "multipart/form-data"]),
)
@example(path=DAILY, method="POST", token=GOOD_TOKEN, body=b'"\\ud800"', content_type=None)
@example(path=DAILY, method="POST", token=GOOD_TOKEN, body=b"9" * 5000, content_type=None)
@example(path=STABLE, method="POST", token=None, body=b'{"appid": {}}', content_type=None)
def test_random_requests_return_200_and_a_known_shape(path, method, token, body, content_type):
    query = {} if token is None else {"access_token": token}
    answer = APP.test_client().open(
        path, method=method, query_string=query, data=body, content_type=content_type
    )
    check_known_shape(answer)


@bounded
@given(
    path=st.sampled_from([DAILY, WEEKLY, MONTHLY]),
    begin=st.one_of(days, recent_days, eight_digits),
    end=st.one_of(st.none(), days, recent_days, eight_digits),
)
def test_random_dates_return_200_and_a_known_shape(path, begin, end):
    body = {"begin_date": begin, "end_date": begin if end is None else end}
    answer = APP.test_client().post(path, query_string={"access_token": GOOD_TOKEN}, json=body)
    check_known_shape(answer)


@bounded
@given(
    appid=st.one_of(st.just(DEMO_APPID), json_values),
    secret=st.one_of(st.just(DEMO_SECRET), json_values),
    grant_type=st.one_of(st.just("client_credential"), json_values),
    force_refresh=json_values,
)
def test_random_token_requests_return_200_and_a_known_shape(
    appid, secret, grant_type, force_refresh
):
    body = {"appid": appid, "secret": secret, "grant_type": grant_type}
    body["force_refresh"] = force_refresh
    check_known_shape(APP.test_client().post(STABLE, json=body))


def test_a_call_without_file_descriptors_says_so(monkeypatch):
    def no_descriptor_left(*_arguments):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(simulated, "simulate", no_descriptor_left)
    emulator = Emulator()
    token, _ = emulator.program(DEMO_APPID).tokens.grant()
    day = {"begin_date": "20260101", "end_date": "20260101"}
    client = create_app(emulator).test_client()
    answer = client.post(DAILY, query_string={"access_token": token}, json=day)
    assert (answer.status_code, answer.json["code"]) == (503, "NO_FILE_DESCRIPTORS")
