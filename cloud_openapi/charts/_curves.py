"""Retention curves: a line a cohort, over the keys."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_openapi.charts._cohorts import Cohort, Show, average
from cloud_openapi.charts._plot import LEFT, WIDTH, Plot
from cloud_openapi.charts._scale import scale_of
from cloud_openapi.charts._style import LINES
from cloud_openapi.charts._words import (
    Translate,
    english,
    escaped,
    key_axis,
    later,
    number_text,
    percent_text,
)
from cloud_openapi.periods import Span

_LEGEND_ROW, _LEGEND_COLUMN = 18, 175
_MOST_STEPS = 6


class _Curve(NamedTuple):
    name: str
    points: list[tuple[int, float]]


def curve_svg(  # noqa: PLR0913 - each is a setting of its own
    cohorts: Sequence[Cohort],
    picked: Sequence[Cohort],
    keys: Sequence[int],
    *,
    caption: str,
    span: Span = "day",
    show: Show = "percent",
    t: Translate = english,
) -> str:
    """Return the average of all cohorts and the curves of some as SVG.

    The curves begin at the first key after 0: there all users would be one hundred percent.
    """
    later_keys = [key for key in keys if key]
    curves = _curves(cohorts, picked[: LINES - 1], later_keys, show, t)
    values = [value for curve in curves for _, value in curve.points]
    columns = (WIDTH - LEFT) // _LEGEND_COLUMN
    legend_rows = -(-len(curves) // columns)
    plot = Plot(scale_of(values, _MOST_STEPS, from_zero=True), 8 + _LEGEND_ROW * legend_rows + 8)
    first, last = later_keys[0], later_keys[-1]
    places = {key: (key - first) / (last - first) if last > first else 0.5 for key in later_keys}
    unit = " %" if show == "percent" else ""
    return "".join(
        (
            plot.open_tag(caption),
            plot.grid(lambda tick: f"{tick:,g}{unit}"),
            plot.labels([(places[key], str(key)) for key in later_keys]),
            plot.caption(key_axis(span, t)),
            *(
                _legend(number, curve.name, 8 + _LEGEND_ROW * (number // columns), number % columns)
                + _line(plot, number, curve, places, span, show, t)
                for number, curve in enumerate(curves)
            ),
            "</svg>",
        )
    )


def _curves(
    cohorts: Sequence[Cohort],
    picked: Sequence[Cohort],
    keys: Sequence[int],
    show: Show,
    t: Translate,
) -> list[_Curve]:
    means = [(key, average(cohorts, key, show)) for key in keys]
    curves = [_Curve(t("Average", "平均"), [(k, v) for k, v in means if v is not None])]
    for cohort in picked:
        found = [(key, cohort.shown(key, show)) for key in keys]
        curves.append(_Curve(cohort.label, [(k, v) for k, v in found if v is not None]))
    return curves


def _legend(number: int, name: str, y: int, column: int) -> str:
    x = LEFT + _LEGEND_COLUMN * column
    return (
        f'<path class="curve c{number}" d="M{x} {y + 8}h26"/>'
        f'<text x="{x + 32}" y="{y + 12}">{escaped(name)}</text>'
    )


def _line(  # noqa: PLR0913 - what its points share
    plot: Plot,
    number: int,
    curve: _Curve,
    places: dict[int, float],
    span: Span,
    show: Show,
    t: Translate,
) -> str:
    placed = [(plot.x(places[key]), plot.y(value), key, value) for key, value in curve.points]
    path = " ".join(f"{x} {y}" for x, y, _, _ in placed)
    dots = "".join(
        f'<circle class="p{number}" cx="{x}" cy="{y}" r="3.5"><title>'
        f"{escaped(_title(curve.name, later(key, span, t), value, show))}</title></circle>"
        for x, y, key, value in placed
    )
    return (f'<path class="curve c{number}" d="M{path}"/>' if placed else "") + dots


def _title(name: str, when: str, value: float, show: Show) -> str:
    shown = f"{percent_text(value)} %" if show == "percent" else number_text(round(value, 1))
    return f"{name}, {when}: {shown}"
