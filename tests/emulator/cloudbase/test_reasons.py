"""Why calls and invocations failed: journal, logs, outcomes, and the reports of their ends."""

import json
import threading

import pytest
import requests
from support.processes import WAIT, until
from support.serving import Served
from support.values import API, CLOUD_DAY, NOW

from cloud_openapi.errors import LONGEST_REASON

WEEKLY, PORTRAIT = "analysis.getWeeklyRetain", "analysis.getUserPortrait"
PERFORMANCE = "analysis.getPerformanceData"
CALLS = """
const cloud = require('wx-server-sdk');
cloud.init();
const call = (api, params) =>
  api.split('.').reduce((found, name) => found[name], cloud.openapi)(params);
"""
CALLER = CALLS + "exports.main = async ({ api, params }) => call(api, params);\n"
OUTER = (
    CALLS
    + """
exports.main = async ({ name, data }) => {
  console.log('before');
  const { result } = await cloud.callFunction({ name, data: data || {} });
  console.log('after');
  return result;
};
"""
)
PYTHON = """
from functools import reduce
from cloud_openapi import cloud
cloud.init()
def main(event, context):
    api = reduce(getattr, event["api"].split("."), cloud.openapi)
    return api(event["params"])
"""
CALLERS = {"node": ("index.js", CALLER), "python": ("index.py", PYTHON)}


@pytest.fixture
def served(tmp_path, monkeypatch):
    with Served(tmp_path / "functions", monkeypatch) as served:
        served.ended = []
        served.functions._on_end = served.ended.append
        served.emulator.clock.freeze(NOW)
        yield served


def invoke(served, name, event=None, source="wx_client"):
    return served.functions.invoke(name, event or {}, NOW, source)


def reasons_in(log):
    return [line.partition("Reason: ")[2] for line in log.splitlines() if "Reason: " in line]


def check(served, outcome, reason):
    """The outcome, its end, its log and the function's log say the reason, once each."""
    assert outcome.status == 430
    assert outcome.reason == reason
    assert len(reason) <= LONGEST_REASON
    assert served.ended[-1].reason == reason
    assert reasons_in(outcome.log) == [reason]
    log = [line for _, line in served.functions.log_of(served.ended[-1].function).since()]
    assert log.count(f"Reason: {reason}") == 1


# ---- the data ------------------------------------------------------------------------------


def test_entry_names_its_invocation_and_the_time_it_took(served):
    served.write("caller", CALLER, [API])
    seen = []
    served.emulator.on_entry = seen.append
    outcome = invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    (entry,) = served.entries
    assert outcome.status == 200
    assert seen == [entry]
    assert f"RequestId:{entry.invocation}\n" in outcome.log
    assert entry.milliseconds > 0
    assert entry.reason == outcome.reason == ""
    assert "Reason: " not in outcome.log


@pytest.mark.slow
def test_end_of_each_invocation_is_reported(served):
    served.write("outer", OUTER)
    served.write("inner", "exports.main = async () => 1;\n")
    served.write(
        "fails",
        "def main(event, context):\n    raise ValueError('no\\n  really')\n",
        file="index.py",
    )
    invoke(served, "outer", {"name": "inner"})
    invoke(served, "fails", source="wx_trigger")
    inner, outer, fails = served.ended
    assert (inner.function, inner.depth, inner.source) == ("inner", 1, "wx_client,scf")
    assert (outer.function, outer.depth, outer.source) == ("outer", 0, "wx_client")
    assert inner.parent == outer.invocation
    assert outer.parent == ""
    assert outer.milliseconds > inner.milliseconds > 0
    assert (inner.status, inner.message, inner.reason) == (200, "", "")
    assert (fails.status, fails.message, fails.reason) == (430, "ValueError: no", "")


# ---- permissions ---------------------------------------------------------------------------


@pytest.mark.variants
@pytest.mark.parametrize("language", CALLERS)
@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (None, 'write {file}: {{"permissions": {{"openapi": ["analysis.getDailyRetain"]}}}}'),
        ("{}", 'add "analysis.getDailyRetain" to permissions.openapi in {file}'),
        (
            '{"permissions": {"openapi": ["analysis.getdailyretain"]}}',
            (
                'permissions.openapi in {file} lists "analysis.getdailyretain": write '
                '"analysis.getDailyRetain" exactly so'
            ),
        ),
        (
            '{"permissions": {"openapi": ["analysis.getDailyRetian"]}}',
            (
                'permissions.openapi in {file} lists "analysis.getDailyRetian": write '
                '"analysis.getDailyRetain" exactly so'
            ),
        ),
        (
            '{"permissions": {"openapi": ["*"]}}',
            '"*" is not a wildcard: add "analysis.getDailyRetain" to permissions.openapi in {file}',
        ),
        (
            '{"permissions": {"openapi": "analysis.getDailyRetain"}}',
            (
                "{file}: permissions.openapi must be an array of API names, not a string; until "
                "then no API is permitted"
            ),
        ),
    ],
)
def test_a_missing_permission_names_the_file_and_the_line(served, language, config, reason):
    file, source = CALLERS[language]
    served.write("caller", source, file=file)
    path = served.folder / "caller" / "config.json"
    path.unlink()
    if config is not None:
        path.write_text(config, "utf-8")
    outcome = invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    reason = reason.format(file=path)
    assert served.entries[-1].reason == reason
    check(served, outcome, f"{API} -604101: {reason}")


@pytest.mark.parametrize("language", CALLERS)
def test_a_config_json_that_is_not_json_is_told_in_the_words_of_json(served, language):
    file, source = CALLERS[language]
    served.write("caller", source, file=file)
    path = served.folder / "caller" / "config.json"
    path.write_text('{\n  "permissions": {"openapi": ["a.b",]}\n}', "utf-8")
    outcome = invoke(served, "caller")
    assert outcome.status == 438
    assert outcome.reason.startswith(f"{path}: line 2, column ")
    assert outcome.reason.endswith(': not JSON: remove the comma before "]"')
    assert reasons_in(outcome.log) == [outcome.reason]
    # It has no timer that could fail to fire.
    served.functions.timers()
    log = [line for _, line in served.functions.log_of("caller").since()]
    assert not [line for line in log if "timer" in line]
    path.write_text('{"triggers": [],}', "utf-8")
    served.functions.timers()
    log = [line for _, line in served.functions.log_of("caller").since()]
    assert len([line for line in log if "the timer does not fire" in line]) == 1


def test_the_file_is_named_as_it_can_be_opened_from_here(served, monkeypatch):
    served.write("caller", CALLER)
    monkeypatch.chdir(served.folder.parent)
    invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    assert served.entries[-1].reason.endswith(" in functions/caller/config.json")


def test_a_misspelt_call_of_a_listed_api_is_seen(served):
    served.write("caller", CALLER, [API])
    invoke(served, "caller", {"api": "analysis.getDailyRetian", "params": {}})
    file = served.folder / "caller" / "config.json"
    assert served.entries[-1].reason == (
        f'the call is "analysis.getDailyRetian", and permissions.openapi in {file} lists "{API}": '
        f"did you mean {API}?"
    )


def test_a_misspelt_call_is_seen_without_a_config_json(served):
    served.write("caller", CALLER)
    (served.folder / "caller" / "config.json").unlink(missing_ok=True)
    invoke(served, "caller", {"api": "analysis.getDailyRetian", "params": {}})
    assert served.entries[-1].reason.startswith("write ")
    assert served.entries[-1].reason.endswith(f"; or did you mean {API}?")


def test_a_listed_api_is_not_a_misspelling_of_another_one(served):
    served.write("caller", CALLER, [WEEKLY])
    invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    assert served.entries[-1].reason.startswith(f'add "{API}" to permissions.openapi in ')


def test_a_request_for_an_unknown_function_is_reported(served):
    served.write("report", PYTHON, file="index.py")
    response = requests.post(f"{served.url}/v1/functions/reprot", json={}, timeout=WAIT)
    assert response.status_code == 404
    (ended,) = served.ended
    assert (ended.function, ended.status, ended.invocation) == ("reprot", 404, "")
    assert "Did you mean report?" in ended.reason


@pytest.mark.parametrize(
    ("api", "force", "language"),
    [
        ("officialAccount.semantic.search", "", "node"),
        ("officialAccount.semantic.search", "", "python"),
        ("made.up", "--force ", "node"),
    ],
)
def test_an_api_that_is_not_emulated_names_the_pin(served, api, force, language):
    name, source = CALLERS[language]
    served.write("caller", source, [api], name)
    outcome = invoke(served, "caller", {"api": api, "params": {}})
    reason = (
        "The API is not emulated; to pin a response: cloud-openapi control --url "
        f"http://localhost:{served.url.rpartition(':')[2]} pins add {api} {force}--response '{{}}'"
    )
    check(served, outcome, f"{api} -604100: {reason}")


@pytest.mark.parametrize("language", CALLERS)
@pytest.mark.slow
def test_a_pin_by_name_answers_either_language(served, language):
    api = "officialAccount.semantic.search"
    name, source = CALLERS[language]
    served.write("caller", source, [api], name)
    served.write("denied", source, [API], name)
    pin = {"api": api, "request": {"city_name": "a"}, "response": {"search_id": [{"b_c": 1}]}}
    served.emulator.pins.add(pin)
    event = {"api": api, "params": {"cityName": "a"}}
    answer = {"searchId": [{"bC": 1}], "errMsg": f"openapi.{api}:ok"}
    outcome = invoke(served, "caller", event)
    assert {key: outcome.result[key] for key in answer} == answer
    assert "-604101" in invoke(served, "denied", event).reason


# ---- parameters ----------------------------------------------------------------------------

RULE_DAY = "beginDate and endDate are one and the same day, at the latest yesterday"
RULE_WEEK = "beginDate is a Monday and endDate the Sunday after it, at the latest last week"
CLOCK = "(Beijing time). By the emulator's clock today is 20260311, so"


@pytest.mark.slow
@pytest.mark.parametrize("language", CALLERS)
@pytest.mark.parametrize(
    "case",
    [
        (
            API,
            {"beginDate": "2017-03-13", "endDate": "2017-03-13"},
            61500,
            'beginDate is "2017-03-13": write "20170313", a string of eight digits',
        ),
        (
            API,
            {"beginDate": 20170313, "endDate": 20170313},
            61500,
            'beginDate is number 20170313: write "20170313", a string of eight digits',
        ),
        (
            API,
            {"beginDate": "20170313", "endDate": 1489363200000},
            61500,
            'endDate is number 1489363200000: write "20170313", a string of eight digits',
        ),
        (
            API,
            {"beginDate": "yesterday", "endDate": "20170313"},
            61500,
            'beginDate is "yesterday": write a day as yyyymmdd, such as "20170313"',
        ),
        (API, {"beginDate": "20170313"}, 61500, "endDate is missing"),
        (
            API,
            {"begindate": "20170313", "endDate": "20170313"},
            61500,
            "beginDate is missing: did you mean beginDate by begindate?",
        ),
        (
            "liveBroadcast.addSubAnchor",
            {"roomId": 6474, "username": "testwechat"},
            47001,
            "roomId is missing: the SDK sent it as room_id; convertCase: false keeps names",
        ),
        (
            API,
            {"beginDate": "20260311", "endDate": "20260311"},
            61501,
            (
                f"beginDate 20260311 and endDate 20260311: {RULE_DAY} {CLOCK} 20260310 and "
                "20260310 are right"
            ),
        ),
        (
            API,
            {"beginDate": "20170313", "endDate": "20170319"},
            61501,
            (
                f"beginDate 20170313 and endDate 20170319: {RULE_DAY} {CLOCK} 20170313 and "
                "20170313 are right"
            ),
        ),
        (
            WEEKLY,
            {"beginDate": "20170312", "endDate": "20170318"},
            61501,
            (
                f"beginDate 20170312 and endDate 20170318: {RULE_WEEK} {CLOCK} 20170306 and "
                "20170312 are right"
            ),
        ),
        (
            PERFORMANCE,
            {"time": {"beginTimestamp": 1489363200000, "endTimestamp": 1489449600000}},
            47001,
            (
                "time.beginTimestamp is number 1489363200000: write a Unix time in seconds, such "
                "as 1489363200"
            ),
        ),
        (
            PERFORMANCE,
            {
                "time": {"beginTimestamp": 1772000000, "endTimestamp": 1772000001},
                "module": "cpu",
                "params": [],
            },
            47001,
            (
                'module is one of "10016", "10017", "10021", "10022", "10023", 10016, 10017, '
                '10021, 10022, 10023, not "cpu"'
            ),
        ),
    ],
)
def test_wrong_parameters_name_the_right_ones(served, language, case):
    api, params, code, reason = case
    file, source = CALLERS[language]
    served.write("caller", source, [api], file=file)
    outcome = invoke(served, "caller", {"api": api, "params": params})
    assert served.entries[-1].reason == reason
    check(served, outcome, f"{api} {code}: {reason}")


def test_an_api_without_case_conversion_shows_the_names_as_sent(served):
    call = "cloud.callOpenAPI({ api: 'analysis.getDailyRetain', data })"
    served.write("caller", f"{CALLS} exports.main = async (data) => {call};", [API])
    invoke(served, "caller", CLOUD_DAY)
    assert served.entries[-1].reason == (
        "begin_date is missing: did you mean begin_date by beginDate?"
    )


def test_data_that_is_not_ready_says_when_it_will_be(served):
    served.emulator.configure_app(served.emulator.first_appid, ready_hour=15)
    served.write("caller", CALLER, [API])
    day = {"beginDate": "20260310", "endDate": "20260310"}
    outcome = invoke(served, "caller", {"api": API, "params": day})
    assert outcome.reason.startswith(
        f"{API} 61503: the data of 20260310 will be ready today at 15:00 in Beijing (ready_hour of "
    )


# ---- what a test put in the way ------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("language", CALLERS)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "errcode": 61504},
        {"kind": "gateway_error", "errcode": -604102},
        {"kind": "not_ready", "until": "2026-03-12T00:00"},
        {"kind": "html"},
        {"kind": "drop"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_a_fault_is_named_with_the_command_that_removes_it(served, language, fault):
    file, source = CALLERS[language]
    served.write("caller", source, [API], file=file)
    served.emulator.faults.add(fault)
    outcome = invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    command = f"cloud-openapi control --url {served.url.replace('127.0.0.1', 'localhost')} "
    assert outcome.reason.startswith(API)
    assert outcome.reason.endswith(
        f": fault 1: {fault['kind']} makes this answer; to remove it: {command}faults remove 1"
    )
    check(served, outcome, outcome.reason)


def test_a_pin_is_named_with_the_command_that_removes_it(served):
    served.write("caller", CALLER, [API])
    error = {"errcode": 61504, "errmsg": "busy"}
    served.emulator.pins.add({"api": API, "responses": [error, {"errcode": 61503}]})
    for code in (61504, 61503):
        outcome = invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
        start = f"{API} {code}: pin 1 makes this answer; to remove it: cloud-openapi control --url "
        assert outcome.reason.startswith(start)
        assert outcome.reason.endswith(" pins remove 1")


def test_an_override_that_has_ended_is_not_removed(served):
    served.write("caller", CALLER, [API])
    served.emulator.faults.add({"kind": "error", "errcode": 61504, "times": 1})
    served.emulator.pins.add({"api": API, "response": {"errcode": 61503}, "times": 1})
    for what in ("fault 1: error", "pin 1"):
        invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
        assert served.entries[-1].reason == f"{what} made this answer, its last one"


@pytest.mark.parametrize(
    ("limits", "code", "reason"),
    [
        (
            {"daily_limits": {API: 0}},
            45009,
            (
                "the 0 calls a day of {path} are used up (set by daily_limits of the mini "
                "program); the count begins again at midnight in Beijing, "
                "or with /cgi-bin/clear_quota"
            ),
        ),
        (
            {"minute_limits": {API: 0}},
            45011,
            (
                "the 0 calls a minute of {path} are used up (set by minute_limits of the mini "
                "program); call again in the next minute"
            ),
        ),
    ],
)
def test_a_quota_names_its_limit_and_when_it_begins_again(served, limits, code, reason):
    served.emulator.configure_app(served.emulator.first_appid, **limits)
    served.write("caller", CALLER, [API])
    outcome = invoke(served, "caller", {"api": API, "params": CLOUD_DAY})
    path = served.emulator.catalogue[API].path
    check(served, outcome, f"{API} {code}: {reason.format(path=path)}")


# ---- what is not emulated, and other functions ---------------------------------------------


@pytest.mark.parametrize(
    ("call", "start"),
    [
        ("cloud.getOpenData({ list: ['a'] })", "cloud.getOpenData() is not emulated (apiType 2)"),
        ("cloud.cloudPay.unifiedOrder({ body: 'a' })", "cloud.cloudPay is not emulated (action "),
    ],
)
def test_what_is_not_emulated_is_named_as_the_developer_wrote_it(served, call, start):
    served.write("caller", CALLS + f"exports.main = async () => {call};")
    outcome = invoke(served, "caller")
    assert outcome.reason.startswith(start)
    assert 'when the variable TCB_ENV is "local", replace it in your tests' in outcome.reason
    check(served, outcome, outcome.reason)
    entry = served.entries[-1]
    assert (entry.reason, entry.function, entry.path) == (outcome.reason, "caller", "/admin")
    assert entry.errcode < 0


def test_a_missing_collection_is_named_with_those_there_are(served):
    served.emulator.databases.given = {"todos": []}
    source = "exports.main = async () => cloud.database().collection('todo').get();"
    served.write("caller", CALLS + source)
    outcome = invoke(served, "caller")
    assert outcome.reason == (
        "there is no collection todo: did you mean todos? the collections are todos; to declare "
        "it, list it in database/collections.json beside the functions, or: cloud-openapi database "
        f"create todo --url {served.url.replace('127.0.0.1', 'localhost')}"
    )
    entry = served.entries[-1]
    assert (entry.reason, entry.function, entry.errcode) == (outcome.reason, "caller", -502005)
    assert entry.body == b'{"collectionName":"todo","queryType":"WHERE","limit":100}'


UPLOAD = """
const cloud = require('wx-server-sdk');
cloud.init();
exports.main = async ({ old }) => {
  const upload = cloud.uploadFile({ cloudPath: '/a.txt', fileContent: Buffer.from('a') });
  if (!old) await upload;
  // SDKs from 2.1 to 3.0 read the data of an answer that has a code instead.
  const answer = await upload.catch(({ code }) => ({ code }));
  const { data: { url } } = answer;
  return url;
};
"""


@pytest.mark.parametrize("old", [False, True])
def test_a_refused_upload_is_told_for_the_type_error_of_older_sdks(served, old):
    served.write("upload", UPLOAD)
    outcome = invoke(served, "upload", {"old": old})
    assert ("TypeError" in outcome.result["stackTrace"]) is old
    check(served, outcome, "the path begins with a slash: '/a.txt'")


def test_a_call_with_a_large_event_is_told_to_the_function(served):
    served.write("outer", OUTER)
    served.write(
        "python",
        "from cloud_openapi import cloud\ncloud.init()\n"
        "def main(event, context):\n"
        "    return cloud.callFunction(name='outer', data={'large': 'x' * 7_000_000})\n",
        file="index.py",
    )
    source = OUTER.replace("data || {}", "{ large: 'x'.repeat(7000000) }")
    served.write("large", source)
    for name in ("large", "python"):
        outcome = invoke(served, name, {"name": "outer"})
        assert "the body is larger than 6 MB" in outcome.result["stackTrace"]
        check(
            served,
            outcome,
            "the body is larger than 6 MB: upload large contents and pass their fileIDs, and write "
            "fewer documents at a time",
        )
        entry = served.entries[-1]
        assert (entry.function, entry.invocation) == (name, served.ended[-1].invocation)


USES = """
const db = cloud.database(), _ = db.command, $ = _.aggregate, c = db.collection('c');
const where = (query) => c.where(query).get();
const field = (fields) => c.where({ 'l.n': 5 }).field(fields).get();
const update = (data) => c.doc('a').update({ data });
const add = (data) => c.add({ data });
const stages = () => c.aggregate();
const uses = {
  elemMatch: () => where({ l: _.elemMatch({ n: _.gt(1).lt(9) }) }),
  pull: () => update({ l: _.pull({ n: _.gt(1).lt(9) }) }),
  add: () => add({ n: _.inc(1) }),
  stage: () => stages().addFields({ n: _.gt(1) }).end(),
  match: () => stages().match({ l: _.elemMatch(_.or(1, 2)) }).end(),
  field: () => field({ l: _.elemMatch({ n: 1 }) }),
  below: () => field({ l: _.project.elemMatch({ n: _.gt(1) }) }),
  buffer: () => update({ b: Buffer.from('b') }),
};
const fine = {
  rule: () => add({ rule: { fieldName: 'age', operator: 'gt', operands: [18] } }),
  sum: () => add({ operator: 'add', operands: [1, 2] }),
  chained: () => where({ n: _.gt(1).lt(9).or(_.eq(0)), operands: 1 }),
  not: () => where({ n: _.not(_.gt(1)), t: _.all(['x', 'y']) }),
  plain: () => where({ l: _.elemMatch({ n: 5 }) }),
  single: () => where({ l: _.elemMatch({ n: _.gt(1) }) }),
  rules: () => where({ l: _.elemMatch({ fieldName: 'age', operator: 'gt', operands: [18] }) }),
  values: () => where({ t: _.elemMatch(_.in(['x'])) }),
  operators: () => where({ l: _.elemMatch({ $or: [{ n: { $gt: 1, $lt: 9 } }, { n: 0 }] }) }),
  pulls: () => update({ l: _.pull({ n: _.gt(9) }), t: _.pull(_.in(['z'])) }),
  updates: () => update({ n: _.inc(1), m: _.set({ a: 1 }), t: _.push(['z']), d: db.serverDate() }),
  match: () => stages().match({ n: _.gt(1), l: _.elemMatch({ n: _.lt(9) }) }).end(),
  stage: () => stages().addFields({ n: $.gt(['$n', 1]), o: $.literal({ $all: 1 }) }).end(),
  lookup: () => stages().lookup({
    from: 'c', let: { n: '$n' }, as: 'o',
    pipeline: $.pipeline().match(_.expr($.eq(['$n', '$$n']))).project({ n: 1 }).done(),
  }).end(),
  project: () => field({ l: _.project.elemMatch({ n: 5 }), t: _.project.slice(1) }),
  position: () => field({ 'l.$': true }),
  buffer: () => add({ text: Buffer.from('b').toString('base64') }),
};
exports.main = async ({ use }) => {
  if (use) return [await uses[use](), await uses[use]()];
  for (const each in fine) await fine[each]().catch((error) => { throw Error(each + error); });
};
"""
IN_QUERY = "write the operators of MongoDB there, such as {$gt: 1, $lt: 9} or "
WARNED = {
    "elemMatch": ("and", IN_QUERY),
    "pull": ("and", IN_QUERY),
    "add": ("inc", "a command of an update stands at a field of data, and add() takes values"),
    "stage": ("gt", "an expression is made by db.command.aggregate: $.gt(), not _.gt()"),
    "match": ("or", IN_QUERY),
    "field": ("elemMatch", "write _.project.elemMatch() or _.project.slice()"),
    "below": ("gt", IN_QUERY),
    "buffer": (
        None,
        "a Buffer without its bytes: store buffer.toString('base64'), or a file by ",
    ),
}


def warnings_in(log):
    return [line for line in log.splitlines() if line.startswith("Warning: ")]


@pytest.fixture
def using(served):
    kept = {"_id": "a", "l": [{"n": 5}], "t": ["x", "y"], "n": 5}
    served.emulator.databases.given = {"c": [kept]}
    served.write("caller", CALLS + USES)
    return served


def test_a_command_that_the_sdk_does_not_translate_is_warned_of_once(using):
    logged = []
    for use, (command, advice) in WARNED.items():
        outcome = invoke(using, "caller", {"use": use})
        assert (outcome.status, outcome.reason, reasons_in(outcome.log)) == (200, "", []), use
        (warning,) = warnings_in(outcome.log)
        plain = f"has not translated _.{command}, and its object is taken for a plain one, as on "
        start = f"{plain}the platform: " if command else "sends "
        assert warning.startswith(f"Warning: the SDK {start}{advice}"), use
        logged.append(warning)
    own = [line.text for line in using.functions.log_of("caller").lines() if line.kind == "own"]
    assert [line for line in own if line.startswith("Warning: ")] == logged


def test_commands_that_the_sdk_translates_are_not_warned_of(using):
    outcome = invoke(using, "caller")
    assert (outcome.status, outcome.reason, reasons_in(outcome.log)) == (200, "", [])
    assert warnings_in(outcome.log) == []


def test_an_action_that_nothing_awaits_is_warned_of(served):
    served.emulator.databases.given = {"c": []}
    add = "setTimeout(() => cloud.database().collection('c').add({ data: {} }), 100)"
    served.write("caller", f"{CALLS}exports.main = async () => {{ {add} }};")
    assert invoke(served, "caller").status == 200

    def warnings():
        lines = served.functions.log_of("caller").lines()
        return [line.text for line in lines if line.text.startswith("Warning: ")]

    assert until(warnings)
    (warning,) = warnings()
    assert warning == (
        "Warning: database.insertDocument: the call was made outside of an invocation, while the "
        "module was loaded or after the handler had returned: await it within the handler"
    )


def test_all_without_a_list_names_what_the_sdk_sends_and_what_to_write(served):
    served.emulator.databases.given = {"c": [{"_id": "a", "l": [{"n": ["x", "y"]}], "t": ["x"]}]}
    source = """
const db = cloud.database(), _ = db.command, c = db.collection('c');
const uses = {
  elemMatch: () => c.where({ l: _.elemMatch({ n: _.all(['x', 'y']) }) }).get(),
  pull: () => c.doc('a').update({ data: { l: _.pull({ n: _.all(['x', 'y']) }) } }),
  where: () => c.where({ t: _.all('x') }).get(),
  written: async () => [
    (await c.where({ l: _.elemMatch({ n: { $all: ['x', 'y'] } }) }).get()).data.length,
    (await c.where({ t: _.all(['x']) }).get()).data.length,
    (await c.doc('a').update({ data: { l: _.pull({ n: { $all: ['x', 'y'] } }) } })).stats.updated,
  ],
};
exports.main = ({ use }) => uses[use]();
"""
    served.write("caller", CALLS + source)
    first = "the SDK sends the first value of _.all alone: write {$all: […]} there"
    for use, advice in {
        "elemMatch": f"inside of _.elemMatch {first}",
        "pull": f"inside of _.pull {first}",
        "where": "$all needs a list: write _.all([…])",
    }.items():
        outcome = invoke(served, "caller", {"use": use})
        assert "$all needs an array" in outcome.reason
        assert outcome.reason.endswith(f': "x": {advice}')
    assert invoke(served, "caller", {"use": "written"}).result == [1, 1, 1]


def test_an_unknown_function_is_suggested(served):
    served.write("outer", OUTER)
    served.write("report", "exports.main = async () => 1;\n")
    outcome = invoke(served, "outer", {"name": "reprot"})
    assert outcome.reason.startswith("callFunction: there is no function reprot in ")
    assert outcome.reason.endswith(": did you mean report? Known: outer, report")
    check(served, outcome, outcome.reason)
    assert served.entries[-1].reason == outcome.reason
    assert served.entries[-1].invocation == served.ended[-1].invocation


def test_a_failed_function_gives_its_reason_to_its_caller(served):
    served.write("outer", OUTER)
    served.write("caller", CALLER)
    data = {"api": API, "params": CLOUD_DAY}
    outcome = invoke(served, "outer", {"name": "caller", "data": data})
    inner, outer = served.ended
    assert inner.reason.startswith(f'{API} -604101: add "{API}" to permissions.openapi in ')
    assert outcome.reason == outer.reason == f"caller: {inner.reason}"
    # The nested log says it; the function's own log does not have the nested one.
    assert reasons_in(outcome.log) == [inner.reason]
    log = [line for _, line in served.functions.log_of("outer").since()]
    assert f"Reason: {outer.reason}" in log


@pytest.mark.slow
def test_a_failed_function_without_a_reason_gives_its_error(served):
    served.write("outer", OUTER)
    served.write("fails", "exports.main = async () => { throw new RangeError('too far') };\n")
    outcome = invoke(served, "outer", {"name": "fails"})
    assert outcome.reason == "fails: RangeError: too far"


def test_a_caught_error_is_explained_in_the_log_alone(served):
    source = CALLS + "exports.main = ({ api }) => call(api, {}).catch(() => 'caught');"
    served.write("caller", source)
    outcome = invoke(served, "caller", {"api": API})
    assert (outcome.status, outcome.result, outcome.reason) == (200, "caught", "")
    assert len(reasons_in(outcome.log)) == 1


def test_an_error_of_the_functions_own_has_no_reason(served):
    source = (
        CALLS
        + """
exports.main = async ({ api }) => {
  await call(api, {}).catch(() => {});
  throw new Error('mine');
};
"""
    )
    served.write("caller", source)
    assert invoke(served, "caller", {"api": API}).reason == ""


@pytest.mark.slow
def test_a_reason_shows_no_secret_and_no_second_line(served):
    served.write("caller", CALLER, [API])
    secret = served.emulator.apps[served.emulator.first_appid]
    token, _ = served.emulator.program(served.emulator.first_appid).tokens.grant()
    for value in (secret, token, "a\nb", f"x {secret}"):
        for params in ({"beginDate": value}, {value: "20170313"}):
            outcome = invoke(served, "caller", {"api": API, "params": params})
            for text in (outcome.reason, served.entries[-1].reason, *reasons_in(outcome.log)):
                assert secret not in text
                assert token not in text
                assert "\n" not in text


def test_the_error_of_an_end_is_short_and_shows_no_token(served):
    lines = (
        "import os",
        "def main(event, context):",
        '    raise ValueError(os.environ["WX_API_TOKEN"] + " access_token=abc&" + "x" * 1_000_000)',
    )
    served.write("leaks", "\n".join(lines), file="index.py")
    assert invoke(served, "leaks").status == 430
    message = served.ended[-1].message
    assert message.startswith("ValueError: *** access_token=***&x")
    assert len(message) <= LONGEST_REASON


# ---- nested logs ---------------------------------------------------------------------------


def without_ids(log):
    """Return the lines of a log, the platform's by their first word."""
    platform = ("START", "Response", "ERROR", "END", "Report")
    return [
        line[: len(line) - len(line.lstrip())] + line.split()[0]
        if line.lstrip().startswith(platform)
        else line
        for line in log.splitlines()
        if "[TCB]" not in line
    ]


@pytest.mark.slow
def test_the_logs_of_called_functions_are_nested_in_order(served):
    served.write("morning", OUTER)
    served.write("middle", OUTER)
    inner = "def main(event, context):\n    print('in inner')\n    return 1\n"
    served.write("inner", inner, file="index.py")
    event = {"name": "middle", "data": {"name": "inner"}}
    outcome = invoke(served, "morning", event)
    assert outcome.result == 1
    assert without_ids(outcome.log) == [
        "START",
        "before",
        "middle:",
        "  START",
        "  before",
        "  inner:",
        "    START",
        "    in inner",
        "    Response",
        "    END",
        "    Report",
        "  after",
        "  Response",
        "  END",
        "  Report",
        "after",
        "Response",
        "END",
        "Report",
    ]


@pytest.mark.slow
def test_output_before_a_nested_call_comes_before_its_log(served):
    source = (
        CALLS
        + """
exports.main = async () => {
  for (let number = 0; number < 20; number++) {
    console.log(`before ${number}`);
    await cloud.callFunction({ name: 'inner', data: {} });
  }
};
"""
    )
    served.write("outer", source)
    served.write("inner", "exports.main = async () => 1;\n")
    lines = [line for line in without_ids(invoke(served, "outer").log) if not line.startswith("  ")]
    expected = [text for number in range(20) for text in (f"before {number}", "inner:")]
    assert lines[1:-3] == expected


@pytest.mark.slow
def test_calls_at_the_same_time_keep_their_logs_together(served):
    source = (
        CALLS
        + """
const names = ['first', 'second', 'third'];
exports.main = async () => {
  await Promise.all(names.map((name) => cloud.callFunction({ name, data: {} })));
};
"""
    )
    served.write("outer", source)
    for name in ("first", "second", "third"):
        served.write(name, f"exports.main = async () => console.log('in {name}');\n")
    lines = without_ids(invoke(served, "outer").log)
    for name in ("first", "second", "third"):
        at = lines.index(f"{name}:")
        assert lines[at + 1 : at + 4] == ["  START", f"  in {name}", "  Response"]


def test_a_timer_answers_with_the_nested_logs(served):
    trigger = {"name": "t", "type": "timer", "config": "0 0 2 1 * * *"}
    source = CALLS + "exports.main = async () => cloud.callFunction({ name: 'inner', data: {} });"
    served.write("outer", source, triggers=[trigger])
    served.write("inner", "exports.main = async () => console.log('in inner');\n")
    answer = json.loads(served.send("POST", "/_emulator/timers/outer/t").body)
    assert "\ninner:\n  START RequestId:" in answer["log"]
    assert "\n  in inner\n" in answer["log"]


@pytest.mark.slow
def test_a_function_that_waits_for_another_one_says_so_when_it_times_out(served):
    served.write("outer", OUTER, timeout=6)
    served.write("quick", "exports.main = async () => 1;\n")
    assert invoke(served, "outer", {"name": "quick"}).result == 1
    served.write("slow", "exports.main = () => new Promise((go) => setTimeout(go, 15000));\n")
    outcome = invoke(served, "outer", {"name": "slow"})
    assert outcome.status == 433
    assert outcome.reason.startswith("it was waiting for slow, which it called; it did not answer")


@pytest.mark.slow
def test_more_invocations_than_allowed_say_how_many(served):
    served.write("caller", "exports.main = () => new Promise((go) => setTimeout(go, 1500));\n")
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(invoke(served, "caller")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    busy = [outcome for outcome in outcomes if outcome.status == 432]
    assert busy
    assert busy[0].reason.startswith("one emulator runs at most 16 invocations at a time")
