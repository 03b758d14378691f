"""Every sample, broken by a machine: each mutant is caught, or is listed with its reason."""

import copy
import json

import pytest
from conftest import ROOT, SAMPLES, sample
from jsonschema_rs import Draft202012Validator

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.contract import schema, violations

# The fields whose values WeChat's pages list.
LISTED_VALUES = frozenset({"key", "index", "module", "field", "errcode", "errCode", "errMsg"})
FILE = "tests/mutation_survivors.json"
LISTED = json.loads((ROOT / FILE).read_text("utf-8"))
OTHER_TYPE = {dict: [], list: {}, str: 7, int: "7", float: "7.5", bool: "true"}


def judged(name):
    """Return how a sample is judged: its body, API, form and side."""
    parts = name.removesuffix(".json").split(".")
    if parts[0] == "error":
        return sample(name), next(iter(default_catalogue())), "https", "error"
    form = "cloud" if parts[2].endswith("cloud") else "https"
    return sample(name), f"analysis.{parts[0]}", form, parts[1]


APIS = {name.rpartition(".")[2] for name in default_catalogue()}


def is_a_body(name):
    """Say whether a sample is an error, or a whole request or answer of an API of the catalogue."""
    method, side = name.split(".")[:2]
    return method == "error" or (method in APIS and side in {"request", "response"})


NAMES = sorted(path.name for path in SAMPLES.glob("*.json") if is_a_body(path.name))


def places(value, path=()):
    yield path, value
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def mutations(value, path, *, listed):
    """Yield the name of each mutation of a value, and what comes in its place."""
    if isinstance(value, dict):
        for key in value:
            yield f"drop {key}", {name: inner for name, inner in value.items() if name != key}
        yield "add a key", {**value, "unheard_of": 1}
    if path:
        yield "null", None
    yield "other type", OTHER_TYPE[type(value)]
    if isinstance(value, int | float):
        yield "negative", -1 - abs(value)
    if isinstance(value, str):
        yield "empty", ""
    if listed:
        yield "value of no list", "unheard_of" if isinstance(value, str) else 999


def placed(body, path, value):
    if not path:
        return value
    mutant = copy.deepcopy(body)
    holder = mutant
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return mutant


def written(path, body):
    """Write a path; an item of a list by its index, where WeChat gives it one, or else as []."""
    text, value = "$", body
    for part in path:
        value = value[part]
        kind = value.get("index", "") if isinstance(value, dict) else ""
        text += f"[{kind}]" if isinstance(part, int) else f".{part}"
    return text


def mutants(name):
    """Yield each mutant once for all items of a list: what it is, and its body."""
    body = judged(name)[0]
    seen = set()
    for path, value in places(body):
        listed = bool(path) and path[-1] in LISTED_VALUES
        for mutation, new in mutations(value, path, listed=listed):
            what = (written(path, body), mutation)
            # The items of a list are alike.
            if what not in seen:
                seen.add(what)
                yield what, placed(body, path, new)


@pytest.fixture(scope="module")
def survivors():
    """Return the survivors by sample and how many mutants there were."""
    found, count = {}, 0
    for name in NAMES:
        _, api, form, side = judged(name)
        # What decides in `violations`: test_contract.py holds both against jsonschema.
        allows = Draft202012Validator(schema(api, form, side)).is_valid
        for (path, mutation), mutant in mutants(name):
            count += 1
            if allows(mutant):
                where = "error" if side == "error" else f"{api} {form} {side}"
                found.setdefault(f"{where} {path}: {mutation}", set()).add(name)
    return found, count


def test_every_mutant_that_the_contract_allows_is_listed_with_its_reason(
    survivors, record_property
):
    found, count = survivors
    record_property("summary", score(found, count))
    assert sorted(found) == sorted(key for group in LISTED for key in group["survivors"])


def score(found, count):
    """Return the mutation score, and how many survivors there are for each reason."""
    caught = count - sum(map(len, found.values()))
    lines = [f"{caught} of {count} mutants caught ({caught / count:.1%})"]
    for group in LISTED:
        there = found.keys() & set(group["survivors"])
        lines.append(f"{len(there):4} allowed: {group['reason']}")
    unlisted = found.keys() - {key for group in LISTED for key in group["survivors"]}
    return "\n".join([*lines, *(f"NOT LISTED: {key}" for key in sorted(unlisted)), f"Each: {FILE}"])


def test_each_group_of_listed_mutants_has_a_reason():
    assert all(len(group["reason"].split()) > 4 for group in LISTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_itself_keeps_the_contract(name):
    body, api, form, side = judged(name)
    assert violations(body, api, form, side) == []
