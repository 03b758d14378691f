"""Faults and pins in the console: forms from the schemas, whom each struck, taking back."""

import html
import json
import re
from datetime import timedelta

import pytest
from support.values import DAILY, DAY, NOW, OTHER

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.console.overrides import FIELD_TEXTS, KIND_TEXTS, fields_of_kind
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.overrides.broken_responses import DroppedConnectionError
from cloud_openapi.emulator.overrides.fault import KINDS

RETAIN = "analysis.getDailyRetain"
GOOD = {"ref_date": "20260310", "visit_uv_new": [], "visit_uv": []}
# What each kind needs, as a user would write it.
NEEDED = {
    "error": {"errcode": "61503"},
    "gateway_error": {"errcode": "-604104"},
    "status": {"status": "502"},
    "latency": {"seconds": "0.5"},
    "content_type": {"content_type": "text/html"},
    "not_ready": {"until": "2026-03-12T12:00"},
}


class Page:
    """The page of an emulator with two mini programs, and a program that calls it."""

    def __init__(self):
        apps = {DEMO_APPID: DEMO_SECRET, OTHER: "other-secret"}
        self.emulator = Emulator(clock=Clock(NOW), apps=apps)
        self.client = create_app(self.emulator).test_client()
        self.token = self.emulator.program(DEMO_APPID).tokens.grant()[0]

    def get(self, query=""):
        answer = self.client.get(f"/_console/overrides{query}")
        assert answer.status_code == 200
        return answer.text

    def post(self, query="", **form):
        token = re.search(r'name="token" value="([^"]+)"', self.get())[1]
        return self.client.post(f"/_console/overrides{query}", data={"token": token, **form})

    def change(self, **form):
        """Send a form that is right, and return the page that follows."""
        answer = self.post(**form)
        assert answer.status_code == 303, text_of(answer.text)
        return text_of(self.client.get(answer.headers["Location"]).text)

    def refuse(self, **form):
        """Send a form with a mistake, and return the page with it."""
        answer = self.post(**form)
        assert answer.status_code == 400
        return answer.text

    def ask(self, path=DAILY, body=None):
        return self.client.post(path, query_string={"access_token": self.token}, json=body or DAY)


def text_of(page):
    """Return the text that a reader sees, in one line."""
    shown = re.sub(r"<[^>]+>", " ", page.partition("<main")[2])
    return re.sub(r"\s+", " ", html.unescape(shown))


def section(page, name):
    """Return the text of a section of the page."""
    return text_of("<main" + re.search(f'<h2 id="{name}">.*?</section>', page, re.DOTALL)[0])


def inputs(page):
    """Return the values of the inputs of the form, by their names."""
    form = re.search(r'<form id="form".*?</form>', page, re.DOTALL)[0]
    found = dict(re.findall(r'<input [^>]*?name="(\w+)" value="([^"]*)"', form))
    areas = re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL)
    return {name: html.unescape(value) for name, value in {**found, **dict(areas)}.items()}


@pytest.fixture
def page():
    return Page()


# ---- the texts -----------------------------------------------------------------------------


def test_every_kind_and_field_has_its_text_in_both_languages():
    assert tuple(KIND_TEXTS) == KINDS
    for kind in ("fault", "pin"):
        fields = set(control_schemas()[kind]["properties"]) - {"kind"}
        assert set(FIELD_TEXTS[kind]) == fields
    texts = [chinese for _english, chinese in KIND_TEXTS.values()]
    texts += [text for fields in FIELD_TEXTS.values() for text in fields.values()]
    assert all(re.search("[\u4e00-\u9fff]", text) for text in texts)


@pytest.mark.parametrize("kind", KINDS)
def test_fields_of_a_kind_are_those_that_its_schema_accepts(page, kind):
    names, required = fields_of_kind(kind)
    assert required == set(NEEDED.get(kind, {}))
    values = {
        "errmsg": "made up",
        "api": RETAIN,
        "path": DAILY,
        "appid": OTHER,
        "times": "2",
        "rate": "0.5",
        "until": "2026-03-12T12:00",
    }
    for name in set(names) & set(values):
        page.change(do="add_fault", kind=kind, **{**NEEDED.get(kind, {}), name: values[name]})
    given = {"kind": kind, **page.emulator.faults.listed()[0].definition}
    accepted = {name: given[name] for name in ("kind", *required)}
    if "until" in accepted:
        accepted["until"] = values["until"]
    for name in set(control_schemas()["fault"]["properties"]) - {"kind", *names}:
        with pytest.raises(ValueError, match=name):
            page.emulator.faults.add({**accepted, name: OF_OTHERS[name]})


OF_OTHERS = {
    "errcode": 61503,
    "errmsg": "made up",
    "status": 502,
    "seconds": 1,
    "content_type": "text/html",
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_form_of_a_kind_explains_it(page, kind, language):
    headers = {"Accept-Language": language}
    answer = page.client.get(f"/_console/overrides?kind={kind}", headers=headers)
    shown = text_of(answer.text)
    assert shown.count(KIND_TEXTS[kind][language == "zh"]) == 2
    for name in fields_of_kind(kind)[0]:
        english = control_schemas()["fault"]["properties"][name]["description"]
        assert (english if language == "en" else FIELD_TEXTS["fault"][name]) in shown


# ---- faults --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_form_that_is_sent_as_it_comes_makes_a_fault(page, kind):
    given = {**inputs(page.get(f"?kind={kind}")), **NEEDED.get(kind, {})}
    page.change(do="add_fault", **given)
    (fault,) = page.emulator.faults.listed()
    assert (fault.kind, fault.times) == (kind, 1)


def test_next_call_becomes_slow(page):
    given = inputs(page.get("?kind=latency"))
    shown = page.change(do="add_fault", **{**given, "seconds": "0.01"})
    assert "Fault 1 is in force." in shown
    assert "1 latency seconds 0.01 all requests 1 request 0 / 1 none yet" in shown
    assert [page.ask().status_code, page.ask().status_code] == [200, 200]
    assert "fault 1: latency 1 #1 analysis.getDailyRetain" in section(page.get(), "ended")
    assert 'href="/_console/requests/1"' in page.get()


def test_next_call_of_an_api_fails(page):
    given = inputs(page.get("?kind=error"))
    page.change(do="add_fault", **{**given, "errcode": "61503", "api": RETAIN})
    assert [page.ask().json.get("errcode", 0) for _ in range(2)] == [61503, 0]


@pytest.mark.parametrize(
    ("written", "named"), [("getDailyRetain", RETAIN), (f" {RETAIN} ", RETAIN)]
)
def test_api_may_be_named_by_its_last_part(page, written, named):
    page.change(do="add_fault", kind="drop", api=written)
    assert page.emulator.faults.listed()[0].definition["api"] == named


@pytest.mark.parametrize(
    ("seconds", "value"),
    [("2", 2), ("0.5", 0.5), ('{"uniform": [0.1, 2]}', {"uniform": [0.1, 2]})],
)
def test_seconds_are_a_number_or_a_distribution(page, seconds, value):
    page.change(do="add_fault", kind="latency", seconds=seconds)
    assert page.emulator.faults.listed()[0].definition["seconds"] == value


@pytest.mark.parametrize(
    ("form", "message", "field"),
    [
        ({"kind": "error", "errcode": "six"}, "errcode is a 32-bit whole number", "errcode"),
        ({"kind": "error", "errcode": "1.5"}, "errcode is a 32-bit whole number", "errcode"),
        ({"kind": "error", "errcode": "777"}, "errcode 777 has no text here", "errcode"),
        ({"kind": "error"}, "a fault of kind error needs errcode", ""),
        ({"kind": "latency", "seconds": "61"}, "seconds is a number from 0 to 60", "seconds"),
        ({"kind": "latency", "seconds": "soon"}, "seconds is a number from 0 to 60", "seconds"),
        (
            {"kind": "latency", "seconds": '{"uniform": [1,]}'},
            'seconds: line 1, column 16: remove the comma before "]"',
            "seconds",
        ),
        ({"kind": "drop", "times": "0"}, "times is a whole number of at least 1", "times"),
        ({"kind": "drop", "rate": "2"}, "rate is a number above 0", "rate"),
        ({"kind": "drop", "api": "getDailyRetian"}, "(did you mean", "api"),
        ({"kind": "drop", "api": RETAIN, "path": DAILY}, "api or path or neither", ""),
        ({"kind": "drop", "path": "/nowhere"}, "path is one of", "path"),
        ({"kind": "drop", "appid": "nobody"}, "appid is one of", "appid"),
        ({"kind": "drop", "until": "2020-01-01"}, "until is over already", "until"),
        ({"kind": "drop", "until": "noon"}, "until is a time such as", "until"),
        ({"kind": "status", "status": "200"}, "status is a whole number from 400", "status"),
        ({"kind": "crash"}, "kind is one of error, status", ""),
        ({}, "kind is one of error, status", ""),
    ],
)
def test_mistake_in_a_fault_is_explained_and_the_form_comes_back(page, form, message, field):
    shown = page.refuse(do="add_fault", **form)
    assert message in text_of(shown)
    assert page.emulator.faults.listed() == ()
    back = inputs(shown)
    for name, value in form.items():
        assert name in ("appid", "kind") or back[name] == value
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', shown) == [field] * bool(field)
    assert form.get("appid", "") in shown


def test_form_can_be_filled_by_its_address(page):
    back = inputs(page.get(f"?kind=error&errcode=61503&api={RETAIN}&times=3"))
    assert (back["errcode"], back["api"], back["times"]) == ("61503", RETAIN, "3")


def test_codes_of_the_chosen_api_are_proposed(page):
    code, text = next(iter(page.emulator.catalogue["wxacode.get"].errors.items()))
    assert f'<option value="{code}">{text[:20]}' in html.unescape(
        page.get("?kind=error&api=wxacode.get")
    )
    gateway = page.get("?kind=gateway_error")
    assert '<option value="-604104">' in gateway
    assert '<option value="61503">' not in gateway


def test_fault_shows_whom_it_struck(page):
    page.emulator.faults.add({"kind": "error", "errcode": 61504})
    page.emulator.faults.add({"kind": "drop", "api": "analysis.getDailySummary", "times": 2})
    for _ in range(7):
        page.ask()
    shown = section(page.get(), "faults")
    assert "1 error errcode 61504 all requests taken back 7 #7 analysis" in shown
    assert re.findall(r"#(\d+)", shown) == ["7", "6", "5", "4", "3"]
    assert "2 drop analysis.getDailySummary 2 requests 0 / 2 none yet" in shown


def test_latency_shows_whom_it_delayed(page):
    page.emulator.faults.add({"kind": "latency", "seconds": 0})
    page.emulator.faults.add({"kind": "error", "errcode": -1})
    page.ask()
    shown = section(page.get(), "faults")
    assert shown.count("#1 analysis.getDailyRetain") == 2


def test_requests_of_a_former_fault_with_the_same_number_are_not_shown(page):
    page.emulator.faults.add({"kind": "error", "errcode": -1})
    page.ask()
    page.emulator.faults.clear()
    page.emulator.reseed(0)
    fault = page.emulator.faults.add({"kind": "error", "errcode": -1})
    assert fault.id == 1
    assert "#1" not in section(page.get(), "faults")
    token = page.token = page.emulator.program(DEMO_APPID).tokens.grant()[0]
    assert token
    page.ask()
    assert re.findall(r"#(\d+)", section(page.get(), "faults")) == ["2"]


def test_dropped_call_is_shown_though_it_had_no_answer(page):
    page.emulator.faults.add({"kind": "drop"})
    with pytest.raises(DroppedConnectionError):
        page.ask()
    assert "#1 analysis.getDailyRetain" in section(page.get(), "faults")


def test_faults_are_taken_back_one_by_one_and_all(page):
    for _ in range(3):
        page.emulator.faults.add({"kind": "drop"})
    assert "Fault 2 is taken back." in page.change(do="remove_fault", id="2")
    assert [fault.id for fault in page.emulator.faults.listed()] == [1, 3]
    assert "All faults are taken back." in page.change(do="clear_faults")
    assert page.emulator.faults.listed() == ()


@pytest.mark.parametrize("kind", ["fault", "pin"])
@pytest.mark.parametrize("number", ["7", "x", "", "9" * 5000])
def test_taking_back_what_has_ended_says_so(page, kind, number):
    assert "had ended already." in page.change(do=f"remove_{kind}", id=number)


def test_fault_that_ends_leaves_those_in_force(page):
    until = (NOW + timedelta(hours=1)).isoformat()
    page.emulator.faults.add({"kind": "drop", "until": until, "rate": 0.25})
    shown = section(page.get(), "faults")
    assert "25.0 %" in shown
    assert "2026" in shown
    page.emulator.clock.advance(3600)
    assert "No fault is in force." in text_of(page.get())


@pytest.mark.parametrize("do", ["", "everything"])
def test_unknown_change_is_refused(page, do):
    page.emulator.faults.add({"kind": "drop"})
    assert "choose what to change" in text_of(page.refuse(do=do))
    assert len(page.emulator.faults.listed()) == 1


def test_change_without_the_token_is_refused(page):
    page.emulator.faults.add({"kind": "drop"})
    answer = page.client.post("/_console/overrides", data={"do": "clear_faults"})
    assert answer.status_code == 403
    assert len(page.emulator.faults.listed()) == 1


# ---- pins ----------------------------------------------------------------------------------


def test_documented_pins_are_listed_and_lead_to_the_form(page):
    shown = page.get("?new=pin")
    documented = page.emulator.pins.documented()
    assert {each["api"] for each in documented} == set(
        re.findall(r"new=pin&amp;api=([\w.]+)#form", shown)
    )
    links = re.findall(
        r'href="/_console/overrides(\?new=pin&amp;api=[\w.]+&amp;example=\d+)', shown
    )
    assert len(links) == len(documented)
    back = inputs(page.get("?new=pin&api=analysis.getDailyRetain&example=0"))
    example = page.emulator.catalogue[RETAIN].examples[0]
    assert json.loads(back["request"]) == example["request"]
    assert json.loads(back["response"]) == example["response"]


def test_pin_of_a_response(page):
    given = {**inputs(page.get(f"?new=pin&api={RETAIN}")), "response": json.dumps(GOOD)}
    shown = page.change(do="add_pin", **given)
    assert "Pin 1 answers from now on." in shown
    assert page.ask().json == GOOD
    assert "1 #1 analysis.getDailyRetain" in section(page.get(), "pins")


def test_pin_of_an_error_code(page):
    own = page.get(f"?new=pin&api={RETAIN}")
    assert re.search(r'<option value="61503">61503 data not ready', own)
    page.change(do="add_pin", api=RETAIN, answer="61503", request='{"begin_date": "20260310"}')
    assert page.ask().json["errcode"] == 61503
    assert "data not ready" in page.ask().json["errmsg"]


def test_pin_proposes_the_api_s_own_codes_first(page):
    api = "wxacode.get"
    own = [str(code) for code in sorted(page.emulator.catalogue[api].errors)]
    assert own
    codes = re.findall(r'<option value="(-?\d+)">', page.get(f"?new=pin&api={api}"))
    assert codes[: len(own)] == own


def test_pin_of_several_responses(page):
    responses = json.dumps([{"errcode": 61503}, GOOD])
    page.change(do="add_pin", api=RETAIN, answer="responses", response=responses, times="2")
    assert [page.ask().json.get("errcode", 0) for _ in range(2)] == [61503, 0]
    shown = section(page.get(), "pins")
    assert "used up" in shown
    assert "2 / 2" in shown


@pytest.mark.parametrize(
    ("form", "message", "field"),
    [
        (
            {"request": '{\n  "begin_date": "20260310",\n}'},
            'request: line 3, column 1: remove the comma before "}"',
            "request",
        ),
        (
            {"response": "{'errcode': 0}"},
            "response: line 1, column 2: strings and names have double quotes",
            "response",
        ),
        ({"response": ""}, "response: line 1, column 1: the text is empty", "response"),
        ({"response": "[" * 100_000}, "response: ", "response"),
        ({"response": "9" * 5000}, "response: a number has more digits", "response"),
        ({"response": "NaN"}, "response: NaN is not a JSON value", "response"),
        ({"response": '{"ref_date": 1}'}, "does not answer so", "response"),
        ({"request": '{"day": "20260310"}'}, "request: day: analysis.getDailyRetain", "request"),
        ({"request": "[]"}, "request is an object of parameters", "request"),
        ({"answer": "777"}, "errcode 777 has no text here", "response"),
        ({"answer": "responses", "response": "{}"}, "responses is a list", ""),
        ({"times": "none"}, "times is a whole number of at least 1", "times"),
        ({"appid": "nobody"}, "appid is one of", "appid"),
    ],
)
def test_mistake_in_a_pin_is_explained_and_the_form_comes_back(page, form, message, field):
    given = {"api": RETAIN, "request": "{}", "response": json.dumps(GOOD), **form}
    answer = page.post(f"?new=pin&api={RETAIN}", do="add_pin", **given)
    assert answer.status_code == 400
    assert message in text_of(answer.text)
    back = inputs(answer.text)
    for name in ("request", "response"):
        assert back[name] == given[name]
    assert len(page.emulator.pins) == 0
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', answer.text) == [field] * bool(field)


def test_mistake_is_placed_in_chinese_too(page):
    token = re.search(r'name="token" value="([^"]+)"', page.get())[1]
    form = {"token": token, "do": "add_pin", "api": RETAIN, "response": "{,}"}
    headers = {"Accept-Language": "zh-CN"}
    answer = page.client.post("/_console/overrides?new=pin", data=form, headers=headers)
    assert "response：第 1 行第 2 列：" in answer.text


def test_force_pins_what_the_schema_refuses(page):
    page.change(do="add_pin", api=RETAIN, response='"anything"', force="on")
    assert page.ask().json == "anything"


def test_api_outside_of_the_catalogue_can_be_pinned(page):
    api = "officialAccount.card.batchGet"
    assert api not in page.emulator.catalogue
    given = inputs(page.get(f"?new=pin&api={api}"))
    page.change(do="add_pin", **{**given, "response": '{"card_id_list": []}'})
    assert page.emulator.pins.listed()[0].api == api


def test_unknown_api_is_named(page):
    answer = page.post("?new=pin&api=nothing", do="add_pin", api="nothing", response="{}")
    assert "WeChat documents no cloud call 'nothing'" in text_of(answer.text)


def test_pins_are_taken_back_one_by_one_and_all(page):
    for api in (RETAIN, "analysis.getWeeklyRetain", "analysis.getMonthlyRetain"):
        page.emulator.pins.add({"api": api, "response": {"errcode": 61503}})
    assert "Pin 2 is taken back." in page.change(do="remove_pin", id="2")
    assert [pin.id for pin in page.emulator.pins.listed()] == [1, 3]
    assert "All pins are taken back." in page.change(do="clear_pins")
    assert len(page.emulator.pins) == 0


def test_hostile_content_of_a_pin_is_shown_as_text(page):
    script = "<script>alert(1)</script>"
    page.emulator.pins.add({"api": RETAIN, "response": {"errcode": 1, "errmsg": script}})
    page.emulator.faults.add({"kind": "error", "errcode": 1, "errmsg": script})
    assert script not in page.get()
    assert html.escape(script) in page.get()
    assert script not in page.client.get("/_console/").text
    back = page.post("?new=pin", do="add_pin", api=script, response=script, request="</textarea>")
    assert script not in back.text
    assert "</textarea></textarea>" not in back.text


# ---- the page of a request -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "named"),
    [
        (lambda emulator: emulator.faults.add({"kind": "error", "errcode": -1}), "fault 2"),
        (lambda emulator: emulator.pins.add({"api": RETAIN, "response": {"errcode": -1}}), "pin 1"),
        (lambda _emulator: None, "fault 1"),
    ],
    ids=["fault", "pin", "delay alone"],
)
def test_page_of_a_request_names_the_override_that_changed_its_answer(page, override, named):
    page.emulator.faults.add({"kind": "latency", "seconds": 0})
    override(page.emulator)
    page.ask()
    assert f"Remove {named}" in text_of(page.client.get("/_console/requests/1").text)
