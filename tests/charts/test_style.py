"""Colours: text is readable on each, in both themes, and the steps differ in lightness."""

import re
from itertools import pairwise

import pytest
from support.colours import contrast, luminance

from cloud_openapi.charts import STYLE
from cloud_openapi.charts._style import COLOURS, HEAT_STEPS, LINES


def test_contrast_is_computed_as_wcag_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_is_readable(theme):
    for step in range(HEAT_STEPS):
        assert contrast(COLOURS[f"ink{step}"][theme], COLOURS[f"heat{step}"][theme]) >= 4.5, step
    for name in ("text", "dim", "accent"):
        assert contrast(COLOURS[name][theme], COLOURS["panel"][theme]) >= 4.5, name
    for number in range(LINES):
        assert contrast(COLOURS[f"curve{number}"][theme], COLOURS["panel"][theme]) >= 3, number


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_each_step_is_darker_or_lighter_than_the_one_before(theme):
    lights = [luminance(COLOURS[f"heat{step}"][theme]) for step in range(HEAT_STEPS)]
    assert all(b < a if theme == 0 else b > a for a, b in pairwise(lights))


def test_stylesheet_has_a_rule_for_each_colour_and_none_unfilled():
    assert "$" not in STYLE
    for step in range(HEAT_STEPS):
        assert f".heat .h{step}," in STYLE
    for number in range(LINES):
        assert f".c{number} {{" in STYLE
    assert len(re.findall(r"light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)", STYLE)) > 40
