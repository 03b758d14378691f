"""Cloud storage over HTTP: COS's uploads, signed downloads, and what is refused."""

import json
import re
from datetime import timedelta
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.cloudbase import storage_form, storage_http
from cloud_openapi.emulator.storage import files as files_module

KEYS = ["Code", "Message", "Resource", "RequestId", "TraceId"]


class Client:
    """A client of the gateway and of the files, without a socket."""

    def __init__(self, **settings):
        self.emulator = Emulator(**settings)
        self.http = create_app(self.emulator).test_client()
        self.program = self.emulator.program(self.emulator.first_appid)
        self.files = self.program.storage.files

    def act(self, action, **fields):
        return self.http.post("/admin", json={"action": f"storage.{action}", **fields}).json

    def metadata(self, path):
        return self.act("getUploadMetadata", path=path)["data"]

    def put(self, data, content, **headers):
        given = {
            "authorization": data["authorization"],
            "x-cos-security-token": data["token"],
            **headers,
        }
        return self.http.put(urlsplit(data["url"]).path, data=content, headers=given)

    def post(self, data, key, content, **changed):
        fields = {
            "Signature": data["authorization"],
            "x-cos-security-token": data["token"],
            "x-cos-meta-fileid": data["cosFileId"],
            "key": key,
            **changed,
        }
        parts = "".join(
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head = '--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
        body = (parts + head).encode() + content + b"\r\n--b--\r\n"
        return self.send(data, body)

    def send(self, data, body, kind="multipart/form-data; boundary=b"):
        return self.http.post(urlsplit(data["url"]).path, data=body, content_type=kind)

    def url(self, path, **fields):
        fileid = f"cloud://e.b/{path}"
        found = self.act("batchGetDownloadUrl", file_list=[{"fileid": fileid, **fields}])
        return found["data"]["download_list"][0]["tempFileURL"]

    def get(self, url, **headers):
        parts = urlsplit(url)
        return self.open(f"{quote(parts.path)}?{parts.query}", headers=headers)

    def open(self, target, method="GET", headers=None):
        """Send a request, and close the file that the answer is read from."""
        return self.http.open(target, method=method, headers=headers, buffered=True)

    def write(self, path, content=b"content"):
        self.files.write(path, [content], self.program.clock.now())

    @property
    def last(self):
        return list(self.emulator.journal)[-1]


@pytest.fixture
def client():
    return Client()


def error(response):
    """Return status, code and message of COS's XML."""
    assert response.content_type == "application/xml"
    parsed = ET.fromstring(response.data)
    assert (parsed.tag, [each.tag for each in parsed]) == ("Error", KEYS)
    assert all(each.text for each in parsed)
    return response.status_code, parsed[0].text, parsed[1].text


def test_both_forms_of_upload_store_the_bytes(client):
    content = bytes(range(256)) * 3000 + b"\r\n--bb\r\n--\n\r\n-"
    for number, path in enumerate(["图 片/a.png", "x", "50%.txt"]):
        put = client.put(client.metadata(path), content)
        assert (put.status_code, put.data) == (200, b"")
        assert client.files.get(path).content.read_bytes() == content
        post = client.post(client.metadata(path), path, content + bytes([number]))
        assert (post.status_code, post.data) == (204, b"")
        assert client.files.get(path).content.read_bytes() == content + bytes([number])
        assert client.get(client.url(path)).data == content + bytes([number])


def test_metadata_is_signed_and_its_header_is_ascii(client):
    data = client.metadata("图.png")
    assert data.keys() == {"url", "token", "authorization", "fileId", "cosFileId"}
    assert data["fileId"] == "cloud://local.6c6f-local-1250000000/图.png"
    assert data["cosFileId"].isascii()
    assert re.fullmatch(r"http://localhost/storage/[\w-]{8}/%E5%9B%BE\.png", data["url"])
    other = client.act("getUploadMetadata", path="a", envName="prod-1")["data"]
    assert other["fileId"] == "cloud://prod-1.7072-prod-1-1250000000/a"


def test_url_leads_to_the_emulator_for_clients_that_a_proxy_led_there(client):
    fields = {"action": "storage.getUploadMetadata", "path": "a"}
    for host, expected in [
        ("tcb-open.tencentcloudapi.com", "http://127.0.0.1:80/"),
        ("tcb-admin.tencentyun.com", "http://127.0.0.1:80/"),
        ("127.0.0.1:7070", "http://127.0.0.1:7070/"),
        ("[::1]:7070", "http://[::1]:7070/"),
    ]:
        answer = client.http.post("/admin", json=fields, headers={"Host": host}).json
        assert answer["data"]["url"].startswith(expected)


def test_url_of_a_download_is_not_encoded_except_what_would_end_the_path(client):
    client.write("图 片/a?b#c%d.png")
    url = client.url("图 片/a?b#c%d.png")
    assert "/图 片/a%3Fb%23c%25d.png?sign=" in url
    # As SDKs do, which encode it once more.
    assert client.get(url).data == b"content"
    path, _, query = url.partition("?")
    assert client.open(f"{urlsplit(path).path}?{query}").data == b"content"


def test_urls_expire_by_the_emulators_clock(client):
    client.write("a")
    short, usual, longest = (
        client.url("a", max_age=60),
        client.url("a"),
        client.url("a", max_age=1e9),
    )
    upload = client.metadata("b")
    client.emulator.clock.advance(59)
    assert [client.get(each).status_code for each in (short, usual, longest)] == [200, 200, 200]
    client.emulator.clock.advance(2)
    assert error(client.get(short)) == (403, "AccessDenied", "Request has expired.")
    assert "expired by the emulator's clock" in client.last.reason
    client.emulator.clock.advance(1800)
    assert error(client.put(upload, b"x")) == (403, "AccessDenied", "Request has expired.")
    client.emulator.clock.advance(timedelta(days=1))
    for each in (usual, longest):
        assert error(client.get(each))[2] == "Request has expired."
    assert client.files.get("b") is None


def test_forged_urls_are_refused(client):
    client.write("a")
    client.write("secret")
    path, _, query = client.url("a").partition("?")
    base, other = path.rpartition("/")[0], client.url("secret").partition("?")[2]
    sign = query.partition("&")[0]
    mismatch = "SignatureDoesNotMatch"
    for forged, code in [
        (path, "AccessDenied"),
        (f"{path}?{sign}", "AccessDenied"),
        (f"{path}?sign=&t=1", "AccessDenied"),
        (f"{path}?{other}", mismatch),
        (f"{base}/secret?{query}", mismatch),
        (f"{path}?{query}0", mismatch),
        (f"{path}?sign={'0' * 32}&t=9999999999", mismatch),
        (f"{base}/%2e%2e/secret?{query}", mismatch),
        (f"{base}/a%00?{query}", mismatch),
        (f"{base}/..%5csecret?{query}", mismatch),
        (f"{base}/%ff?{query}", mismatch),
    ]:
        assert error(client.open(urlsplit(forged).path + "?" + urlsplit(forged).query))[1] == code
    stranger = re.sub("/storage/[^/]*/", "/storage/AAAAAAAA/", path)
    assert error(client.open(f"{urlsplit(stranger).path}?{query}"))[1] == "NoSuchBucket"
    assert client.get(client.url("secret")).status_code == 200


def test_a_url_of_one_mini_program_does_not_open_anothers_file():
    client = Client(apps={"wx-1": "a", "wx-2": "b"})
    client.write("a")
    mine = urlsplit(client.url("a"))
    client.emulator.first_appid = "wx-2"
    client.emulator.program("wx-2").storage.files.write("a", [b"other"], client.program.clock.now())
    others = urlsplit(client.url("a"))
    assert client.open(f"{mine.path}?{mine.query}").data == b"content"
    assert client.open(f"{others.path}?{others.query}").data == b"other"
    assert error(client.open(f"{others.path}?{mine.query}"))[1] == "SignatureDoesNotMatch"


def test_uploads_without_the_right_permission_are_refused(client):
    data, other = client.metadata("a"), client.metadata("b")
    for given, code in [
        ({**data, "authorization": ""}, "AccessDenied"),
        ({**data, "authorization": "x"}, "SignatureDoesNotMatch"),
        ({**data, "authorization": other["authorization"]}, "SignatureDoesNotMatch"),
        ({**data, "token": ""}, "InvalidAccessKeyId"),
        ({**data, "token": other["token"]}, "InvalidAccessKeyId"),
    ]:
        assert error(client.put(given, b"x"))[:2] == (403, code)
        assert error(client.post(given, "a", b"x"))[:2] == (403, code)
        assert client.last.reason.startswith("a: send the token and the authorization")
    assert error(client.post(data, "b", b"x"))[1] == "AccessDenied"
    assert client.files.listed() == []


def test_invalid_forms_are_refused(client, monkeypatch):
    data = client.metadata("a")
    whole = client.post
    parts = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    fields = b"".join(
        parts % (name.encode(), value.encode())
        for name, value in {
            "key": "a",
            "Signature": data["authorization"],
            "x-cos-security-token": data["token"],
        }.items()
    )
    file = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx'
    for body, kind in [
        (b"", "multipart/form-data; boundary=b"),
        (b"x", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary=\xff".encode("latin-1").decode("latin-1")),
        (b"{}", "application/json"),
        (fields, "multipart/form-data; boundary=b"),
        (fields + b"--b--", "multipart/form-data; boundary=b"),
        (fields + file, "multipart/form-data; boundary=b"),
        (parts % (b"key", b"a" * 9000), "multipart/form-data; boundary=b"),
        (b"--b\r\n" + b"x" * 2**21, "multipart/form-data; boundary=b"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"),
        (parts % (b"a", b"b") * 30 + file, "multipart/form-data; boundary=b"),
    ]:
        status, code, _message = error(client.send(data, body, kind))
        assert (status, code) == (400, "MalformedPOSTRequest"), body[:50]
        assert client.last.reason.startswith("the upload's form: ")
    assert client.files.listed() == []
    assert whole(data, "a", b"x").status_code == 204
    assert storage_form.PIECE < 2**20


def test_files_that_are_too_large_are_refused(client, monkeypatch):
    data = client.metadata("a")
    monkeypatch.setattr(storage_http, "LARGEST", 10)
    assert error(client.put(data, b"x" * 11))[:2] == (400, "EntityTooLarge")
    monkeypatch.setattr(files_module, "LARGEST", 10)
    assert error(client.post(data, "a", b"x" * 11))[:2] == (400, "EntityTooLarge")
    assert client.put(data, b"x" * 10).status_code == 200
    assert client.files.get("a").size == 10


def test_a_full_disk_is_an_error_that_loses_nothing(client, monkeypatch):
    client.write("a", b"former")
    data = client.metadata("a")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_module.Files, "write", full)
    assert error(client.put(data, b"x")) == (
        500,
        "InternalError",
        "cloud storage: No space left on device",
    )
    monkeypatch.setattr(files_module.Files, "remove", full)
    answer = client.act("batchDeleteFile", fileid_list=["cloud://e.b/a"])
    assert (answer["code"], answer["message"]) == (
        "STORAGE_REQUEST_FAIL",
        "cloud storage: No space left on device",
    )
    assert client.files.get("a").content.read_bytes() == b"former"


def test_a_file_that_was_removed_after_its_url_was_made_is_missing(client):
    client.write("a")
    url = client.url("a")
    client.act("batchDeleteFile", fileid_list=["cloud://e.b/a"])
    assert error(client.get(url))[:2] == (404, "NoSuchKey")
    client.write("b")
    client.files.get("b").content.unlink()
    assert error(client.get(client.url("b")))[:2] == (404, "NoSuchKey")


def test_downloads_have_types_ranges_and_validators(client):
    client.write("a.mp4", b"0123456789")
    url = client.url("a.mp4")
    whole = client.get(url)
    assert (whole.content_type, whole.content_length) == ("video/mp4", 10)
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    part = client.get(url, Range="bytes=2-4")
    assert (part.status_code, part.data) == (206, b"234")
    assert part.headers["Content-Range"] == "bytes 2-4/10"
    assert error(client.get(url, Range="bytes=20-"))[:2] == (416, "InvalidRange")
    assert client.get(url, **{"If-None-Match": whole.headers["ETag"]}).status_code == 304
    parts = urlsplit(url)
    head = client.open(f"{parts.path}?{parts.query}", "HEAD")
    assert (head.status_code, head.content_length, head.data) == (200, 10, b"")


def test_a_range_that_is_not_one_of_bytes_is_ignored(client):
    client.write("a", b"0123456789")
    url = client.url("a")
    ignored = ["bytes", "bytes=", "bytes=a-b", "bytes=5-2", "2-4", "items=0-1", "bytes=0-1,4-5", ""]
    for given in ignored:
        whole = client.get(url, Range=given)
        assert (whole.status_code, whole.data) == (200, b"0123456789"), given
        assert "Content-Range" not in whole.headers
    for given, expected in [("bytes=-3", b"789"), ("bytes=8-", b"89"), ("bytes=8-99", b"89")]:
        part = client.get(url, Range=given)
        assert (part.status_code, part.data) == (206, expected), given
    whole = client.get(url, Range="bytes=-11")
    assert (whole.status_code, whole.data) == (206, b"0123456789")
    assert whole.headers["Content-Range"] == "bytes 0-9/10"


def test_the_last_zero_bytes_are_not_satisfiable(client):
    client.write("a", b"0123456789")
    for given in ["bytes=-0", "bytes=-00", "Bytes = -0"]:
        assert error(client.get(client.url("a"), Range=given))[:2] == (416, "InvalidRange"), given


def test_other_methods_are_refused_in_xml(client):
    client.write("a")
    url = urlsplit(client.url("a"))
    for method in ["DELETE", "PATCH", "PROPFIND"]:
        refused = client.open(f"{url.path}?{url.query}", method)
        assert error(refused)[:2] == (405, "MethodNotAllowed"), method
        assert refused.headers["Allow"] == "GET, HEAD, POST, PUT"
        assert (client.last.method, client.last.check) == (method, "MethodNotAllowed")
    assert "cloud.deleteFile" in client.last.reason
    assert client.files.get("a") is not None
    assert error(client.open("/storage/another/a", "DELETE"))[:2] == (404, "NoSuchBucket")


def test_options_is_a_preflight_that_no_rule_allows_but_for_local_pages(client):
    client.write("a")
    url = urlsplit(client.url("a"))
    target = f"{url.path}?{url.query}"
    refused = client.open(target, "OPTIONS")
    assert error(refused)[:2] == (403, "AccessForbidden")
    assert "Allow" not in refused.headers
    assert (client.last.method, client.last.check) == ("OPTIONS", "AccessForbidden")
    preflight = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "PUT"}
    allowed = client.open(target, "OPTIONS", headers=preflight)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    del preflight["Access-Control-Request-Method"]
    assert error(client.open(target, "OPTIONS", headers=preflight))[:2] == (403, "AccessForbidden")


def test_content_with_scripts_cannot_reach_the_console(client):
    expected = {
        "a.png": None, "a.mp3": None, "a.pdf": None, "a.json": None, "a.txt": None, "a": None,
        "a.html": "sandbox", "a.svg": "sandbox", "a.xml": "sandbox", "a.js": "sandbox",
    }  # fmt: skip
    for path, policy in expected.items():
        client.write(path)
        assert client.get(client.url(path)).headers.get("Content-Security-Policy") == policy


def test_pages_of_other_sites_may_show_files_and_no_more(client):
    client.write("a.png")
    parts = urlsplit(client.url("a.png"))
    target = f"{parts.path}?{parts.query}"
    shown = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
    assert client.open(target, headers=shown).status_code == 200
    assert client.open(target, "PUT", headers=shown).status_code == 403
    assert client.open(target, headers={"Origin": "https://evil.example"}).status_code == 403
    local = client.open(target, headers={"Origin": "http://localhost:3000"})
    assert local.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"


def test_invalid_fields_of_actions_change_nothing(client):
    client.write("a")
    fileid = "cloud://e.b/a"
    for action, fields in [
        ("batchGetDownloadUrl", {}),
        ("batchGetDownloadUrl", {"file_list": []}),
        ("batchGetDownloadUrl", {"file_list": "a"}),
        ("batchGetDownloadUrl", {"file_list": [None]}),
        ("batchGetDownloadUrl", {"file_list": [{"fileid": fileid, "max_age": 0}]}),
        ("batchGetDownloadUrl", {"file_list": [{"fileid": fileid, "max_age": "60"}]}),
        ("batchGetDownloadUrl", {"file_list": [{"fileid": fileid, "max_age": True}]}),
        ("batchDeleteFile", {"fileid_list": [fileid, 5]}),
        ("batchDeleteFile", {"fileid_list": [fileid] * 51}),
        ("batchCopyFile", {"file_list": [{"src_path": "a", "dst_path": "b"}, {"src_path": "a"}]}),
        ("uploadFile", {"path": "a", "file": "text"}),
    ]:
        answer = client.act(action, **fields)
        assert (answer["code"], answer["message"]) == ("INVALID_PARAM", "Invalid request param")
        assert client.last.reason.startswith(f"storage.{action}: ")
        assert client.last.errcode == -501007
    for path in ["", "/a", "a//b", "../a", "a\0", "%2e%2e/a", "a" * 851, None, 5]:
        answer = client.act("getUploadMetadata", path=path)
        assert answer["code"] == "INVALID_PARAM"
        paths = {"src_path": "a", "dst_path": path}
        assert client.act("batchCopyFile", file_list=[paths])["code"] == "INVALID_PARAM"
    assert [path for path, _file in client.files.listed()] == ["a"]


def test_fileids_open_files_of_the_store_only(client):
    client.write("a")
    for fileid in [
        "a", "cloud://a", "cloud://e.b/", "cloud://e.b//a", "cloud://e.b/../a", "cloud://e.b/%61",
        "cloud://e.b/a/", "cloud://e.b/./a", "cloud:///etc/passwd", "file:///etc/passwd",
        "cloud://e.b/..\\a", "cloud://e.b/a\0", "https://e.b/a", "",
    ]:  # fmt: skip
        found = client.act("batchGetDownloadUrl", file_list=[{"fileid": fileid}])["data"]
        assert found["download_list"][0]["code"] == "STORAGE_FILE_NONEXIST"
        deleted = client.act("batchDeleteFile", fileid_list=[fileid])["data"]
        assert deleted["delete_list"][0]["code"] == "STORAGE_FILE_NONEXIST"
    assert client.files.get("a") is not None


def test_the_reason_of_a_fileid_that_no_file_can_have_names_the_rule(client):
    for path, rule in {"../../etc/passwd": "segment . or ..", "/etc/passwd": "slash"}.items():
        client.act("batchDeleteFile", fileid_list=[f"cloud://e.b/{path}"])
        reason = list(client.emulator.journal)[-1].reason
        assert reason.startswith("cloud storage has no such file: the path ")
        assert rule in reason


def test_the_gateway_needs_no_permission_but_a_valid_signature(client):
    stored = Client(gateway_secret="secret")
    assert stored.act("getUploadMetadata", path="a")["code"] == "SIGN_PARAM_INVALID"
    assert client.act("getUploadMetadata", path="a")["data"]


def form(fields, file):
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    return (parts + head).encode() + file


def test_the_oldest_sdks_send_files_of_any_size_in_the_action(client):
    fields = {"action": "storage.uploadFile", "path": "图/a", "envName": "prod-1"}
    content = bytes(range(256)) * 30_000
    kind = "multipart/form-data; boundary=b"

    def send(given, content, end=b"\r\n--b--"):
        return client.http.post("/admin", data=form(given, content) + end, content_type=kind).json

    for size in (3, len(content)):
        answer = send(fields, content[:size])
        assert answer["data"] == {"fileID": "cloud://prod-1.7072-prod-1-1250000000/图/a"}
        assert client.files.get("图/a").content.read_bytes() == content[:size]
    for given, end, message in [
        ({**fields, "action": "storage.getUploadMetadata"}, b"\r\n--b--", "larger than 6 MB"),
        ({"path": "a"}, b"\r\n--b--", "larger than 6 MB"),
        ({**fields, "path": "../a"}, b"\r\n--b--", "segment . or .."),
        (fields, b"", "ends too early"),
    ]:
        answer = send(given, content, end)
        assert answer["code"] == "INVALID_PARAM"
        assert message in answer["message"]
    assert client.files.get("图/a").size == len(content)


def test_requests_of_unknown_mini_programs_are_not_in_a_journal_of_others(client):
    before = len(client.program.journal)
    client.open("/storage/AAAAAAAA/a")
    assert len(client.program.journal) == before
    assert client.last.check == "NoSuchBucket"
    assert json.dumps(client.last.describe())
