"""Paths of JSON values."""

import pytest

from cloud_openapi.json_schema.paths import member, parent_of


@pytest.mark.parametrize("name", ["a", "a b", "it's", "['x']", 'a"]', "back\\slash", "", "中 文"])
@pytest.mark.parametrize("holder", ["$", "$.list[]", "$['a b']", '$["it\'s"]', "$['x'][]"])
def test_the_parent_of_a_member_is_the_object_that_holds_it(holder, name):
    assert parent_of(holder + member(name)) == holder
    assert parent_of(f"{holder}[]") == holder
