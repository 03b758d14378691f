"""MongoDB's documented behaviour: name, documents, a call with collection and database, its result.

https://www.mongodb.com/docs/v4.2/reference/operator/
"""

import datetime as dt
import re

CASES = []


def case(name, documents, expected, call):
    """Add a case."""
    CASES.append((name, documents, call, expected))


def date(year, month=1, day=1, *time):
    """Return a date; the last part of the time counts milliseconds."""
    hour, minute, second, millisecond = (*time, 0, 0, 0, 0)[:4]
    return dt.datetime(year, month, day, hour, minute, second, millisecond * 1000)  # noqa: DTZ001


def ids(documents):
    """Return the ids of documents."""
    return [each["_id"] for each in documents]


def found(query):
    """Return a call that finds documents."""
    return lambda c, _: ids(c.find(query).sort("_id", 1))


def first(c, pipeline):
    """Return the first document of a pipeline."""
    return next(iter(c.aggregate(pipeline)))


def aggregated(*stages):
    """Return a call of a pipeline."""
    return lambda c, _: list(c.aggregate(list(stages)))


NUMBERED = [
    {"_id": i, "n": i, "s": f"s{i}", "tags": ["a", "b"][: i % 3], "o": {"x": i, "y": {"z": i % 2}}}
    for i in range(1, 7)
]


case("q.eq", NUMBERED, [3], found({"n": {"$eq": 3}}))
case("q.eq dotted", NUMBERED, [1, 3, 5], found({"o.y.z": 1}))
case("q.eq whole object", NUMBERED, [2], found({"o": {"x": 2, "y": {"z": 0}}}))
case(
    "q.eq null = missing",
    [{"_id": 1, "a": None}, {"_id": 2}, {"_id": 3, "a": 0}],
    [1, 2],
    found({"a": None}),
)
case("q.eq value in array", NUMBERED, [1, 2, 4, 5], found({"tags": "a"}))
case("q.eq array index path", NUMBERED, [2, 5], found({"tags.1": "b"}))
case("q.eq int = float", [{"_id": 1, "a": 1}, {"_id": 2, "a": 1.0}], [1, 2], found({"a": 1.0}))
case("q.eq bool is not int", [{"_id": 1, "a": True}, {"_id": 2, "a": 1}], [2], found({"a": 1}))
case(
    "q.ne incl. missing",
    [{"_id": 1, "a": 1}, {"_id": 2}, {"_id": 3, "a": 2}],
    [2, 3],
    found({"a": {"$ne": 1}}),
)
case("q.gt/lte", NUMBERED, [3, 4], found({"n": {"$gt": 2, "$lte": 4}}))
case(
    "q.gt brackets types",
    [{"_id": 1, "a": "z"}, {"_id": 2, "a": 5}, {"_id": 3, "a": None}],
    [2],
    found({"a": {"$gt": 1}}),
)
case(
    "q.gt date",
    [{"_id": 1, "t": date(2020)}, {"_id": 2, "t": date(2021)}],
    [2],
    found({"t": {"$gt": date(2020, 6)}}),
)
case("q.in/nin", NUMBERED, [1, 2], found({"n": {"$in": [1, 2, 3], "$nin": [3]}}))
case("q.in with regex", NUMBERED, [1, 4], found({"s": {"$in": [re.compile("1$"), "s4"]}}))
case(
    "q.and/or/nor",
    NUMBERED,
    [1, 2],
    found({"$and": [{"$or": [{"n": 1}, {"n": 2}, {"n": 3}]}, {"$nor": [{"n": 3}]}]}),
)
case("q.not", NUMBERED, [4, 5, 6], found({"n": {"$not": {"$lt": 4}}}))
case(
    "q.exists",
    [{"_id": 1, "a": None}, {"_id": 2}],
    [[1], [2]],
    lambda c, db: [ids(c.find({"a": {"$exists": True}})), ids(c.find({"a": {"$exists": False}}))],
)
case("q.mod", NUMBERED, [3, 6], found({"n": {"$mod": [3, 0]}}))
case(
    "q.regex options",
    [{"_id": 1, "s": "Hello\nworld"}, {"_id": 2, "s": "x"}],
    [1],
    found({"s": {"$regex": "^WORLD", "$options": "im"}}),
)
case(
    "q.all",
    [{"_id": 1, "t": ["a", "b", "c"]}, {"_id": 2, "t": ["a"]}, {"_id": 3, "t": "a"}],
    [1],
    found({"t": {"$all": ["b", "a"]}}),
)
case(
    "q.elemMatch object",
    [{"_id": 1, "p": [{"k": 1, "v": 5}, {"k": 2, "v": 1}]}, {"_id": 2, "p": [{"k": 1, "v": 1}]}],
    [1],
    found({"p": {"$elemMatch": {"k": 1, "v": {"$gt": 3}}}}),
)
case(
    "q.elemMatch scalar",
    [{"_id": 1, "r": [1, 9]}, {"_id": 2, "r": [5]}],
    [2],
    found({"r": {"$elemMatch": {"$gt": 3, "$lt": 7}}}),
)
case("q.size", NUMBERED, [2, 5], found({"tags": {"$size": 2}}))
case(
    "q.expr",
    [{"_id": 1, "a": 3, "b": 2}, {"_id": 2, "a": 1, "b": 2}],
    [1],
    found({"$expr": {"$gt": ["$a", "$b"]}}),
)
case(
    "q.jsonSchema",
    [{"_id": 1, "a": 3}, {"_id": 2, "a": "x"}],
    [1],
    found({"$jsonSchema": {"properties": {"a": {"bsonType": "int"}}}}),
)
case("q.type", [{"_id": 1, "a": 3}, {"_id": 2, "a": "x"}], [2], found({"a": {"$type": "string"}}))
case(
    "q.array of objects path",
    [{"_id": 1, "p": [{"k": 1}, {"k": 2}]}, {"_id": 2, "p": [{"k": 3}]}],
    [1],
    found({"p.k": 2}),
)
case(
    "s.sort two keys",
    [{"_id": 1, "a": 1, "b": 2}, {"_id": 2, "a": 1, "b": 1}, {"_id": 3, "a": 0, "b": 9}],
    [2, 1, 3],
    lambda c, db: ids(c.find().sort([("a", -1), ("b", 1)])),
)
case(
    "s.sort missing and types",
    [
        {"_id": 1, "a": "x"},
        {"_id": 2, "a": 3},
        {"_id": 3},
        {"_id": 4, "a": date(2020)},
        {"_id": 5, "a": True},
    ],
    [3, 2, 1, 5, 4],
    lambda c, db: ids(c.find().sort([("a", 1)])),
)
case(
    "s.skip/limit", NUMBERED, [3, 4], lambda c, db: ids(c.find().sort([("n", 1)]).skip(2).limit(2))
)
case(
    "p.include nested",
    NUMBERED[:1],
    [{"o": {"y": {"z": 1}}}],
    lambda c, db: list(c.find({}, {"o.y": 1, "_id": 0})),
)
case(
    "p.exclude",
    NUMBERED[:1],
    [{"_id": 1, "n": 1, "s": "s1", "tags": ["a"]}],
    lambda c, db: list(c.find({}, {"o": 0})),
)
case(
    "p.slice",
    [{"_id": 1, "t": [1, 2, 3, 4]}],
    [{"_id": 1, "t": [2, 3]}],
    lambda c, db: list(c.find({}, {"t": {"$slice": [1, 2]}})),
)
case(
    "p.elemMatch",
    [{"_id": 1, "t": [{"k": 1}, {"k": 2}]}],
    [{"_id": 1, "t": [{"k": 2}]}],
    lambda c, db: list(c.find({}, {"t": {"$elemMatch": {"k": 2}}})),
)
case("n.count with filter", NUMBERED, 3, lambda c, db: c.count_documents({"n": {"$gt": 3}}))
case("n.distinct", NUMBERED, [0, 1], lambda c, db: sorted(c.distinct("o.y.z")))


def point(x, y):
    """Return a point in GeoJSON."""
    return {"type": "Point", "coordinates": [x, y]}


PLACES = [
    {"_id": 1, "l": point(113.0, 23.0)},
    {"_id": 2, "l": point(113.01, 23.0)},
    {"_id": 3, "l": point(120.0, 30.0)},
]


def geo(q):
    def run(c, db):
        c.create_index([("l", "2dsphere")])
        return ids(c.find(q))

    return run


case(
    "g.nearSphere sorted",
    PLACES,
    [2, 1, 3],
    geo({"l": {"$nearSphere": {"$geometry": point(113.02, 23.0)}}}),
)
case(
    "g.nearSphere max/min",
    PLACES,
    [1],
    geo(
        {
            "l": {
                "$nearSphere": {
                    "$geometry": point(113.02, 23.0),
                    "$maxDistance": 5000,
                    "$minDistance": 1500,
                }
            }
        }
    ),
)
case(
    "g.geoWithin polygon",
    PLACES,
    [1],
    geo(
        {
            "l": {
                "$geoWithin": {
                    "$geometry": {
                        "type": "Polygon",
                        "coordinates": [
                            [
                                [112.9, 22.9],
                                [113.005, 22.9],
                                [113.005, 23.1],
                                [112.9, 23.1],
                                [112.9, 22.9],
                            ]
                        ],
                    }
                }
            }
        }
    ),
)
case(
    "g.geoWithin centerSphere",
    PLACES,
    [1, 2],
    lambda c, db: sorted(
        geo({"l": {"$geoWithin": {"$centerSphere": [[113.0, 23.0], 10 / 6378.1]}}})(c, db)
    ),
)
case(
    "g.geoIntersects",
    [{"_id": 1, "l": {"type": "LineString", "coordinates": [[0, 0], [2, 2]]}}],
    [1],
    geo(
        {
            "l": {
                "$geoIntersects": {
                    "$geometry": {"type": "LineString", "coordinates": [[0, 2], [2, 0]]}
                }
            }
        }
    ),
)


def upd(u, q=None):
    def run(c, db):
        c.update_many(q or {}, u)
        return list(c.find().sort("_id", 1))

    return run


case(
    "u.set dotted creates",
    [{"_id": 1}],
    [{"_id": 1, "a": {"b": {"c": 1}}}],
    upd({"$set": {"a.b.c": 1}}),
)
case(
    "u.set array element",
    [{"_id": 1, "t": [1, 2]}],
    [{"_id": 1, "t": [1, 9]}],
    upd({"$set": {"t.1": 9}}),
)
case(
    "u.set past array end",
    [{"_id": 1, "t": [1]}],
    [{"_id": 1, "t": [1, None, 9]}],
    upd({"$set": {"t.2": 9}}),
)
case(
    "u.unset",
    [{"_id": 1, "a": 1, "b": {"c": 1, "d": 2}}],
    [{"_id": 1, "b": {"d": 2}}],
    upd({"$unset": {"a": "", "b.c": ""}}),
)
case(
    "u.inc missing / mul",
    [{"_id": 1, "b": 3}],
    [{"_id": 1, "b": 6, "a": 2, "c": 0}],
    upd({"$inc": {"a": 2}, "$mul": {"b": 2, "c": 5}}),
)
case(
    "u.min/max",
    [{"_id": 1, "a": 5, "b": 5}],
    [{"_id": 1, "a": 3, "b": 8}],
    upd({"$min": {"a": 3}, "$max": {"b": 8}}),
)
case(
    "u.rename",
    [{"_id": 1, "a": {"b": 1}}],
    [{"_id": 1, "a": {}, "c": 1}],
    upd({"$rename": {"a.b": "c"}}),
)
case(
    "u.push each",
    [{"_id": 1, "t": [3]}],
    [{"_id": 1, "t": [1, 2, 3]}],
    upd({"$push": {"t": {"$each": [1, 2], "$position": 0}}}),
)
case(
    "u.push sort slice",
    [{"_id": 1, "t": [5, 1]}],
    [{"_id": 1, "t": [5, 4, 3]}],
    upd({"$push": {"t": {"$each": [3, 4], "$sort": -1, "$slice": 3}}}),
)
case(
    "u.push sort by field",
    [{"_id": 1, "t": [{"v": 2}]}],
    [{"_id": 1, "t": [{"v": 1}, {"v": 2}]}],
    upd({"$push": {"t": {"$each": [{"v": 1}], "$sort": {"v": 1}}}}),
)
case("u.push missing", [{"_id": 1}], [{"_id": 1, "t": [1]}], upd({"$push": {"t": {"$each": [1]}}}))
case(
    "u.pop both ends",
    [{"_id": 1, "a": [1, 2, 3], "b": [1, 2, 3]}],
    [{"_id": 1, "a": [1, 2], "b": [2, 3]}],
    upd({"$pop": {"a": 1, "b": -1}}),
)
case("u.pull value", [{"_id": 1, "t": [1, 2, 1]}], [{"_id": 1, "t": [2]}], upd({"$pull": {"t": 1}}))
case(
    "u.pull condition",
    [{"_id": 1, "t": [1, 5, 9]}],
    [{"_id": 1, "t": [1]}],
    upd({"$pull": {"t": {"$gte": 5}}}),
)
case(
    "u.pull object fields",
    [{"_id": 1, "t": [{"k": 1, "v": 2}, {"k": 2}]}],
    [{"_id": 1, "t": [{"k": 2}]}],
    upd({"$pull": {"t": {"k": 1}}}),
)
case(
    "u.pull $in",
    [{"_id": 1, "t": [1, 2, 3]}],
    [{"_id": 1, "t": [2]}],
    upd({"$pull": {"t": {"$in": [1, 3]}}}),
)
case(
    "u.pullAll",
    [{"_id": 1, "t": [1, 2, 3]}],
    [{"_id": 1, "t": [2]}],
    upd({"$pullAll": {"t": [1, 3]}}),
)
case(
    "u.addToSet each",
    [{"_id": 1, "t": [1]}],
    [{"_id": 1, "t": [1, 2]}],
    upd({"$addToSet": {"t": {"$each": [1, 2]}}}),
)
case(
    "u.addToSet object",
    [{"_id": 1, "t": [{"a": 1}]}],
    [{"_id": 1, "t": [{"a": 1}]}],
    upd({"$addToSet": {"t": {"a": 1}}}),
)
case(
    "u.positional $",
    [{"_id": 1, "t": [{"k": 1}, {"k": 2}]}],
    [{"_id": 1, "t": [{"k": 1}, {"k": 2, "v": 5}]}],
    upd({"$set": {"t.$.v": 5}}, {"t.k": 2}),
)
case(
    "u.all positional $[]",
    [{"_id": 1, "t": [{"k": 1}, {"k": 2}]}],
    [{"_id": 1, "t": [{"k": 2}, {"k": 3}]}],
    upd({"$inc": {"t.$[].k": 1}}),
)
case(
    "u.currentDate",
    [{"_id": 1}],
    dt.datetime,
    lambda c, db: (
        c.update_many({}, {"$currentDate": {"t": True}}),
        type(c.find_one()["t"]),
    )[1],
)
case(
    "u.setOnInsert upsert",
    [],
    [{"_id": 7, "a": 1, "b": 2}],
    lambda c, db: (
        c.update_one({"_id": 7}, {"$set": {"a": 1}, "$setOnInsert": {"b": 2}}, upsert=True),
        list(c.find()),
    )[1],
)
case(
    "u.replace upsert",
    [{"_id": 1, "a": 1}],
    [{"_id": 1, "b": 2}, {"_id": 2, "c": 3}],
    lambda c, db: (
        c.replace_one({"_id": 1}, {"b": 2}, upsert=True),
        c.replace_one({"_id": 2}, {"c": 3}, upsert=True),
        list(c.find().sort("_id", 1)),
    )[2],
)
case(
    "u.matched/modified",
    [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}],
    [2, 1],
    lambda c, db: counts(c.update_many({}, {"$set": {"a": 1}})),
)


def counts(result):
    return [result.matched_count, result.modified_count]


def raises(fn):
    def run(c, db):
        try:
            fn(c, db)
        except Exception as e:  # noqa: BLE001 - the code is compared
            return ["error", getattr(e, "code", None)]
        return "no error"

    return run


case(
    "e.duplicate _id 11000",
    [{"_id": 1}],
    ["error", 11000],
    raises(lambda c, db: c.insert_one({"_id": 1})),
)
case(
    "e.unique index 11000",
    [{"_id": 1, "a": 1}],
    ["error", 11000],
    raises(
        lambda c, db: (c.create_index([("a", 1)], unique=True), c.insert_one({"_id": 2, "a": 1}))
    ),
)
case(
    "e.inc on string",
    [{"_id": 1, "a": "x"}],
    ["error", 14],
    raises(lambda c, db: c.update_many({}, {"$inc": {"a": 1}})),
)
case(
    "e.push on non-array",
    [{"_id": 1, "a": 1}],
    ["error", 2],
    raises(lambda c, db: c.update_many({}, {"$push": {"a": 1}})),
)
case(
    "e.set _id changes",
    [{"_id": 1}],
    ["error", 66],
    raises(lambda c, db: c.update_many({}, {"$set": {"_id": 2}})),
)
case(
    "e.conflicting paths",
    [{"_id": 1}],
    ["error", 40],
    raises(lambda c, db: c.update_many({}, {"$set": {"a": 1}, "$inc": {"a": 1}})),
)
case(
    "e.unknown operator",
    [{"_id": 1, "a": 1}],
    ["error", 2],
    raises(lambda c, db: list(c.find({"a": {"$foo": 1}}))),
)
case(
    "e.unknown stage",
    [{"_id": 1, "a": 1}],
    ["error", 40324],
    raises(lambda c, db: list(c.aggregate([{"$foo": 1}]))),
)
case("i.list collections", [{"_id": 1}], ["c"], lambda _, db: db.list_collection_names())


def transaction(end):
    def run(c, db):
        with db.client.start_session() as s:
            s.start_transaction()
            c.insert_one({"_id": 2}, session=s)
            getattr(s, f"{end}_transaction")()
        return ids(c.find().sort("_id", 1))

    return run


case("t.commit", [{"_id": 1}], [1, 2], transaction("commit"))
case("t.abort", [{"_id": 1}], [1], transaction("abort"))

SALES = [
    {"_id": 1, "c": "x", "n": 1, "t": date(2020, 1, 31, 20), "tags": ["a", "b"]},
    {"_id": 2, "c": "x", "n": 3, "t": date(2020, 2, 1), "tags": ["b"]},
    {"_id": 3, "c": "y", "n": 5, "t": date(2021, 3, 4, 5, 6, 7, 89), "tags": []},
]
case(
    "a.match group sum avg",
    SALES,
    [{"_id": "x", "s": 4, "a": 2.0, "k": 2}, {"_id": "y", "s": 5, "a": 5.0, "k": 1}],
    aggregated(
        {"$match": {"n": {"$gt": 0}}},
        {"$group": {"_id": "$c", "s": {"$sum": "$n"}, "a": {"$avg": "$n"}, "k": {"$sum": 1}}},
        {"$sort": {"_id": 1}},
    ),
)
case(
    "a.group null max min",
    SALES,
    [{"_id": None, "a": 5, "i": 1}],
    aggregated({"$group": {"_id": None, "a": {"$max": "$n"}, "i": {"$min": "$n"}}}),
)
case(
    "a.group compound push",
    SALES,
    [{"_id": {"c": "x"}, "p": [1, 3]}, {"_id": {"c": "y"}, "p": [5]}],
    aggregated(
        {"$sort": {"n": 1}},
        {"$group": {"_id": {"c": "$c"}, "p": {"$push": "$n"}}},
        {"$sort": {"_id": 1}},
    ),
)
case(
    "a.group first last addToSet",
    SALES,
    [{"_id": None, "f": 1, "l": 5, "s": ["x", "y"]}],
    lambda c, db: [
        dict(r, s=sorted(r["s"]))
        for r in aggregated(
            {"$sort": {"n": 1}},
            {
                "$group": {
                    "_id": None,
                    "f": {"$first": "$n"},
                    "l": {"$last": "$n"},
                    "s": {"$addToSet": "$c"},
                }
            },
        )(c, db)
    ],
)
case(
    "a.group stdDevPop",
    SALES,
    1.63299,
    lambda c, db: round(
        aggregated({"$group": {"_id": None, "d": {"$stdDevPop": "$n"}}})(c, db)[0]["d"], 5
    ),
)
case(
    "a.unwind",
    SALES,
    [["a", 0], ["b", 1], ["b", 0], [None, None]],
    lambda c, db: [
        [r.get("tags"), r.get("i")]
        for r in aggregated(
            {"$sort": {"_id": 1}},
            {
                "$unwind": {
                    "path": "$tags",
                    "includeArrayIndex": "i",
                    "preserveNullAndEmptyArrays": True,
                }
            },
        )(c, db)
    ],
)
case(
    "a.sortByCount",
    SALES,
    [{"_id": "x", "count": 2}, {"_id": "y", "count": 1}],
    aggregated({"$sortByCount": "$c"}),
)
case("a.count", SALES, [{"k": 3}], aggregated({"$count": "k"}))
case(
    "a.bucket",
    SALES,
    [{"_id": 0, "count": 1}, {"_id": 2, "count": 1}, {"_id": "o", "count": 1}],
    aggregated({"$bucket": {"groupBy": "$n", "boundaries": [0, 2, 4], "default": "o"}}),
)
case(
    "a.bucketAuto",
    SALES,
    [{"_id": {"min": 1, "max": 5}, "count": 2}, {"_id": {"min": 5, "max": 5}, "count": 1}],
    aggregated({"$bucketAuto": {"groupBy": "$n", "buckets": 2}}),
)
case("a.sample", SALES, 2, lambda c, db: len(aggregated({"$sample": {"size": 2}})(c, db)))
case(
    "a.replaceRoot",
    [{"_id": 1, "o": {"a": 1}}],
    [{"a": 1, "b": 1}],
    aggregated({"$replaceRoot": {"newRoot": {"$mergeObjects": ["$o", {"b": "$_id"}]}}}),
)
case(
    "a.addFields skip limit",
    SALES,
    [{"_id": 2, "m": 6}],
    aggregated(
        {"$sort": {"_id": 1}},
        {"$skip": 1},
        {"$limit": 1},
        {"$addFields": {"m": {"$multiply": ["$n", 2]}}},
        {"$project": {"m": 1}},
    ),
)


def lookup(stage):
    def run(c, db):
        o = db["other"]
        o.delete_many({})
        o.insert_many(
            [
                {"_id": 1, "k": "x", "q": 10},
                {"_id": 2, "k": "x", "q": 20},
                {"_id": 3, "k": "z", "q": 1},
            ]
        )
        return list(
            c.aggregate(
                [{"$sort": {"_id": 1}}, {"$project": {"c": 1, "n": 1}}, stage, {"$limit": 1}]
            )
        )

    return run


case(
    "a.lookup",
    SALES,
    [
        {
            "_id": 1,
            "c": "x",
            "n": 1,
            "r": [{"_id": 1, "k": "x", "q": 10}, {"_id": 2, "k": "x", "q": 20}],
        }
    ],
    lookup({"$lookup": {"from": "other", "localField": "c", "foreignField": "k", "as": "r"}}),
)
case(
    "a.lookup pipeline let",
    SALES,
    [{"_id": 1, "c": "x", "n": 1, "r": [{"q": 20}]}],
    lookup(
        {
            "$lookup": {
                "from": "other",
                "let": {"k": "$c"},
                "pipeline": [
                    {"$match": {"$expr": {"$and": [{"$eq": ["$k", "$$k"]}, {"$gt": ["$q", 15]}]}}},
                    {"$project": {"_id": 0, "q": 1}},
                ],
                "as": "r",
            }
        }
    ),
)
case(
    "a.lookup pipeline let missing",
    [{"_id": 1}],
    [{"_id": 1, "r": []}],
    aggregated(
        {
            "$lookup": {
                "from": "c",
                "let": {"v": "$missing"},
                "pipeline": [{"$match": {"$expr": {"$lt": ["$_id", "$$v"]}}}],
                "as": "r",
            }
        }
    ),
)
case(
    "a.facet",
    SALES,
    [{"a": [{"k": 3}], "b": [{"_id": 3}]}],
    aggregated(
        {"$facet": {"a": [{"$count": "k"}], "b": [{"$match": {"n": 5}}, {"$project": {"_id": 1}}]}}
    ),
)
case(
    "a.graphLookup",
    [{"_id": 1, "to": 2}, {"_id": 2, "to": 3}, {"_id": 3}],
    [2, 3],
    lambda c, db: sorted(
        d["_id"]
        for d in aggregated(
            {"$match": {"_id": 1}},
            {
                "$graphLookup": {
                    "from": c.name,
                    "startWith": "$to",
                    "connectFromField": "to",
                    "connectToField": "_id",
                    "as": "p",
                }
            },
        )(c, db)[0]["p"]
    ),
)
case(
    "a.redact",
    SALES,
    [3],
    lambda c, db: ids(
        aggregated({"$redact": {"$cond": [{"$gt": ["$n", 4]}, "$$KEEP", "$$PRUNE"]}})(c, db)
    ),
)


def geonear(c, db):
    c.create_index([("l", "2dsphere")])
    r = list(
        c.aggregate(
            [
                {
                    "$geoNear": {
                        "near": point(113.02, 23.0),
                        "spherical": True,
                        "distanceField": "d",
                        "maxDistance": 3000,
                    }
                }
            ]
        )
    )
    return [[d["_id"], round(d["d"] / 10)] for d in r]


case("a.geoNear", PLACES, [[2, 102], [1, 205]], geonear)


DOC = {
    "_id": 1,
    "a": 7,
    "b": -2.5,
    "s": "Héllo w",
    "t": date(2021, 3, 4, 20, 6, 7, 89),
    "l": [3, 1, 2],
    "o": {"k": 1, "m": 2},
}


def expr(name, e, expected, docs=(DOC,)):
    if isinstance(e, list):  # one case for each operator
        for one, want in zip(e, expected, strict=True):
            expr(f"{name}: {next(iter(one))}", one, want, docs)
        return
    case(
        "x." + name,
        docs,
        expected,
        lambda c, db: first(c, [{"$project": {"_id": 0, "r": e}}]).get("r", "MISSING"),
    )


case(
    "x.array literal of expressions",
    [DOC],
    [8, "x"],
    lambda c, db: first(c, [{"$project": {"r": [{"$add": ["$a", 1]}, "x"]}}])["r"],
)
expr(
    "arithmetic",
    [
        {"$add": ["$a", 1]},
        {"$subtract": ["$a", 1]},
        {"$divide": ["$a", 2]},
        {"$mod": ["$a", 4]},
        {"$pow": ["$a", 2]},
        {"$sqrt": 16},
    ],
    [8, 6, 3.5, 3, 49, 4.0],
)
expr(
    "rounding",
    [
        {"$abs": "$b"},
        {"$ceil": "$b"},
        {"$floor": "$b"},
        {"$trunc": "$b"},
        {"$log": [8, 2]},
        {"$log10": 100},
        {"$ln": 1},
        {"$exp": 0},
    ],
    [2.5, -2.0, -3.0, -2.0, 3.0, 2.0, 0.0, 1.0],
)
expr("date minus date", {"$subtract": ["$t", date(2021, 3, 4)]}, 72367089)
expr(
    "concat toUpper toLower",
    [{"$concat": ["$s", "!"]}, {"$toUpper": "abc"}, {"$toLower": "ABC"}],
    ["Héllo w!", "ABC", "abc"],
)
expr(
    "substrCP len",
    [{"$substrCP": ["$s", 1, 3]}, {"$strLenCP": "$s"}, {"$strLenBytes": "$s"}],
    ["éll", 7, 8],
)
expr(
    "substr bytes",
    [{"$substr": ["hello", 1, 2]}, {"$substrBytes": ["hello", 0, -1]}],
    ["el", "hello"],
)
expr(
    "indexOf split strcasecmp",
    [
        {"$indexOfCP": ["$s", "w"]},
        {"$indexOfBytes": ["$s", "w"]},
        {"$split": ["a-b", "-"]},
        {"$strcasecmp": ["A", "a"]},
    ],
    [6, 7, ["a", "b"], 0],
)
expr(
    "cond ifNull switch",
    [
        {"$cond": {"if": {"$gt": ["$a", 5]}, "then": "y", "else": "n"}},
        {"$ifNull": ["$none", 1]},
        {"$switch": {"branches": [{"case": {"$eq": ["$a", 7]}, "then": "seven"}], "default": "?"}},
    ],
    ["y", 1, "seven"],
)
expr(
    "logic cmp",
    [
        {"$and": [True, 1]},
        {"$or": [False, None]},
        {"$not": [0]},
        {"$cmp": ["$a", 8]},
        {"$ne": [1, 2]},
    ],
    [True, False, True, -1, True],
)
expr(
    "arrays",
    [
        {"$arrayElemAt": ["$l", -1]},
        {"$size": "$l"},
        {"$slice": ["$l", 2]},
        {"$concatArrays": ["$l", [9]]},
        {"$in": [3, "$l"]},
        {"$isArray": ["$l"]},
        {"$reverseArray": "$l"},
        {"$indexOfArray": ["$l", 1]},
    ],
    [2, 3, [3, 1], [3, 1, 2, 9], True, True, [2, 1, 3], 1],
)
expr(
    "filter map reduce",
    [
        {"$filter": {"input": "$l", "as": "i", "cond": {"$gt": ["$$i", 1]}}},
        {"$map": {"input": "$l", "as": "i", "in": {"$multiply": ["$$i", 2]}}},
        {"$reduce": {"input": "$l", "initialValue": 0, "in": {"$add": ["$$value", "$$this"]}}},
    ],
    [[3, 2], [6, 2, 4], 6],
)
expr(
    "range zip",
    [{"$range": [0, 6, 2]}, {"$zip": {"inputs": [[1, 2], ["a", "b"]]}}],
    [[0, 2, 4], [[1, "a"], [2, "b"]]],
)
expr(
    "objects",
    [
        {"$objectToArray": "$o"},
        {"$arrayToObject": [[["a", 1], ["b", 2]]]},
        {"$mergeObjects": ["$o", {"k": 9}]},
    ],
    [[{"k": "k", "v": 1}, {"k": "m", "v": 2}], {"a": 1, "b": 2}, {"k": 9, "m": 2}],
)
expr(
    "sets",
    [
        {"$setEquals": ["$l", [1, 2, 3]]},
        {"$setIsSubset": [[1], "$l"]},
        {"$allElementsTrue": [[True, 1]]},
        {"$anyElementTrue": [[False, 1]]},
    ],
    [True, True, True, True],
)
case(
    "x.set operations",
    [{"_id": 1, "l": [3, 1, 2]}],
    [[1, 2, 3, 4], [1, 2], [3]],
    lambda c, db: [
        sorted(first(c, [{"$project": {"r": operation}}])["r"])
        for operation in (
            {"$setUnion": ["$l", [4]]},
            {"$setIntersection": ["$l", [1, 2]]},
            {"$setDifference": ["$l", [1, 2]]},
        )
    ],
)
expr(
    "null before a wrong type",
    [{"$mod": ["$s", None]}, {"$divide": ["$l", "$none"]}, {"$split": [1, None]}],
    [None, None, None],
)
expr(
    "let literal",
    {
        "$let": {
            "vars": {"q": {"$add": ["$a", 1]}},
            "in": [{"$multiply": ["$$q", 2]}, {"$literal": "$a"}],
        }
    },
    [16, "$a"],
)
expr(
    "date parts",
    [
        {f"${p}": "$t"}
        for p in (
            "year",
            "month",
            "dayOfMonth",
            "hour",
            "minute",
            "second",
            "millisecond",
            "dayOfYear",
            "dayOfWeek",
            "week",
        )
    ],
    [2021, 3, 4, 20, 6, 7, 89, 63, 5, 9],
)
expr(
    "iso dates", [{"$isoDayOfWeek": "$t"}, {"$isoWeek": "$t"}, {"$isoWeekYear": "$t"}], [4, 9, 2021]
)
expr(
    "date parts timezone",
    [
        {"$dayOfMonth": {"date": "$t", "timezone": "Asia/Shanghai"}},
        {"$hour": {"date": "$t", "timezone": "+08:00"}},
    ],
    [5, 4],
)
expr(
    "dateToString tz",
    {
        "$dateToString": {
            "date": "$t",
            "format": "%Y-%m-%d %H:%M:%S.%L %j %u",
            "timezone": "Asia/Shanghai",
        }
    },
    "2021-03-05 04:06:07.089 064 5",
)
expr(
    "dateFromParts/String",
    [
        {
            "$dateFromParts": {
                "year": 2020,
                "month": 2,
                "day": 3,
                "hour": 12,
                "timezone": "Asia/Shanghai",
            }
        },
        {"$dateFromString": {"dateString": "2020-02-03T04:05:06.789Z"}},
    ],
    [date(2020, 2, 3, 4), date(2020, 2, 3, 4, 5, 6, 789)],
)
expr(
    "dateToString onNull",
    [
        {"$dateToString": {"date": "$none", "onNull": "-"}},
        {"$dateToString": {"date": None, "format": "%Y", "timezone": None, "onNull": 0}},
        {"$dateToString": {"date": "$t", "format": "%Y", "onNull": "-"}},
        {"$dateToString": {"date": "$t", "timezone": None, "onNull": "-"}},
        {"$dateToString": {"date": "$none"}},
    ],
    ["-", 0, "2021", None, None],
)
expr(
    "dateFromString format",
    [
        {"$dateFromString": {"dateString": each, "format": form, "timezone": place}}
        for each, form, place in (
            ("06-15-2018", "%m-%d-%Y", "UTC"),
            ("15-6-2018 08:30", "%d-%m-%Y %H:%M", "Asia/Shanghai"),
            ("2018 24 5", "%G %V %u", "UTC"),
            ("2018-06-15 +0800", "%Y-%m-%d %z", "GMT"),
            ("2018-06-15 +480", "%Y-%m-%d %Z", "Z"),
            ("%2018-6-15", "%%%Y-%m-%d", "+00:00"),
        )
    ],
    [
        date(2018, 6, 15),
        date(2018, 6, 15, 0, 30),
        date(2018, 6, 15),
        date(2018, 6, 14, 16),
        date(2018, 6, 14, 16),
        date(2018, 6, 15),
    ],
)
expr(
    "dateFromString nulls",
    [
        {"$dateFromString": {"dateString": "$none", "format": "%Y", "onNull": "-"}},
        {"$dateFromString": {"dateString": "2018-06-15", "timezone": None, "onNull": "-"}},
        {"$dateFromString": {"dateString": "2018-06-15", "format": None, "onError": "-"}},
        {"$dateFromString": {"dateString": "2018", "format": "%Y", "onError": "-"}},
        {"$dateFromString": {"dateString": 5, "onError": "-"}},
        {"$dateFromString": {"dateString": "15", "format": "%d-%m", "onError": None}},
    ],
    ["-", None, None, "-", "-", None],
)
expr(
    "dateFromString without a format",
    [
        {"$dateFromString": {"dateString": each}}
        for each in (
            *("2020-02-03", "2020-2-3", "2020/02/03", "2020/2/3", "20200203"),
            *("2020-02-03 4:05", "2020/2/3 04:05:06", "2020-02-03T04:05:06.7+01:00"),
        )
    ],
    [
        *[date(2020, 2, 3)] * 5,
        *(date(2020, 2, 3, 4, 5), date(2020, 2, 3, 4, 5, 6), date(2020, 2, 3, 3, 5, 6, 700)),
    ],
)
