"""The routes below /_emulator/storage."""

from datetime import datetime
from urllib.parse import quote

import pytest

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.storage import files as files_module
from cloud_openapi.periods import BEIJING

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
FILES = "/_emulator/storage/files/"


@pytest.fixture
def emulator(tmp_path):
    (tmp_path / "storage" / "images").mkdir(parents=True)
    (tmp_path / "storage" / "images" / "a.png").write_bytes(b"seeded")
    emulator = Emulator(apps={"wx-1": "a", "wx-2": "b"}, seeds=tmp_path)
    emulator.clock.freeze(NOW)
    return emulator


@pytest.fixture
def client(emulator):
    return create_app(emulator).test_client()


def get(client, path, **headers):
    return client.get(FILES + path, headers=headers, buffered=True)


def listed(client, query=""):
    page = client.get(f"/_emulator/storage{query}").json
    return [file["path"] for file in page["files"]], page["total"]


def test_files_are_listed_read_written_removed_and_reset(client):
    assert listed(client) == (["images/a.png"], 1)
    path = "图 片/b?.txt"
    answer = client.put(FILES + quote(path), data=b"x" * 7_000_000)
    assert answer.status_code == 201
    assert answer.json == {
        "path": path,
        "size": 7_000_000,
        "modified": "2026-03-11T12:00:00+08:00",
        "type": "text/plain",
        "fileID": f"cloud://local.6c6f-local-1250000000/{path}",
    }
    assert listed(client) == (["images/a.png", path], 2)
    assert get(client, quote(path)).data == b"x" * 7_000_000
    assert get(client, "images/a.png").data == b"seeded"
    assert get(client, "images/a.png", Range="bytes=1-2").data == b"ee"
    assert client.delete(FILES + "images/a.png").json == {"removed": "images/a.png"}
    assert listed(client) == ([path], 1)
    assert client.post("/_emulator/storage/reset").json == {"total": 1}
    assert listed(client) == (["images/a.png"], 1)


def test_lists_have_prefixes_and_pages(client):
    for number in range(5):
        client.put(f"{FILES}many/{number}", data=b"")
    assert listed(client, "?prefix=many/&limit=2") == (["many/0", "many/1"], 5)
    assert listed(client, "?prefix=many/&limit=2&after=many/1") == (["many/2", "many/3"], 5)
    assert listed(client, "?prefix=missing") == ([], 0)


def test_each_mini_program_has_its_files(client):
    client.put(f"{FILES}b?appid=wx-2", data=b"b")
    assert listed(client, "?appid=wx-2") == (["b", "images/a.png"], 2)
    assert listed(client) == (["images/a.png"], 1)


def test_invalid_requests_are_refused_and_change_nothing(client, monkeypatch):
    def refused(response):
        return response.status_code, response.json["code"]

    assert refused(get(client, "missing")) == (404, "NOT_FOUND")
    assert refused(client.delete(f"{FILES}missing")) == (404, "NOT_FOUND")
    for path in ["%2e%2e/a", "a%2f%2e%2e%2fb", "a%00", "a%5c..%5cb", "x" * 851]:
        assert refused(client.put(FILES + path, data=b"")) == (400, "INVALID_REQUEST")
        assert refused(get(client, path)) == (404, "NOT_FOUND")
    assert refused(get(client, "images/a.png", Range="bytes=99-")) == (416, "InvalidRange")
    for query in ("?appid=other", "?limit=-1", "?limit=x", "?other=1"):
        assert refused(client.get(f"/_emulator/storage{query}")) == (400, "INVALID_REQUEST")
    monkeypatch.setattr(files_module, "LARGEST", 3)
    assert refused(client.put(f"{FILES}large", data=b"1234")) == (400, "INVALID_REQUEST")
    monkeypatch.setattr(files_module.Files, "write", full)
    assert refused(client.put(f"{FILES}a", data=b"1")) == (500, "DISK_ERROR")
    assert listed(client) == (["images/a.png"], 1)


def full(*_arguments):
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error_that_changes_nothing(tmp_path):
    emulator = Emulator(data=tmp_path)
    client = create_app(emulator).test_client()
    assert client.put(FILES + "a.txt", data=b"former").status_code == 201
    files = emulator.program(emulator.first_appid).storage.files
    (pages,) = files._kept._database.execute("pragma page_count").fetchone()
    files._kept._database.execute(f"pragma max_page_count = {pages}")
    full = {"code": "DISK_ERROR", "message": "disk: database or disk is full"}
    for number in range(100):
        path = f"{number}/{'x' * 800}"
        answer = client.put(FILES + path, data=b"x")
        if answer.status_code != 201:
            break
    assert (answer.status_code, answer.json) == (500, full)
    assert files.get(path) is None
    assert get(client, "a.txt").data == b"former"
    assert len(list(files._kept.folder.iterdir())) == len(files.listed())
    files.close()


def test_a_folder_that_cannot_be_written_keeps_its_files(tmp_path):
    emulator = Emulator(data=tmp_path)
    client = create_app(emulator).test_client()
    client.put(FILES + "a.txt", data=b"former")
    files = emulator.program(emulator.first_appid).storage.files
    files._kept._database.execute("pragma query_only = on")
    for answer in (
        client.post("/_emulator/storage/reset"),
        client.delete(FILES + "a.txt"),
        client.put(FILES + "a.txt", data=b"new"),
    ):
        assert (answer.status_code, answer.json["code"]) == (500, "DISK_ERROR")
        assert "readonly" in answer.json["message"]
    assert get(client, "a.txt").data == b"former"
    files.close()
