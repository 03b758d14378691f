"""Unmodified SDKs of all ages use cloud storage over a socket, and get the SDK's own results."""

import json

import pytest
from support.serving import Served
from support.storage import buffer, part, served_storage

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.emulator import gateway_variables

CONTENT = bytes(range(256)) + b"\r\n--x\r\n\n"
PATHS = ["a.txt", "图 片/a|b测试.png", "50%#?&+;='\"<>.bin", "..a/b"]
MISSING = "cloud://env-1.656e-env-1-1250000000/missing.png"
WX_AGES = ["0.4.3", "1.8.3", "2.0.4", "2.3.3", "2.6.3", "3.0.4", "4.0.2"]
OTHERS = ["tcb-admin-node@1.23.0", "@cloudbase/node-sdk@2.11.0", "@cloudbase/node-sdk@3.18.3"]
PROGRAM = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async ({ fails }) => {
  const { fileID } = await cloud.uploadFile({ cloudPath: 'a.png', fileContent: Buffer.from('a') })
  if (fails) await cloud.downloadFile({ fileID: 'cloud://local.b/images/b.png' })
  const { fileContent } = await cloud.downloadFile({ fileID })
  return { fileID, text: fileContent.toString(), env: process.env.TCB_ENV }
}
"""


def file_id(path, env="local"):
    return f"cloud://{env}.{env[:2].encode().hex()}-{env}-1250000000/{path}"


def upload(path, content):
    return ["uploadFile", {"cloudPath": path, "fileContent": content}]


def battery(tmp_path):
    """Return calls of each method: uploads of Buffers and of a stream, and all that can be read."""
    (tmp_path / "streamed").write_bytes(CONTENT * 4000)
    return [
        *(upload(path, buffer(CONTENT + path.encode())) for path in PATHS),
        upload("streamed", {"stream": str(tmp_path / "streamed")}),
        upload("empty", buffer(b"")),
        upload("a.txt", buffer(b"written again")),
        *(["downloadFile", {"fileID": part(number, "fileID")}] for number in range(6)),
        ["downloadFile", {"fileID": "cloud://prod-1.7072-prod-1-12345/a.txt"}],
        ["downloadFile", {"fileID": MISSING}],
        ["getTempFileURL", {"fileList": [part(0, "fileID"), MISSING, "no fileID"]}],
        ["getTempFileURL", {"fileList": [{"fileID": part(0, "fileID"), "maxAge": 60}]}],
        ["getTempFileURL", {"fileList": [MISSING] * 51}],
        ["deleteFile", {"fileList": [part(0, "fileID"), MISSING]}],
        ["getTempFileURL", {"fileList": [part(0, "fileID")]}],
        ["deleteFile", {"fileList": [MISSING] * 51}],
        upload("../escape", buffer(b"x")),
    ]


def check_files(served, results, content_of):
    """Check the first results of a battery: what was written, and what was read of it."""
    paths = [*PATHS, "streamed", "empty", "a.txt"]
    assert [result["fileID"] for result in results[:7]] == [file_id(path) for path in paths]
    expected = [b"written again", *(CONTENT + path.encode() for path in PATHS[1:])]
    expected += [CONTENT * 4000, b"", b"written again"]
    assert [content_of(result) for result in results[7:14]] == [buffer(each) for each in expected]
    # The first one was deleted at the end.
    assert [path for path, _ in served.files.listed()] == sorted({*paths} - {"a.txt"})


def check_wx(served, results, version):
    check_files(served, results, lambda result: result["fileContent"])
    assert {result["errMsg"] for result in results[:7]} == {"uploadFile:ok"}
    missing, urls, short, many, deleted, gone, many_deleted, escape = results[14:]
    text = "storage file not exist"
    if version == "4.0.2":
        assert missing["error"]["errMsg"] == f"downloadFile:fail {text}"
        assert missing["error"]["code"] == "STORAGE_FILE_NONEXIST"
    else:
        assert missing["error"]["errCode"] == -503003
        assert text in missing["error"]["errMsg"]
    assert urls["errMsg"] == "getTempFileURL:ok"
    found, *others = urls["fileList"]
    assert [(each["status"], each["errMsg"]) for each in others] == [
        (-503003, "storage file not exists")
    ] * 2
    assert [each["tempFileURL"] for each in others] == ["", ""]
    assert {**found, "tempFileURL": ""} == {
        "fileID": file_id("a.txt"),
        "status": 0,
        "errMsg": "ok",
        "maxAge": 86400,
        "tempFileURL": "",
    }
    assert found["tempFileURL"].startswith(f"{served.url}/storage/")
    assert short["fileList"][0]["maxAge"] == 60
    assert deleted == {
        "errMsg": "deleteFile:ok",
        "fileList": [
            {"fileID": file_id("a.txt"), "status": 0, "errMsg": "ok"},
            {"fileID": MISSING, "status": -503003, "errMsg": "storage file not exists"},
        ],
    }
    assert gone["fileList"][0]["status"] == -503003
    for refused in (many, many_deleted):
        assert "Invalid request param" in refused["error"]["errMsg"]
        assert refused["error"]["errCode"] in {-1, -501007}
    assert "error" in escape
    if version in {"0.4.3", "4.0.2"}:
        assert "the path has a segment . or .." in escape["error"]["errMsg"]


def test_wx_server_sdk_4_uses_cloud_storage(tmp_path):
    with served_storage() as served:
        results = served.call(battery(tmp_path))
        check_wx(served, results, "4.0.2")
    entries = list(served.emulator.journal)
    assert {entry.check for entry in entries if entry.via == "gateway"} == {
        "storage.getUploadMetadata",
        "storage.batchGetDownloadUrl",
        "storage.batchDeleteFile",
    }
    assert len([entry for entry in entries if entry.method == "PUT"]) == 7
    assert len([entry for entry in entries if entry.method == "GET"]) == 7
    missing = next(entry for entry in entries if entry.errcode == -503003)
    assert missing.reason == (
        "cloud storage has no file missing.png. Save it as storage/missing.png beside the "
        "functions and start again, or run: cloud-openapi storage put FILE missing.png "
        f"--url {served.url.replace('127.0.0.1', 'localhost')}"
    )
    shown = json.dumps([entry.describe() | {"answer": str(entry.answer)} for entry in entries])
    assert "sign=" not in shown
    assert "q-signature" not in shown


def test_half_a_surrogate_pair_is_the_same_for_an_sdk_and_the_facade(monkeypatch):
    fileid = "cloud://e.b/cut \ud83d"
    text = "storage file not exist"
    with served_storage() as served:
        calls = [["deleteFile", {"fileList": [fileid]}], upload("cut \ud83d", buffer(b"x"))]
        deleted, uploaded = served.call(calls)
        for name, value in gateway_variables(served.url).items():
            monkeypatch.setenv(name, value)
        cloud = Cloud()
        cloud.init()
        assert cloud.deleteFile(fileList=[fileid])["fileList"] == deleted["fileList"]
        with pytest.raises(CloudSDKError, match="uploadFile:fail URI malformed"):
            cloud.uploadFile(cloudPath="cut \ud83d", fileContent=b"x")
    assert text in deleted["fileList"][0]["errMsg"]
    assert "half of a surrogate pair" in uploaded["error"]["errMsg"]


@pytest.mark.slow
def test_an_sdk_with_forms_uses_cloud_storage(tmp_path, installed):
    packages = installed("wx-server-sdk@1.8.3")
    with served_storage() as served:
        check_wx(served, served.call(battery(tmp_path), packages=packages), "1.8.3")
        methods = [entry.method for entry in served.emulator.journal if entry.via == "https"]
    assert methods.count("POST") == 7


@pytest.mark.slow
@pytest.mark.parametrize("version", WX_AGES)
def test_wx_server_sdk_of_each_age_uses_cloud_storage(tmp_path, installed, version):
    packages = installed(f"wx-server-sdk@{version}")
    with served_storage() as served:
        check_wx(served, served.call(battery(tmp_path), packages=packages), version)


@pytest.mark.slow
@pytest.mark.parametrize("package", OTHERS)
def test_sdks_of_cloudbase_use_cloud_storage(tmp_path, installed, package):
    packages, name = installed(package), package.rpartition("@")[0]
    with served_storage() as served:
        results = served.call(battery(tmp_path), name, packages)
        check_files(served, results, lambda result: result["fileContent"])
        missing, urls, short, many, deleted = results[14:19]
        assert missing.get("error", missing)["code"] == "STORAGE_FILE_NONEXIST"
        assert [each["code"] for each in urls["fileList"]] == [
            "SUCCESS",
            "STORAGE_FILE_NONEXIST",
            "STORAGE_FILE_NONEXIST",
        ]
        assert short["fileList"][0]["maxAge"] == 60
        assert many.get("error", many)["code"] == "INVALID_PARAM"
        assert [each["code"] for each in deleted["fileList"]] == [
            "SUCCESS",
            "STORAGE_FILE_NONEXIST",
        ]


@pytest.mark.slow
def test_newest_node_sdk_copies_files_and_reads_their_properties(installed):
    packages = installed("@cloudbase/node-sdk@3.18.3")
    copies = [
        {"srcPath": "a/x.png", "dstPath": "b/x.png"},
        {"srcPath": "a/x.png", "dstPath": "b/x.png", "overwrite": False},
        {"srcPath": "a/y.png", "dstPath": "b/y.png"},
        {"srcPath": "a/x.png", "dstPath": "c/x.png", "removeOriginal": True},
    ]
    with served_storage() as served:
        results = served.call(
            [
                upload("a/x.png", buffer(CONTENT)),
                ["copyFile", {"fileList": copies}],
                ["getFileInfo", {"fileList": [file_id("b/x.png"), MISSING]}],
                ["copyFile", {"fileList": [{"srcPath": "a/x", "dstPath": "../x"}]}],
            ],
            "@cloudbase/node-sdk",
            packages,
        )
        assert [path for path, _ in served.files.listed()] == ["b/x.png", "c/x.png"]
    _, copied, found, refused = results
    assert [(each["fileId"], each["code"]) for each in copied["fileList"]] == [
        (file_id("b/x.png"), "SUCCESS"),
        (file_id("b/x.png"), "STORAGE_FILE_PATH_CONFLICT"),
        (file_id("b/y.png"), "STORAGE_FILE_NONEXIST"),
        (file_id("c/x.png"), "SUCCESS"),
    ]
    first, second = found["fileList"]
    assert (first["size"], first["mime"], first["fileName"]) == (len(CONTENT), "image/png", "x.png")
    assert second["code"] == "STORAGE_FILE_NONEXIST"
    assert refused["error"]["code"] == "INVALID_PARAM"


@pytest.mark.slow
@pytest.mark.parametrize(("version", "megabytes"), [("0.4.3", 60), ("1.8.3", 70), ("4.0.2", 70)])
def test_large_files_of_an_sdk_are_stored(tmp_path, installed, version, megabytes):
    size = megabytes * 2**20
    with (tmp_path / "large").open("wb") as file:
        file.truncate(size)
    packages = installed(f"wx-server-sdk@{version}")
    with served_storage() as served:
        (result,) = served.call(
            [upload("large", {"stream": str(tmp_path / "large")})], packages=packages
        )
        assert result["fileID"] == file_id("large")
        assert served.files.get("large").size == size


def test_a_reason_has_no_command_to_an_emulator_that_ends(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        served.emulator.lasting = False
        served.write("uses", PROGRAM)
        served.call("uses", {"fails": True})
        ended = list(served.functions.ended)[-1]
    assert ended.reason == (
        "cloud storage has no file images/b.png. Save it as storage/images/b.png beside the "
        "functions"
    )


def test_a_function_uses_files_and_learns_why_one_is_missing(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        program = served.emulator.program(served.emulator.first_appid)
        program.storage.files.write("images/bb.png", [b""], program.clock.now())
        served.write("uses", PROGRAM)
        assert served.call("uses") == {"fileID": file_id("a.png"), "text": "a", "env": "local"}
        failed = served.call("uses", {"fails": True})
        assert "storage file not exist" in json.dumps(failed)
        ended = list(served.functions.ended)[-1]
    assert ended.reason == (
        "cloud storage has no file images/b.png; did you mean images/bb.png? Save it as "
        "storage/images/b.png beside the functions and start again, or run: "
        "cloud-openapi storage put FILE images/b.png "
        f"--url {served.url.replace('127.0.0.1', 'localhost')}"
    )
    entries = served.entries
    calls = [entry for entry in entries if entry.via == "gateway" or entry.method == "PUT"]
    assert {entry.function for entry in calls} == {"uses"}
    assert [entry.check for entry in calls if entry.invocation == ended.invocation] == [
        "storage.getUploadMetadata",
        "cloud storage",
        "storage.batchGetDownloadUrl",
    ]
