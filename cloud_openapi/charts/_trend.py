"""Trends: one number of successive days, weeks or months."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_openapi.charts._plot import HEIGHT, Plot
from cloud_openapi.charts._scale import scale_of
from cloud_openapi.charts._words import escaped, number_text

_MOST_STEPS, _MOST_LABELS = 6, 8


class Point(NamedTuple):
    """A period, and its number; None without one."""

    label: str
    value: float | None


def trend_svg(points: Sequence[Point], *, caption: str) -> str:
    """Return a line through some numbers as SVG; a missing number interrupts it."""
    values = [point.value for point in points if point.value is not None]
    plot = Plot(scale_of(values, _MOST_STEPS, from_zero=True))
    count = len(points)
    places = [n / (count - 1) if count > 1 else 0.5 for n in range(count)]
    every = -(-count // _MOST_LABELS)
    labels = [(places[n], points[n].label[:10]) for n in range(0, count, max(every, 1))]
    return "".join(
        (
            plot.open_tag(caption),
            plot.grid(lambda tick: f"{tick:,g}"),
            plot.labels(labels),
            *(f'<path class="curve c0" d="M{path}"/>' for path in _paths(plot, points, places)),
            *(
                _hover(plot, point, place, count)
                for point, place in zip(points, places, strict=True)
            ),
            "</svg>",
        )
    )


def _paths(plot: Plot, points: Sequence[Point], places: Sequence[float]) -> list[str]:
    """Return a path for each run of numbers."""
    runs: list[list[str]] = [[]]
    for point, place in zip(points, places, strict=True):
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append(f"{plot.x(place)} {plot.y(point.value)}")
    # A line to itself is a dot.
    return [" ".join(run if len(run) > 1 else [*run, "h0.1"]) for run in runs if run]


def _hover(plot: Plot, point: Point, place: float, count: int) -> str:
    """Return an area as high as the chart that shows a point's number."""
    half = (plot.x(1) - plot.x(0)) / max(count - 1, 1) / 2
    number = "–" if point.value is None else number_text(point.value)
    return (
        f'<rect class="hover" x="{round(plot.x(place) - half, 1)}" y="{plot.top}" '
        f'width="{round(2 * half, 1)}" height="{HEIGHT}">'
        f"<title>{escaped(point.label)}: {number}</title></rect>"
    )
