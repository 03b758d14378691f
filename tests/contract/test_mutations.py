"""Mutants of every sample: the contract refuses each one, or it is listed with a reason."""

import json

import pytest
from jsonschema_rs import Draft202012Validator
from support.mutants import NAMES, judged, mutants
from support.paths import ROOT

from cloud_openapi.contract import schema, violations

FILE = "tests/mutation_survivors.json"
LISTED = json.loads((ROOT / FILE).read_text("utf-8"))


@pytest.fixture(scope="module")
def survivors():
    """Return the survivors by sample, and the number of mutants."""
    found, count = {}, 0
    for name in NAMES:
        _, api, form, side = judged(name)
        # The validator that decides in `violations`; test_contract.py compares it with jsonschema.
        allows = Draft202012Validator(schema(api, form, side)).is_valid
        for (path, mutation), mutant in mutants(name):
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
    assert all(len(group["reason"].split()) > 4 for group in LISTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_itself_keeps_the_contract(name):
    body, api, form, side = judged(name)
    assert violations(body, api, form, side) == []
