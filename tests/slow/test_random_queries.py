"""Random queries, updates and documents: the facade and wx-server-sdk 4 send the same.

Left out are the values that test_database.py lists: those that the SDK would lose.
"""

import json
import random

import pytest
from support.expressions import Node, Python
from support.recording_gateway import RecordingGateway

from cloud_openapi import Cloud

COUNT = 1500
FIELDS = ["a", "b", "c.d", "a.b", "e_1", "零", "_x", "a-b", "length"]
SCALARS = [
    "0", "1", "-7", "2147483648", "-2147483649", "1.5", "-0.25", "1e-7", "True", "False", "None",
    '"text"', '""', '"零 \\n"', "date(0)", "date(1600000000123)", 'regex("a.b", "i")',
    'regex("x", "")',
]  # fmt: skip
OWN = ["db.serverDate()", 'db.serverDate({"offset": 5})', "db.Geo.Point(1.5, 2)"]
OWN += ['db.RegExp({"regexp": "a", "options": "m"})']


class Dice(random.Random):
    def value(self, depth=0, own=()):
        kind = self.random()
        if depth < 3 and kind < 0.15:
            return f"[{self.several(lambda: self.value(depth + 1, own))}]"
        if depth < 3 and kind < 0.3:
            return self.object(lambda: self.value(depth + 1, own))
        return self.choice([*SCALARS, *own])

    def object(self, member):
        names = self.sample(FIELDS, self.randint(1, 3))
        return "{" + ", ".join(f'"{name}": {member()}' for name in names) + "}"

    def several(self, member, least=0):
        return ", ".join(member() for _ in range(self.randint(least, 3)))

    def comparison(self, depth=0):
        name = self.choice(
            ["eq", "neq", "lt", "lte", "gt", "gte", "in_", "nin", "exists", "size", "mod"]
        )
        if name in ("in_", "nin"):
            return f"_.{name}([{self.several(lambda: self.value(2))}])"
        if name == "mod":
            return self.choice(["_.mod(3, 0)", "_.mod([5, 1])"])
        return f"_.{name}({self.value(1)})"

    def command(self, depth=0):
        kind = self.random()
        if depth > 2 or kind < 0.5:
            return self.comparison()
        if kind < 0.6:
            return f"_.not_({self.comparison()})"
        if kind < 0.7:
            inner = self.object(lambda: self.choice([self.value(2), self.comparison()]))
            return f"_.elemMatch({inner})"
        if kind < 0.8:
            return f"{self.comparison()}.{self.choice(['and_', 'or_'])}({self.command(depth + 1)})"
        combined = self.several(lambda: self.command(depth + 1), 1)
        listed = f"[{combined}]" if self.random() < 0.5 else combined
        return f"_.{self.choice(['and_', 'or_', 'nor'])}({listed})"

    def query(self, depth=0):
        if depth < 2 and self.random() < 0.2:
            inner = self.several(lambda: self.query(depth + 1), 1)
            return f"_.{self.choice(['and_', 'or_', 'nor'])}([{inner}])"
        return self.object(lambda: self.condition(depth))

    def condition(self, depth):
        if depth < 3 and self.random() < 0.2:
            return self.object(lambda: self.condition(depth + 1))
        return self.command(depth) if self.random() < 0.6 else self.value(1)

    def update(self, depth=0):
        return self.object(lambda: self.change(depth))

    def change(self, depth):
        kind = self.random()
        if depth < 3 and kind < 0.2:
            return self.update(depth + 1)
        if kind < 0.5:
            return self.value(1, OWN)
        name = self.choice(
            ["set", "inc", "mul", "min", "max", "push", "pull", "addToSet", "unshift", "remove",
             "pop", "shift", "pullAll"]
        )  # fmt: skip
        if name in ("remove", "pop", "shift"):
            return f"_.{name}()"
        if name in ("push", "unshift"):
            return f"_.{name}({self.several(lambda: self.value(1, OWN), 1)})"
        if name == "pull":
            return f"_.pull({self.choice([self.comparison(), self.value(1, OWN)])})"
        return f"_.{name}({self.value(1)})"


@pytest.fixture
def requests_of(monkeypatch):
    """Return a function that returns the requests of both for expressions."""
    gateway = RecordingGateway()
    for name, value in gateway.variables.items():
        monkeypatch.setenv(name, value)
    cloud = Cloud()
    cloud.init()
    python, node = Python(cloud), Node(gateway.variables)

    def requests_of(expressions):
        gateway.reset([])
        node.evaluate(expressions)
        theirs = gateway.seen
        gateway.reset([])
        for number, expression in enumerate(expressions):
            gateway.mark(number)
            python.evaluate(expression)
        return gateway.seen, theirs

    yield requests_of
    node.close()
    gateway.close()


def texts(requests):
    """Return the texts of requests; the order of names counts, but not how doubles are written."""
    fields = [json.loads(request.body) for request in requests]
    found = [each.get("query", "") + json.dumps(each.get("data", "")) for each in fields]
    return [text.replace("e-07", "e-7") for text in found]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["query", "update", "document"])
def test_both_send_the_same_text(requests_of, kind):
    dice = Dice(kind)
    make = {
        "query": lambda: f'db.collection("t").where({dice.query()}).get()',
        "update": lambda: f'db.collection("t").doc("x").update({{"data": {dice.update()}}})',
        "document": lambda: (
            f'db.collection("t").add({{"data": {dice.object(lambda: dice.value(0, OWN))}}})'
        ),
    }[kind]
    expressions = [make() for _ in range(COUNT)]
    ours, theirs = requests_of(expressions)
    wrong = []
    for number, expression in enumerate(expressions):
        mine, their = texts(ours[number]), texts(theirs[number])
        if mine != their:
            wrong.append((expression, mine, their))
    assert not wrong, f"{len(wrong)} of {COUNT} differ; the first: {wrong[0]}"
    assert sum(bool(seen) for seen in ours.values()) > COUNT * 0.9
