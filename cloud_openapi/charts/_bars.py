"""Distributions: a table with a bar for each number."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_openapi.charts._words import (
    Translate,
    english,
    escaped,
    number_text,
    percent_text,
    svg_tag,
)

_ROW, _PAD, _WIDTH = 22, 8, 760
_BEGIN, _END = 230, 620


class Bar(NamedTuple):
    """A group's key or id, its name, and its number."""

    key: str
    name: str
    value: float


def bar_table(
    bars: Sequence[Bar], *, caption: str, key: str = "key", t: Translate = english
) -> str:
    """Return a table as HTML: the number of each group, its share of all, and a bar."""
    total = sum(bar.value for bar in bars)
    most = max((bar.value for bar in bars), default=0)
    head = (key, t("name", "名称"), t("number", "数值"), "%", t("share", "占比"))
    kinds = ("", "", ' class="number"', ' class="number"', "")
    heads = "".join(
        f'<th scope="col"{kind}>{escaped(text)}</th>'
        for kind, text in zip(kinds, head, strict=True)
    )
    return (
        f'<table class="bars"><caption>{escaped(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(_row(bar, total, most) for bar in bars)}</tbody></table>"
    )


def bar_svg(bars: Sequence[Bar], *, caption: str) -> str:
    """Return the same as SVG, to keep it as a picture; without the keys of groups with a name."""
    total = sum(bar.value for bar in bars)
    most = max((bar.value for bar in bars), default=0)
    parts = [
        svg_tag(_WIDTH, _ROW * (len(bars) + 1) + 2 * _PAD, caption),
        f'<text x="{_PAD}" y="{_PAD + 14}">{escaped(caption)}</text>',
    ]
    for line, bar in enumerate(bars, 1):
        y = _ROW * line + _PAD
        width = round((_END - _BEGIN) * bar.value / most, 1) if most else 0
        percent = f" ({percent_text(100 * bar.value / total)} %)" if total else ""
        parts.append(
            f'<text x="{_PAD}" y="{y + 15}">{escaped(bar.name or bar.key)}</text>'
            f'<rect class="bar" x="{_BEGIN}" y="{y + 3}" width="{width}" height="{_ROW - 6}"/>'
            f'<text x="{_BEGIN + width + 6}" y="{y + 15}">{number_text(bar.value)}{percent}</text>'
        )
    return "".join((*parts, "</svg>"))


def _row(bar: Bar, total: float, most: float) -> str:
    percent = percent_text(100 * bar.value / total) if total else "–"
    width = round(100 * bar.value / most, 2) if most else 0
    return (
        f"<tr><td>{escaped(bar.key)}</td>"
        f'<th scope="row"><bdi>{escaped(bar.name)}</bdi></th>'
        f'<td class="number">{number_text(bar.value)}</td><td class="number">{percent}</td>'
        f'<td class="share"><svg aria-hidden="true"><rect class="bar" width="{width}%" '
        f'height="100%"/></svg></td></tr>'
    )
