"""The frame of the console: languages, token, origins, headers."""

import os
import re
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.console import application
from cloud_openapi.emulator.console.application import make_console
from cloud_openapi.periods import BEIJING

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


@pytest.fixture
def client():
    return create_app(Emulator()).test_client()


def token_in(client):
    return re.search(r'name="token" value="([^"]+)"', client.get("/_console/").text)[1]


@pytest.fixture
def pages(client):
    links = re.findall(r'<a href="(/_console/[^"]*)"', client.get("/_console/").text)
    assert len(set(links)) >= 7
    return sorted(set(links))


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_every_page_answers_in_both_languages(client, pages, headers):
    for page in pages:
        texts = []
        for language in ("en", "zh-CN,zh;q=0.9"):
            answer = client.get(page, headers={"Accept-Language": language, **headers})
            assert answer.status_code == 200, page
            assert ("<!doctype html>" in answer.text) == (not headers), page
            texts.append(answer.text)
        assert headers or 'lang="zh-CN"' in texts[1]


def test_browser_is_led_to_the_console_and_curl_is_not(client):
    browser = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (browser.status_code, browser.headers["Location"]) == (302, "/_console/")
    curl = client.get("/", headers={"Accept": "*/*"})
    assert curl.content_type.startswith("text/plain")


def test_headers_of_every_answer(client):
    for path in ("/_console/", "/_console/nothing", "/_console/static/console.css"):
        with client.get(path) as answer:
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_have_no_inline_script_or_style(client, pages):
    for page in pages:
        text = client.get(page).text
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|hx-on", text), page


@pytest.mark.parametrize("given", [{}, {"token": ""}, {"token": "old"}, {"token": "é"}])
def test_change_without_the_page_s_token_is_refused(client, given):
    answer = client.post("/_console/settings", data={"language": "zh", **given})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "load it again" in answer.text


def test_token_of_another_start_is_refused(client):
    other = token_in(create_app(Emulator()).test_client())
    data = {"language": "zh", "token": other}
    assert client.post("/_console/settings", data=data).status_code == 403


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_page_of_another_origin_can_neither_read_nor_change(client, method):
    data = {"language": "zh", "token": token_in(client)} if method == "POST" else None
    headers = {"Origin": "http://localhost:3000"}
    path = "/_console/settings" if method == "POST" else "/_console/"
    answer = client.open(path, method=method, data=data, headers=headers)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_language_and_theme_are_kept_and_lead_back_to_the_page(client):
    token = token_in(client)
    for setting, shown in (
        ({"language": "zh"}, 'lang="zh-CN"'),
        ({"theme": "dark"}, 'data-theme="dark"'),
    ):
        data = {**setting, "token": token, "next": "/requests?failed=1"}
        answer = client.post(
            "/_console/settings", data=data, headers={"Origin": "http://localhost"}
        )
        assert answer.status_code == 303
        assert answer.headers["Location"] == "/_console/requests?failed=1"
        assert shown in client.get("/_console/").text


@pytest.mark.parametrize(
    "place", ["//evil.example/", "/\\evil.example", "https://evil.example", "/a\r\nX: y"]
)
def test_settings_lead_to_no_other_site(client, place):
    data = {"theme": "dark", "token": token_in(client), "next": place}
    answer = client.post("/_console/settings", data=data)
    assert answer.headers["Location"] == "/_console/"


def test_unknown_page_is_a_page(client):
    answer = client.get("/_console/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_console_is_made_once_for_requests_at_once(monkeypatch):
    made = []

    def make(tools):
        made.append(tools)
        # Another request comes meanwhile.
        time.sleep(0.1)
        return make_console(tools)

    monkeypatch.setattr(application, "make_console", make)
    app = create_app(Emulator())
    with ThreadPoolExecutor(4) as pool:
        tokens = set(pool.map(lambda _: token_in(app.test_client()), range(4)))
    assert len(made) == len(tokens) == 1


@pytest.mark.parametrize("path", ["/中", "/recordings/留存.yaml", "/functions/%ED%A0%80"])
def test_address_of_any_characters_is_a_page(client, path):
    assert client.get(f"/_console{path}").status_code == 404


def test_form_that_is_too_large_is_refused_in_words(client):
    data = {"token": token_in(client), "event": "x" * 9_000_000}
    answer = client.post("/_console/settings", data=data)
    assert answer.status_code == 413
    assert "The form is larger" in answer.text


@pytest.mark.parametrize(
    ("mode", "method", "path", "status"),
    [
        ("navigate", "GET", "/_console/requests", 200),
        ("navigate", "POST", "/_console/settings", 403),
        ("cors", "GET", "/_console/requests", 403),
        ("navigate", "GET", "/_emulator/state", 403),
    ],
)
def test_link_of_another_site_opens_a_page_and_nothing_else(client, mode, method, path, status):
    headers = {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": mode,
        "Sec-Fetch-Dest": "document",
    }
    assert client.open(path, method=method, headers=headers).status_code == status


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Return the folder of the compiled templates, which is not made yet."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"_jinja2-cache-{os.getuid()}"


def test_templates_are_compiled_once_for_all_emulators_of_a_user(compiled):
    pages, written = [], []
    for _ in range(2):
        emulator = Emulator()
        emulator.clock.freeze(datetime(2026, 3, 9, 8, tzinfo=BEIJING))
        pages.append(without_token(create_app(emulator).test_client().get("/_console/").text))
        written.append([file.stat().st_mtime_ns for file in sorted(compiled.iterdir())])
    assert compiled.stat().st_mode & 0o077 == 0
    assert pages[0] == pages[1]
    assert written[0] == written[1] != []


def test_a_folder_of_another_user_is_not_used(client, compiled, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    compiled.symlink_to(tmp_path / "elsewhere")
    assert client.get("/_console/").status_code == 200
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_pages_do_without_compiled_templates_if_they_cannot_be_written(client, compiled):
    assert client.get("/_console/").status_code == 200
    shutil.rmtree(compiled)
    assert client.get("/_console/requests").status_code == 200
    assert not compiled.exists()


def without_token(page):
    return page.replace(re.search(r'name="token" value="([^"]+)"', page)[1], "")
