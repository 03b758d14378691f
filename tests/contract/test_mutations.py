"""Mutants of every sample: the contract refuses each one, or it is allowed with a reason.

For the analysis family each surviving mutant is listed. For the APIs that answer by example the
kinds of mutations are, with the places of those that a type or a list of values would catch; of
the others, which only a further source could catch, a part is: ``caught``, in percent.
"""

import json
from collections import Counter
from fnmatch import fnmatchcase

import pytest
from jsonschema_rs import Draft202012Validator
from support.mutants import NAMES, documented_bodies, judged, mutants, refused_bodies
from support.paths import ROOT

from cloud_openapi.contract import schema, violations

FILE = "tests/mutation_survivors.json"
LISTED = json.loads((ROOT / FILE).read_text("utf-8"))
FILE_BY_EXAMPLE = "tests/mutation_survivors_by_example.json"
BY_EXAMPLE = json.loads((ROOT / FILE_BY_EXAMPLE).read_text("utf-8"))


@pytest.fixture(scope="module")
def survivors():
    """Return the survivors by sample, and the number of mutants."""
    found, count = {}, 0
    for name in NAMES:
        body, api, form, side = judged(name)
        # The validator that decides in `violations`; test_contract.py compares it with jsonschema.
        allows = Draft202012Validator(schema(api, form, side)).is_valid
        for (path, mutation), mutant in mutants(body):
            count += 1
            if allows(mutant):
                where = "error" if side == "error" else f"{api} {form} {side}"
                found.setdefault(f"{where} {path}: {mutation}", set()).add(name)
    return found, count


def test_surviving_mutants_are_listed_with_a_reason(survivors, record_property):
    found, count = survivors
    record_property("summary", score(found, count))
    assert sorted(found) == sorted(key for group in LISTED for key in group["survivors"])


def score(found, count):
    """Return the mutation score, and the number of survivors for each reason."""
    caught = count - sum(map(len, found.values()))
    lines = [f"{caught} of {count} mutants caught ({caught / count:.1%})"]
    for group in LISTED:
        there = found.keys() & set(group["survivors"])
        lines.append(f"{len(there):4} allowed: {group['reason']}")
    unlisted = found.keys() - {key for group in LISTED for key in group["survivors"]}
    return "\n".join([*lines, *(f"NOT LISTED: {key}" for key in sorted(unlisted)), f"Each: {FILE}"])


def test_each_group_of_listed_mutants_has_a_reason():
    assert all(len(group["reason"].split()) > 4 for group in (*LISTED, *BY_EXAMPLE))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_itself_keeps_the_contract(name):
    body, api, form, side = judged(name)
    assert violations(body, api, form, side) == []


# ---- APIs that answer by example -----------------------------------------------------------


@pytest.fixture(scope="module")
def by_example():
    """Return the number of mutants, and of survivors, by place and kind of mutation."""
    made, surviving = Counter(), Counter()
    for body in documented_bodies():
        where = f"{body.api} {body.form} {body.side}"
        allows = Draft202012Validator(schema(body.api, body.form, body.side)).is_valid
        assert allows(body.body), where
        refused = refused_bodies(body.api) if where.endswith("https request") else []
        for (path, mutation), mutant in mutants(body.body):
            kind = "drop" if mutation.startswith("drop ") else mutation
            made[f"{where} {path}", kind] += 1
            surviving[f"{where} {path}", kind] += allows(mutant) and mutant not in refused
    return made, +surviving


def matching(counted, group):
    """Return the number of mutants at the places of a group."""
    return sum(
        count
        for (place, kind), count in counted.items()
        if kind in group["mutations"] and any(fnmatchcase(place, each) for each in group["places"])
    )


def test_surviving_mutants_by_example_are_allowed_with_a_reason(by_example, record_property):
    made, surviving = by_example
    record_property("summary", score_by_example(made, surviving))
    for group in BY_EXAMPLE:
        allowed = matching(surviving, group)
        assert allowed, f"no survivor needs: {group['reason']}"
        assert 100 * (1 - allowed / matching(made, group)) >= group.get("caught", 0), group
    others = [each for each in surviving if not any(matching({each: 1}, g) for g in BY_EXAMPLE)]
    assert others == []


def test_each_place_of_an_allowed_mutant_is_needed(by_example):
    _, surviving = by_example
    places = [{**group, "places": [each]} for group in BY_EXAMPLE for each in group["places"]]
    assert [each["places"] for each in places if not matching(surviving, each)] == []


def score_by_example(made, surviving):
    """Return the mutation score, and the number of survivors for each reason."""
    count, caught = made.total(), made.total() - surviving.total()
    lines = [f"By example: {caught} of {count} mutants caught ({caught / count:.1%})"]
    lines += [f"{matching(surviving, each):4} allowed: {each['reason']}" for each in BY_EXAMPLE]
    return "\n".join([*lines, f"Each: {FILE_BY_EXAMPLE}"])
