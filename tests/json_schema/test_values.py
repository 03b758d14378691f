"""Type checks of JSON values."""

import pytest

from cloud_openapi.json_schema.values import is_integer, is_number, is_text


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), -1, 11, [5]])
def test_other_types_and_values_out_of_range_are_not_numbers(value):
    assert not is_number(value, 0, 10)
    assert not is_integer(value, 0, 10)


def test_bounds_are_part_of_a_range():
    assert is_number(0.0, 0, 10)
    assert is_integer(10, 0, 10)
    assert not is_integer(5.0, 0, 10)


def test_a_text_can_be_encoded_in_utf_8():
    assert is_text("天😀")
    assert not is_text("\ud83d")
    assert not is_text(b"a")
