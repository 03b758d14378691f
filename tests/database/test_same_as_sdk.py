"""The facade's database and storage send and return what the unmodified wx-server-sdk 4 does.

Both evaluate the same expressions against the same recording gateway. `DIFFERENCES` lists the
allowed differences with their reasons; all else is equal, the order of keys included.
test_database.py has what the SDK loses without a word and the facade sends or refuses.
"""

import json
import re

import pytest
from support import expressions
from support.captured import signature_is_good
from support.expressions import Node, Python, samples
from support.recording_gateway import Raw, RecordingGateway

from cloud_openapi import Cloud


@pytest.fixture(scope="module")
def gateway():
    server = RecordingGateway()
    yield server
    server.close()


@pytest.fixture(scope="module")
def node(gateway):
    sdk = Node(gateway.variables)
    yield sdk
    sdk.close()


@pytest.fixture
def both(gateway, node, monkeypatch):
    """Return a function that evaluates expressions by both, with the requests of each."""
    for name, value in gateway.variables.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud()
    cloud.init()
    python = Python(cloud)

    def both(cases):
        texts = [expression for expression, *_ in cases]
        gateway.reset([answers for _, *answers in cases])
        theirs = node.evaluate(texts)
        their_requests = gateway.seen
        gateway.reset([answers for _, *answers in cases])
        ours = []
        for number, text in enumerate(texts):
            gateway.mark(number)
            ours.append(python.evaluate(text))
        return ours, theirs, gateway.seen, their_requests

    return both


def fields_of(request):
    """Return the fields of a request, with texts of Extended JSON as JSON."""
    fields = json.loads(request.body)
    for name in ("query", "data", "order", "projection"):
        if fields.get(name):
            fields[name] = _parsed(fields[name])
    for stage in fields.get("stages", ()):
        stage["stageValue"] = json.loads(stage["stageValue"])
    return fields


def _parsed(text):
    return [json.loads(each) for each in text] if isinstance(text, list) else json.loads(text)


def same_number(value):
    """Doubles may be written in several ways."""
    if isinstance(value, dict):
        if value.keys() == {"$numberDouble"}:
            return {"$numberDouble": repr(float(value["$numberDouble"]))}
        return {name: same_number(each) for name, each in value.items()}
    return [same_number(each) for each in value] if isinstance(value, list) else value


def in_order(value):
    """Return a value as text in which the order of the keys of documents counts."""
    return json.dumps(same_number(value), ensure_ascii=False)


def comparable(request):
    fields = fields_of(request)
    return {name: in_order(fields[name]) for name in sorted(fields)}


# ---- allowed differences -------------------------------------------------------------------


def error_before_the_call(_ours, theirs):
    """JavaScript throws a plain Error for some mistakes; the facade's has errCode -1."""
    error = theirs.get("error")
    if error is not None and "errCode" not in error:
        error["errCode"] = -1
        error["errMsg"] = error["message"]


def named_transaction(ours, theirs):
    """The SDK means to name its call in an error of a transaction, but misses the await."""
    for call in ("startTransaction", "transaction.commit", "transaction.rollback"):
        mine = ours.get("error", {}).get("errMsg", "")
        if mine == f"{call}:fail {theirs.get('error', {}).get('message')}":
            theirs["error"]["errMsg"] = mine


def own_request_id(ours, theirs):
    """The URL in an error has the number of its own request."""
    for result in (ours, theirs):
        if "error" in result:
            text = result["error"]["errMsg"]
            result["error"]["errMsg"] = re.sub("seqId=[0-9a-f_]+", "seqId=", text)


def no_signature_in_an_error(ours, theirs):
    """The SDK shows the signed URL of a download that failed; the facade leaves its query out."""
    if "下载文件失败" in ours.get("error", {}).get("errMsg", ""):
        theirs["error"]["errMsg"] = theirs["error"]["errMsg"].partition("?")[0]


def kept_object_id(ours, theirs):
    """The SDK makes an empty object of an ObjectId in ``get``, though not in ``aggregate``."""
    _each_pair(ours, theirs, lambda mine, their: "$oid" if _is_oid(mine) and their == {} else None)


def status_of_the_storage(ours, theirs):
    """The SDK's statusCode of uploadFile is always -1; the facade's is that of the storage."""
    if isinstance(theirs.get("result"), dict) and theirs["result"].get("statusCode") == -1:
        assert ours["result"]["statusCode"] in (200, 204)
        theirs["result"]["statusCode"] = ours["result"]["statusCode"]


def undefined_is_none(ours, theirs):
    """A missing maxAge is undefined in JavaScript and None in Python."""
    for mine, their in zip(*(_files(one) for one in (ours, theirs)), strict=True):
        if mine.get("maxAge", 0) is None and "maxAge" not in their:
            del mine["maxAge"]
        if mine.get("tempFileURL") == "" and "tempFileURL" not in their:
            del mine["tempFileURL"]


def _files(result):
    found = result.get("result")
    return found.get("fileList", []) if isinstance(found, dict) else []


def _is_oid(value):
    return isinstance(value, dict) and value.get("$") == "oid"


def _each_pair(mine, their, same):
    """Replace each pair of different values that are the same by a name."""
    pairs = mine.items() if isinstance(mine, dict) else enumerate(mine)
    for key, value in list(pairs):
        try:
            other = their[key]
        except (KeyError, IndexError, TypeError):
            continue
        name = same(value, other)
        if name:
            mine[key] = their[key] = name
        elif isinstance(value, dict | list) and isinstance(other, dict | list):
            _each_pair(value, other, same)


def words_for_a_foreign_answer(ours, theirs):
    """The facade has texts of its own for what is not the gateway's; JavaScript fails anyhow."""
    text = theirs.get("error", {}).get("message", "")
    broken = re.search("Cannot read properties|Unexpected (token|end)|is not a function", text)
    return bool(broken) and ours.get("error", {}).get("errCode") in (-1, -501001)


DIFFERENCES = [
    error_before_the_call, named_transaction, no_signature_in_an_error, own_request_id,
    kept_object_id, status_of_the_storage, undefined_is_none,
]  # fmt: skip
"""Each replaces an allowed difference in one outcome by the other's form."""


def check_outcomes(cases, ours, theirs):
    wrong = []
    for (text, *answers), mine, their in zip(cases, ours, theirs, strict=True):
        if words_for_a_foreign_answer(mine, their):
            continue
        for allowed in DIFFERENCES:
            allowed(mine, their)
        if shown(mine) != shown(their):
            wrong.append((text, answers, mine, their))
    assert not wrong, f"{len(wrong)} of {len(cases)} differ; the first: {wrong[0]}"


def shown(result):
    """Return an outcome as text; of an error what both have, and the code if the SDK keeps it."""
    if "error" in result:
        return json.dumps([result["error"].get(name) for name in ("errCode", "errMsg")])
    return json.dumps(result, ensure_ascii=False, default=bytes.hex)


# ---- cases ---------------------------------------------------------------------------------

T, DOC, WHERE = (f'db.collection("t"){more}' for more in ("", '.doc("x")', '.where({"a": 1})'))
SENT = [
    *(f"{T}.where({query}).get()" for query in samples("queries")),
    *(query.replace("{}", T, 1) for query in samples("finding")),
    *(f'{T}.add({{"data": {data}}})' for data in samples("data") + samples("added")),
    *(f'{DOC}.set({{"data": {data}}})' for data in samples("data")),
    *(f'{DOC}.update({{"data": {data}}})' for data in samples("data") + samples("updates")),
    *(f'{WHERE}.update({{"data": {data}}})' for data in samples("updates")),
    *(f"{T}.aggregate(){stages}.end()" for stages in samples("stages")),
    *samples("others"),
]
CODES = [
    "DATABASE_COLLECTION_NOT_EXIST", "DATABASE_REQUEST_FAILED", "INVALID_PARAM", "A_NEW_ONE",
    "STORAGE_FILE_NONEXIST",
]  # fmt: skip
OTHER_CODES = [
    "SYS_ERR", "SERVER_TIMEOUT", "EXCEED_REQUEST_LIMIT", "INVALIID_ENV", "INVALID_REQUEST_SOURCE",
    "DATABASE_INVALID_OPERRATOR", "DATABASE_PERMISSION_DENIED", "DATABASE_TRANSACTION_FAIL",
    "DATABASE_COLLECTION_EXCEED_LIMIT", "STORAGE_REQUEST_FAIL", "STORAGE_EXCEED_AUTHORITY",
    "EXCEED_CONCURRENT_REQUEST_LIMIT", "INVALID_COMMON_PARAM", "RESOURCE_NOT_INITIAL",
    "STORAGE_SIGN_PARAM_INVALID", "FUNCTIONS_REQUEST_FAIL", "FUNCTIONS_EXECUTE_FAIL",
]  # fmt: skip


def listed(*documents):
    return {"data": {"list": list(documents)}}


def refused(code):
    return {"code": code, "message": f"text of {code}"}


ANSWERED = [
    *((call, listed(*samples("documents"))) for call in samples("reading")),
    *((call, listed(one)) for call in samples("reading") for one in samples("documents")),
    *((call, listed()) for call in samples("reading")),
    *((call, refused(code)) for call in samples("calls") for code in CODES),
    *((samples("calls")[0], refused(code)) for code in OTHER_CODES),
    (f"{T}.get()", listed("not JSON")),
    (f'{DOC}.set({{"data": {{"a": 1}}}})', {"data": {"updated": 0, "upsert_id": "x"}}),
    (f'{DOC}.set({{"data": {{"a": 1}}}})', {"data": {"updated": 1, "upsert_id": None}}),
    (f'{DOC}.update({{"data": {{"a": 1}}}})', {"data": {"updated": 0}}),
    (f'{WHERE}.update({{"data": {{"a": 1}}}})', {"data": {"updated": 0}}),
    (f"{WHERE}.remove()", {"data": {"deleted": 0}}),
    (f"{WHERE}.count()", {"data": {"total": 0}}),
]
COS_ERROR = (
    "<?xml version='1.0' encoding='utf-8' ?><Error><Code>{}</Code><Message>a &amp; b</Message>"
    "<RequestId>r</RequestId><TraceId>t</TraceId></Error>"
)


def files(base):
    """Return expressions of the storage with the answers that they get; ``base`` is its address."""
    granted = {
        "data": {
            "url": f"{base}/put/here?a=1",
            "token": "tok",
            "authorization": "q-sign",
            "fileId": "cloud://e.b/a",
            "cosFileId": "Y29z",
        }
    }
    name = "cloud://e.b/零 b.txt"
    url = f"{base}/files/零 b.txt?sign=1&t=2"
    found = {"fileID": name, "code": "SUCCESS", "tempFileURL": url, "maxAge": 600}
    missing = {"fileID": "cloud://e.b/no", "code": "STORAGE_FILE_NONEXIST"}
    other, without_code = {**found, "code": "A_NEW_ONE"}, {**missing, "code": ""}

    def download(*answers):
        listed = {"data": {"download_list": [answers[0]]}}
        return f'cloud.downloadFile({{"fileID": "{name}"}})', listed, *answers[1:]

    def upload(answer):
        path = "dir/零 (1)+'b'.txt"
        content = f'"cloudPath": "{path}", "fileContent": binary("content ñ")'
        return f"cloud.uploadFile({{{content}}})", granted, answer

    return [
        upload(Raw(status=204)),
        *(
            upload(Raw(COS_ERROR.format(code).encode(), status, "application/xml"))
            for code, status in (("AccessDenied", 403), ("SignatureDoesNotMatch", 200))
        ),
        download(found, Raw(b"\x00\xffcontent", 200, "text/plain")),
        download(found, Raw(b"", 200, "text/plain")),
        download(found, Raw(COS_ERROR.format("NoSuchKey").encode(), 404, "application/xml")),
        download(missing),
        download({**missing, "message": "no such file"}),
        (
            'cloud.getTempFileURL({"fileList": ["a", "b", "c", "d"]})',
            {"data": {"download_list": [found, missing, other, without_code]}},
        ),
        (
            'cloud.deleteFile({"fileList": ["a", "b"]})',
            {"data": {"delete_list": [{**missing, "code": "SUCCESS"}, missing]}},
        ),
    ]


# ---- requests ------------------------------------------------------------------------------


def check_requests(cases, both):
    ours, theirs, our_requests, their_requests = both(cases)
    check_outcomes(cases, ours, theirs)
    wrong = []
    for number, (text,) in enumerate(cases):
        mine, their = (
            [comparable(one) for one in seen[number]] for seen in (our_requests, their_requests)
        )
        if mine != their or not mine:
            wrong.append((text, mine, their))
    assert not wrong, f"{len(wrong)} of {len(cases)} differ; the first: {wrong[0]}"
    for seen in (our_requests, their_requests):
        for request in (one for each in seen.values() for one in each):
            assert signature_is_good(request.headers, request.target, request.body, "test-key")


def test_both_send_the_same(both):
    assert len(SENT) > 250
    check_requests([(text,) for text in SENT], both)


def test_both_send_the_same_operators(both):
    stages = expressions.operators()
    check_requests([(f"{T}.aggregate(){each}.end()",) for each in stages], both)


def test_every_command_and_stage_of_the_sdk_is_sent():
    source = expressions.COMMAND_TS.read_text("utf-8").partition("aggregate: {")[0]
    commands = set(re.findall(r"^  (\w+)\(", source, re.MULTILINE))
    folder = expressions.COMMAND_TS.parent
    stages = set(
        re.findall(r"^  (\w+)\(param\) \{", (folder / "aggregate.ts").read_text(), re.MULTILINE)
    )
    assert len(commands) > 35
    assert len(stages) == 16
    text = "\n".join(SENT)
    words = {name: f"{name}_" if name in ("in", "and", "or", "not") else name for name in commands}
    assert [name for name in commands if f"_.{words[name]}(" not in text] == []
    assert [name for name in stages if f".{name}(" not in text] == []
    assert len(expressions.operators()) == 92


def test_both_refuse_the_same_mistakes(both):
    cases = [(text,) for text in samples("mistakes")]
    ours, theirs, our_requests, their_requests = both(cases)
    assert all("error" in their for their in theirs)
    check_outcomes(cases, ours, theirs)
    assert not any((*our_requests.values(), *their_requests.values()))


# ---- answers -------------------------------------------------------------------------------


def test_both_make_the_same_of_answers(both):
    cases = ANSWERED
    ours, theirs, *_ = both(cases)
    for mine, their in zip(ours, theirs, strict=True):
        # The code that the SDK keeps for some calls is the facade's too.
        kept = their.get("error", {}).get("code")
        assert kept is None or mine["error"]["code"] == kept
    check_outcomes(cases, ours, theirs)


FOREIGN = [
    Raw(b"<html>no gateway</html>", 200, "text/html"), Raw(b"{", 200), Raw(b"", 200),
    Raw(b"[]", 200), Raw(b"{}", 200), Raw(b'{"data": {}}', 200), Raw(b'{"data": {"list": 1}}', 200),
    Raw(b"<html>bad</html>", 502, "text/html"), Raw(b"{}", 500), Raw(b"", 404), Raw(b"x", 413),
]  # fmt: skip


def test_both_fail_alike_for_a_foreign_answer(both):
    # A transfer of COS has answers of its own; these are of the gateway.
    calls = [one for one in samples("calls") if "createCollection" not in one]
    cases = [(call, answer) for call in calls for answer in FOREIGN]
    ours, theirs, *_ = both(cases)
    for (call, answer), mine, their in zip(cases, ours, theirs, strict=True):
        if answer.status == 200:
            # JavaScript goes on without some missing fields: {}, or undefined in the result.
            assert mine.get("error", {}).get("errCode") == -1 or "error" not in their, (call, mine)
    refused = [number for number, (_call, answer) in enumerate(cases) if answer.status != 200]
    check_outcomes(*([each[number] for number in refused] for each in (cases, ours, theirs)))


def test_both_transfer_the_same_files(both, gateway):
    cases = files(gateway.base)
    ours, theirs, our_requests, their_requests = both(cases)
    check_outcomes(cases, ours, theirs)
    for number, case in enumerate(cases):
        mine, their = (
            [transferred(one) for one in seen[number]] for seen in (our_requests, their_requests)
        )
        assert mine == their, case


def transferred(request):
    """Return what counts in a request of the storage."""
    if request.method == "POST":
        return json.loads(request.body)
    names = ("signature", "authorization", "x-cos-security-token", "x-cos-meta-fileid", "key")
    headers = [request.headers.get(name) for name in names]
    return request.method, request.target, headers, request.body


# ---- transactions --------------------------------------------------------------------------

STARTED = {"transactionId": "t1"}
CONFLICT = {"code": "DATABASE_TRANSACTION_CONFLICT", "message": "conflict"}
FAILED = {"code": "DATABASE_TRANSACTION_FAIL", "message": "it took too long"}
TRANSACTIONS = [
    ("db.runTransaction(nothing)", STARTED, CONFLICT, STARTED, {}),
    ("db.runTransaction(nothing)", *[STARTED, CONFLICT] * 4),
    ("db.runTransaction(nothing, 1)", *[STARTED, CONFLICT] * 4),
    ("db.runTransaction(nothing, 0)", *[STARTED, CONFLICT] * 4),
    ("db.runTransaction(nothing)", STARTED, FAILED, {}),
    ("db.runTransaction(nothing)", STARTED, FAILED, FAILED),
    ("db.runTransaction(nothing)", FAILED),
    ("db.runTransaction(reading)", STARTED, FAILED, {}),
    ("db.runTransaction(give_up)", STARTED, FAILED, {}),
    ("db.runTransaction(broken)", STARTED, {"data": {"list": []}}, FAILED),
    ("commit()", FAILED), ("commit()", STARTED, FAILED), ("rollback()", STARTED, FAILED),
    ("commit()", STARTED, {"answer": 7}), ("rollback()", STARTED, {"answer": 7}),
]  # fmt: skip


def test_both_repeat_and_end_transactions_alike(both):
    ours, theirs, our_requests, their_requests = both(TRANSACTIONS)
    check_outcomes(TRANSACTIONS, ours, theirs)
    for number, case in enumerate(TRANSACTIONS):
        mine, their = (
            [json.loads(one.body)["action"] for one in seen[number]]
            for seen in (our_requests, their_requests)
        )
        assert mine == their, case
