"""api.weixin.qq.com as the emulator plays it, held against documented and recorded answers."""

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
from cloud_openapi.periods import BEIJING

MONTHLY = "/datacube/getweanalysisappidmonthlyretaininfo"
APIS = {"getDailyRetain": DAILY, "getWeeklyRetain": WEEKLY, "getMonthlyRetain": MONTHLY}

CONTENT_TYPE = "application/json; encoding=utf-8"
FORM = "application/x-www-form-urlencoded"
RID = re.compile(r" rid: ([0-9a-f]{8})-[0-9a-f]{8}-[0-9a-f]{8}$")

# The texts of facts/https_api.md §2.3, without the rid; 41004 keeps its comma.
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
    """Stands still until it is told to go on."""

    def __init__(self, moment):
        super().__init__()
        self.moment = moment

    def now(self):
        return self.moment

    def advance(self, **time):
        self.moment += timedelta(**time)


class Weixin:
    """The emulator, its clock, and one client that holds a good token."""

    def __init__(self, **settings):
        self.clock = MovableClock(settings.pop("now", NOW))
        self.emulator = Emulator(clock=self.clock, **settings)
        app = create_app(self.emulator)
        app.testing = True  # an exception is seen as one
        self.client = app.test_client()
        self.token, _ = self.emulator.program(DEMO_APPID).tokens.grant()

    def ask(self, path, body, token=None, method="POST", content_type="application/json"):
        """Send bytes, or a value as JSON. ``token`` is the good one; "" sends it empty."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        query = {} if token is False else {"access_token": self.token if token is None else token}
        return self.client.open(
            path, method=method, query_string=query, data=data, content_type=content_type
        )

    def ask_dates(self, path, begin, end, token=None):
        return self.ask(path, {"begin_date": begin, "end_date": end}, token)

    def works(self, token):
        """Say whether a token is good; else return the code."""
        return self.ask_dates(DAILY, "20170313", "20170313", token).json.get("errcode", "works")

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
    """The answer is this error and nothing else, in WeChat's envelope."""
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


# ---- one fault at a time -------------------------------------------------------------------


def fault(name, expected, body=GOOD, **more):
    return pytest.param({"path": DAILY, "body": body, **more}, expected, id=name)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        fault("no token", NO_TOKEN, token=False),
        fault("empty token", NO_TOKEN, token=""),
        fault("made-up token", BAD_CREDENTIAL, token="made-up"),
        fault("token cut short", BAD_CREDENTIAL, token="emulator_"),
        fault(
            "token in the body only",
            NO_TOKEN,
            b'{"access_token":"t","begin_date":"20170313","end_date":"20170313"}',
            token=False,
        ),
        *(
            fault(f"{method} {path[27:]}", POST_NEEDED, path=path, method=method)
            for path in (DAILY, WEEKLY, MONTHLY)
            for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")
        ),
        fault("empty body", EMPTY_BODY, b""),
        fault("empty body of a form", EMPTY_BODY, b"", content_type=FORM),
        fault("text", NOT_JSON, b"hello"),
        fault("white space", NOT_JSON, b"  "),
        fault("half of an object", NOT_JSON, b'{"begin_date": "20170313"'),
        fault("no UTF-8", NOT_JSON, b'{"begin_date": "\xff\xfe"}'),
        fault("XML", NOT_JSON, b"<xml><a b='c'/></xml>"),
        fault("100,000 brackets", NOT_JSON, b"[" * 100_000),
        fault("JSON array", NOT_JSON, b'["20170313","20170313"]'),
        fault("JSON number", NOT_JSON, b"20170313"),
        fault("JSON string", NOT_JSON, b'"20170313"'),
        fault("JSON null", NOT_JSON, b"null"),
        fault("JSON true", NOT_JSON, b"true"),
        # Recorded with a leading &; see samples/error.61500-hint.json.
        fault(
            "form body",
            DATE_FORMAT,
            b"&end_date=20170313&begin_date=20170313",
            content_type=FORM,
        ),
        fault(
            "form body, no content type",
            DATE_FORMAT,
            b"begin_date=20170313&end_date=20170313",
            content_type=None,
        ),
        fault(
            "form body said to be JSON",
            DATE_FORMAT,
            b"begin_date=20170313&end_date=20170313",
        ),
        fault("hyphens", DATE_FORMAT, dates("2017-03-13", "2017-03-13")),
        fault("month 13", DATE_FORMAT, dates("20171399", "20171399")),
        fault("no leap year", DATE_FORMAT, dates("20170229", "20170229")),
        fault("no leap century", DATE_FORMAT, dates("19000229", "19000229")),
        fault("year 0", DATE_FORMAT, dates("00000101", "00000101")),
        fault("numbers", DATE_FORMAT, dates(20170313, 20170313)),
        fault("null", DATE_FORMAT, dates(None, None)),
        fault("true", DATE_FORMAT, dates(True, True)),  # noqa: FBT003 - a JSON value
        fault("lists", DATE_FORMAT, dates(["20170313"], ["20170313"])),
        fault("objects", DATE_FORMAT, dates({"a": 1}, {})),
        fault("NaN", DATE_FORMAT, dates(float("nan"), "20170313")),
        fault("empty strings", DATE_FORMAT, dates("", "")),
        fault("begin_date missing", DATE_FORMAT, b'{"end_date":"20170313"}'),
        fault("end_date missing", DATE_FORMAT, b'{"begin_date":"20170313"}'),
        fault("empty object", DATE_FORMAT, b"{}"),
        fault(
            "names of the cloud form",
            DATE_FORMAT,
            b'{"beginDate":"20170313","endDate":"20170313"}',
        ),
        fault("full-width digits", DATE_FORMAT, dates("２０１７０３１３", "２０１７０３１３")),
        fault("superscript digit", DATE_FORMAT, dates("2017031³", "2017031³")),
        fault("line feed at the end", DATE_FORMAT, dates("20170313\n", "20170313\n")),
        fault("space in front", DATE_FORMAT, dates(" 20170313", " 20170313")),
        fault("sign in front", DATE_FORMAT, dates("+2017313", "+2017313")),
        fault("underscore inside", DATE_FORMAT, dates("2017_313", "2017_313")),
        fault("seven digits", DATE_FORMAT, dates("2017313", "2017313")),
        fault("nine digits", DATE_FORMAT, dates("201703130", "201703130")),
        fault("only end_date is bad", DATE_FORMAT, dates("20170313", "2017-03-13")),
        fault("half a surrogate pair", DATE_FORMAT, dates("\ud800", "20170313")),
        fault(
            "half a surrogate pair in a field that is no date",
            NOT_JSON,
            b'{"time":{"begin_timestamp":1,"end_timestamp":1},"module":"\\ud800","params":[]}',
            path="/wxa/business/performance/boot",
        ),
        fault("two days", DATE_RANGE, dates("20260308", "20260309")),
        fault("today", DATE_RANGE, dates("20260311", "20260311")),
        fault("yesterday to today", DATE_RANGE, dates("20260310", "20260311")),
        fault("tomorrow", DATE_RANGE, dates("20260312", "20260312")),
        fault("last day of all", DATE_RANGE, dates("99991231", "99991231")),
        fault("begin after end", DATE_RANGE, dates("20260309", "20260308")),
        fault("a week on the daily API", DATE_RANGE, dates("20260302", "20260308")),
        fault("Tuesday to Monday", DATE_RANGE, dates("20260303", "20260309"), path=WEEKLY),
        fault("Monday to Saturday", DATE_RANGE, dates("20260302", "20260307"), path=WEEKLY),
        fault("Sunday to Saturday", DATE_RANGE, dates("20260222", "20260228"), path=WEEKLY),
        fault("Monday alone", DATE_RANGE, dates("20260302", "20260302"), path=WEEKLY),
        fault("two weeks", DATE_RANGE, dates("20260223", "20260308"), path=WEEKLY),
        fault("week backwards", DATE_RANGE, dates("20260308", "20260302"), path=WEEKLY),
        fault("current week", DATE_RANGE, dates("20260309", "20260315"), path=WEEKLY),
        fault("next week", DATE_RANGE, dates("20260316", "20260322"), path=WEEKLY),
        fault("last week of all", DATE_RANGE, dates("99991227", "99991231"), path=WEEKLY),
        fault("December without its 31st", DATE_RANGE, dates("20181201", "20181230"), path=MONTHLY),
        fault("Jan 11 to Feb 10", DATE_RANGE, dates("20190111", "20190210"), path=MONTHLY),
        fault("a day on the monthly API", DATE_RANGE, dates("20190210", "20190210"), path=MONTHLY),
        fault("two months", DATE_RANGE, dates("20260101", "20260228"), path=MONTHLY),
        fault("leap February cut", DATE_RANGE, dates("20240201", "20240228"), path=MONTHLY),
        fault("month backwards", DATE_RANGE, dates("20260228", "20260201"), path=MONTHLY),
        fault("current month", DATE_RANGE, dates("20260301", "20260331"), path=MONTHLY),
        fault("current month so far", DATE_RANGE, dates("20260301", "20260310"), path=MONTHLY),
        fault("last month of all", DATE_RANGE, dates("99991201", "99991231"), path=MONTHLY),
        fault("unknown path", BAD_URL, path="/datacube/nosuchapi"),
        fault("unknown path, GET", BAD_URL, path="/datacube/nosuchapi", method="GET"),
        fault("path without /datacube", BAD_URL, path=DAILY.removeprefix("/datacube")),
        fault("path with a slash too many", BAD_URL, path=DAILY + "/"),
        fault("path in capitals", BAD_URL, path=DAILY.upper()),
        fault("unknown cgi-bin path", BAD_URL, path="/cgi-bin/nosuch"),
    ],
)
def test_a_bad_request_gets_http_200_and_wechats_exact_error(weixin, asked, expected):
    check_refused(weixin.ask(**asked), expected)


@pytest.mark.parametrize("path", [DAILY, WEEKLY, MONTHLY, STABLE])
def test_head_is_answered_200_without_a_body_and_counts_as_43002(weixin, path):
    answer = weixin.ask(path, b"", method="HEAD")
    assert (answer.status_code, answer.data) == (200, b"")
    assert weixin.last.errcode == 43002


def test_a_method_outside_the_usual_ones_is_43002_with_http_200_too(weixin):
    check_refused(weixin.ask(DAILY, b"", method="TRACE"), POST_NEEDED)


@pytest.mark.parametrize("path", [DAILY, STABLE])
def test_a_path_with_two_slashes_is_another_one_and_nobody_is_redirected(weixin, path):
    check_refused(weixin.ask(path.replace("/", "//").removeprefix("/"), GOOD), BAD_URL)


@pytest.mark.parametrize("path", [DAILY, WEEKLY, MONTHLY, STABLE])
def test_a_body_over_six_mebibytes_is_45002(weixin, path):
    check_refused(weixin.ask(path, b" " * (LIMIT + 1)), TOO_LARGE)


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"method": "GET"}, 43002), ({"token": False}, 41001), ({"path": "/nowhere"}, 40066)],
    ids=["GET", "no token", "unknown path"],
)
def test_a_body_over_six_mebibytes_beside_another_fault_gets_one_of_both_errors(
    weixin, asked, code
):
    answer = weixin.ask(**{"path": DAILY, "body": b" " * (LIMIT + 1), **asked})
    assert answer.status_code == 200
    assert answer.json["errcode"] in (code, 45002)


def test_a_body_of_six_mebibytes_is_read(weixin):
    assert weixin.ask(DAILY, GOOD + b" " * (LIMIT - len(GOOD))).json["ref_date"] == "20260310"


# ---- several faults: the first of §0's order is told ------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        fault("method before missing token", POST_NEEDED, b"", method="GET", token=False),
        fault("method before made-up token", POST_NEEDED, b"", method="PUT", token="made-up"),
        fault("method before body", POST_NEEDED, b"hello", method="PUT"),
        fault("method before dates", POST_NEEDED, dates("x", "y"), method="DELETE"),
        fault("missing token before empty body", NO_TOKEN, b"", token=False),
        fault("missing token before text", NO_TOKEN, b"hello", token=False),
        fault("missing token before dates", NO_TOKEN, dates("x", "y"), token=False),
        fault("made-up token before empty body", BAD_CREDENTIAL, b"", token="made-up"),
        fault("made-up token before text", BAD_CREDENTIAL, b"hello", token="made-up"),
        fault("made-up token before a form", BAD_CREDENTIAL, b"begin_date=1", token="made-up"),
        fault("made-up token before dates", BAD_CREDENTIAL, dates("x", "y"), token="made-up"),
        fault("format of end before today", DATE_FORMAT, dates("20260311", "2026-03-11")),
        fault("format of begin before begin > end", DATE_FORMAT, dates("2026-03-11", "20260308")),
        fault("missing end before tomorrow", DATE_FORMAT, b'{"begin_date":"20260312"}'),
        fault("format before span", DATE_FORMAT, dates("20260303", "20260299"), path=WEEKLY),
    ],
)
def test_of_several_faults_the_first_in_the_order_of_checks_is_told(weixin, asked, expected):
    check_refused(weixin.ask(**asked), expected)


@pytest.mark.parametrize(
    "body", [b"", b"hello", b"a=b", dates("x", "y"), dates("20260312", "20260311")]
)
def test_an_expired_token_is_told_before_anything_about_the_body(weixin, body):
    weixin.clock.advance(hours=2)
    check_refused(weixin.ask(DAILY, body), EXPIRED, weixin.clock.moment)


# ---- tokens in a call ----------------------------------------------------------------------


def test_a_token_works_for_two_hours_and_is_42001_after_them(weixin):
    weixin.clock.advance(seconds=7199)
    assert weixin.works(weixin.token) == "works"
    weixin.clock.advance(seconds=1)
    check_refused(weixin.ask(DAILY, GOOD), EXPIRED, weixin.clock.moment)
    weixin.clock.advance(days=30)
    check_refused(weixin.ask(DAILY, GOOD), EXPIRED, weixin.clock.moment)


def test_a_superseded_token_works_five_minutes_longer_and_is_40001_then(weixin):
    weixin.clock.advance(minutes=10)
    newer, _ = weixin.granted(weixin.get_token())
    weixin.clock.advance(seconds=299)
    assert (weixin.works(weixin.token), weixin.works(newer)) == ("works", "works")
    weixin.clock.advance(seconds=2)
    check_refused(weixin.ask(DAILY, GOOD), BAD_CREDENTIAL, weixin.clock.moment)
    assert weixin.works(newer) == "works"


def test_a_fresh_token_of_either_endpoint_works_at_once(weixin):
    for ask, fields in (
        (weixin.get_token, {}),
        (weixin.get_stable, {}),
        (weixin.get_stable, {"force_refresh": True}),
    ):
        token, expires_in = weixin.granted(ask(**fields))
        assert (weixin.works(token), expires_in) == ("works", 7200)


# ---- what does not matter ------------------------------------------------------------------


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
def test_json_is_read_whatever_its_content_type_says(weixin, content_type):
    answer = weixin.ask(DAILY, dates("20170313", "20170313"), content_type=content_type)
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
def test_further_fields_of_the_body_are_ignored(weixin, day, extra):
    plain = weixin.ask_dates(DAILY, day, day)
    assert weixin.ask(DAILY, {**extra, "begin_date": day, "end_date": day}).data == plain.data


def test_further_parameters_of_the_query_are_ignored(weixin):
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
        ("40001-2026-rid", lambda weixin: weixin.ask(DAILY, GOOD, "made-up")),
        ("40013-token-rid", lambda weixin: weixin.get_token(appid="wx0000000000000000")),
        ("40013-token-rid", lambda weixin: weixin.get_stable(appid="wx0000000000000000")),
        ("40125-rid", lambda weixin: weixin.get_token(secret="wrong")),
        ("40125-rid", lambda weixin: weixin.get_stable(secret="wrong")),
        ("41001-rid", lambda weixin: weixin.ask(DAILY, GOOD, token=False)),
        ("41002-rid", lambda weixin: weixin.client.get(TOKEN)),
        ("41004-rid", lambda weixin: weixin.get_token(secret="")),
        ("41004-rid", lambda weixin: weixin.get_stable(secret="")),
        ("44002-hint", lambda weixin: weixin.ask(DAILY, b"")),
        ("47001-rid", lambda weixin: weixin.ask(DAILY, b"hello")),
        (
            "61500-hint",
            lambda weixin: weixin.ask(DAILY, b"&end_date=20170313&begin_date=20170313"),
        ),
        ("61501-hint", lambda weixin: weixin.ask_dates(MONTHLY, "20190111", "20190210")),
        ("61501-rid", lambda weixin: weixin.ask_dates(DAILY, "20200915", "20200917")),
        ("61501-two-days-rid", lambda weixin: weixin.ask_dates(DAILY, "20210911", "20210912")),
        (
            "61501-begin-after-end-rid",
            lambda weixin: weixin.ask_dates(DAILY, "20240219", "20240218"),
        ),
        ("61501-today-hint", lambda weixin: weixin.ask_dates(DAILY, "20260311", "20260311")),
    ],
)
def test_the_error_is_the_recorded_one_but_for_its_tail(weixin, name, ask):
    assert without_tail(ask(weixin).json) == without_tail(sample(f"error.{name}.json"))


def test_an_expired_token_gets_the_recorded_error_but_for_its_tail(weixin):
    weixin.clock.advance(hours=2)
    expected = without_tail(sample("error.42001-rid.json"))
    assert without_tail(weixin.ask(DAILY, GOOD).json) == expected


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
def test_a_token_request_with_a_bad_field_gets_wechats_exact_error(
    weixin, endpoint, fields, expected
):
    check_refused(getattr(weixin, endpoint)(**fields), expected)


@pytest.mark.parametrize(
    ("path", "asked", "expected"),
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
def test_a_token_request_of_a_wrong_kind_gets_wechats_exact_error(weixin, path, asked, expected):
    check_refused(weixin.client.open(path, **{"method": "POST", **asked}), expected)


def test_a_refused_token_request_supersedes_no_token(weixin):
    weixin.get_token(secret="wrong")
    weixin.get_token(grant_type="x")
    weixin.get_stable(secret="wrong", force_refresh=True)
    weixin.clock.advance(minutes=6)
    assert weixin.works(weixin.token) == "works"


def test_tokens_have_room_in_512_characters_and_never_repeat(weixin):
    tokens = [weixin.granted(weixin.get_token())[0] for _ in range(50)]
    assert len(set(tokens)) == 50
    assert all(len(token) <= 512 for token in tokens)


def test_a_stable_token_comes_again_with_what_remains_of_its_life(weixin):
    first = weixin.granted(weixin.get_stable())
    weixin.clock.advance(seconds=7200 - 345)
    second = weixin.granted(weixin.get_stable())
    assert (first[1], second) == (7200, (first[0], 345))
    assert weixin.granted(weixin.get_stable(force_refresh=False)) == second


def test_a_stable_token_is_renewed_in_its_last_five_minutes_and_both_work(weixin):
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


def test_a_stable_token_that_ended_is_followed_by_a_new_one(weixin):
    old, _ = weixin.granted(weixin.get_stable())
    weixin.clock.advance(hours=3)
    new, expires_in = weixin.granted(weixin.get_stable())
    assert new != old
    assert expires_in == 7200
    assert (weixin.works(old), weixin.works(new)) == (42001, "works")


def test_a_forced_refresh_ends_the_former_stable_token_at_once(weixin):
    old, _ = weixin.granted(weixin.get_stable())
    new, expires_in = weixin.granted(weixin.get_stable(force_refresh=True))
    assert new != old
    assert expires_in == 7200
    check_refused(weixin.ask(DAILY, GOOD, old), BAD_CREDENTIAL)
    assert weixin.works(new) == "works"
    assert weixin.granted(weixin.get_stable())[0] == new


def test_two_forced_refreshes_within_thirty_seconds_give_the_same_token(weixin):
    first, _ = weixin.granted(weixin.get_stable(force_refresh=True))
    weixin.clock.advance(seconds=29)
    assert weixin.granted(weixin.get_stable(force_refresh=True)) == (first, 7200 - 29)
    assert weixin.works(first) == "works"
    weixin.clock.advance(seconds=31)
    third, _ = weixin.granted(weixin.get_stable(force_refresh=True))
    assert third != first
    assert weixin.works(first) == 40001


def test_the_21st_forced_refresh_of_a_day_is_45009_and_the_next_day_it_works_again(weixin):
    for _ in range(20):
        current, _ = weixin.granted(weixin.get_stable(force_refresh=True))
        weixin.clock.advance(minutes=1)
    check_refused(weixin.get_stable(force_refresh=True), QUOTA, weixin.clock.moment)
    assert weixin.granted(weixin.get_stable())[0] == current
    assert weixin.works(current) == "works"
    weixin.clock.moment = datetime(2026, 3, 12, 0, 0, 1, tzinfo=BEIJING)
    assert weixin.granted(weixin.get_stable(force_refresh=True))[0] != current


def test_the_two_token_endpoints_do_not_end_each_others_tokens(weixin):
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


def test_a_stable_token_outlives_any_number_of_grants_of_the_other_endpoint(weixin):
    stable, _ = weixin.granted(weixin.get_stable())
    for _ in range(10_001):
        weixin.emulator.program(DEMO_APPID).tokens.grant()
    assert weixin.works(stable) == "works"
    assert weixin.granted(weixin.get_stable())[0] == stable


def test_mini_programs_have_tokens_and_numbers_of_their_own():
    weixin = Weixin(apps={DEMO_APPID: DEMO_SECRET, "wx1": "one", "wx2": "two"})
    one, _ = weixin.granted(weixin.get_stable(appid="wx1", secret="one"))
    two, _ = weixin.granted(weixin.get_stable(appid="wx2", secret="two"))
    weixin.get_stable(appid="wx2", secret="two", force_refresh=True)
    check_refused(weixin.get_stable(appid="wx1", secret="two"), BAD_SECRET)
    assert (weixin.works(one), weixin.works(two)) == ("works", 40001)
    answers = [
        weixin.ask_dates(DAILY, "20260301", "20260301", token).data for token in (one, weixin.token)
    ]
    assert answers[0] != answers[1]


# ---- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize("api", APIS)
def test_the_documented_request_gets_exactly_the_documented_answer(weixin, api):
    answer = weixin.ask(APIS[api], sample(f"{api}.request.official-https.json"))
    expected = sample(f"{api}.response.official-https.json")
    assert json.dumps(answer.json) == json.dumps(expected)  # the order counts too
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE)


@pytest.mark.parametrize("api", APIS)
def test_the_documented_answer_needs_the_token_of_a_mini_program_and_a_clock_after_it(api):
    weixin = Weixin(now=datetime(2017, 2, 28, 23, 59, tzinfo=BEIJING))
    asked = sample(f"{api}.request.official-https.json")
    check_refused(weixin.ask(APIS[api], asked), DATE_RANGE, weixin.clock.moment)


def ago(days):
    return NOW.date() - timedelta(days=days)


def of_day(day):
    return DAILY, f"{day:%Y%m%d}", f"{day:%Y%m%d}"


def of_week(monday):
    return WEEKLY, f"{monday:%Y%m%d}", f"{monday + timedelta(days=6):%Y%m%d}"


@pytest.mark.parametrize(
    ("asked", "ref_date", "keys"),
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
def test_a_key_is_listed_once_its_day_week_or_month_is_over(weixin, asked, ref_date, keys):
    answer = weixin.ask_dates(*asked).json
    assert list(answer) == ["ref_date", "visit_uv_new", "visit_uv"]
    assert answer["ref_date"] == ref_date
    for field in ("visit_uv_new", "visit_uv"):
        assert [item["key"] for item in answer[field]] == keys
        assert all(list(item) == ["key", "value"] for item in answer[field])
        assert all(type(item["value"]) is int and item["value"] > 0 for item in answer[field])


@pytest.mark.parametrize(
    ("asked", "ref_date"),
    [
        ((DAILY, "09990101", "09990101"), "09990101"),
        ((DAILY, "00010101", "00010101"), "00010101"),
        ((WEEKLY, "00010101", "00010107"), "00010101-00010107"),
        ((MONTHLY, "00010101", "00010131"), "000101"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_ref_date_has_four_digits_for_the_year_of_any_date(weixin, asked, ref_date):
    assert weixin.ask_dates(*asked).json["ref_date"] == ref_date


@pytest.mark.parametrize(
    ("asked", "length"),
    [
        ((DAILY, "20170108", "20170108"), 10),
        ((DAILY, "20161101", "20161101"), 10),
        ((WEEKLY, "20170102", "20170108"), 5),
        ((MONTHLY, "20161201", "20161231"), 2),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_before_mini_programs_were_launched_there_are_zeros_in_full_shape(weixin, asked, length):
    answer = weixin.ask_dates(*asked).json
    for field in ("visit_uv_new", "visit_uv"):
        assert [item["value"] for item in answer[field]] == [0] * length


def test_on_the_day_of_the_launch_there_are_users(weixin):
    answer = weixin.ask_dates(DAILY, "20170109", "20170109").json
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
def test_a_day_ends_at_midnight_in_beijing(now, day_is_over):
    weixin = Weixin()
    weixin.clock.moment = Clock(now).now()
    token, _ = weixin.emulator.program(DEMO_APPID).tokens.grant()
    answer = weixin.ask_dates(DAILY, "20260310", "20260310", token).json
    assert answer.get("errcode") == (None if day_is_over else 61501)


def test_numbers_stay_the_same_while_later_keys_are_added(weixin):
    first = weixin.ask_dates(DAILY, "20260302", "20260302").json
    weixin.clock.advance(days=40)
    token, _ = weixin.granted(weixin.get_stable())
    later = weixin.ask_dates(DAILY, "20260302", "20260302", token).json
    assert later["visit_uv"][:8] == first["visit_uv"]
    assert later["visit_uv_new"][:8] == first["visit_uv_new"]
    assert len(later["visit_uv"]) == 10


def session_of(seed):
    """Every byte of a session with every endpoint."""
    weixin = Weixin(seed=seed)
    answers = [
        weixin.get_token(),
        weixin.get_stable(),
        weixin.get_stable(force_refresh=True),
        weixin.ask_dates(DAILY, "20260301", "20260301"),
        weixin.ask_dates(WEEKLY, "20260202", "20260208"),
        weixin.ask_dates(MONTHLY, "20260101", "20260131"),
        weixin.ask(DAILY, b"hello"),
        weixin.ask("/nowhere", b""),
    ]
    return [answer.data for answer in answers]


def test_the_same_seed_gives_the_same_bytes():
    assert session_of(7) == session_of(7)


def test_another_seed_gives_other_numbers_tokens_and_request_ids():
    assert all(one != other for one, other in zip(session_of(7), session_of(8), strict=True))


@pytest.mark.parametrize(
    ("path", "body"),
    [(DAILY, GOOD), (DAILY, dates("20170313", "20170313")), (STABLE, FIELDS)],
    ids=["simulated", "documented", "token"],
)
def test_a_good_answer_is_json_that_says_encoding_utf_8(weixin, path, body):
    answer = weixin.ask(path, body)
    assert "errcode" not in answer.json
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_healthz_tells_status_version_and_the_emulators_time(weixin):
    answer = weixin.client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json.keys() == {"status", "version", "now"}
    assert answer.json["status"] == "ok"
    assert answer.json["now"] == "2026-03-11T12:00:00+08:00"


def test_healthz_takes_no_post_and_says_so_in_json(weixin):
    answer = weixin.client.post("/healthz")
    assert (answer.status_code, answer.json["code"]) == (405, "METHOD_NOT_ALLOWED")


# ---- the journal ---------------------------------------------------------------------------


def test_the_journal_tells_each_request_with_its_code_and_the_check_that_refused_it(weixin):
    weixin.get_token()
    weixin.get_token(appid="")
    weixin.ask(DAILY, GOOD, method="PUT")
    weixin.ask(DAILY, GOOD, token=False)
    weixin.ask(DAILY, b"")
    weixin.ask(DAILY, b"a=b")
    weixin.ask(DAILY, dates("20260310", "2026"))
    weixin.ask(DAILY, dates("20170313", "20170313"))
    weixin.ask(DAILY, GOOD)
    weixin.ask("/nowhere", b"")
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
    "stable_token with a slash too many": lambda weixin: weixin.ask(STABLE + "/", FIELDS),
    "refused token request": lambda weixin: weixin.get_token(grant_type="x"),
    "good call": lambda weixin: weixin.ask(DAILY, GOOD),
    "refused call": lambda weixin: weixin.ask(DAILY, b"hello"),
    "unknown path": lambda weixin: weixin.ask("/nowhere", GOOD),
    "token in the body only": lambda weixin: weixin.ask(
        DAILY, {"access_token": weixin.token}, token=False
    ),
    "token in the body too": lambda weixin: weixin.ask(
        DAILY, {"access_token": weixin.token, "begin_date": "20260310", "end_date": "20260310"}
    ),
    "token in a form body": lambda weixin: weixin.ask(
        DAILY, f"access_token={weixin.token}&begin_date=20260310".encode()
    ),
    "token instead of a date": lambda weixin: weixin.ask_dates(DAILY, weixin.token, weixin.token),
    "token in the path for want of a ?": lambda weixin: weixin.ask(
        f"{DAILY}&access_token={weixin.token}", GOOD, token=False
    ),
    "secret in the path for want of a ?": lambda weixin: weixin.ask(
        f"{TOKEN}&appid={DEMO_APPID}&secret={DEMO_SECRET}", b"", token=False, method="GET"
    ),
    "secret in the body of a call": lambda weixin: weixin.ask(DAILY, FIELDS),
    "secret for a misspelt path": lambda weixin: weixin.ask("/cgi_bin/stable_token", FIELDS),
}


@pytest.mark.parametrize("ask", SECRETS.values(), ids=SECRETS)
def test_the_journal_never_holds_a_token_or_a_secret(weixin, ask):
    answer = ask(weixin)
    entries = list(weixin.emulator.journal)
    assert len(entries) == 1
    granted = answer.json.get("access_token", weixin.token)
    for secret in (weixin.token, granted, DEMO_SECRET):
        assert secret[:18] not in repr(entries)  # nor the beginning of one


def test_the_journal_keeps_the_newest_entries_only():
    weixin = Weixin(journal_size=3)
    for number in range(5):
        weixin.ask(f"/nowhere/{number}", b"")
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
def test_an_entry_of_the_journal_is_bounded_however_long_the_request_is(weixin, body):
    weixin.ask(DAILY, body)
    assert len(weixin.last.body) <= 64 * 1024
    assert len(weixin.last.check) <= 64 * 1024


# ---- anything at all -----------------------------------------------------------------------

FROZEN = Emulator(clock=Clock(NOW))
APP = create_app(FROZEN)
APP.testing = True  # an exception is seen as one
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


def check_anything(answer):
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
def test_whatever_is_sent_the_answer_is_200_and_of_a_known_kind(
    path, method, token, body, content_type
):
    query = {} if token is None else {"access_token": token}
    answer = APP.test_client().open(
        path, method=method, query_string=query, data=body, content_type=content_type
    )
    check_anything(answer)


@bounded
@given(
    path=st.sampled_from([DAILY, WEEKLY, MONTHLY]),
    begin=st.one_of(days, recent_days, eight_digits),
    end=st.one_of(st.none(), days, recent_days, eight_digits),
)
def test_whatever_dates_are_asked_for_the_answer_is_200_and_of_a_known_kind(path, begin, end):
    body = {"begin_date": begin, "end_date": begin if end is None else end}
    answer = APP.test_client().post(path, query_string={"access_token": GOOD_TOKEN}, json=body)
    check_anything(answer)


@bounded
@given(
    appid=st.one_of(st.just(DEMO_APPID), json_values),
    secret=st.one_of(st.just(DEMO_SECRET), json_values),
    grant_type=st.one_of(st.just("client_credential"), json_values),
    force_refresh=json_values,
)
def test_whatever_is_in_a_request_for_a_token_the_answer_is_200_and_of_a_known_kind(
    appid, secret, grant_type, force_refresh
):
    body = {"appid": appid, "secret": secret, "grant_type": grant_type}
    body["force_refresh"] = force_refresh
    check_anything(APP.test_client().post(STABLE, json=body))
