"""The frame of a chart with two axes: grid, ticks, scales."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cloud_openapi.charts._scale import Scale
from cloud_openapi.charts._words import escaped, svg_tag

WIDTH, HEIGHT = 760, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 12, 40


class Plot(NamedTuple):
    """The place of a chart's values: ``x`` in 0..1, ``y`` by the scale."""

    scale: Scale
    top: int = TOP

    @property
    def bottom(self) -> int:
        """Return the y of the lower end."""
        return self.top + HEIGHT

    def x(self, share: float) -> float:
        """Return the x of a share of the width."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def y(self, value: float) -> float:
        """Return the y of a value."""
        share = (value - self.scale.low) / (self.scale.high - self.scale.low)
        return round(self.bottom - HEIGHT * share, 1)

    def grid(self, write: Callable[[float], str]) -> str:
        """Return the horizontal lines with their values."""
        return "".join(
            f'<path class="grid" d="M{LEFT} {self.y(tick)}H{WIDTH - RIGHT}"/>'
            f'<text class="axis" text-anchor="end" x="{LEFT - 6}" y="{self.y(tick) + 4}">'
            f"{write(tick)}</text>"
            for tick in self.scale.ticks
        )

    def labels(self, labels: Sequence[tuple[float, str]]) -> str:
        """Return the texts below the horizontal axis, each at a share of the width."""
        return "".join(
            f'<text class="axis" text-anchor="{_anchor(share)}" x="{self.x(share)}" '
            f'y="{self.bottom + 16}">{escaped(text)}</text>'
            for share, text in labels
        )

    def caption(self, text: str) -> str:
        """Return the name of the horizontal axis."""
        middle = (WIDTH + LEFT - RIGHT) / 2
        return (
            f'<text class="axis" text-anchor="middle" x="{middle}" y="{self.bottom + 34}">'
            f"{escaped(text)}</text>"
        )

    def open_tag(self, label: str) -> str:
        """Return the begin of the SVG."""
        return svg_tag(WIDTH, self.bottom + BOTTOM, label)


def _anchor(share: float) -> str:
    """Return the alignment that keeps a text at an end of the axis inside of the chart."""
    if share >= 1:
        return "end"
    return "middle"
