"""Help in messages about a name that is not among the known ones."""

import difflib

import pytest

from cloud_openapi.known_names import nearest, shortened

NAMES = ["getDailyRetain", "getWeeklyRetain", "login"]


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("getDailyRetian", "getDailyRetain"),
        ("GETDAILYRETAIN", "getDailyRetain"),
        ("Login", "login"),
        ("", None),
        ("quite another name", None),
    ],
)
def test_the_nearest_name_is_found_whatever_its_case(wrong, meant):
    assert nearest(wrong, NAMES) == meant


def test_a_stranger_cannot_make_the_comparison_long(monkeypatch):
    compared = []

    def compare(word, possibilities, *_more):
        compared.append((len(word), len(possibilities)))
        return []

    monkeypatch.setattr(difflib, "get_close_matches", compare)
    assert nearest("x" * 6_000_000, (f"name{number}" for number in range(100_000))) is None
    assert compared == [(200, 1000)]


def test_a_long_list_of_names_is_cut():
    assert shortened(NAMES) == "getDailyRetain, getWeeklyRetain, login"
    assert shortened(NAMES, 1) == "getDailyRetain and 2 more"
    assert shortened([str(number) for number in range(2005)]) == "0, 1, 2, 3, 4 and 2,000 more"
