"""What a type checker says about code that uses the facade."""

import re
import subprocess
import sys

import pytest
from support.entries import TEXT, catalogue_of, entry

from scripts.generate import types_source

OPEN = {"type": "object", "additionalProperties": True, "$comment": "Open: a test."}

GOOD = """
from cloud_openapi import cloud, newest_dates

cloud.init()
result = cloud.openapi.analysis.getDailyRetain({"beginDate": "20170313", "endDate": "20170313"})
number: int = result["visitUvNew"][0]["value"]
text: str = cloud.openapi.analysis.getWeeklyRetain(beginDate="a", endDate="b")["errMsg"]
raw = cloud.openapi(convertCase=False).analysis.getMonthlyRetain(begin_date="a", end_date="b")
month: str = raw["ref_date"]
newest = cloud.openapi.analysis.getDailyRetain(newest_dates("day"))
db = cloud.database(throwOnNotFound=False)
_, D = db.command, db.command.aggregate
where = db.collection("users").where({"age": _.gt(18).lt(60), "tags": _.in_(["a"])})
rows: list[dict[str, object]] = where.orderBy("age", "desc").limit(10).get()["data"]
updated: int = where.update({"data": {"n": _.inc(1)}})["stats"]["updated"]
found = db.collection("users").doc("x").get()["data"]
new: str = db.collection("users").add(data={"at": db.serverDate()})["_id"]
groups = db.collection("users").aggregate().group({"_id": "$a", "n": D.sum(1)}).end()["list"]
total: int = db.runTransaction(lambda t: len(t.collection("users").doc(1).get()))
file: bytes | None = cloud.downloadFile({"fileID": new})["fileContent"]
url: str = cloud.getTempFileURL(fileList=[new])["fileList"][0]["tempFileURL"]
"""

BAD = {
    'cloud.openapi.analysis.getDailyRetain({"beginDate": "20170313"})': "endDate",
    'cloud.openapi.analysis.getDailyRetain(beginDate="20170313")': "call-overload",
    "cloud.openapi.analysis.getDailyRetain(beginDate=20170313, endDate=20170313)": "int",
    'cloud.openapi.analysis.getDailyRetian(beginDate="a", endDate="a")': "getDailyRetian",
    "cloud.openapi.analisys": "analisys",
    'result["visit_uv_new"]': 'no key "visit_uv_new"',
    'cloud.database().collection("a").orderBy("n", "up")': "Literal",
    'cloud.database().collection("a").get()["list"]': 'no key "list"',
    "cloud.database().command.greater(1)": "greater",
    "cloud.database().command.aggregate.total(1)": "total",
    'result["visitUvNew"]["value"]': "list",
    'cloud.openapi(convertCase=False).analysis.getDailyRetain(beginDate="a", endDate="a")': (
        "call-overload"
    ),
}


# The types of invented APIs, one of each kind that the catalogue can describe.
GOOD_INVENTED = """
from invented import OpenAPI

def use(openapi: OpenAPI) -> None:
    raw = openapi(convertCase=False)
    openapi.pictures.check({"imgFile": {"contentType": "image/png", "value": b""}})
    raw.pictures.check(img_file={"contentType": "image/png", "value": b""}, type="photo")
    openapi.pictures.check()
    content: bytes = openapi.pictures.draw(text="a", lineColor={"r": 1})["buffer"]
    kind: str = raw.pictures.fetch(media_id="m")["contentType"]
    openapi.pictures.draw(lineColor={"r": "ff", "isDark": True})
    number: int = openapi.rooms.list(roomId=7, tags=[1, "a"])["rooms"][0]["roomId"]
    anything: int = raw.rooms.list({"roomId": 7})["rooms"][0]["any_thing"]
    openapi.shop.sec.order.getOrder({"from": "a", "orderKey": {"mchId": "1"}, "more": {"a": 1}})
    state = openapi.shop.sec.order.getOrder(
        orderKey={"mchId": "1"}, itemList=[{"itemDesc": "a"}]
    )["order"]["orderState"]
    text: str = state if isinstance(state, str) else str(state + 1)
    done: str = openapi.shop.ping()["errMsg"]
    raw.shop.ping({})
"""

BAD_INVENTED = {
    'openapi.pictures.check(imgFile=b"")': "call-overload",
    'openapi.pictures.check(imgFile={"contentType": "a/b", "value": "QQ=="})': "call-overload",
    'openapi.pictures.check(imgFile={"value": b""})': "call-overload",
    'openapi.pictures.draw(text="a")["buffer"].title_case': "bytes",
    'openapi.pictures.draw(text="a")["url"]': 'no key "url"',
    'openapi.pictures.draw(lineColor={"isDark": True})': "call-overload",
    "openapi.rooms.list(room_id=7)": "call-overload",
    'openapi.rooms.list(roomId=7)["errcode"]': 'no key "errcode"',
    'openapi.shop.sec.order.getOrder({"orderKey": {"mch_id": "1"}})': "call-overload",
    "openapi.shop.sec.order.getOrder(itemList=[])": "call-overload",
    "openapi.shop.sec.getOrder": "getOrder",
    "openapi.shop.ping(a=1)": "call-arg",
}


def complaints_of(folder, good, bad):
    """Check one file that holds the good code and each bad line; return complaints by line."""
    path = folder / "user.py"
    indent = "    " if "    " in good else ""
    path.write_text(good + "".join(f"{indent}{line}\n" for line in bad), "utf-8")
    output = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", path],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    ).stdout
    assert "invented.py:" not in output, output
    found = {}
    for number, message in re.findall(r"user\.py:(\d+): (?:error|note): (.*)", output):
        found[int(number)] = found.get(int(number), "") + message + "\n"
    return found


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    return complaints_of(tmp_path_factory.mktemp("types"), GOOD, BAD)


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invented")
    source = types_source(catalogue_of(folder / "catalogue"))
    (folder / "invented.py").write_text(source, "utf-8")
    return complaints_of(folder, GOOD_INVENTED, BAD_INVENTED)


@pytest.mark.slow
def test_code_that_is_right_passes_strictly(complaints):
    assert before(complaints, GOOD) == {}


@pytest.mark.slow
@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:60])
def test_code_that_is_wrong_is_reported(complaints, line):
    assert BAD[line] in complaint(complaints, GOOD, BAD, line)


@pytest.mark.slow
def test_right_calls_of_every_kind_of_api_pass_strictly(invented):
    assert before(invented, GOOD_INVENTED) == {}


@pytest.mark.slow
@pytest.mark.parametrize("line", BAD_INVENTED, ids=lambda line: line[:60])
def test_wrong_calls_of_every_kind_of_api_are_reported(invented, line):
    assert BAD_INVENTED[line] in complaint(invented, GOOD_INVENTED, BAD_INVENTED, line)


def before(found, good):
    return {line: text for line, text in found.items() if line <= good.count("\n")}


def complaint(found, good, bad, line):
    return found.get(good.count("\n") + 1 + list(bad).index(line), "nothing was reported")


def test_equal_forms_share_their_classes(tmp_path):
    equal = entry("plain.send", request={**OPEN, "required": [], "properties": {"touser": TEXT}})
    source = types_source(catalogue_of(tmp_path, [equal]))
    assert re.findall("^class (.*)\\(", source, re.MULTILINE) == [
        "File", "Success", "FileResult", "PlainSendParams", "PlainSend",
        "Plain", "OpenAPI", "PlainHTTPS", "OpenAPIHTTPS",
    ]  # fmt: skip
    assert source.count("    send: PlainSend\n") == 2


def test_two_objects_of_one_name_are_refused(tmp_path):
    inner = {**OPEN, "required": [], "properties": {"c": TEXT}}
    outer = {**OPEN, "required": [], "properties": {"b": inner, "d": TEXT}}
    clash = {"a": outer, "aB": {**OPEN, "required": [], "properties": {"e": TEXT}}}
    each = entry("plain.send", request={**OPEN, "required": [], "properties": clash})
    with pytest.raises(ValueError, match="two objects would be PlainSendParamsAB: give one"):
        types_source(catalogue_of(tmp_path, [each]))


def test_the_types_can_be_imported_without_further_packages():
    code = "import sys; sys.modules['typing_extensions'] = None; import cloud_openapi.types"
    subprocess.run([sys.executable, "-c", code], check=True)
