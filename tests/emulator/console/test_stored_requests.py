"""Requests to the database and to cloud storage on the console: their parts, pages and traces."""

import html
import json
import re

import pytest
from support.database import DatabaseGateway
from support.serving import Served
from support.storage import buffer, served_storage

from cloud_openapi.emulator import create_app
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.console.trace import trace_of
from cloud_openapi.emulator.state.journal import Entry

USES_BOTH = """
const cloud = require('wx-server-sdk')
cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV })
exports.main = async () => {
  const db = cloud.database()
  await db.collection('记录').add({ data: { n: 1 } })
  await db.collection('记录').where({ n: 1 }).update({ data: { n: 2 } })
  await cloud.uploadFile({ cloudPath: '图/a.png', fileContent: Buffer.from('a') })
  const fileList = ['cloud://local.6c6f-local-1250000000/图/a.png']
  await cloud.getTempFileURL({ fileList })
  await cloud.deleteFile({ fileList })
}
"""
OF_CLOUDBASE = """
const tcb = require('%s')
const app = tcb.init({ env: 'local' })
exports.main = async () => {
  const db = app.database()
  await db.collection('记录').add({ n: 1 })
  await db.collection('记录').where({ n: 1 }).update({ n: 2 })
  await app.uploadFile({ cloudPath: '图/a.png', fileContent: Buffer.from('a') })
  const fileList = ['cloud://local.6c6f-local-1250000000/图/a.png']
  await app.getTempFileURL({ fileList })
  await app.deleteFile({ fileList })
}
"""
WX_AGES = ["0.4.3", "1.8.3", "2.0.4", "2.3.3", "2.6.3", "3.0.4"]
OTHERS = ["tcb-admin-node@1.23.0", "@cloudbase/node-sdk@2.11.0", "@cloudbase/node-sdk@3.18.3"]


@pytest.fixture
def gateway():
    gateway = DatabaseGateway({"c": [{"_id": "a<b", "n": 1}, {"_id": 2, "n": 2}]})
    gateway.browser = create_app(gateway.emulator).test_client()
    return gateway


def page_of_last(gateway, headers=None):
    """Return the page of the newest request, as the browser reads it."""
    number = gateway.emulator.journal.newest
    answer = gateway.browser.get(f"/_console/requests/{number}", headers=headers)
    assert answer.status_code == 200
    return answer.text


def links_of(page):
    """Return the links of the request's own section: text and address."""
    section = page.partition('id="request-stored"')[2].partition("</section>")[0]
    found = re.findall(r'<a href="([^"]+)">(.*?)</a>', section)
    return [(html.unescape(text), html.unescape(href)) for href, text in found]


def text_of(page, name):
    pattern = rf'<pre class="code" id="{name}"[^>]*>(.*?)</pre>'
    return html.unescape(re.search(pattern, page, re.DOTALL)[1])


def test_page_has_the_request_the_answer_and_the_new_document(gateway):
    data = gateway.data("insertDocument", collectionName="c", data=['{"n":3,"s":"<script>"}'])
    (identity,) = data["insertedIds"]
    page = page_of_last(gateway)
    assert json.loads(text_of(page, "stored-request"))["data"] == [{"n": 3, "s": "<script>"}]
    assert json.loads(text_of(page, "stored-answer")) == {"count": 1, "insertedIds": [identity]}
    assert links_of(page) == [
        ("c", "/_console/database/collection?name=c"),
        (f'"{identity}"', f"/_console/database/document?name=c&id=%22{identity}%22"),
    ]
    for _text, href in links_of(page):
        assert gateway.browser.get(href).status_code == 200
    assert "<script>" not in page.partition("<main")[2]


def test_documents_that_were_found_are_linked_by_ids_of_any_type(gateway):
    gateway.data("getDocument", collectionName="c", queryType="WHERE", query="{}")
    links = links_of(page_of_last(gateway))
    assert [text for text, _href in links] == ["c", '"a<b"', "2"]
    for _text, href in links:
        assert gateway.browser.get(href).status_code == 200


def test_removed_document_and_a_condition_are_not_linked(gateway):
    gateway.data("deleteDocument", collectionName="c", queryType="DOC", query='{"_id":"a<b"}')
    assert [text for text, _href in links_of(page_of_last(gateway))] == ["c"]
    query = '{"_id":{"$in":[2]}}'
    gateway.data("deleteDocument", collectionName="c", queryType="WHERE", query=query, multi=True)
    assert [text for text, _href in links_of(page_of_last(gateway))] == ["c"]


def test_failed_action_says_why_and_links_nothing_that_is_not_there(gateway):
    gateway.act("getDocument", collectionName="missing", queryType="WHERE", query="{}")
    page = page_of_last(gateway)
    assert "Why it failed" in page
    assert "None: the action failed." in page
    assert json.loads(text_of(page, "stored-request"))["collectionName"] == "missing"
    assert links_of(page) == []


def test_page_is_in_chinese_too(gateway):
    gateway.data("countDocument", collectionName="c", queryType="WHERE", query="{}")
    page = page_of_last(gateway, {"Accept-Language": "zh-CN"})
    assert 'id="request-stored">云数据库' in page
    assert "<dt>集合</dt>" in page


def test_list_names_the_collection_of_each_action(gateway):
    gateway.data("addDocument", collectionName="c", data=['{"n":3}'])
    gateway.act("addDocument", collectionName='"<c>\\', data=["{}"])
    shown = html.unescape(gateway.browser.get("/_console/requests").text)
    assert re.findall(r'class="subject" title=".*?">(.*?)</span>', shown) == ['"<c>\\', "c"]


def test_list_is_filtered_by_a_part_of_the_action(gateway):
    gateway.data("addDocument", collectionName="c", data=['{"n":3}'])
    gateway.data("countDocument", collectionName="c", queryType="WHERE", query="{}")
    shown = gateway.browser.get("/_console/requests?api=count").text
    assert re.findall(r'class="open" href=".*?">(.*?)</a>', shown) == ["database.countDocument"]
    assert '<option value="database.addDocument">' in shown


def test_failure_on_the_overview_names_the_action(gateway):
    gateway.act("getDocument", collectionName="missing", queryType="WHERE", query="{}")
    shown = gateway.browser.get("/_console/").text
    assert ">database.getDocument</a>" in shown


def test_body_that_is_not_json_has_no_subject(gateway):
    entry = Entry(
        gateway.emulator.clock.now(), "POST", "/admin", None, b'{"collectionName":"c', 0, ""
    )
    program = gateway.emulator.program(gateway.appid)
    for body in (b'{"collectionName":"c', b'{"collectionName":"\\ud8"}', b"[]", b""):
        kept = entry._replace(
            body=body, via="gateway", check="database.getDocument", appid=gateway.appid
        )
        gateway.emulator.keep(program, kept)
        assert "database.getDocument" in page_of_last(gateway)


def test_upload_and_download_lead_to_the_file():
    with served_storage() as served:
        served.call(
            [
                ["uploadFile", {"cloudPath": "图/a.png", "fileContent": buffer(b"x")}],
                ["downloadFile", {"fileID": "cloud://local.6c6f-local-1250000000/图/a.png"}],
                ["deleteFile", {"fileList": ["cloud://local.6c6f-local-1250000000/no.png"]}],
            ]
        )
        client = create_app(served.emulator).test_client()
        pages = {
            entry.name if entry.via == "gateway" else entry.method: (
                client.get(f"/_console/requests/{number}").text
            )
            for number, entry in served.emulator.journal.numbered()
        }
        failed = {entry.name for entry in served.emulator.journal if entry.failed}
    file = ("图/a.png", "/_console/storage/files/%E5%9B%BE/a.png")
    assert links_of(pages["PUT"]) == links_of(pages["GET"]) == [file]
    assert links_of(pages["storage.getUploadMetadata"]) == [file]
    assert links_of(pages["storage.batchGetDownloadUrl"]) == [file]
    assert links_of(pages["storage.batchDeleteFile"]) == []
    assert failed == {"storage.batchDeleteFile"}


def calls_of(trace):
    return [
        (part.depth, part.name.partition(" ")[0], part.subject, part.code) for part in trace.parts
    ]


def trace_of_both(served, name):
    """Invoke a function that uses the database and files, and return its trace."""
    program = served.emulator.program(served.emulator.first_appid)
    program.database.create_collection("记录")
    answered = served.call(name)
    ended = list(served.functions.ended)[-1]
    assert ended.status == 200, answered
    return trace_of(Tools(served.emulator, served.functions, None, None), ended.invocation)


def check_trace(trace, upload):
    assert trace.incomplete == []
    function, *calls = calls_of(trace)
    assert function == (0, "uses", "", 0)
    names = {name for _depth, name, _subject, _code in calls}
    assert {depth for depth, *_rest in calls} == {1}
    assert {code for *_rest, code in calls} == {0}
    actions = {name for name in names if name.startswith("database.")}
    assert len(actions) == 2
    assert names - actions == {*upload, "storage.batchGetDownloadUrl", "storage.batchDeleteFile"}
    assert {subject for _, name, subject, _ in calls if name in actions} == {"记录"}
    files = {subject for _, name, subject, _ in calls if name.startswith("storage.")}
    assert files == {"图/a.png"}


def test_trace_of_a_function_has_its_calls_of_database_and_storage(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        served.write("uses", USES_BOTH)
        check_trace(trace_of_both(served, "uses"), {"storage.getUploadMetadata", "PUT"})


@pytest.mark.slow
@pytest.mark.parametrize("version", WX_AGES)
def test_trace_has_the_calls_of_an_sdk_of_each_age(tmp_path, monkeypatch, installed, version):
    packages = installed(f"wx-server-sdk@{version}")
    with Served(tmp_path, monkeypatch, node_path=packages) as served:
        served.write("uses", USES_BOTH)
        trace = trace_of_both(served, "uses")
    oldest = version == "0.4.3"
    check_trace(trace, {"storage.uploadFile"} if oldest else {"storage.getUploadMetadata", "POST"})


@pytest.mark.slow
@pytest.mark.parametrize("package", OTHERS)
def test_trace_has_the_calls_of_an_sdk_of_cloudbase(tmp_path, monkeypatch, installed, package):
    packages = installed(package)
    with Served(tmp_path, monkeypatch, node_path=packages) as served:
        served.write("uses", OF_CLOUDBASE % package.rpartition("@")[0])
        trace = trace_of_both(served, "uses")
    newest = package.endswith("3.18.3")
    check_trace(trace, {"storage.getUploadMetadata", "PUT" if newest else "POST"})
