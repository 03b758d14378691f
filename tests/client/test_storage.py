"""The facade's file storage: large files, files on disk, and what the SDK would not notice.

tests/database/test_same_as_sdk.py holds all else against wx-server-sdk.
"""

import io
import json
import logging

import pytest
from support.recording_gateway import Raw, RecordingGateway

from cloud_openapi import Cloud, CloudSDKError, storage


@pytest.fixture(scope="module")
def server():
    server = RecordingGateway()
    yield server
    server.close()


@pytest.fixture
def cloud(server, monkeypatch):
    server.reset([])
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud()
    cloud.init()
    return cloud


def granted(server):
    names = ("token", "authorization", "fileId", "cosFileId")
    data = dict.fromkeys(names, "x") | {"url": f"{server.base}/put?sign=secret"}
    return {"data": data}


def found(server):
    url = f"{server.base}/get?sign=secret"
    return {"data": {"download_list": [{"fileID": "f", "code": "SUCCESS", "tempFileURL": url}]}}


def test_an_open_file_is_sent_in_parts(cloud, server, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(range(256)) * 40_000)
    server.reset([[granted(server), Raw()]])
    with path.open("rb") as file:
        file.seek(1)
        result = cloud.uploadFile({"cloudPath": "a", "fileContent": file})
    assert result == {"fileID": "x", "statusCode": 200, "errMsg": "uploadFile:ok"}
    request = server.seen[0][1]
    assert request.body == path.read_bytes()[1:]
    assert request.headers["transfer-encoding"] == "chunked"


def test_contents_of_other_types_are_sent(cloud, server):
    for content in (b"", b"ab", bytearray(b"ab"), memoryview(b"ab"), io.BytesIO(b"ab")):
        server.reset([[granted(server), Raw()]])
        cloud.uploadFile(cloudPath="a", fileContent=content)
        assert server.seen[0][1].body == (b"ab" if content != b"" else b"")
    with pytest.raises(CloudSDKError, match="should be instance of"):
        cloud.uploadFile(cloudPath="a", fileContent=io.StringIO("text"))


def test_a_status_of_the_storage_other_than_200_is_an_error(cloud, server):
    server.reset([[granted(server), Raw(b"", 503)]])
    with pytest.raises(CloudSDKError, match="the storage answered with status 503") as caught:
        cloud.uploadFile(cloudPath="a", fileContent=b"x")
    assert "secret" not in str(caught.value)


def test_a_file_is_written_in_parts(cloud, server, tmp_path):
    content = bytes(range(256)) * 40_000
    server.reset([[found(server), Raw(content)]])
    path = tmp_path / "零.bin"
    result = cloud.downloadFile(fileID="f", tempFilePath=path)
    assert result == {"fileContent": None, "statusCode": 200, "errMsg": "downloadFile:ok"}
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_download_leaves_the_file_as_it_was(cloud, server, tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("before")
    server.reset([[found(server), Raw(b"", 404)]])
    with pytest.raises(CloudSDKError, match="Status:404"):
        cloud.downloadFile({"fileID": "f", "tempFilePath": str(path)})
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_download_that_breaks_off_is_an_error(cloud, server, tmp_path):
    path = tmp_path / "file"
    for options in ({"tempFilePath": path}, {}):
        server.reset([[found(server), Raw(bytes(100_000), broken=True)]])
        with pytest.raises(CloudSDKError, match=r"downloadFile:fail (aborted|socket hang up)"):
            cloud.downloadFile({"fileID": "f", **options})
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_cannot_be_reached_is_an_error(cloud, server):
    answer = found(server)
    answer["data"]["download_list"][0]["tempFileURL"] = "http://127.0.0.1:1/x?sign=secret"
    server.reset([[answer]])
    with pytest.raises(CloudSDKError, match=r"fail connect ECONNREFUSED 127\.0\.0\.1:1") as caught:
        cloud.downloadFile(fileID="f")
    assert "secret" not in f"{caught.value!r}"


def test_no_signed_url_reaches_the_log(cloud, server, caplog):
    caplog.set_level(logging.DEBUG)
    answer = found(server)
    answer["data"]["download_list"][0]["tempFileURL"] += "&q-signature=hidden&t=1"
    server.reset([[answer, Raw(b"x")]])
    cloud.downloadFile(fileID="f")
    assert "GET /get?sign=***&q-signature=***&t=1 HTTP/1.1" in caplog.text
    assert "hidden" not in caplog.text


def test_a_file_that_is_too_large_for_memory_is_refused(cloud, server, monkeypatch):
    monkeypatch.setattr(storage, "_LARGEST_MIB", 1)
    server.reset([[found(server), Raw(bytes(1024 * 1024 + 1))]])
    with pytest.raises(CloudSDKError, match="larger than 1 MiB") as caught:
        cloud.downloadFile(fileID="f")
    assert caught.value.hint == "Write it to a file: tempFilePath=…"


def test_the_reason_of_a_missing_file_is_in_the_hint(cloud, server):
    missing = {"fileID": "f", "code": "STORAGE_FILE_NONEXIST"}
    server.reset([[{"data": {"download_list": [missing]}}]])
    with pytest.raises(CloudSDKError, match="downloadFile:fail undefined") as caught:
        cloud.downloadFile(fileID="f")
    assert caught.value.hint == "The gateway says STORAGE_FILE_NONEXIST: storage file not exists."
    assert caught.value.code == "STORAGE_FILE_NONEXIST"


def test_an_answer_that_is_not_the_gateways_is_an_error(cloud, server):
    url = {"download_list": [{"code": "SUCCESS", "tempFileURL": "no URL"}]}
    secret = {"download_list": [{"code": "SUCCESS", "tempFileURL": "http://u:p@host/x"}]}
    cases = [
        (lambda: cloud.uploadFile(cloudPath="a", fileContent=b"x"), {"url": "u"}),
        (lambda: cloud.uploadFile(cloudPath="a", fileContent=b"x"), 1),
        (lambda: cloud.downloadFile(fileID="f"), {"download_list": {}}),
        (lambda: cloud.downloadFile(fileID="f"), {"download_list": ["text"]}),
        (lambda: cloud.downloadFile(fileID="f"), url),
        (lambda: cloud.downloadFile(fileID="f"), secret),
        (lambda: cloud.deleteFile(fileList=["f"]), None),
    ]
    for call, data in cases:
        server.reset([[{"data": data}]])
        with pytest.raises(CloudSDKError) as caught:
            call()
        assert caught.value.errCode == -1, data


def test_unknown_options_are_refused(cloud):
    with pytest.raises(TypeError, match="uploadFile has no option path; it has cloudPath"):
        cloud.uploadFile(path="a")


def test_the_storage_needs_the_gateway(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    cloud = Cloud()
    with pytest.raises(CloudSDKError, match="please call init first"):
        cloud.deleteFile(fileList=["f"])
    cloud.init(base_url="http://127.0.0.1:1")
    with pytest.raises(CloudSDKError, match="The file storage is reached by the CloudBase gateway"):
        cloud.deleteFile(fileList=["f"])


def test_a_name_that_no_header_can_carry_is_encoded(cloud, server):
    answer = granted(server)
    answer["data"]["cosFileId"] = "零 %41"
    server.reset([[answer, Raw()]])
    cloud.uploadFile(cloudPath="目录/零.txt", fileContent=b"x")
    headers = server.seen[0][1].headers
    assert headers["x-cos-meta-fileid"] == "%E9%9B%B6%20%41"
    assert headers["key"] == "%E7%9B%AE%E5%BD%95%2F%E9%9B%B6.txt"
    assert json.loads(server.seen[0][0].body)["path"] == "目录/零.txt"
