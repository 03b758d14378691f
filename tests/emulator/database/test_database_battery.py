"""Unmodified SDKs of ten ages make the same operations of the database, in a function.

The results are those of MongoDB's and WeChat's documentation, beside each operation in
tests/node/battery.js. What an SDK cannot do is listed below, with the SDK's own reason.
"""

import re

import pymongo
import pytest
from support.habits import HABITS, OF_STORAGE, habits_in
from support.sdk import NODE
from support.serving import Served

pytestmark = pytest.mark.slow

SOURCE = """
const sdk = require('PACKAGE')
const app = sdk.init({ env: process.env.TCB_ENV }) || sdk
const db = app.database()
exports.main = () => require('BATTERY').run({ db, wx: 'PACKAGE' === 'wx-server-sdk' })
"""
OLDEST = "wx-server-sdk@0.4.3"
AGES = ("1.8.3", "2.0.4", "2.3.3", "2.6.3", "3.0.4", "4.0.2")
OTHERS = ("tcb-admin-node@1.23.0", "@cloudbase/node-sdk@2.11.0", "@cloudbase/node-sdk@3.18.3")
PACKAGES = (OLDEST, *(f"wx-server-sdk@{age}" for age in AGES), *OTHERS)
ABSENT = re.compile(r"is not a function|Cannot read properties of undefined \(reading")
"""What JavaScript says of a command that the oldest SDK does not have."""
LATER = {
    *("_.addToSet", "_.all", "_.exists", "_.pull", "_.rename", "_.size", "transaction"),
    *(name for name in HABITS if name.startswith("aggregate")),
}
"""Habits that the oldest SDK knows no word for."""
EVERY = {"where: elemMatch of chained commands": "sends the object of the command"}
_MOD = {"where: mod": "sends only the divisor"}
_CIRCLE = {"geo: geoWithin a circle": "only knows the geometry of geoWithin"}
_SEVERAL = {"add: several": "adds only one document"}
FAULTS = {
    OLDEST: {
        "get: a limit of 1000": "asks for 100",
        **{f"update: push{rest}": "only pushes lists" for rest in (
            " at a position", ", sort and slice", ", sort by a field")},
        **_SEVERAL,
    },
    "wx-server-sdk@1.8.3": {**_MOD, **_CIRCLE, **_SEVERAL},
    "wx-server-sdk@2.0.4": {**_MOD, **_CIRCLE},
    "wx-server-sdk@2.3.3": _MOD,
    "tcb-admin-node@1.23.0": {**_MOD, **_CIRCLE},
}  # fmt: skip
SERVER = {
    "geo: geoNear is sorted": "SecantusDB does not sort by distance",
    "operator: dateToString of null": "SecantusDB has no onNull",
    "aggregate: lookup": "SecantusDB takes a nested projection of a list for a value",
}


def failures(package, packages, folder, monkeypatch, database=None):
    """Return what the operations gave that did not give the expected, by their names."""
    name, _, _ = package.rpartition("@")
    source = SOURCE.replace("PACKAGE", name).replace("BATTERY", str(NODE / "battery.js"))
    with Served(folder, monkeypatch, node_path=packages, database=database) as served:
        served.write("battery", source)
        found = served.call("battery")
        used = habits_in(served.entries)
    assert isinstance(found, list), found["stackTrace"]
    assert len(found) >= 80
    assert HABITS.keys() - used - OF_STORAGE == (LATER if package == OLDEST else set())
    return {
        each["name"]: each.get("error", each.get("found"))
        for each in found
        if "error" in each or each.get("found") != each["expected"]
    }


def without_absent(package, failed):
    """Leave out the operations that the oldest SDK does not have."""
    if package != OLDEST:
        return failed
    return {name: found for name, found in failed.items() if not ABSENT.search(str(found))}


@pytest.mark.parametrize("package", PACKAGES)
def test_sdk_makes_all_operations_that_it_has(package, installed, tmp_path, monkeypatch):
    failed = failures(package, installed(package), tmp_path, monkeypatch)
    left = without_absent(package, failed)
    absent = len(failed) - len(left)
    assert absent <= (0 if package != OLDEST else 76)
    every = EVERY if package != OLDEST else {}
    assert left.keys() == {*every, *FAULTS.get(package, {})}, left


@pytest.mark.parametrize("package", ["wx-server-sdk@1.8.3", "wx-server-sdk@4.0.2"])
def test_sdk_makes_the_same_operations_on_a_server(
    package, installed, mongodb, tmp_path, monkeypatch
):
    with pymongo.MongoClient(mongodb) as client:
        for name in set(client.list_database_names()) - {"admin", "config", "local"}:
            client.drop_database(name)
    failed = failures(package, installed(package), tmp_path, monkeypatch, database=mongodb)
    faults = {*EVERY, *FAULTS.get(package, {})}
    assert faults <= failed.keys() <= {*faults, *SERVER}, failed
