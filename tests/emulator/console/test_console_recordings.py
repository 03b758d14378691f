"""The pages of the recordings, and the mode that uses them."""

import html
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.paths import SAMPLES

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import Interaction, write

RETAIN = "analysis.getDailyRetain"
URI = "https://api.weixin.qq.com/datacube/getweanalysisappiddailyretaininfo?access_token=x"
GOOD = {"ref_date": "20170313", "visit_uv_new": [{"key": 0, "value": 5}], "visit_uv": []}
NOW = datetime.now(BEIJING)


def interaction(answer, days=3, day="20170313", **fields):
    body = json.dumps({"begin_date": day, "end_date": day}).encode()
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    defaults = {
        "api": RETAIN,
        "method": "POST",
        "uri": URI,
        "request_headers": {"Content-Type": ["application/json"]},
        "request_body": body,
        "status": 200,
        "reason": "OK",
        "response_headers": {},
        "response_body": content,
        "recorded_at": NOW - timedelta(days=days),
        "origin": "https://api.weixin.qq.com",
    }
    return Interaction(**{**defaults, **fields})


class Pages:
    """A client of the console, and the emulator behind it."""

    def __init__(self, **settings):
        self.emulator = Emulator(**settings)
        self.client = create_app(self.emulator).test_client()

    def get(self, path="/recordings", status=200, **headers):
        answer = self.client.get("/_console" + path, headers=headers)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def post(self, path, status=303, **data):
        token = re.search(r'name="token" value="([^"]+)"', self.get())[1]
        answer = self.client.post(f"/_console{path}", data={"token": token, **data})
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a good cassette, one that violates the schemas, and a broken one."""
    folder = tmp_path / "recordings"
    write(
        folder / "good.yaml",
        [
            interaction(GOOD),
            interaction(
                {"errcode": 61503, "errmsg": "data not ready, please try later hint: [a]"}, days=1
            ),
        ],
    )
    bad = {**GOOD, "visit_uv_new": "five", "more": 1}
    write(folder / "deeper" / "bad.json", [interaction(GOOD), interaction(bad, day="20170314")])
    (folder / "broken.yaml").write_text("interactions: [}")
    return folder


@pytest.fixture
def pages(folder):
    return Pages(recordings=folder)


def rows_in(page):
    """Return the texts of the cells by the name of the cassette."""
    found = {}
    for row in re.findall(r"<tr>\s*(.*?)</tr>", page, re.DOTALL):
        link = re.search(r'<a href="/_console/recordings/([^"?]+)"', row)
        if link:
            cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
            found[link[1]] = [
                re.sub(r"\s+", " ", re.sub("<[^>]*>", "", each)).strip() for each in cells
            ]
    return found


def test_without_a_folder_the_page_says_how_to_record():
    page = Pages().get()
    assert "was started without a folder of recordings" in page
    assert "cloud-openapi record analysis.getDailyRetain --dates" in page
    assert "--mode replay --recordings recordings" in page
    assert page.count("disabled") == 3


@pytest.mark.slow
def test_empty_or_missing_folder_is_named_in_the_commands(tmp_path):
    for place in (tmp_path / "new folder", tmp_path):
        page = Pages(recordings=place).get()
        assert "There are no recordings yet." in page
        assert str(place) in page
    assert f"--to '{tmp_path / 'new folder'}'" in Pages(recordings=tmp_path / "new folder").get()


def test_list_says_what_each_cassette_holds_and_how_old_it_is(pages):
    rows = rows_in(pages.get())
    assert list(rows) == ["broken.yaml", "deeper/bad.json", "good.yaml"]
    newest = (NOW - timedelta(days=1)).date()
    assert rows["good.yaml"][1:] == [RETAIN, "2", f"{newest} 1 day ago", "not yet"]
    assert rows["deeper/bad.json"][3].endswith("3 days ago")
    assert rows["broken.yaml"][1].startswith("unusable")
    assert "3 天前" in pages.get(**{"Accept-Language": "zh-CN"})


def test_changed_cassette_is_read_again(pages, folder):
    pages.get()
    write(folder / "good.yaml", [interaction(GOOD)] * 3)
    assert rows_in(pages.get())["good.yaml"][2] == "3"
    (folder / "good.yaml").unlink()
    assert "good.yaml" not in rows_in(pages.get())


@pytest.mark.parametrize(("text", "found"), [("bad", 1), ("getdailyretain", 2), ("nothing", 0)])
def test_list_is_searched_by_file_and_api(pages, text, found):
    page = pages.get(f"/recordings?q={text}")
    assert len(rows_in(page)) == found
    assert ("No cassette matches." in page) == (found == 0)


def test_long_list_has_pages(tmp_path):
    for number in range(101):
        write(tmp_path / f"{number:03}.json", [interaction(GOOD)])
    pages = Pages(recordings=tmp_path)
    assert len(rows_in(pages.get())) == 100
    assert list(rows_in(pages.get("/recordings?page=2"))) == ["100.json"]
    assert 'href="/_console/recordings?page=2">Next<' in pages.get()
    assert rows_in(pages.get("/recordings?page=-1")) == rows_in(pages.get())


@pytest.mark.slow
def test_verification_finds_violations_and_drift(pages):
    pages.post("/recordings/check")
    page = pages.get()
    rows = rows_in(page)
    assert rows["good.yaml"][-1] == "fits"
    assert rows["deeper/bad.json"][-1].endswith("findings")
    assert rows["broken.yaml"][-1] == "unusable"
    assert "What drifted from the catalogue" in page
    assert re.search(r"<code>\$\.more</code></td><td>a new field, integer", page)
    cassette = pages.get("/recordings/deeper/bad.json")
    assert "<td>HTTPS form</td><td><code>$.visit_uv_new</code></td>" in cassette
    assert 'response: expected array, got "five"' in cassette
    assert '响应：应为 array，实际为 "five"' in pages.get(
        "/recordings/deeper/bad.json", **{"Accept-Language": "zh"}
    )
    assert "expected array" in pages.get("/recordings/deeper/bad.json?interaction=2")
    assert "expected array" not in pages.get("/recordings/deeper/bad.json?interaction=1")


@pytest.mark.slow
def test_one_cassette_is_verified_and_outdated_by_a_change(pages, folder):
    pages.post("/recordings/good.yaml")
    page = pages.get("/recordings/good.yaml")
    assert "fits" in page
    assert "Nothing: the catalogue accepts every answer." in page
    rows = rows_in(pages.get())
    assert (rows["good.yaml"][-1], rows["deeper/bad.json"][-1]) == ("fits", "not yet")
    write(folder / "good.yaml", [interaction(GOOD)])
    assert rows_in(pages.get())["good.yaml"][-1] == "changed since"


@pytest.mark.slow
def test_cassette_that_cannot_be_verified_says_why(pages, folder):
    assert "broken.yaml" in pages.post("/recordings/broken.yaml", 400)
    strangers = [interaction({}, uri="https://api.weixin.qq.com/other?x=1", api=None)]
    write(folder / "other.yaml", strangers)
    assert "no recording is of an API" in pages.post("/recordings/other.yaml", 400)


def test_interaction_is_shown_in_both_forms_without_secrets(pages):
    page = pages.get("/recordings/good.yaml?interaction=1")
    assert "access_token=REDACTED" in page
    assert '"visit_uv_new"' in page
    assert '"visitUvNew"' in page
    assert f"openapi.{RETAIN}:ok" in page
    assert '"begin_date": "20170313"' in page
    error = pages.get("/recordings/good.yaml?interaction=2")
    assert '<span class="badge bad">61503</span>' in error


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/nothing.yaml",
        "/recordings/good.yaml?interaction=0",
        "/recordings/good.yaml?interaction=3",
        "/recordings/..%2F..%2Fetc%2Fpasswd",
    ],
)
def test_what_is_not_in_the_folder_is_not_found(pages, path):
    assert "root:" not in pages.get(path, 404)


def test_hostile_content_is_escaped(tmp_path):
    hostile = "<script>alert(1)</script>"
    answer = {"errcode": 1, "errmsg": hostile}
    write(
        tmp_path / "<img src=x onerror=alert(1)>.yaml",
        [
            interaction(answer, origin=hostile),
            interaction(hostile.encode() + b"\xff\x00", status=502, reason=hostile),
        ],
    )
    client = create_app(Emulator(recordings=tmp_path)).test_client()
    name = "%3Cimg%20src=x%20onerror=alert(1)%3E.yaml"
    for path in ("", f"/{name}", f"/{name}?interaction=1", f"/{name}?interaction=2"):
        answer = client.get(f"/_console/recordings{path}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text


def test_large_body_is_cut(tmp_path):
    write(tmp_path / "large.json", [interaction({"list": ["x" * 200_000]})])
    page = Pages(recordings=tmp_path).get("/recordings/large.json?interaction=1")
    assert len(page) < 200_000
    assert "The beginning of 200014 bytes." in page


@pytest.mark.slow
def test_single_cassette_is_a_place_too(folder):
    pages = Pages(recordings=folder / "good.yaml")
    assert list(rows_in(pages.get())) == ["good.yaml"]
    pages.post("/recordings/check")
    assert rows_in(pages.get())["good.yaml"][-1] == "fits"


@pytest.mark.parametrize("mode", ["replay", "spy", "simulate"])
def test_mode_is_changed(pages, folder, mode):
    (folder / "broken.yaml").unlink()
    pages.post("/recordings/mode", mode=mode)
    assert pages.emulator.modes.mode == mode
    assert re.search(rf'value="{mode}" checked', pages.get())


@pytest.mark.parametrize(
    ("mode", "said"),
    [("replay", "broken.yaml"), ("record", "CLOUD_OPENAPI_APPID"), ("strange", "mode is one of")],
)
def test_mode_that_cannot_be_had_changes_nothing(pages, mode, said):
    assert said in pages.post("/recordings/mode", 400, mode=mode)
    assert pages.emulator.modes.mode == "simulate"


def test_samples_of_the_project_are_shown():
    pages = Pages(recordings=SAMPLES / "cassettes")
    assert len(rows_in(pages.get())) == len(list(Path(SAMPLES / "cassettes").glob("*.yaml")))
