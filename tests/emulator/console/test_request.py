"""One request in the console: why it failed, both forms, sending it again, keeping its answer."""

import base64
import json
import re
from html import unescape
from pathlib import Path

import pytest
from support.values import API, DAILY, NOW, WEEKLY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Clock, Emulator, create_app
from cloud_openapi.masking import MASK
from cloud_openapi.recordings import load
from cloud_openapi.runtime import Functions

DAY = {"begin_date": "20170313", "end_date": "20170313"}
YESTERDAY = {"begin_date": "20260310", "end_date": "20260310"}
CLOUD_DAY = {"beginDate": "20170313", "endDate": "20170313"}
TWO_DAYS = {"begin_date": "20170313", "end_date": "20170314"}
SUMMARY = "analysis.getDailySummary"
CODE, FILE_API = "/wxa/getwxacode", "/wxa/img_sec_check"
PNG = b"\x89PNG\r\n\x1a\n\0<script>"


class Console:
    """An emulator with the functions of a folder, and its console as a browser without scripts."""

    def __init__(self, folder, **settings):
        self.emulator = Emulator(clock=Clock(NOW), **settings)
        self.functions = Functions(folder, {}, config=folder / "config.json")
        self.client = create_app(self.emulator, self.functions).test_client()

    def call(self, params=None, path=DAILY, data=None, **headers):
        """Call an API over HTTPS, and return the number of the request."""
        token = token_of(self)
        given = {"json": params} if data is None else {"data": data}
        self.client.post(f"{path}?access_token={token}", **given, headers=headers)
        return self.emulator.journal.newest

    def page(self, number, **headers):
        answer = self.client.get(f"/_console/requests/{number}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, number, action, **fields):
        """Post one of the page's forms, with the values that it has, and return the answer."""
        page = self.page(number)
        fields = {**form_of(page, f"/_console/requests/{number}/{action}", **fields), **fields}
        return self.client.post(f"/_console/requests/{number}/{action}", data=fields)

    def entry_at(self, answer):
        """Return the entry that an answer leads to."""
        assert answer.status_code == 303, answer.text
        return self.emulator.journal_entry(int(answer.location.rpartition("/")[2]))


def token_of(console):
    return console.emulator.program(DEMO_APPID).tokens.grant_stable(force=False)[0]


def form_of(page, action, form="", **_fields):
    """Return the values of a form of a page; ``form`` is the value of its field of that name.

    One whose fields can be edited comes first.
    """
    matching = []
    for found in re.findall(rf'<form[^>]*action="{action}"[^>]*>(.*?)</form>', page, re.DOTALL):
        inputs = re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', found)
        inputs += re.findall(
            r'<textarea[^>]*name="(\w+)"[^>]*>\n(.*?)</textarea>', found, re.DOTALL
        )
        for name, options in re.findall(
            r'<select[^>]*name="(\w+)">(.*?)</select>', found, re.DOTALL
        ):
            chosen = re.search(r"<option(?: value=\"([^\"]*)\")? selected>([^<]*)", options)
            if chosen:
                inputs.append((name, chosen[2] if chosen[1] is None else chosen[1]))
        values = {name: unescape(value) for name, value in inputs}
        if not form or values.get("form") == form:
            matching.append(("<textarea" not in found, len(matching), values))
    assert matching, f"no form {action} {form} in {page}"
    return min(matching)[2]


def text_at(page, name):
    """Return the text of the element with an id."""
    found = re.search(rf'<(\w+)[^>]*\bid="{name}"[^>]*>(.*?)</\1>', page, re.DOTALL)
    assert found, f"no {name} in {page}"
    return unescape(re.sub("<[^>]*>", "", found[2]))


@pytest.fixture
def console(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_function(tmp_path, "report", [SUMMARY])
    made = Console(Path("functions"))
    yield made
    made.functions.close()


def write_function(project, name, apis):
    folder = project / "functions" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.py").write_text("def main(event, context):\n    return {}\n")
    (folder / "config.json").write_text(json.dumps({"permissions": {"openapi": apis}}))


def test_both_forms_of_a_request_and_of_its_answer(console):
    page = console.page(console.call(DAY))
    assert f"POST {DAILY}?access_token={MASK}" in page
    assert text_at(page, "call") == (
        f'cloud.openapi.{API}({{\n  "beginDate": "20170313",\n  "endDate": "20170313",\n}})'
    )
    over_https = json.loads(text_at(page, "https-answer"))
    in_cloud = json.loads(text_at(page, "cloud-answer"))
    assert over_https["visit_uv_new"] == in_cloud["visitUvNew"]
    assert in_cloud["errMsg"] == f"openapi.{API}:ok"
    assert over_https.keys() == {"ref_date", "visit_uv_new", "visit_uv"}


def test_both_forms_of_an_error(console):
    number = console.call(TWO_DAYS)
    page = console.page(number)
    over_https = json.loads(text_at(page, "https-answer"))
    assert over_https["errcode"] == 61501
    assert json.loads(text_at(page, "cloud-answer")) == {
        "errCode": 61501,
        "errMsg": f"openapi.{API}:fail {over_https['errmsg']}",
    }
    entry = console.emulator.journal_entry(number)
    assert entry.reason in unescape(page)
    assert entry.rid in page


def test_names_that_the_rule_would_change_are_kept(console):
    number = console.call({"Begin_Date": 1, "roomId": 2})
    page = console.page(number)
    assert "cloud.openapi({ convertCase: false })" in text_at(page, "call")
    answer = console.post(number, "send", form="cloud", function="")
    assert json.loads(console.entry_at(answer).body) == {"Begin_Date": 1, "roomId": 2}


def test_reason_of_a_missing_permission_names_the_file_and_the_line(console):
    first = console.call(DAY)
    denied = console.post(first, "send", form="cloud", function="report")
    entry = console.entry_at(denied)
    assert (entry.errcode, entry.function) == (-604101, "report")
    page = console.client.get(denied.location).text
    assert text_at(page, "permission") == f'"{API}"'
    assert "functions/report/config.json" in page
    assert json.loads(text_at(page, "cloud-answer"))["errCode"] == -604101
    assert "the gateway refused the call before WeChat" in page
    assert "/pin" not in page
    # With the line, the same call is answered.
    write_function(Path(), "report", [SUMMARY, API])
    number = int(denied.location.rpartition("/")[2])
    again = console.entry_at(console.post(number, "send", form="cloud"))
    assert (again.errcode, again.function, json.loads(again.body)) == (0, "report", DAY)
    assert 'id="permission"' not in console.page(number)


@pytest.mark.parametrize(
    ("path", "params", "right"),
    [
        (DAILY, TWO_DAYS, DAY),
        (DAILY, {"end_date": 5}, YESTERDAY),
        (DAILY, {**DAY, "begin_date": "2017-03-13"}, YESTERDAY),
        (WEEKLY, DAY, {"begin_date": "20170313", "end_date": "20170319"}),
    ],
    ids=["two days", "missing", "of another form", "week"],
)  # fmt: skip
@pytest.mark.parametrize("form", ["https", "cloud"])
def test_right_dates_are_sent_with_one_click(console, path, params, right, form):
    write_function(Path(), "report", list(console.emulator.catalogue))
    number = console.call(params, path)
    if form == "cloud":
        made = console.post(number, "send", form="cloud", function="report")
        number = int(made.location.rpartition("/")[2])
    page = console.page(number)
    suggested = re.search(r"<form(?:(?!</form>).)*Send again with.*?</form>", page, re.DOTALL)[0]
    button = re.search(r"<button>(Send again with[^<]*)</button>", page)[1]
    assert f"{right['begin_date']} – {right['end_date']}" in button
    action = f"/_console/requests/{number}/send"
    entry = console.entry_at(console.client.post(action, data=form_of(suggested, action)))
    assert (entry.errcode, json.loads(entry.body)) == (0, right)
    assert (entry.via, entry.function) == (
        ("gateway", "report") if form == "cloud" else ("https", None)
    )


def test_day_whose_data_are_not_ready_has_an_earlier_one(console):
    console.emulator.configure_app(DEMO_APPID, ready_hour=24)
    number = console.call(YESTERDAY)
    assert console.emulator.journal_entry(number).errcode == 61503
    assert "Send again with 20260309 – 20260309" in console.page(number)


@pytest.mark.parametrize("kind", ["fault", "pin"])
def test_fault_or_pin_is_removed(console, kind):
    if kind == "fault":
        console.emulator.faults.add({"kind": "error", "errcode": -1})
    else:
        console.emulator.pins.add({"api": API, "response": {"errcode": -1}})
    number = console.call(DAY)
    page = console.page(number)
    assert f"Remove {kind} 1" in page
    assert json.loads(text_at(page, "override"))["id"] == 1
    answer = console.post(number, "remove")
    assert answer.location == f"/_console/requests/{number}"
    assert "Removed" in console.client.get(answer.location).text
    assert not console.emulator.faults.listed()
    assert not console.emulator.pins.listed()
    assert console.entry_at(console.post(number, "send")).errcode == 0
    # It cannot be removed twice.
    token = form_of(page, f"/_console/requests/{number}/remove")
    assert console.client.post(f"/_console/requests/{number}/remove", data=token).status_code == 404


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("status", {"status": 503}, "HTTP 503"),
        ("drop", {}, "the connection was dropped"),
        ("html", {}, "HTTP 200"),
        ("empty", {}, "HTTP 200"),
    ],
)
def test_answer_that_a_fault_replaced_is_not_shown_as_wechats(console, kind, fields, shown):
    console.emulator.faults.add({"kind": kind, **fields, "times": 1})
    number = console.call(DAY) if kind != "drop" else dropped(console)
    page = console.page(number)
    assert shown in unescape(page)
    assert 'id="https-answer"' not in page
    assert 'id="cloud-answer"' not in page
    assert "made this answer, its last one" in page
    assert "no longer in force" in page
    assert f"/requests/{number}/pin" not in page
    assert f"/requests/{number}/record" not in page


def dropped(console):
    with pytest.raises(ConnectionAbortedError):
        console.call(DAY)
    return console.emulator.journal.newest


@pytest.mark.parametrize("setting", ["daily_limits", "minute_limits"])
def test_quota_that_is_used_up_has_a_command(console, setting):
    console.emulator.configure_app(DEMO_APPID, **{setting: {API: 0}})
    command = text_at(console.page(console.call(DAY)), "command")
    option = setting.removesuffix("s").replace("_", "-")
    assert command == (
        f"cloud-openapi control --url http://localhost:80 app set {DEMO_APPID} "
        f"--{option} {DAILY}=none"
    )


def test_token_that_is_refused_has_a_command_and_is_not_needed_here(console):
    console.client.post(f"{DAILY}?access_token=emulator_bad", json=DAY)
    number = console.emulator.journal.newest
    page = console.page(number)
    assert "stable_token" in text_at(page, "command")
    assert console.emulator.journal_entry(number).errcode == 40001
    entry = console.entry_at(console.post(number, "send"))
    assert (entry.errcode, entry.appid) == (0, DEMO_APPID)


def test_request_for_a_token_is_neither_sent_nor_copied(console):
    query = f"grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}"
    token = console.client.get(f"/cgi-bin/token?{query}").json["access_token"]
    number = console.emulator.journal.newest
    page = console.page(number)
    assert DEMO_SECRET not in page
    assert token not in page
    assert "is not kept" in page
    assert f"/requests/{number}/send" not in page
    assert 'data-copy="curl"' not in page
    fields = form_of(console.page(console.call(DAY)), f"/_console/requests/{number + 1}/send")
    for path in ("/cgi-bin/token", "/cgi-bin/stable_token", "/cgi-bin/clear_quota/v2"):
        answer = console.client.post(
            f"/_console/requests/{number + 1}/send", data={**fields, "path": path}
        )
        assert answer.status_code == 400
        assert "holds a secret" in answer.text


def test_no_page_shows_the_token_or_the_secret(console):
    token = token_of(console)
    for params in (DAY, {"note": f"{token} {DEMO_SECRET}"}, {"token": token, "x": DEMO_SECRET}):
        number = console.call(params)
        again = console.post(number, "send", form="https")
        for page in (console.page(number), console.client.get(again.location).text):
            assert token not in page
            assert DEMO_SECRET not in page


def test_request_is_edited_and_sent_in_either_form(console):
    number = console.call(TWO_DAYS)
    sent = console.post(number, "send", form="https", body=json.dumps(DAY))
    entry = console.entry_at(sent)
    assert (entry.via, entry.errcode, json.loads(entry.body)) == ("https", 0, DAY)
    write_function(Path(), "report", [API])
    console.emulator.configure_app("wxother", secret="another secret")
    sent = console.post(
        number, "send", form="cloud", params=json.dumps(CLOUD_DAY), function="report",
        appid="wxother",
    )  # fmt: skip
    entry = console.entry_at(sent)
    assert (entry.via, entry.errcode, entry.appid) == ("gateway", 0, "wxother")
    assert console.functions.running() == []


@pytest.mark.parametrize("body", ["", "{", "[]", "零", '{"a": "😀"}'])
def test_body_that_is_not_an_object_is_sent_as_it_is_typed(console, body):
    entry = console.entry_at(console.post(console.call(DAY), "send", form="https", body=body))
    assert entry.body.decode() == body
    assert entry.errcode in ((44002,) if not body else (47001, 61500))


def test_request_with_files_is_sent_again(console):
    boundary = "x"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="media"; filename="a.png"\r\n'
        f"Content-Type: image/png\r\n\r\n"
    ).encode() + PNG + f"\r\n--{boundary}--\r\n".encode()  # fmt: skip
    kind = f"multipart/form-data; boundary={boundary}"
    number = console.call(path=FILE_API, data=body, **{"Content-Type": kind})
    page = console.page(number)
    assert "media: a.png, image/png, 17 bytes" in page
    assert base64.b64encode(PNG).decode() in text_at(page, "python")
    write_function(Path(), "report", ["security.imgSecCheck"])
    for form in ("https", "cloud"):
        entry = console.entry_at(console.post(number, "send", form=form, function="report"))
        assert entry.errcode == 0
        assert base64.b64decode(json.loads(entry.body)["media"]["base64"]) == PNG


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"form": "https", "path": "/_emulator/reset"}, "is not a path of WeChat"),
        ({"form": "https", "path": "//evil.example/x"}, "is not a path of WeChat"),
        ({"form": "https", "path": DAILY[:-1]}, f"did you mean {DAILY}?"),
        ({"form": "https", "path": ""}, "is not a path of WeChat"),
        ({"form": "https", "method": "DELETE"}, "GET or POST"),
        ({"form": "https", "appid": "wxnone"}, "appid is one of"),
        ({"form": "https", "path": CODE.replace("code", "assistantlist"), "body": "{"}, "path"),
        ({"form": "cloud", "params": "{"}, "not JSON"),
        ({"form": "cloud", "params": "[]"}, "JSON object"),
        ({"form": "cloud", "params": '{"m": {"filename": "a", "base64": "é"}}'}, "m.base64"),
        ({"form": "cloud", "params": '{"m": {"filename": 1, "base64": ""}}'}, "m.filename"),
        ({"form": "cloud", "params": '{"a": NaN}'}, "not JSON"),
        ({"form": "cloud", "params": '{"a": "\\ud800"}'}, "JSON"),
        ({"form": "cloud", "params": "[" * 5000}, "not JSON"),
        ({"form": "cloud", "function": "reprot"}, "did you mean report?"),
        ({"form": "cloud", "api": " "}, "name of an API"),
    ],
)
def test_wrong_input_comes_back_with_the_mistake(console, fields, text):
    number = console.call(DAY)
    answer = console.post(number, "send", **fields)
    assert answer.status_code == 400
    page = unescape(answer.text)
    assert text in re.search(r'role="alert">(.*?)</p>', page, re.DOTALL)[1]
    # Nothing was sent, and nothing that was typed is lost.
    assert console.emulator.journal.newest == number
    for name, value in fields.items():
        assert value.strip() in page or name in ("method", "appid", "function")


def test_api_without_an_entry_lands_on_the_error(console):
    entry = console.entry_at(
        console.post(console.call(DAY), "send", form="cloud", api="made.up", function="")
    )
    assert (entry.path, entry.apis) == ("/admin", ("made.up",))


def test_answer_is_pinned(console):
    number = console.call(TWO_DAYS)
    answer = console.post(number, "pin")
    assert answer.location == f"/_console/requests/{number}"
    (pin,) = console.emulator.pins.listed()
    assert pin.describe() == {
        "id": 1, "api": API, "request": TWO_DAYS, "response": {"errcode": 61501}, "given": 0
    }  # fmt: skip
    entry = console.entry_at(console.post(number, "send"))
    assert (entry.errcode, entry.check) == (61501, "pin 1")


def test_answer_is_edited_before_it_is_pinned(console):
    number = console.call(DAY)
    definition = json.loads(
        form_of(console.page(number), f"/_console/requests/{number}/pin")["definition"]
    )
    definition["response"]["visit_uv"] = []
    console.post(number, "pin", definition=json.dumps(definition))
    page = console.client.get(console.post(number, "send").location).text
    assert json.loads(text_at(page, "https-answer"))["visit_uv"] == []


def test_image_is_shown_and_pinned(console):
    number = console.call({"path": "pages/index"}, CODE)
    entry = console.emulator.journal_entry(number)
    assert f'src="/_console/requests/{number}/answer"' in console.page(number)
    image = console.client.get(f"/_console/requests/{number}/answer")
    assert (image.content_type, image.data) == ("image/png", entry.answer)
    assert image.headers["X-Content-Type-Options"] == "nosniff"
    console.post(number, "pin")
    assert console.entry_at(console.post(number, "send")).answer == entry.answer


@pytest.mark.parametrize(
    "content", [b"<svg onload=alert(1)>", b"GIF", b"\xff\xd8", b"BM" + bytes(60)]
)
def test_file_that_is_not_a_known_image_is_not_served(console, content):
    response = {"contentType": "image/png", "base64": base64.b64encode(content).decode()}
    console.emulator.pins.add({"api": "wxacode.get", "response": response})
    number = console.call({"path": "pages/index"}, CODE)
    assert console.client.get(f"/_console/requests/{number}/answer").status_code == 404
    page = console.page(number)
    assert "<img" not in page
    assert f"{len(content)} bytes" in page


@pytest.mark.parametrize("definition", ["{", "[]", "{}", '{"api": "x", "response": 1}', "[" * 9999])
def test_wrong_pin_comes_back_with_the_mistake(console, definition):
    number = console.call(DAY)
    answer = console.post(number, "pin", definition=definition)
    assert answer.status_code == 400
    assert definition in unescape(answer.text)
    assert not console.emulator.pins.listed()


def test_answer_is_saved_as_a_recording_without_secrets(console):
    number = console.call({**DAY, "note": DEMO_SECRET})
    answer = console.post(number, "record")
    assert "tests/recordings" in unescape(console.client.get(answer.location).text)
    (file,) = Path("tests/recordings").rglob("*.yaml")
    assert DEMO_SECRET not in file.read_text()
    assert "emulator_" not in file.read_text()
    (found,) = load(file)
    assert (found.api, found.status, found.method) == (API, 200, "POST")
    assert found.response_body == console.emulator.journal_entry(number).answer
    assert "documented example" in found.origin


def test_recording_answers_in_replay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    console = Console(tmp_path / "functions", recordings="kept", mode="spy")
    console.emulator.modes.set("simulate")
    for params, path in ((DAY, DAILY), ({"path": "pages/index"}, CODE)):
        number = console.call(params, path)
        before = console.emulator.journal_entry(number)
        assert console.post(number, "record").status_code == 303
        console.emulator.modes.set("replay")
        after = console.entry_at(console.post(number, "send"))
        assert (after.status, after.answer) == (200, before.answer)
        assert after.check.startswith("recording")
        console.emulator.modes.set("simulate")


@pytest.mark.parametrize(
    "place",
    ["", " ", ".", "..", "../x", "/etc", "/tmp/x", "a/../../x", "link/x", "a\0b", "~/../.."],
)
def test_recording_does_not_leave_the_working_directory(console, place, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    Path("link").symlink_to(outside)
    number = console.call(DAY)
    answer = console.post(number, "record", place=place)
    if place == "~/../..":
        assert "below" in answer.text or answer.status_code == 303
        return
    assert answer.status_code == 400
    assert "below" in answer.text
    assert not list(outside.iterdir())
    assert sorted(each.name for each in Path().iterdir()) == ["functions", "link"]


def test_recording_where_a_file_is_in_the_way_is_an_error(console):
    Path("tests").write_text("a file")
    answer = console.post(console.call(DAY), "record")
    assert answer.status_code == 400
    assert "tests/recordings" in answer.text


def test_recording_of_a_file_that_is_no_cassette_is_an_error(console):
    Path("x.yaml").write_text("nothing: [")
    answer = console.post(console.call(DAY), "record", place="x.yaml")
    assert answer.status_code == 400
    assert Path("x.yaml").read_text() == "nothing: ["


def test_long_bodies_are_cut_and_not_copied(console):
    number = console.call({"note": "x" * 70_000})
    page = console.page(number)
    assert "first 64 KiB of the body" in page
    assert 'data-copy="curl"' not in page
    console.emulator.pins.add({"api": API, "force": True, "response": {"x": "y" * 5_000_000}})
    number = console.call(DAY)
    page = console.page(number)
    assert len(page) < 400_000
    assert "first 64 KiB of the answer" in page
    answer = console.client.post(
        f"/_console/requests/{number}/record",
        data={"token": form_of(page, f"/_console/requests/{number}/record")["token"], "place": "x"},
    )
    assert answer.status_code == 400
    assert not Path("x").exists()


HOSTILE = "</textarea></pre><script>alert(1)</script>\"'{{7*7}}\u202e"


def test_hostile_content_is_text(console):
    console.emulator.pins.add(
        {"api": API, "force": True, "response": {"errcode": 1, "errmsg": HOSTILE, HOSTILE: HOSTILE}}
    )
    numbers = [console.call({HOSTILE: HOSTILE, "b": {HOSTILE: [HOSTILE]}})]
    odd = (
        b"\xff\xfe\0<script>",
        b"[" * 30_000,
        b'{"a": "\\ud800"}',
        b"1" * 5000,
        b"{" + b" " * 99,
    )
    numbers += [console.call(data=data) for data in odd]
    console.client.post(f"/{HOSTILE}")
    numbers.append(console.emulator.journal.newest)
    for number in numbers:
        for headers in ({}, {"HX-Request": "true"}, {"Accept-Language": "zh"}):
            page = console.page(number, **headers)
            assert "<script>alert" not in page
            assert "<script>\n" not in page
            assert page.encode()


@pytest.mark.parametrize("data", [b'{"a": "\\ud800"}', b"\xff\xfe\0", b"[1, 2", b'{"a": 1e999}'])
def test_body_that_cannot_be_read_has_no_cloud_form_but_can_be_copied(console, data):
    page = console.page(console.call(data=data))
    assert ('id="call"' in page) == (data == b'{"a": "\\ud800"}')
    assert "--data" in text_at(page, "curl")


def test_parameters_that_were_not_read_are_said_to_be_lost(console):
    api = next(api for api in console.emulator.catalogue.values() if api.method == "GET")
    for token, lost in (("old", True), (token_of(console), False)):
        console.client.get(f"{api.path}?access_token={token}&offset=5")
        page = console.page(console.emulator.journal.newest)
        assert ("refused before they were read" in page) == lost


def test_answer_that_is_not_an_object_has_no_cloud_form(console):
    console.emulator.pins.add({"api": API, "force": True, "response": "text"})
    page = console.page(console.call(DAY))
    assert text_at(page, "https-answer") == '"text"'
    assert "not a whole JSON object" in page


def test_fragment_is_for_the_place_beside_the_list(console):
    number = console.call(TWO_DAYS)
    fragment = console.page(number, **{"HX-Request": "true"})
    assert "<!doctype" not in fragment
    assert "<h1>" not in fragment
    assert fragment.count("hx-boost") == fragment.count("<form")
    assert "hx-boost" not in console.page(number)


@pytest.mark.parametrize("action", ["", "/answer"])
@pytest.mark.parametrize("number", [0, 1, 99, 10**30])
def test_request_that_is_not_kept_is_not_found(console, number, action):
    answer = console.client.get(f"/_console/requests/{number}{action}")
    assert answer.status_code == 404


@pytest.mark.parametrize("action", ["send", "pin", "record", "remove"])
def test_action_needs_the_token_of_the_page(console, action):
    number = console.call(DAY)
    console.emulator.faults.add({"kind": "drop"})
    answer = console.client.post(f"/_console/requests/{number}/{action}", data={"form": "https"})
    assert answer.status_code == 403
    assert console.emulator.journal.newest == number
    assert len(console.emulator.faults.listed()) == 1
