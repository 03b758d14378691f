"""The facade and the unmodified wx-server-sdk 4 send the same requests and return the same results.

Both call the same raw gateway. `DIFFERENCES` and `WAIVERS` list the allowed differences with their
reasons; all else must be equal, errMsg and the order of keys included.
"""

import json
import random
import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import NamedTuple

import pytest
from support.captured import parts, signature_is_good
from support.paths import ROOT
from support.sdk import SDK, CannedResponse, RawGateway, for_node
from support.values import API

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, Server, create_app, gateway_variables, listen
from cloud_openapi.errors import SDK_TEXTS
from cloud_openapi.naming import to_camel_case
from cloud_openapi.periods import BEIJING
from cloud_openapi.transports import Exchange, Reply
from cloud_openapi.transports._files import _EXTENSIONS
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.wire import messages, signature

A = f"openapi.{API}"
KEY = "test-key"
JSON = "application/json; encoding=utf-8"
GATEWAY_JSON = "application/json; charset=utf-8"
PROTO = "application/octet-stream"
QUICK, LONG = 400, 4000


class Service(NamedTuple):
    gateway: RawGateway
    node: SDK
    variables: dict


@pytest.fixture(scope="module")
def service():
    gateway = RawGateway()
    variables = {
        "TCB_CONTEXT_CNFG": json.dumps({"URL": gateway.url}),
        "TENCENTCLOUD_RUNENV": "SCF",
        "TENCENTCLOUD_SECRETID": "test-id",
        "TENCENTCLOUD_SECRETKEY": KEY,
        "TENCENTCLOUD_SESSIONTOKEN": "test-session",
        "TENCENTCLOUD_REGION": "ap-shanghai",
        "TCB_ENV": "local",
        "TCB_SOURCE": "wx_client",
        "SCF_NAMESPACE": "local",
        "WX_API_TOKEN": "test-api-token",
        "WX_CONTEXT_KEYS": "WX_API_TOKEN",
        "TCB_CONTEXT_KEYS": "TCB_ENV,TCB_SOURCE",
    }
    node = SDK(variables)
    yield Service(gateway, node, variables)
    node.close()
    gateway.close()


@pytest.fixture
def both(service, monkeypatch):
    """Return a function that makes calls with both packages and returns the outcomes."""
    for name, value in service.variables.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud()
    cloud.init()

    def call(params, options):
        openapi = cloud.openapi(options) if options else cloud.openapi
        try:
            return {"result": openapi[API](params)}
        except CloudSDKError as error:
            return {"error": error.to_dict()}

    def both(cases):
        service.gateway.set_responses([response for _, _, response in cases])
        sent = [
            _walk({"case": f"case {number}", **params}, indices_first)
            for number, (params, _, _) in enumerate(cases)
        ]
        calls = [
            {"api": API, "params": for_node(params), "options": options}
            for params, (_, options, _) in zip(sent, cases, strict=True)
        ]
        theirs = service.node.call(calls)
        ours = [call(params, options) for params, (_, options, _) in zip(sent, cases, strict=True)]
        return ours, theirs

    return both


# ---- allowed differences -------------------------------------------------------------------


_INDEX = re.compile("0|[1-9][0-9]{0,9}")


def _walk(value, change):
    if isinstance(value, dict):
        value = {key: _walk(item, change) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_walk(item, change) for item in value]
    return change(value)


def indices_first(value):
    """JavaScript puts integer keys first in an object; JSON objects have no order."""
    if not isinstance(value, dict):
        return value
    numbers = sorted(
        (key for key in value if _INDEX.fullmatch(key) and int(key) < 2**32 - 1), key=int
    )
    return {key: value[key] for key in (*numbers, *value)}


def half_a_pair_in_a_name(message):
    """protobuf.js writes a lone surrogate in a short name as invalid UTF-8, the facade U+FFFD."""
    return re.sub(b"\xed[\xa0-\xbf][\x80-\xbf]", "\ufffd".encode(), message)


def errcode_zero(_answer, ours, theirs):
    """WeChat's examples have errMsg alone; the SDK adds errCode: 0."""
    if "result" in ours and theirs.get("result", {}).get("errCode") == 0:
        ours["result"]["errCode"] = 0


def own_request_id(_answer, ours, theirs):
    """An error's URL has the number of its own request."""
    for outcome in (ours, theirs):
        if "error" in outcome:
            outcome["error"]["errMsg"] = re.sub(
                "seqId=[0-9a-f_]+", "seqId=", outcome["error"]["errMsg"]
            )


def big_numbers(_answer, ours, theirs):
    """json-bigint turns numbers of over 15 characters into objects or texts; Python keeps them."""
    if "result" in ours and "result" in theirs:
        theirs["result"] = _healed(ours["result"], theirs["result"])


def _healed(mine, their):
    """Return the SDK's value with the facade's spelling of each equal number."""
    if isinstance(mine, dict) and isinstance(their, dict):
        return {key: _healed(mine.get(key), item) for key, item in their.items()}
    if isinstance(mine, list) and isinstance(their, list) and len(mine) == len(their):
        return [_healed(*pair) for pair in zip(mine, their, strict=True)]
    if isinstance(mine, int | float) and not isinstance(mine, bool) and _number_of(their) == mine:
        return mine
    return their


def _number_of(value):
    """Return the number in a value of the SDK, such as a BigNumber, or None."""
    if isinstance(value, dict) and value.keys() == {"s", "e", "c"}:
        digits = str(value["c"][0]) + "".join(f"{part:014}" for part in value["c"][1:])
        text = f"{'-' if value['s'] < 0 else ''}{digits[0]}.{digits[1:]}e{value['e']}"
    elif isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", value):
        text = value
    else:
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return int(Decimal(text)) if Decimal(text) % 1 == 0 else float(text)


def cut_body(_answer, ours, theirs):
    """The facade cuts a body in an error's text, which the SDK shows whole."""
    if "error" in ours and "error" in theirs and len(ours["error"]["errMsg"]) == 2001:
        theirs["error"]["errMsg"] = theirs["error"]["errMsg"][:2000] + "…"


def precise_numbers(_answer, ours, _theirs):
    """JavaScript's numbers lose digits beyond 2**53, in the text of an error too."""
    if "error" in ours:
        text = ours["error"]["errMsg"]
        ours["error"]["errMsg"] = re.sub(r"(?<=[:,\[])-?\d{16,}(?=[,\]}])", _as_double, text)


def _as_double(match):
    value = float(match[0])
    return f"{Decimal(repr(value)):f}".removesuffix(".0") if abs(value) < 1e21 else repr(value)


def forbidden_names(answer, _ours, theirs):
    """Names of JavaScript's own properties: json-bigint refuses some, others break the SDK."""
    broken = theirs.get("error", {}).get("errCode") in {-1, -601001}
    as_text = list(theirs.get("result", {})) == ["result", "errMsg", "errCode"]
    return (broken or as_text) and bool(
        re.search(b'"(constructor|__proto__|toString)": ', answer.body)
    )


def lone_value(answer, ours, _theirs):
    """The facade raises for a body without object or list; the SDK invents a result, or breaks."""
    try:
        body = messages.read_answer(answer.body).body
    except ValueError:
        body = answer.body
    try:
        lone = not isinstance(json.loads(body), dict | list)
    except ValueError:
        return False
    return lone and ours.get("error", {}).get("errCode") == -601001


def taken_for_a_message(answer, ours, theirs):
    """protobuf.js accepts some invalid messages; the facade raises."""
    return _is_no_message(answer) and "result" in theirs and "error" in ours


def words_for_garbage(answer, ours, theirs):
    """The texts for bytes that are neither a page nor the start of a message may differ."""
    said = f"{API}:fail unknown wx response received: "
    alike = all(
        outcome.get("error", {}).get("errMsg", "").startswith(said) for outcome in (ours, theirs)
    )
    return alike and not answer.body.startswith((b"<", b"\n"))


def zeros_for_spaces(answer, _ours, _theirs):
    """json-bigint skips zero bytes, as UTF-16 without a byte order mark has them."""
    return b"{\0" in answer.body


def _is_no_message(answer):
    try:
        messages.read_answer(answer.body)
    except messages.MessageError:
        return True
    return False


DIFFERENCES = [errcode_zero, own_request_id, big_numbers, precise_numbers, cut_body]
"""Each replaces an allowed difference in one outcome by the other's form."""
WAIVERS = [
    forbidden_names, lone_value, taken_for_a_message, words_for_garbage, zeros_for_spaces,
]  # fmt: skip
"""Each returns whether two outcomes may differ."""


def canonical(value):
    return json.dumps(value, default=lambda data: {"bytes": data.hex()})


def assert_equal(cases, ours, theirs):
    wrong = []
    for case, mine, their in zip(cases, ours, theirs, strict=True):
        for allowed in DIFFERENCES:
            allowed(case[2], mine, their)
        if any(waived(case[2], mine, their) for waived in WAIVERS):
            continue
        if canonical(mine) != canonical(their):
            wrong.append((case, mine, their))
    assert not wrong, f"{len(wrong)} differ; the first: {wrong[0]}"


# ---- random values -------------------------------------------------------------------------

KEYS = [
    "beginDate", "endDate", "begin_date", "BeginDate", "URL", "appID", "_id", "__v", "a__b",
    "id_", "A_b", "key_1", "uv_2nd", "1_a", "2", "10", "x_é", "ÀBc", "零", "is-Hyaline",
    "thing1.DATA", "iOS", "", " ", "constructor", "toString", "errMsg", "errCode", "length",
    "then", "toJSON", "a b", '"', "\\", "_Private", "visit_UvNew", "userInfo", "value",
    "hasOwnProperty", "🙂", "a\nb", "valueOf",
]  # fmt: skip
TEXTS = [
    "20170313", "20170230", "2017-03-13", "", " ", "零" * 50, "ñ", "🙂", "\u2028\u2029",
    "\x00\x1f\x7f\x9f", "\ufeff", "\ud800", "a\udc00b", "\u200b", '"\\/', "</script>", "null",
    "beginDate", "x" * 10_240, "\r\n--boundary", "é\u00ad", "\uffff", "true", "123", "a_b",
]  # fmt: skip
NUMBERS = [
    0, 1, -1, 20170313, 2**31, -(2**31), 2**53, -(2**53), 2**53 + 1, 10**15 - 1, 10**15, 10**16
    + 1, 1234567890123456789, 10**25, 0.1, -0.5, 1.5, 1e-5, 1e-6, 1e-7, 1.25e-9, 1e16, 1e20,
    1e21, 1.5e22, 1e300, 5e-324, 123456789.125, 0.1 + 0.2, 2.0, -0.0, 1e15,
    123456789012345680.0,
]  # fmt: skip


class Chance(random.Random):
    def key(self):
        return self.choice(KEYS) if self.random() < 0.8 else self.text()[:20]

    def text(self):
        if self.random() < 0.6:
            return self.choice(TEXTS)
        return "".join(chr(self.choice(self.ALPHABETS)(self)) for _ in range(self.randrange(12)))

    ALPHABETS = (
        lambda self: self.randrange(32, 127),
        lambda self: self.randrange(0xD800),
        lambda self: self.randrange(0xE000, 0x11000),
        lambda self: self.randrange(0x10000, 0x110000),
    )

    def value(self, depth=0):
        kind = self.random()
        if depth < 4 and kind < 0.15:
            return {self.key(): self.value(depth + 1) for _ in range(self.randrange(5))}
        if depth < 4 and kind < 0.3:
            return [self.value(depth + 1) for _ in range(self.randrange(5))]
        if kind < 0.55:
            return self.choice(NUMBERS)
        return self.choice([None, True, False]) if kind < 0.65 else self.text()

    def object(self):
        return {self.key(): self.value() for _ in range(self.randrange(6))}

    def options(self):
        return self.choice([None, None, {"convertCase": False}])

    def params(self):
        params = self.object()
        if self.random() < 0.1:
            kind = self.choice(["image/png", "image/jpeg", "text/plain", "video/mp4", "audio/mpeg"])
            params["mediaFile"] = {
                "contentType": kind,
                "value": self.randbytes(self.randrange(1, 99)),
            }
        return params


# ---- requests ------------------------------------------------------------------------------


def check_requests(service, both, seed, count):
    chance = Chance(seed)
    response = CannedResponse(messages.write_answer(b"{}", JSON))
    cases = [(chance.params(), chance.options(), response) for _ in range(count)]
    ours, theirs = both(cases)
    assert_equal(cases, ours, theirs)
    node, python = (service.gateway.seen[name] for name in ("node", "python"))
    assert len(node) == len(python) == count
    wrong = []
    for number in range(count):
        sent = [parts(seen[number].headers, seen[number].body) for seen in (python, node)]
        for fields in sent:
            fields["requestData"] = half_a_pair_in_a_name(fields["requestData"])
        if list(sent[0].items()) != list(sent[1].items()):
            wrong.append((cases[number][0], *sent))
    assert not wrong, f"{len(wrong)} differ; the first: {wrong[0]}"
    check_signatures(service, node, python)


def check_sent_alike(service, both, cases):
    """Make calls with both packages, and hold the bytes of their parameters against each other."""
    ours, theirs = both(cases)
    assert_equal(cases, ours, theirs)
    node, python = (service.gateway.seen[name] for name in ("node", "python"))
    for number, case in enumerate(cases):
        mine, their = (
            parts(seen[number].headers, seen[number].body)["requestData"] for seen in (python, node)
        )
        assert mine == their, case[0]


KINDS = [
    *_EXTENSIONS, "image/jpg", "IMAGE/PNG", "image/png; charset=utf-8", "png", "foo/bar",
    "multipart/form-data", "image/svg+xml", "application/json", "application/zip", "text/html",
]  # fmt: skip
FILES = [
    *({"contentType": kind, "value": b"\x89PNG\x00\xff"} for kind in KINDS),
    {"content_type": "image/gif", "value": b"GIF"},
    {"contentType": "image/png", "value": b""},
    {"contentType": "image/png", "value": b"x", "fileName": "my 零.gif", "more": [1]},
    {"contentType": "image/png", "value": "QQ=="},
    {"contentType": "image/png", "value": {"type": "Buffer", "data": [65]}},
    {"contentType": "", "value": "x"},
]


@pytest.mark.parametrize("options", [None, {"convertCase": False}], ids=["camelCase", "snake_case"])
def test_both_send_the_same_files(service, both, options):
    response = CannedResponse(messages.write_answer(b"{}", JSON))
    cases = [({"imgFile": file, "type": "photo"}, options, response) for file in FILES]
    check_sent_alike(service, both, cases)


BINARY = [
    (b"\x89PNG\x00\xff\r\n", "image/png"),
    (b"\xff\xd8\xff", " image/jpeg "),
    (b"", "image/jpeg"),
    (b'{"errcode": 40007, "errmsg": "x"}', "image/jpeg"),
    (b'{"a_b": 1}', "application/octet-stream"),
    (b'{"a_b": 1}', ""),
    (b"\x00" * 100_000, "video/mp4"),
]


@pytest.mark.parametrize("options", [None, {"convertCase": False}], ids=["camelCase", "snake_case"])
def test_both_return_the_same_files(both, options):
    cases = [
        ({}, options, CannedResponse(messages.write_answer(body, kind))) for body, kind in BINARY
    ]
    ours, theirs = both(cases)
    assert_equal(cases, ours, theirs)
    bodies = [outcome["result"]["buffer"] for outcome in ours]
    assert bodies == [body for body, _ in BINARY]


def check_signatures(service, node, python):
    """Check each signature with the other package's algorithm."""
    for number, request in node.items():
        fields = parts(request.headers, request.body)
        signed = signature.Signed(f"//{request.headers['host']}{request.path}", request.query,
                                  request.headers, fields)  # fmt: skip
        claim = signature.read(signed)
        claim.verify(signed, KEY, claim.timestamp)
        assert claim.secret_id == "test-id"
        ours = python[number]
        assert signature_is_good(ours.headers, ours.target, ours.body, KEY)
    made = service.node.call([{"sign": to_sign(request)} for request in python.values()])
    for request, answer in zip(python.values(), made, strict=True):
        assert answer == {"authorization": request.headers["authorization"]}


def to_sign(request):
    """Return the fields of a request that the SDK's own package signs."""
    named = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    fields = parts(request.headers, request.body)
    binary = fields.pop("requestData")
    return {
        "secretId": "test-id",
        "secretKey": KEY,
        "method": "post",
        "url": f"http://{request.headers['host']}{request.target}",
        "headers": {name: request.headers[name] for name in named.split(";")},
        "params": {name: value.decode() for name, value in fields.items()}
        | {"requestData": binary},
        "timestamp": int(request.headers["x-timestamp"]),
    }


SPACES = [chr(code) for code in range(0x3001) if chr(code).isspace()] + [
    "\u180e",
    "\u200b",
    "\ufeff",
]


@pytest.mark.parametrize("space", [" ", "\u3000", "\xa0", "\x1c", "".join(SPACES)], ids=ascii)
def test_both_trim_the_same_characters(service, space):
    fields = {"action": f"{space}wx.api{space}", "envName": f"零{space}", "Empty": space}
    given = {
        "secretId": "test-id",
        "secretKey": KEY,
        "method": "post",
        "url": "http://127.0.0.1/admin?env=e",
        "headers": {"host": "127.0.0.1", "content-type": "application/json"},
        "params": fields,
        "timestamp": 1795508239,
    }
    encoded = {name: value.encode() for name, value in fields.items()}
    request = signature.Signed("//127.0.0.1/admin", "env=e", given["headers"], encoded)
    ours = signature.sign(request, "test-id", KEY, given["timestamp"])
    assert service.node.call([{"sign": given}]) == [{"authorization": ours}]


@pytest.mark.slow
def test_both_send_the_same_fields_and_accept_each_others_signatures(service, both):
    check_requests(service, both, 1, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_both_send_the_same_fields_for_thousands_of_calls(service, both, seed):
    check_requests(service, both, seed, LONG)


# ---- outcomes ------------------------------------------------------------------------------

CODES = [
    *SDK_TEXTS, 0, -1, 40001, 45009, 61501, 61503, 85107, -601018, 2**31 - 1, -(2**31),
]  # fmt: skip
GATEWAY_CODES = [
    "SYS_ERR", "SERVER_TIMEOUT", "EXCEED_REQUEST_LIMIT", "EXCEED_CONCURRENT_REQUEST_LIMIT",
    "INVALIID_ENV", "INVALID_ENV", "INVALID_COMMON_PARAM", "INVALID_PARAM",
    "INVALID_REQUEST_SOURCE", "RESOURCE_NOT_INITIAL", "DATABASE_REQUEST_FAILED",
    "STORAGE_FILE_NONEXIST", "FUNCTIONS_REQUEST_FAIL", "FUNCTIONS_EXECUTE_FAIL",
    "SIGN_PARAM_INVALID", "MADE_UP", "SUCCESS", "", 0, None, 17, True,
]  # fmt: skip
STATUSES = [s.value for s in HTTPStatus if s >= 201 and s not in (204, 205, 304)]
STATUSES += [299, 499, 509, 599]
TYPES = [JSON, "application/json", "text/plain", "text/plain; charset=utf-8", "image/jpeg", "",
         " image/png ", "application/json; charset=utf-8", "TEXT/PLAIN"]  # fmt: skip


def _json(value):
    return json.dumps(_walk(value, indices_first)).encode()


def random_response(chance):
    """Return a random response: valid, an error, or broken."""
    return chance.choice(ANSWERS)(chance)


def good(chance):
    return CannedResponse(messages.write_answer(_json(chance.object()), JSON))


def typed(chance):
    body = chance.choice(
        [_json(chance.value()), chance.text().encode("utf-8", "replace"), b"", b"{"]
    )
    return CannedResponse(messages.write_answer(body, chance.choice(TYPES)))


def platform_error(chance):
    return CannedResponse(messages.write_error(chance.choice(CODES)))


def weixin_error(chance):
    error = {"errcode": chance.choice(CODES), "errmsg": chance.text()}
    return CannedResponse(messages.write_answer(_json({**chance.object(), **error}), JSON))


def gateway_error(chance):
    error = {"code": chance.choice(GATEWAY_CODES), "message": chance.text(), "requestId": "r"}
    kind = chance.choice(
        [GATEWAY_JSON, "application/json", "application/json; charset=UTF-8", PROTO]
    )
    return CannedResponse(_json(error), kind)


def gateway_json(chance):
    value = {**chance.object(), **chance.choice([{}, {"errcode": 40003, "errmsg": chance.text()}])}
    return CannedResponse(
        _json(value), chance.choice([GATEWAY_JSON, "application/json", PROTO, "text/html"])
    )


def bad_status(chance):
    body = chance.choice([b"", b"<html>", messages.write_answer(b"{}", JSON)])
    return CannedResponse(body, "text/html", chance.choice(STATUSES))


def no_message(chance):
    whole = messages.write_answer(_json(chance.object()), JSON)
    broken = [b"<html><body>Bad</body></html>", whole[: chance.randrange(len(whole))], b"",
              chance.randbytes(chance.randrange(12)), b"{}", b"[]", b"null", b"17"]  # fmt: skip
    return CannedResponse(chance.choice(broken), chance.choice([PROTO, "text/html"]))


def dropped(chance):
    how = chance.choice(["before", "in body", "reset"])
    return CannedResponse(messages.write_answer(_json(chance.object()), JSON), drop=how)


ANSWERS = [good, good, typed, platform_error, weixin_error, gateway_error, gateway_json, bad_status,
           no_message, dropped]  # fmt: skip


STRANGE = [
    b'\xef\xbb\xbf{"a_b": 1}',
    '{"a_b": 1}'.encode("utf-16"),
    '{"a_b": 1}'.encode("utf-16-le"),
    '{"a_b": 1}'.encode("utf-32"),
    b'{"a_b": "\xe9"}',
    b'{"a_b": "\xed\xa0\x80"}',
    '{"a_b": "零"}'.encode()[:-4] + b'"}',
    b'{"a_b": NaN}',
    b'{"a_b": -Infinity}',
    b'{"a_b": 1e999}',
    b'{"a_b": ' + b"1" * 5000 + b"}",
    b'{"a_b": 1,}',
    b"{'a_b': 1}",
    b'{"a_b": 1} {"a_b": 2}',
    b'{"a_b": "\\ud800"}',
    b'{"a_b": ' + b"[" * 90 + b"]" * 90 + b"}",
    b"  ",
    b'\n {"a_b": 1}\r\n',
]


@pytest.mark.parametrize("body", STRANGE, ids=lambda body: repr(body[:14]))
def test_both_read_strange_text_alike(both, body):
    code = b'{"code": "INVALID_PARAM", "message": "x", "c": "\xe9"}'
    cases = [
        ({}, None, CannedResponse(messages.write_answer(body, JSON))),
        ({}, None, CannedResponse(messages.write_answer(body, "text/plain"))),
        ({}, None, CannedResponse(code, GATEWAY_JSON)),
        ({}, None, CannedResponse(code.decode("latin-1").encode("utf-16"), GATEWAY_JSON)),
        ({}, None, CannedResponse(code.replace(b'"\xe9"', b"NaN"), GATEWAY_JSON)),
        ({}, None, CannedResponse(b"\xef\xbb\xbf" + code, GATEWAY_JSON)),
    ]
    assert_equal(cases, *both(cases))


def check_answers(both, seed, count):
    chance = Chance(seed)
    cases = [({}, chance.options(), random_response(chance)) for _ in range(count)]
    assert_equal(cases, *both(cases))


@pytest.mark.slow
def test_both_return_the_same_outcome(both):
    check_answers(both, 1, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_both_return_the_same_outcomes_for_thousands_of_answers(both, seed):
    check_answers(both, seed, LONG)


# ---- odd JSON --------------------------------------------------------------------------------

READ_ALIKE = [
    b'{"a": NaN}', b"NaN", b'{"a": -Infinity}', b'{"a": 1e999}', b'\xef\xbb\xbf{"a": 1}',
    b'{"errcode": null, "errmsg": "x", "a": 1}', b'{"errcode": "", "errmsg": "x"}',
    b'{"errcode": false}', b'{"errcode": 0.0, "errmsg": "x"}', b'{"errcode": -0.0}',
    b'{"errcode": 1000.0, "errmsg": "x"}', b'{"errcode": 1e3, "errmsg": "x"}',
    b'{"errcode": 1.5, "errmsg": "x"}', b'{"errcode": true, "errmsg": "x"}',
    b'{"errcode": 40003}', b'{"errcode": 40003, "errmsg": null}',
    b'{"errcode": 40003, "errmsg": true}', b'{"errcode": 40003, "errmsg": 1.0}',
    b'{"errcode": 40003, "errmsg": 1e21}', b'{"errcode": 40003, "errmsg": 0.0000001}',
    b'{"errcode": 40003, "errmsg": [1, null, [true, "x"]]}', b'{"errcode": 40003, "errmsg": ""}',
    b'{"a": "\xff\xc3("}', b'{"errcode": 40003, "errmsg": "\xff\xed\xa0\x80"}',
    b'{"a": "x\ty\n\x00"}', b"\xff\xfe{\x00}\x00", b'{"a": .5}', b'{"a": -}', b'{"a": 1e+}',
    b'{"a": "\\q"}', b'{"a": "\\u12"}', b'{"a": 1,}', b"{}", b"", b"  ", b'{"a": 1} x',
    b"{'a': 1}", b'{"a": tru}', b'{"a": +1}', b'{"a": 0x10}', b'\xc2\xa0{"a": 1}',
    b'{"a": 1}\xe2\x80\xa8', b'{"a": 1, "a": 2}',
]  # fmt: skip
OF_THE_GATEWAY = [
    b"[]", b'[1, "a_b", {"c_d": 1}]', b'{"errcode": "40003", "errmsg": "x"}',
    b'{"errcode": "abc", "errmsg": "x"}',
]  # fmt: skip
"""Over HTTPS, a list and a code that is a text are not read as the SDK reads them."""
REFUSED = [
    b'{"a": 01}', b'{"a": -01}', b'{"a": 1.}', b'{"a":\x0b 1}', b'\x00{"a": 1}', b'{"a": 1}\x00',
    b'{"a": "\\u00zz"}', b'{"errcode": [1]}', b'{"errcode": {}}', b"true", b"0", b'"x"', b"null",
]  # fmt: skip
"""The SDK reads these, or breaks; the facade raises -601001."""


class Canned(Exchange):
    """Grants a token, and answers a call with one body."""

    def __init__(self, body):
        self.body = body

    def send(self, method, target, body=None, headers=None):
        granted = b'{"access_token": "a-token", "expires_in": 7200}'
        return Reply(200, "OK", granted if "/cgi-bin/" in target else self.body)


def over_https(body, options):
    cloud = Cloud()
    cloud.init(
        transport=HTTPSTransport(Canned(body), "wx1", "a-secret"), config=ROOT / "config.json"
    )
    openapi = cloud.openapi(options) if options else cloud.openapi
    try:
        return {"result": openapi[API]({})}
    except CloudSDKError as error:
        return {"error": error.to_dict()}


@pytest.mark.parametrize("kind", [JSON, "text/plain"])
@pytest.mark.parametrize("options", [None, {"convertCase": False}], ids=["camelCase", "snake_case"])
def test_both_read_the_same_in_odd_json(both, kind, options):
    bodies = READ_ALIKE + OF_THE_GATEWAY
    cases = [({}, options, CannedResponse(messages.write_answer(body, kind))) for body in bodies]
    ours, theirs = both(cases)
    assert_equal(cases, ours, theirs)
    if kind == JSON:
        https = [over_https(body, options) for body in READ_ALIKE]
        assert_equal(cases[: len(https)], https, theirs[: len(https)])


def test_the_facade_refuses_what_only_json_bigint_reads(both):
    cases = [({}, None, CannedResponse(messages.write_answer(body, JSON))) for body in REFUSED]
    ours, _ = both(cases)
    ours += [over_https(body, None) for body in REFUSED]
    assert {outcome["error"]["errCode"] for outcome in ours} == {-601001}


# ---- the emulator's own errors, pins and faults --------------------------------------------

PINNED = [
    [],
    [1, {"ref_date": None}],
    {"_x": 1, "a__b": {"C_d": [1.5]}},
    {"list": [], "z" * 300: "零"},
]
FAULTS = [
    *(
        {"kind": "error", "errcode": code}
        for code in (-1, 40001, 45009, 48001, 61501, 61503, 61504)
    ),
    *({"kind": "gateway_error", "errcode": code} for code in range(-604104, -604099)),
    *({"kind": "status", "status": status} for status in (404, 413, 429, 500, 502, 503, 504)),
    *({"kind": kind} for kind in ("quota", "html", "empty", "truncate", "drop", "drop_in_body")),
    {"kind": "content_type", "content_type": "text/html"},
]


@pytest.mark.slow
def test_both_return_the_same_outcome_for_every_fault_and_pin(both_served):
    emulator, call = both_served
    for fault in FAULTS:
        made = emulator.faults.add(fault)
        call()
        emulator.faults.remove(made.id)
    for pinned in PINNED:
        made = emulator.pins.add({"api": API, "response": pinned, "force": True})
        call()
        emulator.pins.remove(made.id)
    for dates in ("20170313", "20170230", "2017-03-13", "29990101", 20170313, None, "", [], {}):
        call({"beginDate": dates, "endDate": dates})


def asked(operation, *, convert):
    """Return the request of an API's first example as a call has it, with a file for each."""
    params = dict(operation.examples[0]["request"])
    for name in operation.files:
        if name in params:
            params[name] = {"contentType": "image/png", "value": b"\x89PNG\r\n\x1a\n\x00\xff"}
    return to_camel_case(params) if convert else params


@pytest.mark.slow
def test_both_return_the_same_outcome_for_every_api_of_the_catalogue(both_served):
    emulator, call = both_served
    emulator.clock.freeze(datetime(2026, 3, 11, 12, tzinfo=BEIJING))
    outcomes = Counter()
    for operation in emulator.catalogue.values():
        for options in (None, {"convertCase": False}):
            for params in (asked(operation, convert=options is None), {}):
                outcome = call(params, operation.name, options)
                kind = "error" if "error" in outcome else "json"
                outcomes["file" if "buffer" in outcome.get("result", ()) else kind] += 1
    assert outcomes.total() == 4 * len(emulator.catalogue)
    assert all(outcomes[kind] >= 8 for kind in ("error", "json", "file")), outcomes


@pytest.fixture
def both_served(service, monkeypatch):
    """Return an emulator, and a function that calls it with both packages and compares."""
    emulator = Emulator()
    with Server(create_app(emulator), listen("127.0.0.1", 0)) as server:
        variables = {**gateway_variables(server.url), "TCB_CONTEXT_KEYS": "TCB_ENV"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        for name in service.variables.keys() - variables.keys():
            monkeypatch.delenv(name, raising=False)
        cloud, node = Cloud(), SDK(variables)
        cloud.init()

        def call(params=None, api=API, options=None):
            sent = {"beginDate": "20170313", "endDate": "20170313"} if params is None else params
            # Both find the emulator in the same state, so that it makes the same ids for both.
            emulator.reset_app(DEMO_APPID)
            (their,) = node.call([{"api": api, "params": sent, "options": options}])
            emulator.reset_app(DEMO_APPID)
            openapi = cloud.openapi(options) if options else cloud.openapi
            try:
                mine = {"result": openapi[api](sent)}
            except CloudSDKError as error:
                mine = {"error": error.to_dict()}
            for outcome in (mine, their):
                if "error" in outcome:
                    text = re.sub("rid: [0-9a-f-]{26}", "rid: …", outcome["error"]["errMsg"])
                    outcome["error"]["errMsg"] = text
            assert_equal([((api, sent), None, CannedResponse(b""))], [mine], [their])
            return mine

        yield emulator, call
        node.close()
