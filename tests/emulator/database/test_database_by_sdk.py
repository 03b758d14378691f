"""The unmodified wx-server-sdk 4 against the database: a table of programs in one process.

The expected values are WeChat's documentation of the commands, and MongoDB's where it is silent:
https://developers.weixin.qq.com/miniprogram/dev/wxcloud/reference-sdk-api/Cloud.html
"""

import pytest
from support.database import DatabaseGateway
from support.habits import HABITS, habits_in
from support.values import NOW

DOCUMENTS = [
    {"_id": 1, "n": 1, "s": "apple", "tags": ["a", "b"], "o": {"x": 1, "y": None}, "done": False},
    {"_id": 2, "n": 5, "s": "Banana", "tags": ["b"], "o": {"x": 2}, "done": True},
    {
        "_id": 3,
        "n": 9,
        "s": "cherry",
        "tags": [],
        "o": {"x": 3},
        "at": {"$date": 1_600_000_000_000},
    },
]
PLACES = [
    {"_id": "near", "at": {"type": "Point", "coordinates": [113.30, 23.10]}},
    {"_id": "far", "at": {"type": "Point", "coordinates": [116.40, 39.90]}},
]
ORDERS = [
    {"_id": 1, "item": "tea", "by": "a", "price": 10},
    {"_id": 2, "item": "tea", "by": "b", "price": 20},
    {"_id": 3, "item": "rice", "by": "a", "price": 5},
]
IDS = ".get().then((found) => found.data.map((each) => each._id))"
LIST = ".end().then((found) => found.list)"
AFTER = "; return (await c.doc(1).get()).data"

QUERIES = {
    "c": [1, 2, 3],
    "c.where({ n: 5 })": [2],
    "c.where({ 'o.x': 2 })": [2],
    "c.where({ o: { x: 2 } })": [2],
    "c.where({ n: _.eq(1) })": [1],
    "c.where({ n: _.neq(1) })": [2, 3],
    "c.where({ n: _.gt(1) })": [2, 3],
    "c.where({ n: _.gte(5) })": [2, 3],
    "c.where({ n: _.lt(5) })": [1],
    "c.where({ n: _.lte(5) })": [1, 2],
    "c.where({ n: _.in([1, 9]) })": [1, 3],
    "c.where({ n: _.nin([1, 9]) })": [2],
    "c.where({ n: _.gt(1).and(_.lt(9)) })": [2],
    "c.where({ n: _.or(_.lt(2), _.gt(8)) })": [1, 3],
    "c.where(_.or([{ n: 1 }, { s: 'cherry' }]))": [1, 3],
    "c.where(_.and([{ n: _.gt(1) }, { done: true }]))": [2],
    "c.where(_.nor([{ n: 1 }, { n: 9 }]))": [2],
    "c.where({ n: _.not(_.gt(1)) })": [1],
    "c.where({ n: _.mod(4, 1) })": [1, 2, 3],
    "c.where({ done: _.exists(false) })": [3],
    "c.where({ tags: 'a' })": [1],
    "c.where({ tags: _.all(['b', 'a']) })": [1],
    "c.where({ tags: _.size(1) })": [2],
    "c.where({ tags: _.elemMatch(_.gt('a')) })": [1, 2],
    "c.where({ 'o.y': null })": [1, 2, 3],
    "c.where({ s: /^b/i })": [2],
    "c.where({ s: db.RegExp({ regexp: 'RR', options: 'i' }) })": [3],
    "c.where({ at: _.lt(new Date(1600000000001)) })": [3],
    "c.where(_.expr($.gt(['$n', '$o.x'])))": [2, 3],
    "c.orderBy('n', 'desc')": [3, 2, 1],
    "c.orderBy('done', 'asc').orderBy('n', 'desc')": [3, 1, 2],
    "c.orderBy('n', 'asc').skip(1).limit(1)": [2],
}
READS = {
    "return (await c.doc(3).get()).data": {**DOCUMENTS[2], "at": {"date": 1_600_000_000_000}},
    "return (await c.doc(2).field({ s: true, 'o.x': true }).get()).data": {
        "_id": 2,
        "s": "Banana",
        "o": {"x": 2},
    },
    "return (await c.field({ _id: false, n: true }).limit(1).get()).data": [{"n": 1}],
    "return c.count()": {"total": 3, "errMsg": "collection.count:ok"},
    "return c.where({ n: _.gt(1) }).count()": {"total": 2, "errMsg": "collection.count:ok"},
}
UPDATES = {
    "n: 7": {"n": 7},
    "o: { z: 1 }": {"o": {"x": 1, "y": None, "z": 1}},
    "o: _.set({ z: 1 })": {"o": {"z": 1}},
    "n: _.inc(2)": {"n": 3},
    "n: _.mul(4)": {"n": 4},
    "n: _.min(0)": {"n": 0},
    "n: _.max(3)": {"n": 3},
    "n: _.bit({ or: 6 })": {"n": 7},
    "s: _.remove()": {"s": ...},
    "s: _.rename('t')": {"s": ..., "t": "apple"},
    "tags: ['z']": {"tags": ["z"]},
    "tags: _.push('c')": {"tags": ["a", "b", "c"]},
    "tags: _.push(['c', 'd'])": {"tags": ["a", "b", "c", "d"]},
    "tags: _.push({ each: ['0'], position: 0, slice: 2 })": {"tags": ["0", "a"]},
    "tags: _.unshift('0')": {"tags": ["0", "a", "b"]},
    "tags: _.pop()": {"tags": ["a"]},
    "tags: _.shift()": {"tags": ["b"]},
    "tags: _.pull('a')": {"tags": ["b"]},
    "tags: _.pull(_.in(['a', 'b']))": {"tags": []},
    "tags: _.pullAll(['b'])": {"tags": ["a"]},
    "tags: _.addToSet('b')": {"tags": ["a", "b"]},
    "tags: _.addToSet({ $each: ['b', 'c'] })": {"tags": ["a", "b", "c"]},
    "at: db.serverDate()": {"at": {"date": int(NOW.timestamp() * 1000)}},
    "at: db.serverDate({ offset: 1000 })": {"at": {"date": int(NOW.timestamp() * 1000) + 1000}},
    "at: new Date(5)": {"at": {"date": 5}},
    "p: db.Geo.Point(113, 23)": {"p": {"longitude": 113, "latitude": 23}},
}
AGGREGATES = {
    ".match({ by: 'a' }).project({ _id: 0, item: 1 })": [{"item": "tea"}, {"item": "rice"}],
    ".group({ _id: '$item', sum: $.sum('$price'), by: $.addToSet('$by') }).sort({ _id: 1 })": [
        {"_id": "rice", "sum": 5, "by": ["a"]},
        {"_id": "tea", "sum": 30, "by": ["a", "b"]},
    ],
    ".sort({ price: -1 }).skip(1).limit(1).project({ price: 1 })": [{"_id": 1, "price": 10}],
    ".count('orders')": [{"orders": 3}],
    ".sample({ size: 2 }).count('orders')": [{"orders": 2}],
    ".sortByCount('$by')": [{"_id": "a", "count": 2}, {"_id": "b", "count": 1}],
    ".addFields({ twice: $.multiply(['$price', 2]) }).match({ twice: 40 }).project({ twice: 1 })": [
        {"_id": 2, "twice": 40}
    ],
    ".bucket({ groupBy: '$price', boundaries: [0, 10, 100], output: { n: $.sum(1) } })": [
        {"_id": 0, "n": 1},
        {"_id": 10, "n": 2},
    ],
    ".match({ _id: 1 }).replaceRoot({ newRoot: { i: '$item' } })": [{"i": "tea"}],
    ".group({ _id: null, all: $.push('$item') }).unwind('$all').limit(1)": [
        {"_id": None, "all": "tea"}
    ],
    ".match({ _id: 3 }).lookup({ from: 'people', localField: 'by', foreignField: '_id', as: 'p' })"
    ".project({ p: 1 })": [{"_id": 3, "p": [{"_id": "a", "name": "Ann"}]}],
    ".match({ _id: 3 }).lookup({ from: 'people', let: { by: '$by' }, as: 'p', pipeline:"
    " $.pipeline().match(_.expr($.eq(['$_id', '$$by']))).project({ _id: 0 }).done() })"
    ".project({ p: 1 })": [{"_id": 3, "p": [{"name": "Ann"}]}],
}
GEO = {
    "c.where({ at: _.geoNear({ geometry: db.Geo.Point(113.3, 23.1), maxDistance: 1000 }) })": [
        "near"
    ],
    "c.where({ at: _.geoWithin({ centerSphere: [[116.4, 39.9], 0.001] }) })": ["far"],
    "c.where({ at: _.geoNear({ geometry: db.Geo.Point(116.4, 39.9) }) })": ["far", "near"],
}


def expected(changes):
    document = {**DOCUMENTS[0], **changes}
    return {name: value for name, value in document.items() if value is not ...}


def table():
    """Yield a program, the documents that its collection begins with, and its result."""
    for chain, ids in QUERIES.items():
        yield f"return {chain}{IDS}", DOCUMENTS, ids
    for chain, ids in GEO.items():
        yield f"return {chain}{IDS}", PLACES, ids
    for body, found in READS.items():
        yield body, DOCUMENTS, found
    for data, changes in UPDATES.items():
        yield (
            f"await c.doc(1).update({{ data: {{ {data} }} }}){AFTER}",
            DOCUMENTS,
            expected(changes),
        )
    for stages, found in AGGREGATES.items():
        yield f"return c.aggregate(){stages}{LIST}", ORDERS, found


TEXTS = {
    "missing": "[ResourceNotFound] Db or Table not exist: missing. Please check your request, but "
    "if the problem cannot be solved, contact us.",
    "duplicate": "[FailedOperation.Insert] multiple write errors: [{write errors: [{E11000 "
    "duplicate key error collection: tnt-local.written index: _id_ dup key: { _id: "
    '"a" }}]}, {<nil>}]',
}
WRITES = [
    ("return c.add({ data: { _id: 'a' } })", {"_id": "a", "errMsg": "collection.add:ok"}),
    ("return c.add({ data: { _id: 'a' } })", (-502001, TEXTS["duplicate"])),
    ("return c.add({ data: [{ _id: 'b' }, { _id: 'c' }] })", {"_ids": ["b", "c"]}),
    ("return c.doc('a').set({ data: { n: 1 } })", {"stats": {"updated": 1, "created": 0}}),
    ("return c.doc('d').set({ data: { n: 1 } })", {"stats": {"updated": 0, "created": 1}}),
    ("return c.doc('a').update({ data: { n: 1 } })", {"stats": {"updated": 0}}),
    ("return c.doc('zz').update({ data: { n: 1 } })", {"stats": {"updated": 0}}),
    ("return c.where({ n: 1 }).update({ data: { n: _.inc(1) } })", {"stats": {"updated": 2}}),
    ("return c.doc('b').remove()", {"stats": {"removed": 1}}),
    ("return c.where({ n: 2 }).remove()", {"stats": {"removed": 2}}),
    ("return c.get()", {"data": [{"_id": "c"}]}),
    ("return c.doc('zz').get()", (-1, "document.get:fail document with _id zz does not exist")),
    ("return db.collection('missing').get()", (-502005, TEXTS["missing"])),
    ("return db.collection('missing').add({ data: {} })", (-502005, TEXTS["missing"])),
    ("return db.createCollection('missing')", {"errMsg": "createCollection:ok"}),
    ("return db.collection('missing').add({ data: { _id: 1 } })", {"_id": 1}),
    ("return db.createCollection('missing')", (-1, "Table exist")),
    ("return c.doc('c').update({ data: { 'a.$.b': 1 } })", (-502001, "positional operator")),
    ("return c.where({ n: _.elemMatch({ $where: '1' }) }).get()", (-501007, "$where is not em")),
]


TRANSACTIONS = [
    # Both writes, or none.
    (
        (
            "await db.runTransaction(async (t) => {"
            " await t.collection('paid').doc('a').update({ data: { n: _.inc(-10) } });"
            " await t.collection('paid').doc('b').update({ data: { n: _.inc(10) } }) });"
            " return (await c.get()).data"
        ),
        [{"_id": "a", "n": 90}, {"_id": "b", "n": 110}],
    ),
    (
        (
            "const rolled = await db.runTransaction(async (t) => {"
            " await t.collection('paid').doc('a').update({ data: { n: 0 } });"
            " await t.rollback('no') }).catch((reason) => reason);"
            " return [rolled, (await c.doc('a').get()).data.n]"
        ),
        ["no", 90],
    ),
    (
        (
            "return db.runTransaction(async (t) => {"
            " const seen = await t.collection('paid').doc('a').get();"
            " await t.collection('paid').add({ data: { _id: 'new', n: seen.data.n } });"
            " await t.collection('paid').doc('b').remove();"
            " return (await c.count()).total })"
        ),
        2,
    ),
    ("return (await c.get()).data.map((each) => each._id)", ["a", "new"]),
    # Another transaction's write on a touched document is a conflict at once.
    (
        (
            "const one = await db.startTransaction(), other = await db.startTransaction();"
            " await one.collection('paid').doc('a').update({ data: { n: 1 } });"
            " const error = await other.collection('paid').doc('a').update({ data: { n: 2 } })"
            ".catch((error) => error.errMsg);"
            " await one.commit();"
            " return [error.includes('[ResourceUnavailable.TransactionConflict]'),"
            " (await c.doc('a').get()).data.n]"
        ),
        [True, 1],
    ),
]


PAGED = [f"return c.aggregate(){each}{LIST}" for each in ("", ".limit(30)", ".count('n')", "")]

FILES = """
const { fileID } = await cloud.uploadFile({ cloudPath: 'a.txt', fileContent: Buffer.from('text') })
const { fileContent } = await cloud.downloadFile({ fileID })
const links = await cloud.getTempFileURL({ fileList: [fileID] })
const gone = await cloud.deleteFile({ fileList: [fileID] })
return [String(fileContent), links.fileList[0].status, gone.fileList[0].status]
"""


class Run:
    """All programs, run by one process, and their results by section."""

    def __init__(self):
        cases = list(table())
        names = [f"c{number}" for number in range(len(cases))]
        seeds = dict(zip(names, (documents for _, documents, _ in cases), strict=True))
        seeds |= {"people": [{"_id": "a", "name": "Ann"}], "written": []}
        seeds["paid"] = [{"_id": "a", "n": 100}, {"_id": "b", "n": 100}]
        seeds["many"] = [{"_id": number} for number in range(25)]
        self.gateway = DatabaseGateway(seeds)
        self.gateway.emulator.clock.freeze(NOW)
        programs = list(zip(names, (body for body, _, _ in cases), strict=True))
        programs += [("written", body) for body, _ in WRITES]
        programs += [("paid", body) for body, _ in TRANSACTIONS]
        programs += [("files", FILES)]
        programs += [("many", body) for body in PAGED]
        lines = iter(self.gateway.run(programs))
        self.table = [(next(lines), case) for case in cases]
        self.writes = [(next(lines), case) for case in WRITES]
        self.transactions = [next(lines) for _ in TRANSACTIONS]
        self.files = next(lines)
        self.paged = list(lines)


@pytest.fixture(scope="module")
def run():
    return Run()


def test_each_command_gives_the_documented_result(run):
    wrong = {
        body: (line, wanted)
        for line, (body, _, wanted) in run.table
        if line.get("result") != wanted
    }
    assert wrong == {}


def test_writes_and_errors_are_the_sdks(run):
    for line, (body, wanted) in run.writes:
        if isinstance(wanted, tuple):
            code, text = wanted
            assert line.get("errCode") == code, (body, line)
            assert text in line["errMsg"], (body, line)
        else:
            assert {**line.get("result", line), **wanted} == line.get("result"), (body, line)


def test_transactions_commit_roll_back_and_conflict(run):
    found = [line.get("result", line) for line in run.transactions]
    assert found == [wanted for _, wanted in TRANSACTIONS]


def test_an_aggregation_without_a_limit_gives_20_results(run):
    assert [len(line["result"]) for line in run.paged] == [20, 25, 1, 20]
    (warning,) = [reason for _, reason in run.gateway.functions.reasons if "results" in reason]
    assert "the aggregation of many has more than 20 results" in warning


def test_files_are_stored_read_linked_and_deleted(run):
    assert run.files == {"result": ["text", 0, 0]}


def test_everything_that_real_functions_use_is_exercised(run):
    used = habits_in(run.gateway.emulator.journal)
    assert sorted(HABITS.keys() - used) == []
