"""Distributions: a table with a bar for each number."""

from collections.abc import Sequence
from typing import NamedTuple

from cloud_openapi.charts._words import Translate, english, escaped, number_text, percent_text


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
