"""The pages of the APIs, and calls from them."""

import base64
import html
import io
import json
import re
from datetime import datetime

import pytest

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.catalogue.cloud_calls import cloud_calls
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.emulator.console.api_docs import keeps_names
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions

NOW = datetime(2017, 3, 14, 10, tzinfo=BEIJING)
RETAIN = "analysis.getWeeklyRetain"
BY_NAME = next(name for name in sorted(cloud_calls()) if name not in default_catalogue())


class Pages:
    """A client of the console, and the emulator behind it."""

    def __init__(self, functions=None, **settings):
        self.emulator = Emulator(clock=Clock(NOW), **settings)
        self.client = create_app(self.emulator, functions).test_client()
        self.token = re.search(r'name="token" value="([^"]+)"', self.get("/apis/" + RETAIN))[1]

    def get(self, path, status=200, **headers):
        answer = self.client.get("/_console" + path, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(self, name, status=303, **texts):
        """Submit the form of an API; return the entry of the call, or the page with the errors."""
        answer = self.client.post(
            f"/_console/apis/{name}",
            data={"token": self.token, **{key.replace("__", "."): texts[key] for key in texts}},
            content_type="multipart/form-data",
        )
        assert answer.status_code == status, answer.text
        if status != 303:
            return answer.text
        self.answered = answer.headers["Location"].removeprefix("/_console")
        number = int(re.search(r"entry=(\d+)", self.answered)[1])
        return self.emulator.journal_entry(number)


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def functions(tmp_path):
    folder = tmp_path / "functions" / "retain"
    folder.mkdir(parents=True)
    (folder / "index.py").write_text("def main(event, context):\n    return {}\n")
    (folder / "config.json").write_text(json.dumps({"permissions": {"openapi": [RETAIN]}}))
    functions = Functions(tmp_path / "functions", {}, config=tmp_path / "config.json")
    yield functions
    functions.close()


def options_of(page, select):
    found = re.search(rf'<select id="{select}".*?</select>', page, re.DOTALL)[0]
    return re.findall(r'<option(?: value="([^"]*)")?[^>]*>([^<]*)', found)


def names_in(page):
    return re.findall(r'<li>\s*<a href="/_console/apis/([^"]+)"', page)


# The list.


def test_list_has_every_name_grouped_by_namespace(pages):
    page = pages.get("/apis")
    assert sorted(names_in(page)) == sorted(cloud_calls())
    spaces = re.findall(r'<h2 id="([^"]+)"', page)
    assert spaces == sorted(set(spaces))
    assert {name.rpartition(".")[0] for name in cloud_calls()} == set(spaces)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=weeklyretain", {RETAIN}),
        ("q=getweanalysisappidweeklyretaininfo", {RETAIN}),
        ("q=analysis.&state=example", set()),
        ("q=for+a+scene", {"wxacode.getUnlimited"}),
    ],
)
def test_list_is_filtered_by_name_path_summary_and_state(pages, query, found):
    assert set(names_in(pages.get(f"/apis?{query}"))) == found


def test_filter_by_state_leaves_the_rest_out(pages):
    counts = [len(names_in(pages.get(f"/apis?state={each}"))) for each in ("simulated", "name")]
    simulated = [name for name, api in default_catalogue().items() if api.simulation]
    assert counts == [len(simulated), len(cloud_calls()) - len(default_catalogue())]
    assert 'value="simulated" selected' in pages.get("/apis?state=simulated")


def test_wrong_name_is_led_to_the_right_one(pages):
    assert f'href="/_console/apis/{RETAIN}"' in pages.get("/apis?q=analysis.getWeeklyRetian")
    assert f"did you mean {RETAIN}?" in pages.get("/apis/analysis.getWeeklyRetian", 404)


def test_hostile_text_of_the_filter_is_escaped(pages):
    page = pages.get("/apis?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page
    assert "<script>alert" not in pages.get("/apis/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 404)


# The documentation.


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.slow
def test_page_of_each_api_tells_what_the_catalogue_knows(pages, language):
    for name in sorted(cloud_calls()):
        page = html.unescape(pages.get(f"/apis/{name}", **{"Accept-Language": language}))
        assert json.dumps({"permissions": {"openapi": [name]}}) in page
        operation = default_catalogue().get(name)
        if operation is None:
            assert f"pins add {name}" in page
            continue
        assert operation.summary in page
        assert operation.docs in page
        assert f"{operation.method} {operation.path}" in page
        for form in ("https", "cloud"):
            for field in operation.schema(form, "request")["properties"]:
                assert f">{field}</code>" in page, (name, field)
        for code, text in operation.errors.items():
            assert f">{code}<" in page
            assert text in page
        for answer in operation.answers:
            assert answer.get("because", "") in page


def test_nested_fields_stand_in_both_forms(pages):
    page = pages.get("/apis/customerServiceMessage.send")
    assert re.search(r'<td class="depth-2"><code>media_id</code>', page)
    assert re.search(r'<td class="depth-2"><code>mediaId</code>', page)
    response = pages.get("/apis/analysis.getDailyRetain")
    assert re.search(r"<code>visit_uv_new</code>.*<code>visitUvNew</code>", response, re.DOTALL)
    assert "openapi.analysis.getDailyRetain:ok" in response


def test_examples_stand_in_both_forms(pages):
    page = html.unescape(pages.get(f"/apis/{RETAIN}"))
    assert "POST /datacube/getweanalysisappidweeklyretaininfo?access_token=ACCESS_TOKEN" in page
    assert f'cloud.openapi.{RETAIN}({{\n  "beginDate": "20170306"' in page
    assert '"visitUvNew"' in page


def test_names_that_the_sdk_would_change_are_said_so(pages):
    assert keeps_names(default_catalogue()["liveBroadcast.addGoods"])
    assert "convertCase: false" in pages.get("/apis/liveBroadcast.addGoods")
    assert "convertCase" not in pages.get(f"/apis/{RETAIN}")


def test_what_the_page_lacks_is_said_in_the_language_of_the_page(pages):
    lacking = next(name for name, api in default_catalogue().items() if "errors" in api.lacks)
    assert "错误码" in pages.get(f"/apis/{lacking}", **{"Accept-Language": "zh"})


# The dates.


@pytest.mark.parametrize(
    ("api", "first", "label"),
    [
        ("analysis.getDailyRetain", "20170313-20170313", "2017-03-13 Mon"),
        (RETAIN, "20170306-20170312", "2017-03-06 – 2017-03-12"),
        ("analysis.getMonthlyRetain", "20170201-20170228", "2017-02"),
        ("analysis.getPerformanceData", "20170313-20170313", "2017-03-13 Mon"),
    ],
)
def test_newest_period_comes_first(pages, api, first, label):
    assert options_of(pages.get(f"/apis/{api}"), "period")[0] == (first, label)


@pytest.mark.slow
def test_every_offered_period_is_answered():
    pages = Pages(journal_size=5000)
    for name, operation in default_catalogue().items():
        if operation.rules:
            found = options_of(pages.get(f"/apis/{name}"), "period")
            assert len(found) > 3
            for value, _ in found[:-1]:
                assert pages.send(name, way="https", period=value).errcode in (0, 47001), name


def test_period_whose_data_are_not_ready_is_not_offered():
    pages = Pages(apps={"wx1": {"secret": "made up", "ready_hour": 12}})
    page = pages.get("/apis/analysis.getDailyRetain")
    assert options_of(page, "period")[0][0] == "20170312-20170312"
    assert 'max="2017-03-12"' in page
    assert pages.send("analysis.getDailyRetain", period="20170312-20170312").errcode == 0
    assert pages.send("analysis.getDailyRetain", period="20170313-20170313").errcode == 61503


def test_periods_follow_the_clock_of_the_chosen_mini_program():
    pages = Pages(apps={"wx1": "secret one", "wx2": "secret two"})
    pages.emulator.clock_of("wx2").freeze("2020-01-02T12:00")
    assert options_of(pages.get(f"/apis/{RETAIN}?appid=wx2"), "period")[0][0] == "20191223-20191229"
    assert options_of(pages.get(f"/apis/{RETAIN}"), "period")[0][0] == "20170306-20170312"
    assert "wx3" in pages.get(f"/apis/{RETAIN}?appid=wx3", 400)
    texts = {"appid": "wx2", "days": "1", "param__end_date": "20191229"}
    page = pages.send(RETAIN, 200, **texts)
    assert options_of(page, "period")[0][0] == "20191223-20191229"
    assert 'value="20191229"' in page
    assert len(pages.emulator.journal) == 0


@pytest.mark.parametrize("form", ["https", "cloud"])
def test_another_day_gives_the_week_that_has_it(pages, form):
    entry = pages.send(RETAIN, way=form, period="20170306-20170312", day="2017-01-18")
    assert entry.errcode == 0
    assert json.loads(entry.body) == {"begin_date": "20170116", "end_date": "20170122"}


def test_written_dates_replace_the_period(pages):
    entry = pages.send(RETAIN, period="20170306-20170312", param__begin_date="20170305")
    assert json.loads(entry.body) == {"begin_date": "20170305", "end_date": "20170312"}
    assert entry.errcode == 61501


# Calls.


def test_call_leads_to_its_answer_and_keeps_the_form(pages):
    entry = pages.send(RETAIN, way="cloud", period="20170227-20170305")
    assert (entry.via, entry.errcode) == ("gateway", 0)
    page = pages.get(pages.answered.partition("#")[0])
    assert f"openapi.{RETAIN}:ok" in page
    assert '"refDate": "20170227-20170305"' in html.unescape(page)
    assert '<option value="20170227-20170305" selected>' in page
    assert 'href="/_console/requests/1"' in page
    assert 'value="cloud" checked' in page


def test_refused_call_says_why(pages):
    pages.send("analysis.getDailyRetain", way="https", period="", param__begin_date="20170314")
    page = html.unescape(pages.get(pages.answered.partition("#")[0]))
    assert "end_date is missing" in page
    assert '"errcode": 61500' in page
    assert 'value="20170314"' in page
    assert '<option value="" selected>' in page
    assert 'value="https" checked' in page


def test_call_has_the_permissions_of_the_chosen_function(functions):
    pages = Pages(functions)
    page = html.unescape(pages.get(f"/apis/{RETAIN}"))
    assert options_of(page, "function") == [
        ("retain", "retain"),
        ("", "code outside of functions – not permitted"),
    ]
    period = "20170306-20170312"
    assert pages.send(RETAIN, way="cloud", function="retain", period=period).function == "retain"
    denied = pages.send(RETAIN, way="cloud", function="", period=period)
    assert (denied.errcode, denied.function) == (-604101, None)
    assert "config.json" in pages.get(pages.answered.partition("#")[0])
    assert "There is no function gone any more." in pages.send(RETAIN, 400, function="gone")


def test_file_is_sent_and_a_picture_is_shown(pages):
    for form in ("https", "cloud"):
        picture = (io.BytesIO(b"\x89PNG\r\n\x1a\n..."), "a.png", "image/png")
        entry = pages.send("security.imgSecCheck", way=form, param__media=picture)
        assert (entry.errcode, json.loads(entry.body)["media"]["filename"]) == (0, "a.png")
        pages.send("wxacode.getUnlimited", way=form, param__scene="a=1")
        assert 'src="data:image/png;base64,' in pages.get(pages.answered.partition("#")[0])


def test_picture_that_the_journal_has_in_part_is_said_so(pages):
    content = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(100_000)).decode()
    response = {"contentType": "image/png", "base64": content}
    pages.emulator.pins.add({"api": "wxacode.getUnlimited", "response": response})
    pages.send("wxacode.getUnlimited", way="https")
    page = pages.get(pages.answered.partition("#")[0])
    assert "image/png, 65,536 B: the journal has only the beginning" in page


def test_parameter_that_is_named_like_an_input_is_not_mistaken_for_it(pages):
    entry = pages.send(
        "security.msgSecCheck", way="https", param__content="hi", others='{"form": 1}'
    )
    assert json.loads(entry.body) == {"content": "hi", "form": 1}


@pytest.mark.parametrize(
    ("api", "texts", "said"),
    [
        ("liveBroadcast.getAssistantList", {"param__roomId": "x1"}, "x1 is not an integer"),
        ("liveBroadcast.getAssistantList", {"param__roomId": "1.5"}, "1.5 is not an integer"),
        ("wxacode.getUnlimited", {"param__line_color": "{r: 1}"}, "this is not JSON"),
        ("wxacode.getUnlimited", {"others": "[1]"}, "write a JSON object"),
        ("wxacode.getUnlimited", {"others": "[" * 100_000}, "this is not JSON"),
        (RETAIN, {"day": "2017-02-30"}, "2017-02-30 is not a day"),
        (BY_NAME, {"others": "nothing"}, "this is not JSON"),
    ],
)
def test_wrong_input_is_marked_and_the_form_stays_filled(pages, api, texts, said):
    before = len(pages.emulator.journal)
    page = html.unescape(pages.send(api, 400, way="https", **texts))
    assert said in page
    assert 'aria-invalid="true"' in page
    assert all(text in page for text in texts.values())
    assert 'value="https" checked' in page or api == BY_NAME
    assert len(pages.emulator.journal) == before


def test_choice_that_the_form_does_not_offer_is_refused(pages):
    page = pages.send("wxacode.getUnlimited", 400, param__is_hyaline="maybe")
    assert "choose true or false" in page


def test_value_that_cannot_be_sent_is_an_error_of_the_form(pages):
    page = pages.send(RETAIN, 400, way="cloud", others='{"beginDate": "\\ud800"}')
    assert "cannot be written as JSON" in page


def test_parameters_that_no_input_gives_come_back_as_json(pages):
    given = {"begin_date": 20170306, "end_date": "20170312", "more": [1]}
    pages.send(RETAIN, way="https", others=json.dumps(given))
    page = html.unescape(pages.get(pages.answered.partition("#")[0]))
    others = re.search(r'<textarea id="others"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1]
    assert json.loads(others) == {"begin_date": 20170306, "more": [1]}
    assert 'value="20170312"' in page


@pytest.mark.slow
def test_documented_example_fills_the_form_of_every_api_and_is_answered():
    pages = Pages(journal_size=5000)
    for name, operation in default_catalogue().items():
        if operation.files:
            continue
        page = pages.get(f"/apis/{name}")
        form = re.search(r'<form method="post" action="/_console/apis/.*?</form>', page, re.DOTALL)[
            0
        ]
        texts = submitted(form)
        for way in ("https", "cloud"):
            entry = pages.send(name, **{**texts, "way": way})
            assert entry.errcode == 0, (name, way, entry.reason)


def submitted(form):
    """Return what a browser sends of a form that nobody has changed."""
    texts = dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>([^<]*)', form))
    for tag in re.findall(r'<input type="text"[^>]*>', form):
        texts[re.search(r'\sname="([^"]+)"', tag)[1]] = re.search(r'value="([^"]*)"', tag)[1]
    for name, inner in re.findall(
        r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        options = re.findall(r"<option([^>]*)>([^<]*)", inner)
        attributes, label = next((each for each in options if "selected" in each[0]), options[0])
        value = re.search(r'value="([^"]*)"', attributes)
        texts[name] = value[1] if value else label
    return {name: html.unescape(text) for name, text in texts.items()}


def test_call_known_by_name_only_is_answered_by_its_pin(pages):
    assert pages.send(BY_NAME, others='{"a": 1}').errcode == -604100
    page = html.unescape(pages.get(pages.answered.partition("#")[0]))
    assert "pins add" in page
    assert '"a": 1' in page
    pages.emulator.pins.add({"api": BY_NAME, "response": {"done": "<b>"}})
    assert pages.send(BY_NAME).errcode == 0
    assert "&lt;b&gt;" in pages.get(pages.answered.partition("#")[0])


def test_entry_of_another_api_or_of_none_is_not_shown(pages):
    pages.send(RETAIN, period="20170306-20170312")
    for query in ("entry=1", "entry=99", "entry=x", "entry=-1"):
        assert 'id="answer"' not in pages.get(f"/apis/analysis.getDailyRetain?{query}")
