"""Texts of the charts: escaping, numbers, and the words of both languages."""

import re
from collections.abc import Callable
from html import escape
from unicodedata import east_asian_width

from cloud_openapi.periods import Period, Span

Translate = Callable[[str, str], str]
"""Returns one of two texts, which say the same in English and in Chinese."""

_WEEKDAYS = tuple(
    zip(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), "一二三四五六日", strict=True)
)
# Characters that XML and HTML have no way to write.
_NOT_WRITTEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "�")
# Those, and what has a meaning between tags or in an attribute.
_SPECIAL = re.compile(r"[&<>\"'\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def english(text: str, _chinese: str) -> str:
    """Return the English text."""
    return text


def chinese(_text: str, text: str) -> str:
    """Return the Chinese text."""
    return text


def escaped(text: str) -> str:
    """Return a text for HTML and XML, between tags or in a quoted attribute."""
    # A chart has thousands of texts, and most have nothing to escape.
    if not _SPECIAL.search(text):
        return text
    encodable = text.encode("utf-8", "replace").decode()
    return escape(encodable.translate(_NOT_WRITTEN))


def percent_text(percent: float) -> str:
    """Return a percentage as the charts write it, without its sign."""
    return f"{percent:.1f}"


def number_text(value: float) -> str:
    """Return a number with separators, and at most four decimal places."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4f}".rstrip("0").rstrip(".")


def svg_tag(width: int, height: int, label: str) -> str:
    """Return the begin of an SVG of a size, which is a picture with a name."""
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escaped(label)}">'
    )


def later(key: int, span: Span, t: Translate) -> str:
    """Return how much later a key's period is."""
    plural = "s"[: key != 1]
    chinese = {"day": "天", "week": "周", "month": "个月"}[span]
    return t(f"{key} {span}{plural} later", f"{key} {chinese}后")


def key_axis(span: Span, t: Translate) -> str:
    """Return what the keys of a chart count."""
    chinese = {"day": "天", "week": "周", "month": "月"}[span]
    return t(f"key: {span}s later", f"key：之后第几{chinese}")


def label(period: Period, t: Translate) -> str:
    """Return a period as people write it: 2017-03-13 Mon, 2017-03-06 – 03-12, 2017-02."""
    if period.span == "day":
        english, chinese = _WEEKDAYS[period.begin.weekday()]
        return f"{period.begin} {t(english, f'周{chinese}')}"
    if period.span == "month":
        return period.begin.isoformat()[:7]
    end = period.end.isoformat()
    return f"{period.begin} – {end[5:] if period.begin.year == period.end.year else end}"


def range_label(first: Period, last: Period, t: Translate) -> str:
    """Return the first and the last period as people write a range, or the only one."""
    if first == last:
        return label(first, t)
    if first.span in ("day", "month"):
        return f"{label(first, t)} – {label(last, t)}"
    return f"{first.begin} – {last.end}"


def short_label(period: Period) -> str:
    """Return the first day of a day or a week, or a month: 2017-03-06, 2017-02."""
    return period.begin.isoformat()[: 7 if period.span == "month" else 10]


def columns_of(text: str) -> int:
    """Return the width of a text in columns: a Chinese character takes two."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
