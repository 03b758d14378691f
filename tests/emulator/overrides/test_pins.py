"""Answers that a caller pins to requests: which one is given, how often, and what is refused."""

import base64
import json
import threading

import pytest
from support.gateway import Gateway
from support.kinds import DOWNLOAD, ENTRIES, LIST, OPEN_DOOR, SEND, catalogue_of
from support.paths import sample
from support.values import API, DAY, NOW, OTHER

from cloud_openapi import CloudSDKError
from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.wire.messages import Pair

PATH = "/datacube/getweanalysisappiddailyretaininfo"
RECORDED = sample("getDailyRetain.response.recorded-20191015-php.json")
ANOTHER = sample("getDailyRetain.response.recorded-20220503-apifox.json")
PIN = {"api": API, "request": DAY, "response": RECORDED}


class Pinned:
    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "a-secret-of-another"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()

    def pin(self, **changes):
        return self.emulator.pins.add({**PIN, **changes})

    def call(self, body=DAY, appid=DEMO_APPID, path=PATH):
        token = self.emulator.program(appid).tokens.grant()[0]
        return self.client.post(path, query_string={"access_token": token}, json=body).json

    def last_check(self):
        return self.emulator.journal_entries()[-1]["check"]


@pytest.fixture
def pinned():
    return Pinned()


# ---- which answer --------------------------------------------------------------------------


def test_a_pinned_answer_is_given_as_it_is(pinned):
    pinned.pin()
    assert pinned.call() == RECORDED
    assert pinned.last_check() == "pin 1"


def test_further_parameters_of_a_request_are_ignored(pinned):
    pinned.pin()
    assert pinned.call({**DAY, "access_token": "in the body too"}) == RECORDED


def test_other_requests_get_the_simulation(pinned):
    pinned.pin()
    before = {"begin_date": "20260309", "end_date": "20260309"}
    assert pinned.call(before)["ref_date"] == "20260309"


def test_pin_without_a_request_answers_all_requests_of_its_api(pinned):
    pinned.emulator.pins.add({"api": API, "response": RECORDED})
    assert pinned.call({"begin_date": "20260309", "end_date": "20260309"}) == RECORDED
    week = {"begin_date": "20260302", "end_date": "20260308"}
    path = default_catalogue()["analysis.getWeeklyRetain"].path
    assert pinned.call(week, path=path)["ref_date"] == "20260302-20260308"


def test_pin_with_more_parameters_comes_first(pinned):
    pinned.pin()
    pinned.pin(request={"begin_date": "20260310"}, response=ANOTHER)
    assert pinned.call() == RECORDED


def test_number_does_not_match_a_string(pinned):
    pinned.pin(request={"begin_date": 20260310}, response=ANOTHER)
    pinned.pin()
    assert pinned.call() == RECORDED
    assert pinned.call({**DAY, "begin_date": 20260310}) == ANOTHER


def test_pin_answers_dates_that_the_api_refuses(pinned):
    pinned.pin(request={"begin_date": "20991231"})
    assert pinned.call({"begin_date": "20991231", "end_date": "20991231"}) == RECORDED


def test_pin_replaces_a_documented_example(pinned):
    example = default_catalogue()[API].examples[0]
    pinned.pin(request=example["request"])
    assert pinned.call(example["request"]) == RECORDED


def test_pinned_request_needs_a_token(pinned):
    pinned.pin()
    assert pinned.client.post(PATH, json=DAY).json["errcode"] == 41001


def test_later_pin_of_the_same_request_replaces_the_former(pinned):
    pinned.pin()
    pinned.pin(response=ANOTHER)
    assert pinned.call() == ANOTHER
    assert [pin.id for pin in pinned.emulator.pins.listed()] == [2]


def test_own_pin_of_a_mini_program_comes_first_and_answers_no_other(pinned):
    pinned.pin()
    pinned.pin(appid=OTHER, response=ANOTHER)
    assert pinned.call(appid=OTHER) == ANOTHER
    assert pinned.call(appid=DEMO_APPID) == RECORDED


def test_the_facade_gets_a_pinned_answer_in_the_cloud_form(cloud, emulator):
    documented = sample("getDailyRetain.response.official-https.json")
    emulator.pins.add({"api": API, "request": {"begin_date": "20991231"}, "response": documented})
    answer = cloud.openapi.analysis.getDailyRetain(beginDate="20991231", endDate="20991231")
    assert answer == sample("getDailyRetain.response.official-cloud.json")


# ---- errors --------------------------------------------------------------------------------


def test_a_pinned_error_without_a_text_gets_wechats_and_a_rid(pinned):
    pinned.pin(response={"errcode": 61504})
    answer = pinned.call()
    assert answer["errcode"] == 61504
    assert answer["errmsg"].startswith("system busy now , please try later rid: ")
    assert pinned.emulator.journal_entries(errcode=61504)[0]["check"] == "pin 1"


def test_a_recorded_error_keeps_its_own_text(pinned):
    recorded = sample("error.61503-hint.json")
    pinned.pin(response=recorded)
    assert pinned.call() == recorded
    assert pinned.emulator.journal_entries()[-1]["errcode"] == 61503


def test_the_facade_raises_a_pinned_error(cloud, emulator):
    emulator.pins.add({"api": API, "response": {"errcode": 61503, "errmsg": "计算延迟"}})
    with pytest.raises(CloudSDKError) as raised:
        cloud.openapi.analysis.getDailyRetain(beginDate="20170313", endDate="20170313")
    assert raised.value.errCode == 61503
    assert raised.value.errMsg == f"openapi.{API}:fail 计算延迟"


# ---- in turn -------------------------------------------------------------------------------


def test_several_answers_come_in_turn_and_the_last_stays(pinned):
    several = [{"errcode": 61503, "errmsg": "not yet"}, RECORDED, ANOTHER]
    pinned.emulator.pins.add({"api": API, "responses": several})
    assert [pinned.call() for _ in range(5)] == [*several, ANOTHER, ANOTHER]


def test_times_ends_a_pin(pinned):
    pinned.pin(times=2)
    answers = [pinned.call() for _ in range(3)]
    assert answers[:2] == [RECORDED, RECORDED]
    assert answers[2]["ref_date"] == "20260310"
    assert pinned.emulator.pins.listed()[0].describe() == {"id": 1, **PIN, "times": 2, "given": 2}


def test_next_matching_pin_answers_after_one_has_ended(pinned):
    pinned.emulator.pins.add({"api": API, "response": ANOTHER})
    pinned.pin(times=1)
    assert [pinned.call(), pinned.call()] == [RECORDED, ANOTHER]


def test_answers_in_turn_are_given_once_each_to_many_threads(pinned):
    days = [{**RECORDED, "ref_date": f"2026{number:04}"} for number in range(40)]
    pinned.emulator.pins.add({"api": API, "responses": days, "times": 40})
    found = []
    token = pinned.emulator.program(DEMO_APPID).tokens.grant()[0]

    def ask():
        client = pinned.client.application.test_client()
        for _ in range(10):
            body = client.post(PATH, query_string={"access_token": token}, json=DAY).json
            found.append(body["ref_date"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [day["ref_date"] for day in days]


# ---- taking back ---------------------------------------------------------------------------


def test_removed_pin_answers_no_more(pinned):
    pin = pinned.pin()
    pinned.emulator.pins.remove(pin.id)
    assert pinned.call()["ref_date"] == "20260310"
    assert not pinned.emulator.pins.listed()


def test_reset_of_a_mini_program_removes_its_own_pins_only(pinned):
    pinned.pin()
    pinned.pin(appid=OTHER, response=ANOTHER)
    pinned.emulator.reset_app(OTHER)
    assert [pin.appid for pin in pinned.emulator.pins.listed()] == [None]
    assert pinned.call(appid=OTHER) == RECORDED


def test_reset_removes_every_pin(pinned):
    pinned.pin()
    pinned.emulator.reset()
    assert pinned.emulator.describe()["pins"] == 0
    assert pinned.call()["ref_date"] == "20260310"


# ---- what is refused -----------------------------------------------------------------------

BROKEN = {**RECORDED, "visit_uv": [{"key": 0, "value": "119450"}]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"api": "analysis.getDailyRetian"}, "(did you mean analysis.getDailyRetain?)"),
        ({"api": "a.b"}, "documents no cloud call 'a.b' (\"force\": true pins it anyway)"),
        ({"api": None}, "a pin needs api"),
        ({"response": BROKEN}, "response.visit_uv[0].value: '119450' is not of type 'integer'"),
        ({"response": {"ref_date": "20260310"}}, "response: 'visit_uv_new' is a required property"),
        ({"response": []}, "response: [] is not of type 'object'"),
        ({"response": {"errcode": "61503"}}, "response: errcode '61503' has no text here"),
        ({"response": {"errcode": 61599}}, "response: errcode 61599 has no text here: give errmsg"),
        ({"response": {"errcode": 61503, "ref_date": "x"}}, "response: Additional properties"),
        ({"responses": [RECORDED]}, "a pin has either response or responses"),
        ({"request": {"beginDate": "20260310"}}, "request: beginDate: analysis.getDailyRetain"),
        ({"request": "20260310"}, "request is an object of parameters, not '20260310'"),
        ({"appid": "wxunknown"}, "'wxunknown'"),
        ({"times": 0}, "times is a whole number of at least 1, not 0"),
        ({"times": True}, "times is a whole number of at least 1, not True"),
        ({"force": "yes"}, "force is true or false, not 'yes'"),
        ({"errmsg": "x"}, "errmsg: a pin has api, request, response, "),
        ({"response": {**RECORDED, "ref_date": "\ud800"}}, "a pin is JSON: "),
        ({"response": {**RECORDED, "more": float("nan")}}, "a pin is JSON: "),
        ({"response": {**RECORDED, "more": 2**64}}, "a pin is JSON: Integer exceeds 64-bit"),
    ],
)
def test_invalid_definition_is_refused_with_the_reason_and_changes_nothing(pinned, change, reason):
    pinned.pin()
    data = json.dumps({**PIN, **change})
    refused = pinned.client.post("/_emulator/pins", data=data)
    assert refused.status_code == 400
    assert reason in refused.json["message"]
    assert [pin.describe() for pin in pinned.emulator.pins.listed()] == [
        {"id": 1, **PIN, "given": 0}
    ]


@pytest.mark.parametrize("media", ["a.png", {"filename": "a.png"}, {"size": 5, "name": "a.png"}])
def test_a_request_with_a_file_that_never_matches_is_refused(pinned, media):
    pin = {"api": "security.imgSecCheck", "request": {"media": media}}
    with pytest.raises(ValueError, match=r"^request\.media is a file such as .* all three"):
        pinned.emulator.pins.add({**pin, "response": {"errcode": 87014}})


@pytest.mark.parametrize("responses", [[], {}, "x", None])
def test_responses_is_a_list_of_answers(pinned, responses):
    with pytest.raises(ValueError, match=r"responses is a list|is one of|either response"):
        pinned.emulator.pins.add({"api": API, "responses": responses})


@pytest.mark.parametrize(
    "answer", [BROKEN, [], "text", None, {"errcode": 61503, "errmsg": "x", "more": 1}]
)
def test_force_accepts_a_response_that_breaks_the_schema(pinned, answer):
    pinned.pin(response=answer, force=True)
    assert pinned.call() == answer


def test_a_forced_pin_refuses_a_misspelt_api(pinned):
    with pytest.raises(ValueError, match=r'did you mean "analysis\.getDailyRetain"'):
        pinned.emulator.pins.add({"api": "analysis.getDailyRetian", "response": {}, "force": True})


@pytest.mark.parametrize("api", [5, None, "", "\ud800"])
def test_a_forced_pin_needs_the_name_of_an_api(pinned, api):
    with pytest.raises(ValueError, match=r"api|a pin"):
        pinned.emulator.pins.add({"api": api, "response": {}, "force": True})


def test_the_place_of_a_broken_answer_among_several_is_named(pinned):
    with pytest.raises(ValueError, match=r"responses\[1\]\.visit_uv\[0\]\.value: "):
        pinned.emulator.pins.add({"api": API, "responses": [RECORDED, BROKEN]})


def test_pin_keeps_a_copy_of_its_definition(pinned):
    answer = json.loads(json.dumps(RECORDED))
    pinned.pin(response=answer)
    answer["ref_date"] = "changed"
    assert pinned.call() == RECORDED


# ---- APIs of other kinds -------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"
FILE = {"contentType": "image/png", "base64": base64.b64encode(PNG).decode()}
# Documented, of another kind of account, and without an entry.
UNKNOWN = "officialAccount.semantic.search"


class Others(Pinned):
    """An emulator of the tests' own APIs."""

    def __init__(self, folder, entries=ENTRIES):
        self.gateway = Gateway(clock=Clock(NOW), catalogue=catalogue_of(folder, *entries))
        self.gateway.functions.permissions_of = lambda _name: {"picture.download", UNKNOWN}
        self.emulator, self.client = self.gateway.emulator, self.gateway.client

    def get(self, path, **query):
        token = self.emulator.program(DEMO_APPID).tokens.grant()[0]
        return self.client.get(path, query_string={"access_token": token, **query})


@pytest.fixture
def others(tmp_path):
    return Others(tmp_path)


def test_an_error_of_the_apis_own_gets_its_text_and_a_rid(others):
    others.emulator.pins.add({"api": "notice.send", "response": {"errcode": 43101}})
    answer = others.call({"touser": "OPENID"}, path=SEND["path"])
    assert answer["errcode"] == 43101
    assert answer["errmsg"].startswith("user refuse to accept the msg rid: ")


def test_a_common_text_is_wechats_whatever_the_entry_says(others):
    others.emulator.pins.add({"api": "notice.send", "response": {"errcode": -1}})
    answer = others.call({"touser": "OPENID"}, path=SEND["path"])
    assert answer["errmsg"].startswith("system error rid: ")


def test_an_error_of_another_api_has_no_text(others):
    with pytest.raises(ValueError, match="errcode 43101 has no text here"):
        others.emulator.pins.add({"api": "notice.list", "response": {"errcode": 43101}})


def test_parameters_of_the_query_select_a_pin(others):
    pin = {"api": "notice.list", "request": {"start": 7}, "response": {"count": 99}}
    others.emulator.pins.add(pin)
    assert others.get(LIST["path"], start=7).json == {"count": 99}
    assert others.get(LIST["path"], start=8).json != {"count": 99}


@pytest.fixture
def named_twice(tmp_path):
    gate = {"$schema": "../entry.schema.json", "name": "gate.open", "same_as": "door.open"}
    return Others(tmp_path, (*ENTRIES, gate))


OPEN = {"action": "open", "door": "D"}
OPENED = {"errcode": 0, "errmsg": "opened"}


@pytest.mark.parametrize("api", ["door.open", "gate.open"])
def test_a_pin_for_any_name_that_a_request_over_https_fits_answers_it(named_twice, api):
    named_twice.emulator.pins.add({"api": api, "response": OPENED})
    assert named_twice.call(OPEN, path=OPEN_DOOR["path"]) == OPENED
    assert named_twice.call({"action": "list"}, path=OPEN_DOOR["path"]) == {"doors": ["D"]}
    assert named_twice.call({"action": "?"}, path=OPEN_DOOR["path"]) == OPENED


def test_the_pin_for_the_first_name_of_an_api_comes_first(named_twice):
    for api in ("gate.open", "door.open"):
        answer = {"errcode": 0, "errmsg": api}
        named_twice.emulator.pins.add({"api": api, "response": answer})
    assert named_twice.call(OPEN, path=OPEN_DOOR["path"])["errmsg"] == "door.open"


def test_a_call_through_the_gateway_gets_the_pin_of_its_own_name(named_twice):
    named_twice.gateway.functions.permissions_of = lambda _name: {"door.open", "gate.open"}
    named_twice.emulator.pins.add({"api": "door.open", "response": OPENED})
    pairs = [Pair(name, json.dumps(value).encode()) for name, value in OPEN.items()]
    told = [
        json.loads(named_twice.gateway.call(pairs, name).body)
        for name in ("gate.open", "door.open")
    ]
    assert told == [OPEN_DOOR["examples"][0]["response"], OPENED]
    assert [each["api"] for each in named_twice.emulator.journal_entries()] == [
        "gate.open",
        "door.open",
    ]


def test_a_pinned_file_is_sent_as_bytes_over_https(others):
    others.emulator.pins.add({"api": "picture.download", "response": FILE})
    answer = others.get(DOWNLOAD["path"], media_id="x")
    assert (answer.data, answer.content_type) == (PNG, "image/png")
    assert others.last_check() == "pin 1"


@pytest.mark.parametrize("api", ["picture.download", UNKNOWN])
def test_a_pinned_file_is_sent_as_bytes_through_the_gateway(others, api):
    others.emulator.pins.add({"api": api, "response": FILE})
    answer = others.gateway.call([Pair("media_id", b'"x"')], api)
    assert (answer.body, answer.content_type) == (PNG, "image/png")


def test_a_documented_api_without_an_entry_is_pinned_without_force(others):
    others.emulator.pins.add({"api": UNKNOWN, "request": {"query": "q"}, "response": {"ret": 0}})
    assert json.loads(others.gateway.call([Pair("query", b'"q"')], UNKNOWN).body) == {"ret": 0}


def test_an_object_with_the_keys_of_a_file_is_json_where_no_file_is_answered(others):
    response = {"contentType": "image/png", "base64": "no base64!"}
    others.emulator.pins.add({"api": "notice.send", "response": response, "force": True})
    assert others.call({"touser": "OPENID"}, path=SEND["path"]) == response


def test_force_accepts_json_where_a_file_is_answered(others):
    pin = {"api": "picture.download", "response": {"video_url": "https://x"}, "force": True}
    others.emulator.pins.add(pin)
    assert others.get(DOWNLOAD["path"], media_id="x").json == {"video_url": "https://x"}


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"base64": "no base64!"}, r"response\.base64 is the file's content: "),
        ({"base64": 5}, r"response\.base64 is the file's content: "),
        ({"contentType": "png"}, r"response\.contentType is a type such as image/png, not 'png'"),
        ({"contentType": "image/png\r\nx: y"}, r"response\.contentType is a type"),
        ({"contentType": None}, r"response\.contentType is a type"),
    ],
)
def test_a_file_that_cannot_be_sent_is_refused(others, change, reason, force):
    pin = {"api": "picture.download", "response": {**FILE, **change}, "force": force}
    with pytest.raises(ValueError, match=reason):
        others.emulator.pins.add(pin)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"contentType": "image/png", "buffer": "x"}, 'response is a file such as {"contentType"'),
        ({"media": "x"}, "response is a file such as"),
        ("x", "response is a file such as"),
        ({**FILE, "contentType": "text/html"}, "contentType is image/.*, not text/html"),
        ({"errcode": 40007, "more": 1}, "response: Additional properties"),
    ],
    ids=str,
)
def test_an_answer_that_is_not_a_file_of_the_api_is_refused(others, response, reason):
    with pytest.raises(ValueError, match=reason) as refused:
        others.emulator.pins.add({"api": "picture.download", "response": response})
    assert '"force": true pins it anyway' in str(refused.value)


# ---- over HTTP -----------------------------------------------------------------------------


def test_pins_are_added_listed_and_removed_over_http(pinned):
    added = pinned.client.post("/_emulator/pins", json=PIN)
    assert (added.status_code, added.json) == (201, {"id": 1, **PIN, "given": 0})
    assert pinned.call() == RECORDED
    assert pinned.client.get("/_emulator/pins").json["pins"] == [{"id": 1, **PIN, "given": 1}]
    assert pinned.client.delete("/_emulator/pins/1").json["pins"] == []
    assert pinned.client.delete("/_emulator/pins/1").status_code == 404


def test_documented_examples_are_listed_too(pinned):
    documented = pinned.client.get("/_emulator/pins").json["documented"]
    assert {pin["api"] for pin in documented} == set(default_catalogue())
    assert {"api": API, "request": {"begin_date": "20170313", "end_date": "20170313"}} in [
        {"api": pin["api"], "request": pin["request"]} for pin in documented
    ]


def test_pins_of_one_mini_program_are_removed_alone(pinned):
    pinned.pin()
    pinned.pin(appid=OTHER)
    left = pinned.client.delete("/_emulator/pins", query_string={"appid": OTHER}).json["pins"]
    assert [pin.get("appid") for pin in left] == [None]
