"""The charts' stylesheet: for pages in both themes, and with fixed colours for files."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Final

from cloud_openapi.charts._words import escaped, svg_tag

HEAT_STEPS: Final = 9
LINES: Final = 7
WIDEST: Final = 30
"""The characters of the widest column."""
_HEADING: Final = 26
_SIZE = re.compile(r'width="(\d+)" height="(\d+)"')

# One hue from pale to deep, which differ in lightness alone: readable without colour vision.
_HEAT = (
    ("#eff5fb", "#182633"),
    ("#dae8f5", "#1c354a"),
    ("#c2daee", "#224664"),
    ("#a6cae6", "#27577e"),
    ("#86b6dc", "#2d6a99"),
    ("#65a0ce", "#4386b8"),
    ("#3672ae", "#64a3d0"),
    ("#2463a2", "#8cbfe4"),
    ("#134a86", "#b9dbf4"),
)
_INK: Final = ("#1d2329", "#ffffff")
_REVERSED_INK: Final = ("#ffffff", "#0b1116")
# The first step with the reversed ink, in each theme.
_REVERSED_FROM: Final = (6, 5)
# Lines differ by dashes, too.
_LINES = (
    ("#0b6847", "#58c795", "none"),
    ("#1f6fb2", "#6fb1ea", "7 3"),
    ("#b3521a", "#f0955a", "2 3"),
    ("#8a3f9e", "#d29be0", "10 3 2 3"),
    ("#a12c57", "#f28bb0", "4 2"),
    ("#6b6b00", "#c9c04d", "12 3"),
    ("#3d4650", "#b8c0c8", "1 2"),
)


def _colours() -> dict[str, tuple[str, str]]:
    """Return each colour's name with its light and its dark value."""
    inks = [
        tuple(
            _REVERSED_INK[theme] if step >= first else _INK[theme]
            for theme, first in enumerate(_REVERSED_FROM)
        )
        for step in range(HEAT_STEPS)
    ]
    return {
        "panel": ("#ffffff", "#1c2024"),
        "text": ("#1d2329", "#e4e7ea"),
        "dim": ("#566069", "#a0a9b2"),
        "line": ("#dde1e5", "#32383e"),
        "accent": ("#0b6847", "#58c795"),
        **{f"heat{step}": pair for step, pair in enumerate(_HEAT)},
        **{f"ink{step}": (light, dark) for step, (light, dark) in enumerate(inks)},
        **{f"curve{n}": (light, dark) for n, (light, dark, _) in enumerate(_LINES)},
    }


COLOURS: Final = _colours()


def _rules() -> str:
    heat = "".join(
        f".heat .h{step}, .legend .h{step} {{ background: $heat{step}; color: $ink{step}; }}\n"
        f"svg.chart rect.h{step} {{ fill: $heat{step}; }}\n"
        f"svg.chart text.i{step} {{ fill: $ink{step}; }}\n"
        for step in range(HEAT_STEPS)
    )
    lines = "".join(
        f"svg.chart .c{number} {{ stroke: $curve{number}; stroke-dasharray: {dash}; }}\n"
        f"svg.chart .p{number} {{ fill: $curve{number}; }}\n"
        for number, (_light, _dark, dash) in enumerate(_LINES)
    )
    return heat + lines


def _style(files: Iterable[str], values: dict[str, str]) -> str:
    """Return the rules of some files, and those that are made here, with these colours."""
    texts = [Path(__file__).with_name(name).read_text("utf-8") for name in files]
    return Template("".join((*texts, _rules()))).substitute(values)


# In rem, which is the same in bold and in small cells.
_WIDTHS: Final = "".join(
    f"table.l{n} {{ --label: {0.6 * n:.1f}rem; }}\ntable.w{n} {{ --number: {0.6 * n:.1f}rem; }}\n"
    for n in range(1, WIDEST + 1)
)
STYLE: Final = _WIDTHS + _style(
    ("svg.css", "page.css"),
    {name: f"light-dark({light}, {dark})" for name, (light, dark) in COLOURS.items()},
)
"""The stylesheet of a page with charts; the page's ``color-scheme`` chooses the colours."""


def stacked(charts: Sequence[tuple[str, str]]) -> str:
    """Return charts with their headings as one SVG, from top to bottom; a heading may be empty."""
    sizes = [tuple(map(int, _SIZE.findall(chart)[0])) for _, chart in charts]
    parts, y = [], 0
    for (heading, chart), (_, height) in zip(charts, sizes, strict=True):
        if heading:
            parts.append(f'<text x="8" y="{y + 22}">{escaped(heading)}</text>')
            y += _HEADING
        parts.append(chart.replace("<svg", f'<svg y="{y}"', 1))
        y += height
    width = max(width for width, _ in sizes)
    return "".join((svg_tag(width, y, ""), *parts, "</svg>"))


def svg_document(svg: str, title: str) -> str:
    """Return a chart as a file of its own, with its colours, in the light theme."""
    style = _style(["svg.css"], {name: light for name, (light, _) in COLOURS.items()})
    head, rest = svg.split(">", 1)
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    paper = '<rect class="paper" width="100%" height="100%"/>'
    return f"{head}><title>{escaped(title)}</title><style>{style}</style>{paper}{rest}"
