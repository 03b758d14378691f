"""The pages of cloud storage: folders, one file, uploads, deletion and reset."""

import html
import io
import re
from datetime import datetime
from urllib.parse import quote, urlsplit

import pytest

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.storage import files as files_module
from cloud_openapi.periods import BEIJING

NOW = datetime(2026, 3, 9, 8, tzinfo=BEIJING)
FILES = {
    "readme.txt": b"hello <script>",
    "images/a.png": b"\x89PNG",
    "images/2026/b c.png": b"\x89PNG",
    "sound.mp3": b"ID3",
    "film.mp4": b"\0",
    "page.html": b"<script>alert(1)</script>",
    "backup.bin": b"\0" * 3000,
}


class Pages:
    """A client of the console, and the emulator behind it."""

    def __init__(self, **settings):
        self.emulator = Emulator(**settings)
        self.emulator.clock.freeze(NOW)
        self.client = create_app(self.emulator).test_client()
        self.files = self.emulator.program(self.emulator.first_appid).storage.files

    def get(self, path="/storage", status=200, **headers):
        answer = self.client.get("/_console" + quote(path, safe="/?&=%"), headers=headers)
        assert answer.status_code == status, answer.text
        return html.unescape(answer.text)

    def post(self, route, status=303, **data):
        token = re.search(r'name="token" value="([^"]+)"', self.get())[1]
        answer = self.client.post(f"/_console{route}", data={"token": token, **data})
        assert answer.status_code == status, answer.text
        return answer.headers.get("Location") or html.unescape(answer.text)

    def content(self, path):
        return self.client.get(f"/_console/storage/content/{quote(path)}", buffered=True)

    @property
    def paths(self):
        return [path for path, _file in self.files.listed()]


@pytest.fixture
def pages():
    pages = Pages()
    for path, content in FILES.items():
        pages.files.write(path, [content], NOW)
    return pages


def rows_in(page):
    """Return the texts of the cells of each row."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [re.sub("<[^>]*>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row)]
        for row in rows
    ]


def test_page_without_files_says_where_they_come_from():
    page = Pages().get()
    assert "cloud.uploadFile" in page
    assert "storage/ beside the functions" in page
    assert "云函数目录旁边的 storage/" in Pages().get(**{"Accept-Language": "zh-CN"})


def test_files_are_shown_by_folders(pages):
    assert rows_in(pages.get()) == [
        ["images/ 2", "8 bytes", ""],
        ["backup.bin", "2.9 KiB", "2026-03-09 08:00:00"],
        ["film.mp4", "1 bytes", "2026-03-09 08:00:00"],
        ["page.html", "25 bytes", "2026-03-09 08:00:00"],
        ["readme.txt", "14 bytes", "2026-03-09 08:00:00"],
        ["sound.mp3", "3 bytes", "2026-03-09 08:00:00"],
    ]
    below = pages.get("/storage?folder=images")
    assert [row[0] for row in rows_in(below)] == ["2026/ 1", "a.png"]
    assert [row[0] for row in rows_in(pages.get("/storage?folder=images/2026"))] == ["b c.png"]
    assert "There are no files yet." in pages.get("/storage?folder=image")


def test_files_are_found_by_a_part_of_the_path(pages):
    found = rows_in(pages.get("/storage?q=PNG"))
    assert [row[0] for row in found] == ["images/2026/b c.png", "images/a.png"]
    assert "No path has this text." in pages.get("/storage?q=missing")


def test_long_lists_have_pages(pages):
    for number in range(205):
        pages.files.write(f"many/{number:03}", [b""], NOW)
    first, last = pages.get("/storage?folder=many"), pages.get("/storage?folder=many&page=3")
    assert (len(rows_in(first)), len(rows_in(last))) == (100, 5)
    assert "1 / 3" in first
    (following,) = re.findall(r'href="/_console(\S+)">Next<', first)
    assert rows_in(pages.get(following))[0][0] == "100"
    assert rows_in(last)[-1][0] == "204"


def test_one_file_has_a_preview_its_id_and_a_url(pages):
    page = pages.get("/storage/files/images/2026/b c.png")
    assert '<img src="/_console/storage/content/images/2026/b%20c.png"' in page
    assert "cloud://local.6c6f-local-1250000000/images/2026/b c.png" in page
    url = re.search(r'id="url"[^>]*>([^<]*)<', page)[1]
    assert url.startswith("http://localhost/storage/")
    parts = urlsplit(url)
    got = pages.client.get(f"{quote(parts.path)}?{parts.query}", buffered=True)
    assert got.data == FILES["images/2026/b c.png"]
    assert "<audio" in pages.get("/storage/files/sound.mp3")
    assert "<video" in pages.get("/storage/files/film.mp4")
    assert ">hello <script></pre>" in pages.get("/storage/files/readme.txt")
    assert "cannot show this file" in pages.get("/storage/files/backup.bin")
    assert "<script>alert(1)</script></pre>" in pages.get("/storage/files/page.html")


def test_long_text_is_cut(pages):
    pages.files.write("long.txt", [b"x" * 70_000], NOW)
    page = pages.get("/storage/files/long.txt")
    assert "The first 64 KiB are shown." in page
    assert "x" * 65_536 in page
    assert "x" * 65_537 not in page


def test_content_is_sent_without_anything_that_could_run(pages):
    for path, content in FILES.items():
        answer = pages.content(path)
        assert answer.data == content
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert pages.content("missing").status_code == 404
    policy = pages.client.get("/_console/storage").headers["Content-Security-Policy"]
    assert "media-src 'self'" in policy
    assert len(pages.emulator.journal) == 0


def test_files_are_uploaded(pages):
    given = [(io.BytesIO(b"1"), "一.txt"), (io.BytesIO(b"22"), "b.txt")]
    place = pages.post("/storage", file=given, folder="/new/folder/")
    assert place == "/_console/storage?folder=new/folder"
    assert pages.files.get("new/folder/一.txt").size == 1
    assert pages.files.get("new/folder/b.txt").content.read_bytes() == b"22"
    assert "Uploaded: new/folder/一.txt and 1 more" in pages.get()


def test_a_file_that_is_larger_than_other_forms_is_uploaded(pages):
    token = re.search(r'name="token" value="([^"]+)"', pages.get())[1]
    fields = {"token": token, 'file"; filename="large': "x" * 9_000_000}
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    kind = "multipart/form-data; boundary=b"
    answer = pages.client.post("/_console/storage", data=f"{body}--b--", content_type=kind)
    assert answer.status_code == 303
    assert pages.files.get("large").size == 9_000_000


def test_refused_uploads_say_why_and_write_nothing(pages, monkeypatch):
    before = pages.paths
    for file, folder, why in [
        ((io.BytesIO(b""), ""), "", "choose a file first"),
        ((io.BytesIO(b"x"), "a"), "..", "segment . or .."),
        ((io.BytesIO(b"x"), "../../a"), "", "segment . or .."),
        ((io.BytesIO(b"x"), "a" * 851), "", "851 bytes"),
    ]:
        page = pages.post("/storage", 400, file=file, folder=folder)
        assert why in re.search(r'role="alert">([^<]*)<', page)[1]
    both = [(io.BytesIO(b"1"), "good"), (io.BytesIO(b"2"), "../bad")]
    pages.post("/storage", 400, file=both, folder="")
    monkeypatch.setattr(files_module, "LARGEST", 3)
    pages.post("/storage", 400, file=(io.BytesIO(b"1234"), "large"), folder="")
    assert pages.paths == before


def test_a_large_form_of_another_page_is_still_refused(pages):
    page = pages.post("/storage/remove", 413, path="x" * 9_000_000)
    assert "larger than it may be" in page


def test_a_file_is_deleted(pages):
    assert pages.post("/storage/remove", path="images/a.png") == "/_console/storage?folder=images"
    assert "images/a.png" not in pages.paths
    assert "Deleted: images/a.png" in pages.get()
    pages.post("/storage/remove", 404, path="images/a.png")
    pages.get("/storage/files/images/a.png", 404)


def test_a_reset_is_confirmed_and_brings_back_the_seed(tmp_path):
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "seed.txt").write_bytes(b"seed")
    pages = Pages(seeds=tmp_path)
    pages.files.write("new", [b""], NOW)
    pages.files.remove("seed.txt")
    assert "all others are removed" in pages.get("/storage/reset")
    assert pages.paths == ["new"]
    pages.post("/storage/reset")
    assert pages.paths == ["seed.txt"]


def test_changes_need_the_token_of_the_page(pages):
    for path, data in [
        ("/storage", {"file": (io.BytesIO(b"x"), "a")}),
        ("/storage/remove", {"path": "readme.txt"}),
        ("/storage/reset", {}),
    ]:
        assert pages.client.post(f"/_console{path}", data=data).status_code == 403
    assert pages.paths == sorted(FILES)


def test_each_mini_program_has_its_page():
    pages = Pages(apps={"wx-1": "a", "wx-2": "b"})
    pages.emulator.program("wx-2").storage.files.write("b/two", [b"2"], NOW)
    assert "There are no files yet." in pages.get()
    page = pages.get("/storage?appid=wx-2")
    assert "<option selected>wx-2</option>" in page
    assert "folder=b&appid=wx-2" in page
    assert "content/b/two?appid=wx-2" in pages.get("/storage/files/b/two?appid=wx-2")
    place = pages.post("/storage/remove", path="b/two", appid="wx-2")
    assert place == "/_console/storage?folder=b&appid=wx-2"
    pages.get("/storage?appid=unknown", 400)
