"""Expressions that Python and JavaScript evaluate alike: calls of the database and the storage.

tests/node/expressions.js has the same words for wx-server-sdk. ``in_(``, ``and_(``, ``or_(`` and
``not_(`` lose their underscore there.
"""

import math
import re
from datetime import datetime, timezone

from support.paths import ROOT, SAMPLES
from support.sdk import SDK

from cloud_openapi import CloudSDKError
from cloud_openapi.database import Geometry, RolledBackError
from cloud_openapi.wire.extended_json import ObjectId

COMMAND_TS = (
    ROOT / "tests" / "node" / "node_modules" / "@cloudbase" / "database" / "src" / "command.ts"
)


class Node:
    """wx-server-sdk in a process of Node.js that evaluates expressions."""

    def __init__(self, variables):
        # With it the SDK does not wait three seconds to warn of slow requests.
        self._sdk = SDK({**variables, "SILENCE": "true"}, "expressions.js")

    def evaluate(self, expressions):
        """Return the outcome of each expression."""
        return self._sdk.call(expressions)

    def close(self):
        self._sdk.close()


class Python:
    """The facade."""

    def __init__(self, cloud):
        self._words = words(cloud)

    def evaluate(self, expression):
        """Return the outcome of an expression, in the form that Node.js sends."""
        try:
            result = eval(expression, self._words)
        except RolledBackError as error:
            return {"thrown": tagged(error.reason)}
        except CloudSDKError as error:
            return {"error": {**error.to_dict(), "code": error.code}}
        return {"result": tagged(result)}


def words(cloud):
    """Return the words of the expressions."""
    db = cloud.database()

    def add_two(transaction):
        collection = transaction.collection("t")
        added = collection.add({"data": {"n": 1}})
        collection.doc("x").set({"data": {"n": 2}})
        collection.doc("x").update({"data": {"n": db.command.inc(1)}})
        collection.doc("x").remove()
        return [added["_id"], collection.doc("x").get()["data"]]

    def broken(transaction):
        transaction.collection("t").doc("x").get()
        raise CloudSDKError(-9, "my own")

    return {
        "cloud": cloud,
        "db": db,
        "lenient": cloud.database(throwOnNotFound=False),
        "elsewhere": cloud.database(env="other-env"),
        "_": db.command,
        "D": db.command.aggregate,
        "date": lambda ms: datetime.fromtimestamp(ms / 1000, timezone.utc),
        "regex": lambda pattern, flags: re.compile(
            pattern, sum(getattr(re, flag.upper()) for flag in flags)
        ),
        "binary": str.encode,
        "add_two": add_two,
        "nothing": lambda _transaction: 7,
        "give_up": lambda transaction: transaction.rollback({"why": "no stock"}),
        "broken": broken,
        "reading": lambda transaction: transaction.collection("t").doc("x").get()["data"],
        "commit": lambda: db.startTransaction().commit(),
        "rollback": lambda: db.startTransaction().rollback(),
        "query_in_transaction": lambda: db.startTransaction().collection("t").where({"a": 1}).get(),
    }


def tagged(value):
    """Return a value in JSON, as expressions.js writes it."""
    if isinstance(value, dict):
        return {name: tagged(each) for name, each in value.items()}
    if isinstance(value, list):
        return [tagged(each) for each in value]
    for kind, name, content in _TAGS:
        if isinstance(value, kind):
            return {"$": name, "value": content(value)}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$": "number", "value": str(value).replace("inf", "Infinity").replace("nan", "NaN")}
    return value


def _regex(pattern):
    flags = zip("im", (re.IGNORECASE, re.MULTILINE), strict=True)
    return [pattern.pattern, "".join(name for name, flag in flags if pattern.flags & flag)]


_TAGS = [
    (Geometry, "geo", Geometry.toJSON),
    (datetime, "date", lambda value: round(value.timestamp() * 1000)),
    (ObjectId, "oid", str),
    (re.Pattern, "regex", _regex),
]


def samples(name):
    """Return the expressions of a file, one a line."""
    return (SAMPLES / "database" / f"{name}.txt").read_text("utf-8").rstrip("\n").split("\n")


def operators():
    """Return an expression for each operator of aggregations, by the SDK's own list."""
    source = COMMAND_TS.read_text("utf-8").partition("aggregate: {")[2]
    names = re.findall(r"^ *(\w+): param => new AggregationOperator", source, re.MULTILINE)
    words = {"in", "and", "or", "not"}
    calls = [f"D.{name}{'_' if name in words else ''}" for name in names]
    return [f'.project({{"x": {call}(["$a", 1, "b"])}})' for call in calls]
