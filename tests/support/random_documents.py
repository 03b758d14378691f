"""Random documents, queries, updates and pipelines, with values of mixed types on purpose.

Everything that is made is valid for MongoDB 4.2 or refused by it in the same way as by later
releases: what releases answer differently has tests of its own.
"""

import re
from datetime import datetime, timedelta

FIELDS = {"n": "number", "m": "number", "s": "text", "l": "list", "o": "object", "d": "date",
          "b": "bool", "p": "items", "x": "any"}  # fmt: skip
PATHS = ("n", "m", "s", "l", "d", "b", "p", "x", "o", "o.n", "o.s", "o.l", "p.n", "p.s", "p.l",
         "l.0", "l.1", "p.0", "p.0.n", "x.n", "missing", "o.missing.n")  # fmt: skip
FIELD_PATHS = ("n", "m", "s", "l", "d", "b", "p", "x", "o", "o.n", "o.s", "o.l", "missing", "o.a.b")
"""Paths of expressions; SecantusDB, unlike MongoDB, does not follow them through lists."""
NUMBERS = (0, 1, 2, 3, 5, 7, 10, -1, -3, 0.5, 1.0, 2.5, -1.5, 2**31, 2**40)
TEXTS = ("", "a", "b", "ab", "Abc", "abcabc", "a b", "10", "é中😀", "x-y-z")
FIRST_DAY = datetime(2020, 2, 28, 23, 30)  # noqa: DTZ001 - UTC without zone, as pymongo gives it
PATTERNS = ("^a", "b$", "A", "b.", "^$", "[0-9]+", "(a|b)c", "中")
TYPES = ("double", "string", "object", "array", "bool", "date", "null", "number", "int", 2, 10)

# Of each operator the type of its result and of its operands; a list of types is passed as a list.
OPERATORS = {
    "$abs": ("number", "number"),
    "$add": ("number", ["given", "given"]),
    "$ceil": ("number", "number"),
    "$divide": ("number", ["number", "number"]),
    "$exp": ("number", "number"),
    "$floor": ("number", "number"),
    "$ln": ("number", "number"),
    "$log": ("number", ["number", "number"]),
    "$log10": ("number", "number"),
    "$mod": ("number", ["number", "number"]),
    "$multiply": ("number", ["given", "given"]),
    "$pow": ("number", ["number", "small"]),
    "$sqrt": ("number", "number"),
    "$subtract": ("number", ["number", "number"]),
    "$trunc": ("number", "number"),
    "$concatArrays": ("list", ["list", "list"]),
    "$in": ("bool", ["text", "list"]),  # SecantusDB takes true for 1.
    "$indexOfArray": ("number", ["list", "text"]),
    "$isArray": ("bool", ["any"]),
    "$objectToArray": ("list", "object"),
    "$reverseArray": ("list", "list"),
    "$size": ("number", "list"),
    "$slice": ("list", ["list", "small"]),
    "$and": ("bool", ["any", "any"]),
    "$or": ("bool", ["any", "any"]),
    "$not": ("bool", ["any"]),
    "$cmp": ("number", ["any", "any"]),
    "$eq": ("bool", ["any", "any"]),
    "$gt": ("bool", ["any", "any"]),
    "$gte": ("bool", ["any", "any"]),
    "$lt": ("bool", ["any", "any"]),
    "$lte": ("bool", ["any", "any"]),
    "$ne": ("bool", ["any", "any"]),
    "$cond": ("any", ["bool", "any", "any"]),
    "$ifNull": ("any", ["any", "any"]),
    "$dayOfMonth": ("number", "date"),
    "$dayOfWeek": ("number", "date"),
    "$dayOfYear": ("number", "date"),
    "$hour": ("number", "date"),
    "$isoDayOfWeek": ("number", "date"),
    "$isoWeek": ("number", "date"),
    "$isoWeekYear": ("number", "date"),
    "$millisecond": ("number", "date"),
    "$minute": ("number", "date"),
    "$month": ("number", "date"),
    "$second": ("number", "date"),
    "$week": ("number", "date"),
    "$year": ("number", "date"),
    "$allElementsTrue": ("bool", ["list"]),
    "$anyElementTrue": ("bool", ["list"]),
    "$setEquals": ("bool", ["list", "list"]),
    "$setIsSubset": ("bool", ["list", "list"]),
    "$concat": ("text", ["text", "text"]),
    "$indexOfBytes": ("number", ["text", "text"]),
    "$indexOfCP": ("number", ["text", "text"]),
    "$split": ("list", ["text", "text"]),
    "$strLenBytes": ("number", "text"),
    "$strLenCP": ("number", "text"),
    "$strcasecmp": ("number", ["text", "text"]),
    "$substr": ("text", ["text", "small", "small"]),
    "$substrBytes": ("text", ["text", "small", "small"]),
    "$substrCP": ("text", ["text", "small", "small"]),
    "$toLower": ("text", "text"),
    "$toUpper": ("text", "text"),
    "$avg": ("number", ["number", "any"]),
    "$max": ("any", ["any", "any"]),
    "$min": ("any", ["any", "any"]),
    "$sum": ("number", ["number", "any"]),
}
SETS = ("$setDifference", "$setIntersection", "$setUnion")
"""Operators without a defined order, so no other operator may look at their results."""
ACCUMULATORS = ("$sum", "$avg", "$min", "$max", "$first", "$last", "$push", "$addToSet",
                "$stdDevPop", "$stdDevSamp", "$mergeObjects")  # fmt: skip
FORMATS = ("%Y-%m-%d", "%H:%M:%S.%L", "%Y-%m-%dT%H:%M:%S.%LZ", "%j %w %u %U %V %G %%")
ZONES = ("UTC", "Asia/Shanghai", "+08:00", "America/New_York")


class Maker:
    """Makes values and programs of a stream of random numbers."""

    def __init__(self, chance):
        self.chance = chance

    def often(self, share):
        """Return True in the given share of the calls."""
        return self.chance.random() < share

    def some(self, make, least=0, most=3):
        """Return a list of made values."""
        return [make() for _ in range(self.chance.randint(least, most))]

    def date(self):
        seconds = self.chance.choice((0, 1, 59, 3600, 86399, 86400, 366 * 86400, 1234567))
        return FIRST_DAY + timedelta(seconds=seconds, milliseconds=self.chance.choice((0, 7, 999)))

    def value(self, kind="any", depth=2, strange=0.05):
        """Return a value of a kind, and of another one in a share of the calls."""
        if kind != "object" and self.often(strange):
            kind = "any"
        if kind == "any":
            kinds = ["number", "number", "text", "bool", "date", "null"]
            kind = self.chance.choice(kinds + ["list", "object"] * (depth > 0))
        inner = self.chance.choice(("number", "number", "text", "any"))
        make = {
            "number": lambda: self.chance.choice(NUMBERS),
            "text": lambda: self.chance.choice(TEXTS),
            "bool": lambda: self.often(0.5),
            "null": lambda: None,
            "date": self.date,
            "list": lambda: self.some(lambda: self.value(inner, depth - 1)),
            "items": lambda: self.some(lambda: self.value("object", depth - 1)),
            "object": lambda: self.fields_of_object(depth - 1),
        }
        return make[kind]()

    def fields_of_object(self, depth):
        names = self.chance.sample(("n", "s", "l"), self.chance.randint(0, 3))
        return {name: self.value(FIELDS[name], depth) for name in names}

    def document(self):
        """Return a document without ``_id``; each field may be missing."""
        return {name: self.value(kind) for name, kind in FIELDS.items() if self.often(0.8)}

    # Queries

    def path(self):
        return self.chance.choice(PATHS)

    def like(self, path):
        """Return a value as it may stand at a path.

        Never null for a place in a list, whose missing element SecantusDB takes for null.
        """
        if re.search("[0-9]", path):
            return self.value(self.chance.choice(("number", "text", "object")), 1) or 0
        return self.value(FIELDS.get(path.rpartition(".")[2], "any"))

    def query(self, depth=2):
        """Return a filter of one to three conditions."""
        query = {}
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            if depth and self.often(0.15):
                name = self.chance.choice(("$and", "$or", "$nor"))
                query[name] = self.some(lambda: self.query(depth - 1), least=1)
            elif depth == 2 and self.often(0.05):
                query["$expr"] = self.expression("bool")
            else:
                path = self.path()
                query[path] = self.condition(path)
        return query

    def condition(self, path):
        if self.often(0.3):
            return re.compile(self.chance.choice(PATTERNS)) if self.often(0.1) else self.like(path)
        return dict(self.predicate(path) for _ in range(self.chance.choice((1, 1, 1, 2))))

    def predicate(self, path):
        """Return the name and operand of an operator of queries."""
        name = self.chance.choice(_PREDICATES)
        return name, self.operand_of_predicate(name, path)

    def operand_of_predicate(self, name, path):
        if name in {"$in", "$nin", "$all"}:
            values = self.some(lambda: self.like(path))
            # SecantusDB's $all finds no lists, and null only where it is written.
            wrong = (list, type(None)) if name == "$all" else ()
            return [each for each in values if not isinstance(each, wrong)]
        make = {
            "$exists": lambda: self.often(0.5),
            "$type": lambda: self.chance.choice(TYPES),
            "$mod": lambda: [self.chance.choice((2, 3)), self.chance.choice((0, 1))],
            "$regex": lambda: self.chance.choice(PATTERNS),
            "$size": lambda: self.chance.randint(0, 3),
            "$elemMatch": lambda: self.element(path),
            "$not": lambda: dict([self.predicate(path)]),
        }
        return make.get(name, lambda: self.like(path))()

    def element(self, path):
        """Return the operand of ``$elemMatch``: a query of objects, or conditions of values."""
        if self.often(0.5):
            return {"n": self.condition("n")}
        return dict(self.predicate(path) for _ in range(2))

    def projection(self):
        """Return a projection of a query; no path leads into another one."""
        paths = self.chance.sample(("n", "s", "o.n", "o.s", "p.n", "l", "x", "d"), 2)
        projection = dict.fromkeys(paths, int(self.often(0.5)))
        if self.often(0.3):
            projection["_id"] = 0
        if self.often(0.1):
            projection["l"] = {"$slice": self.chance.choice((1, -1, 2, [1, 1], [-2, 1]))}
        return projection

    def order(self):
        """Return keys to sort by; ``_id`` makes the order complete.

        None leads through a list of objects, where SecantusDB overlooks the missing ones.
        """
        paths = self.chance.sample(("n", "m", "s", "l", "o.n", "o.l", "x", "d"), 2)
        keys = [(path, self.chance.choice((1, -1))) for path in paths]
        return [*keys[: self.chance.randint(0, 2)], ("_id", self.chance.choice((1, -1)))]

    # Updates

    def update(self):
        """Return an update of one to three operators at paths that do not meet."""
        update = {}
        roots = ["n", "m", "s", "l", "o", "d", "p", "x", "new"]
        self.chance.shuffle(roots)
        for root in roots[: self.chance.choice((1, 1, 2, 3))]:
            name, path, operand = self.change(root)
            update.setdefault(name, {})[path] = operand
        return update

    def query_of(self, update):
        """Return a filter of documents that an update may be applied to."""
        text = repr(update)
        if "l.$'" in text:
            return {"l": {"$elemMatch": {"$gte": self.chance.choice((0, 2))}}}
        if "p.$.n" in text:
            return {"p": {"$elemMatch": {"n": {"$gte": self.chance.choice((0, 2))}}}}
        if "$[]" in text:  # SecantusDB does not mind elements without fields, or no list at all.
            return {"p.0": {"$type": "object"}, "l.0": {"$exists": True}}
        return {} if self.often(0.5) else self.query(1)

    def change(self, root):
        """Return an operator of updates, its path and its operand."""
        path = root
        if self.often(0.2) or (root in "op" and self.often(0.6)):
            below = {"l": ("0", "1", "3", "$[]", "$"), "p": ("0.n", "1.s", "$[].n", "$.n", "2")}
            path = f"{root}.{self.chance.choice(below.get(root, ('n', 's', 'l', 'a.b')))}"
        fitting = {"l": _OF_LISTS, "p": _OF_LISTS, "n": _OF_NUMBERS, "m": _OF_NUMBERS}
        names = fitting.get(root, _OF_ALL) if self.often(0.85) else _OF_ANY
        name = self.chance.choice(names)
        return name, path, self.operand(name, root)

    def operand(self, name, root):
        """Return the operand of an operator of updates."""
        kind = "object" if root == "p" else "number"
        each = {"$each": self.some(self.value)}
        make = {
            # SecantusDB reads them only if a document is found.
            "$inc": lambda: self.chance.choice(NUMBERS),
            "$mul": lambda: self.chance.choice(NUMBERS),
            "$unset": lambda: "",
            "$rename": lambda: self.chance.choice(("renamed", "o2.renamed")),
            "$bit": lambda: {self.chance.choice(("and", "or", "xor")): self.chance.randint(0, 15)},
            "$pop": lambda: self.chance.choice((1, -1)),
            "$push": lambda: self.pushed(root) if self.often(0.7) else self.value(kind),
            "$addToSet": lambda: each if self.often(0.4) else self.value(kind),
            "$pull": lambda: self.pulled(root) if self.often(0.6) else self.value(kind),
            # SecantusDB takes true for 1.
            "$pullAll": lambda: [self.chance.choice((*NUMBERS[2:9], *TEXTS)) for _ in range(2)],
        }
        return make.get(name, self.value)()

    def pushed(self, root):
        """Return an operand of ``$push`` with modifiers."""
        kind = "object" if root == "p" else "number"
        modifiers = {"$each": self.some(lambda: self.value(kind))}
        if self.often(0.4):
            modifiers["$position"] = self.chance.randint(-2, 4)
        if self.often(0.4):
            by = {"n": self.chance.choice((1, -1))}
            modifiers["$sort"] = by if root == "p" else self.chance.choice((1, -1))
        if self.often(0.4):
            modifiers["$slice"] = self.chance.randint(-3, 3)
        return modifiers

    def pulled(self, root):
        """Return a condition of ``$pull``."""
        if root == "p":
            return {"n": self.condition("n")}
        return dict([self.predicate("n")])

    # Aggregation

    def expression(self, kind="any", depth=2):
        """Return an expression that gives a kind of value, now and then another."""
        if kind == "small":
            return self.chance.randint(0, 3)
        if kind == "given":  # SecantusDB overlooks a wrong operand if another one is null.
            return {"$ifNull": [self.expression("number", depth), 2]}
        if depth == 0 or self.often(0.35):
            if self.often(0.85):
                names = [name for name, found in FIELDS.items() if kind in (found, "any")]
                names += ["l", "p"] if kind == "list" else []
                name = self.chance.choice(names or ["x"])
                return f"${self.chance.choice(FIELD_PATHS) if self.often(0.1) else name}"
            # A wrong constant is an error even without documents, which this database does not see.
            value = self.value(kind, 1, strange=0)
            return value if isinstance(value, (int, float)) else {"$literal": value}
        if self.often(0.15):
            return self.special(depth)
        fitting = [name for name, (gives, _) in OPERATORS.items() if kind in (gives, "any")]
        name = self.chance.choice(fitting or list(OPERATORS))
        return {name: self.operands(OPERATORS[name][1], depth - 1)}

    def operands(self, kinds, depth):
        if isinstance(kinds, list):
            return [self.expression(kind, depth) for kind in kinds]
        if isinstance(kinds, dict):
            return {name: self.expression(kind, depth) for name, kind in kinds.items()}
        return self.expression(kinds, depth)

    def special(self, depth):
        """Return an expression of an operator that names its operands."""
        make = self.chance.choice(
            (self.filtered, self.mapped, self.reduced, self.bound, self.switched, self.zipped,
             self.ranged, self.date_as_text, self.date_of_parts, self.date_of_text,
             self.object_of_pairs, self.merged, self.picked)
        )  # fmt: skip
        return make(lambda kind="any": self.expression(kind, depth - 1))

    def filtered(self, inner):
        condition = {"$gt": ["$$item", inner("number")]}
        return {"$filter": {"input": inner("list"), "as": "item", "cond": condition}}

    def mapped(self, inner):
        body = self.chance.choice(("$$this", {"$isArray": ["$$this"]}, ["$$this", inner()]))
        return {"$map": {"input": inner("list"), "in": body}}

    def reduced(self, inner):
        body = self.chance.choice(
            ({"$concatArrays": ["$$value", ["$$this"]]}, {"$ifNull": ["$$this", 0]})
        )
        return {"$reduce": {"input": inner("list"), "initialValue": [], "in": body}}

    def bound(self, inner):
        # SecantusDB fails with a missing value in a list, and with one to group by.
        given = {"$ifNull": ["$$v", 0]}
        return {"$let": {"vars": {"v": inner()}, "in": [given, {"$isArray": ["$$v"]}]}}

    def switched(self, inner):
        branches = [{"case": inner("bool"), "then": inner()} for _ in range(2)]
        return {"$switch": {"branches": branches, "default": inner()}}

    def zipped(self, inner):
        longest = {"useLongestLength": True, "defaults": [0, "-"]} if self.often(0.5) else {}
        lists = [{"$ifNull": [inner("list"), []]} for _ in range(2)]
        return {"$zip": {"inputs": lists, **longest}}

    def ranged(self, _inner):
        ends = [self.chance.choice((-2, 0, 3, 1.0, 1.5, "$b")) for _ in range(2)]
        return {"$range": [*ends, self.chance.choice((1, 2, -1, 0))]}

    def date_as_text(self, inner):
        options = {"format": self.chance.choice(FORMATS), "timezone": self.chance.choice(ZONES)}
        return {"$dateToString": {"date": inner("date"), **options}}

    def date_of_parts(self, _inner):
        parts = {"year": 2020, "month": self.chance.choice((1, 2, 12, 13)), "day": 3}
        return {"$dateFromParts": {**parts, "timezone": self.chance.choice(ZONES)}}

    def date_of_text(self, _inner):
        text = self.chance.choice(("2020-02-03T04:05:06Z", "2020-02-03", "tomorrow"))
        return {"$dateFromString": {"dateString": {"$ifNull": ["$missing", text]}}}

    def object_of_pairs(self, inner):
        # SecantusDB fails with a missing value in a list.
        return {"$arrayToObject": [[[name, {"$ifNull": [inner(), 0]}] for name in ("a", "b")]]}

    def picked(self, inner):
        # SecantusDB takes an element that is missing for a value.
        element = {"$arrayElemAt": [inner("list"), self.expression("small")]}
        return {"$ifNull": [element, "none"]}

    def merged(self, _inner):
        # SecantusDB takes lists for objects.
        return {"$mergeObjects": ["$o", {"s": self.value("text"), "b": "$n"}]}

    def pipeline(self):
        """Return one to four stages that give a complete order."""
        if self.often(0.02):  # SecantusDB, unlike MongoDB, counts no documents too.
            return [{"$limit": self.chance.randint(1, 12)}, {"$count": "k"}]
        stages = [{"$sort": {"_id": 1}}]
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            stages += self.stage()
        return stages

    def stage(self):
        """Return a stage, and a second one where its result has no order."""
        make = self.chance.choice(
            (self.matched, self.matched, self.projected, self.projected, self.added, self.added,
             self.added, self.sorted, self.cut, self.unwound, self.counted, self.replaced,
             self.bucket, self.lookup, self.group, self.group)
        )  # fmt: skip
        stage = make()
        return [stage, {"$sort": {"_id": 1}}] if make == self.group else [stage]

    def matched(self):
        return {"$match": self.query()}

    def projected(self):
        return {"$project": self.fields()}

    def added(self):
        lists = [self.chance.choice(("$l", "$o.l", [1, 2, "a"], {"$ifNull": ["$p", []]}))] * 2
        lists[1] = self.value("list", 1, strange=0)
        other = {self.chance.choice(SETS): lists} if self.often(0.2) else self.expression()
        return {"$addFields": {"r": self.expression(), "t": other}}

    def sorted(self):
        return {"$sort": dict(self.order())}

    def cut(self):
        return {self.chance.choice(("$limit", "$skip")): self.chance.randint(1, 5)}

    def counted(self):
        return {"$sortByCount": "$_id"}

    def replaced(self):
        root = {"$mergeObjects": [{"_id": "$_id"}, self.merged(None)]}
        return {"$replaceRoot": {"newRoot": root}}

    def fields(self):
        """Return the operand of ``$project``."""
        kept = dict.fromkeys(self.chance.sample(("n", "s", "o.n", "p.n", "l"), 2), 1)
        if self.often(0.3):
            return {name: 0 for name in kept if name != "p.n"} or {"n": 0}
        # SecantusDB takes true and numbers for values, and does not mind missing ones.
        return {**kept, "r": {"$ifNull": [self.expression(), "-"]}, "o.t": {"$ifNull": ["$n", "-"]}}

    def group(self):
        # SecantusDB takes {} and [] for one key.
        kind = self.chance.choice(("number", "text", "date"))
        key = None if self.often(0.2) else {"$ifNull": [self.expression(kind, 1), "none"]}
        accumulated = {}
        for name in ("r", "t"):
            chosen = self.chance.choice(ACCUMULATORS)
            accumulated[name] = {
                chosen: "$o" if chosen == "$mergeObjects" else f"${self.chance.choice(FIELD_PATHS)}"
            }
        return {"$group": {"_id": key, **accumulated}}

    def unwound(self):
        path = self.chance.choice(("$l", "$p", "$x", "$o.l"))
        if self.often(0.5):
            return {"$unwind": path}
        options = {"includeArrayIndex": "i", "preserveNullAndEmptyArrays": self.often(0.5)}
        return {"$unwind": {"path": path, **options}}

    def bucket(self):
        bucket = {"groupBy": self.expression("number", 1), "boundaries": [-3, 0, 2, 100]}
        if self.often(0.8):
            bucket["default"] = "other"
        if self.often(0.5):
            bucket["output"] = {"r": {"$push": "$n"}, "k": {"$sum": 1}}
        return {"$bucket": bucket}

    def lookup(self):
        if self.often(0.6):
            local, foreign = (self.chance.choice(("n", "s", "_id")) for _ in range(2))
            return {"$lookup": {"from": "other", "localField": local, "foreignField": foreign,
                                "as": "r"}}  # fmt: skip
        matched = {"$match": {"$expr": {"$lt": ["$_id", "$$v"]}}}
        pipeline = [matched, {"$project": {"n": 1}}, {"$sort": {"_id": -1}}]
        return {"$lookup": {"from": "other", "let": {"v": self.expression("number", 1)},
                            "pipeline": pipeline, "as": "r"}}  # fmt: skip


_PREDICATES = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$type",
               "$mod", "$regex", "$all", "$size", "$elemMatch", "$not")  # fmt: skip
_OF_ALL = ("$set", "$set", "$unset", "$min", "$max", "$rename", "$setOnInsert")
_OF_NUMBERS = ("$inc", "$mul", "$min", "$max", "$bit", "$set")
_OF_LISTS = ("$push", "$push", "$addToSet", "$pull", "$pull", "$pullAll", "$pop", "$set")
_OF_ANY = (*_OF_ALL, *_OF_NUMBERS, *_OF_LISTS)
