"""The cohort heat map: a table with a row a cohort, and the same as SVG."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from cloud_openapi.charts._cohorts import Cohort, Show, average, best_and_worst
from cloud_openapi.charts._scale import Scale, scale_of
from cloud_openapi.charts._style import HEAT_STEPS, WIDEST
from cloud_openapi.charts._words import (
    Translate,
    columns_of,
    english,
    escaped,
    key_axis,
    later,
    number_text,
    percent_text,
    svg_tag,
)
from cloud_openapi.periods import Span

_BEST, _WORST, _NONE, _OPEN = "▲", "▼", "–", "…"
_ROW, _COLUMN, _FIRST_COLUMN, _PAD = 22, 66, 190, 8
_LETTER = 8
_ROWS_TOGETHER = 25


class HeatLinks(NamedTuple):
    """The links of a heat map: to another order of its rows, and to a row's curve.

    ``sort`` has the URL by column, which is "date" or a key as text; ``row`` returns a row's URL.
    """

    sort: Mapping[str, str]
    row: Callable[[Cohort], str]
    sorted_by: str
    ascending: bool
    picked: frozenset[str] = frozenset()


class _Heat(NamedTuple):
    """Facts that the cells of one table share."""

    cohorts: Sequence[Cohort]
    keys: tuple[int, ...]
    span: Span
    show: Show
    t: Translate
    scale: Scale
    extremes: Mapping[int, tuple[Cohort, Cohort]]
    whens: Mapping[int, str]
    """How much later each key is."""


def heat_table(  # noqa: PLR0913 - each is a setting of its own
    cohorts: Sequence[Cohort],
    keys: Sequence[int],
    *,
    caption: str,
    span: Span = "day",
    show: Show = "percent",
    t: Translate = english,
    links: HeatLinks | None = None,
) -> str:
    """Return a legend and a table as HTML: a row a cohort, a column a key.

    Colours stand for the share of the users that came back, also where numbers are shown. The best
    and the worst cohort of each key are marked, and named in rows of their own.
    """
    heat = _heat(cohorts, keys, span, show, t)
    region = f'<div class="heat-scroll" tabindex="0" role="region" aria-label="{escaped(caption)}">'
    return "".join(
        (
            _legend(heat),
            region,
            f'<table class="heat cohorts {_widths(heat)}"><caption>{escaped(caption)}</caption>',
            f"<thead><tr>{''.join(_head(heat, links))}</tr></thead>",
            f'<tbody class="summary">{"".join(_summary(heat))}</tbody>',
            *_bodies(list(_rows(heat, links))),
            "</table></div>",
        )
    )


def _bodies(rows: Sequence[str]) -> Iterator[str]:
    """Yield the rows in parts: a browser lays out only those that are in sight."""
    for begin in range(0, max(len(rows), 1), _ROWS_TOGETHER):
        yield f"<tbody>{''.join(rows[begin : begin + _ROWS_TOGETHER])}</tbody>"


def _widths(heat: _Heat) -> str:
    """Return the classes of the widths of the columns, which do not follow from all rows.

    They are in characters. A mark and an order need two more.
    """
    labels = [*(one.label for one in heat.cohorts), _first_head(heat)]
    numbers = [
        len(_text(heat, key, max(values)))
        for key in heat.keys
        if (values := [v for one in heat.cohorts if (v := one.shown(key, heat.show)) is not None])
    ]
    label = max(map(columns_of, labels)) + 1
    return f"l{min(label, WIDEST)} w{min(max(numbers, default=0) + 2, WIDEST)}"


def heat_svg(  # noqa: PLR0913 - each is a setting of its own
    cohorts: Sequence[Cohort],
    keys: Sequence[int],
    *,
    caption: str,
    span: Span = "day",
    show: Show = "percent",
    t: Translate = english,
) -> str:
    """Return the heat map as SVG, to keep it as a picture."""
    heat = _heat(cohorts, keys, span, show, t)
    rows: list[Callable[[int], Iterable[str]]] = [
        partial(_svg_caption, escaped(caption)),
        partial(_svg_head, heat),
        *(partial(_svg_row, heat, cohort) for cohort in cohorts),
        partial(_svg_means, heat),
        *(partial(_svg_note, note) for note in _svg_notes(heat)),
    ]
    width = _FIRST_COLUMN + _COLUMN * len(keys) + 2 * _PAD
    height = _ROW * len(rows) + 2 * _PAD
    parts = (part for line, row in enumerate(rows) for part in row(_ROW * line + _PAD))
    return "".join((svg_tag(width, height, caption), *parts, "</svg>"))


def heat_scale(cohorts: Sequence[Cohort], keys: Sequence[int]) -> Scale:
    """Return the steps of the shares of users that came back; each has a colour."""
    later_keys = [key for key in keys if key]
    percents = (one.percent(key) for one in cohorts for key in later_keys)
    return scale_of((min(each, 100.0) for each in percents if each is not None), HEAT_STEPS)


def heat_colour(scale: Scale, step: int) -> int:
    """Return the colour of a step: few steps use the whole range of colours, too."""
    return round(step * (HEAT_STEPS - 1) / max(scale.steps - 1, 1))


def _heat(
    cohorts: Sequence[Cohort], keys: Sequence[int], span: Span, show: Show, t: Translate
) -> _Heat:
    found = ((key, best_and_worst(cohorts, key, show)) for key in keys)
    return _Heat(
        cohorts,
        tuple(keys),
        span,
        show,
        t,
        heat_scale(cohorts, keys),
        {key: pair for key, pair in found if pair is not None},
        {key: later(key, span, t) for key in keys},
    )


def _legend(heat: _Heat) -> str:
    t, ticks = heat.t, heat.scale.ticks
    steps = "".join(
        f'<span class="h{heat_colour(heat.scale, step)}">{low:g}–{high:g}</span>'
        for step, (low, high) in enumerate(pairwise(ticks))
    )
    notes = (
        f"{_BEST} {t('best of the column', '该列最高')}",
        f"{_WORST} {t('worst of the column', '该列最低')}",
        t("– no value: point at it for the reason", "– 无数据：将指针移到其上可查看原因"),
        *(
            [f"{_OPEN} {t('not over yet', '尚未结束')}"]
            if any(o.open for o in heat.cohorts)
            else ()
        ),
    )
    share = t("Users that came back, %", "留存用户占比，%")
    legend = f'<li>{share}: <span class="steps">{steps}</span></li>' if steps else ""
    return f'<ul class="legend">{legend}{"".join(f"<li>{each}</li>" for each in notes)}</ul>'


def _head(heat: _Heat, links: HeatLinks | None) -> Iterator[str]:
    t = heat.t
    yield _column("date", _first_head(heat), "", links)
    for key in heat.keys:
        users = t("all users of the period", "该周期的全部用户")
        yield _column(str(key), f"key {key}", heat.whens[key] if key else users, links)


def _first_head(heat: _Heat) -> str:
    t = heat.t
    return {"day": t("Day", "日期"), "week": t("Week", "周"), "month": t("Month", "月份")}[
        heat.span
    ]


def _column(name: str, text: str, title: str, links: HeatLinks | None) -> str:
    hint = f' title="{escaped(title)}"' if title else ""
    if links is None:
        return f'<th scope="col"{hint}>{text}</th>'
    order = ""
    if links.sorted_by == name:
        order = f' aria-sort="{"ascending" if links.ascending else "descending"}"'
        text += " ↑" if links.ascending else " ↓"
    return f'<th scope="col"{order}><a href="{escaped(links.sort[name])}"{hint}>{text}</a></th>'


def _summary(heat: _Heat) -> Iterator[str]:
    t = heat.t
    means = (average(heat.cohorts, key, heat.show) for key in heat.keys)
    cells = "".join(
        "<td>–</td>" if mean is None else f"<td>{_text(heat, key, mean)}</td>"
        for key, mean in zip(heat.keys, means, strict=True)
    )
    yield f'<tr><th scope="row">{t("Average", "平均")}</th>{cells}</tr>'
    for place, name in enumerate(
        (f"{_BEST} {t('Best', '最高')}", f"{_WORST} {t('Worst', '最低')}")
    ):
        cells = "".join(_extreme(heat, key, place) for key in heat.keys)
        yield f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _extreme(heat: _Heat, key: int, place: int) -> str:
    if key not in heat.extremes:
        return "<td>–</td>"
    cohort = heat.extremes[key][place]
    value = cohort.shown(key, heat.show)
    assert value is not None  # noqa: S101 - extremes have values
    return (
        f"<td>{_text(heat, key, value)}<small>{escaped(cohort.short or cohort.label)}</small></td>"
    )


def _rows(heat: _Heat, links: HeatLinks | None) -> Iterator[str]:
    for cohort in heat.cohorts:
        label = escaped(cohort.label)
        if links is not None:
            current = ' aria-current="true"' if cohort.ref in links.picked else ""
            label = f'<a href="{escaped(links.row(cohort))}"{current}>{label}</a>'
        if cohort.problem:
            text = f"– {escaped(cohort.problem)}"
            cells = f'<td class="problem" colspan="{len(heat.keys)}">{text}</td>'
        else:
            cells = "".join(_cell(heat, cohort, key) for key in heat.keys)
        yield f'<tr><th scope="row">{label}</th>{cells}</tr>'


def _cell(heat: _Heat, cohort: Cohort, key: int) -> str:
    value = cohort.shown(key, heat.show)
    if value is None:
        why = escaped(_missing(heat, cohort, key))
        return f'<td class="none" title="{why}">{_none(cohort, key)}</td>'
    percent = cohort.percent(key) if key else None
    title = f' title="{escaped(_title(heat, cohort, key, percent))}"' if key else ""
    step = _step(heat, percent)
    colour = "" if step is None else f' class="h{step}"'
    return f"<td{colour}{title}>{_mark(heat, cohort, key)}{_text(heat, key, value)}</td>"


def _none(cohort: Cohort, key: int) -> str:
    return _OPEN if key in cohort.open else _NONE


def _svg_caption(caption: str, y: int) -> Iterator[str]:
    yield f'<text x="{_PAD}" y="{y + 14}">{caption}</text>'


def _svg_head(heat: _Heat, y: int) -> Iterator[str]:
    for column, key in enumerate(heat.keys, 1):
        x = _FIRST_COLUMN + _COLUMN * column
        yield f'<text class="axis" text-anchor="end" x="{x}" y="{y + 14}">key {key}</text>'


def _svg_row(heat: _Heat, cohort: Cohort, y: int) -> Iterable[str]:
    baseline = y + 15
    yield f'<text x="{_PAD}" y="{baseline}">{escaped(cohort.label)}</text>'
    if cohort.problem:
        most = _COLUMN * len(heat.keys) // _LETTER
        problem = escaped(f"– {cohort.problem}"[:most])
        yield f'<text class="axis" x="{_FIRST_COLUMN}" y="{baseline}">{problem}</text>'
        return
    for column, key in enumerate(heat.keys):
        value, x = cohort.shown(key, heat.show), _FIRST_COLUMN + _COLUMN * column + _PAD
        step = _step(heat, cohort.percent(key) if key else None)
        if step is not None:
            yield (
                f'<rect class="h{step}" x="{x}" y="{y}" width="{_COLUMN - 1}" height="{_ROW - 1}"/>'
            )
        ink = "" if step is None else f' class="i{step}"'
        text = _none(cohort, key) if value is None else _text(heat, key, value)
        end = x + _COLUMN - _PAD
        yield f'<text{ink} text-anchor="end" x="{end}" y="{baseline}">{text}</text>'


def _svg_means(heat: _Heat, y: int) -> Iterator[str]:
    name = heat.t("Average", "平均")
    yield f'<text x="{_PAD}" y="{y + 15}">{name}</text>'
    for column, key in enumerate(heat.keys, 1):
        mean = average(heat.cohorts, key, heat.show)
        text = _NONE if mean is None else _text(heat, key, mean)
        x = _FIRST_COLUMN + _COLUMN * column
        yield f'<text text-anchor="end" x="{x}" y="{y + 15}">{text}</text>'


def _svg_note(note: str, y: int) -> Iterator[str]:
    yield f'<text class="axis" x="{_PAD}" y="{y + 15}">{note}</text>'


def _svg_notes(heat: _Heat) -> list[str]:
    """Return the meaning of the columns and the signs: a picture may be seen without its page."""
    t = heat.t
    percent = t("from key 1 on, percent of key 0", "key 1 起为占 key 0 的百分比")
    is_open = any(cohort.open for cohort in heat.cohorts)
    still = t(f"{_OPEN} not over yet; ", f"{_OPEN} 尚未结束；") if is_open else ""
    none = t(f"{_NONE} no value", f"{_NONE} 无数据")
    shown = [percent] if heat.show == "percent" else []
    return [key_axis(heat.span, t), *shown, still + none]


def _step(heat: _Heat, percent: float | None) -> int | None:
    return None if percent is None else heat_colour(heat.scale, heat.scale.place(percent))


def _mark(heat: _Heat, cohort: Cohort, key: int) -> str:
    if key not in heat.extremes or cohort not in heat.extremes[key]:
        return ""
    best, _worst = heat.extremes[key]
    if cohort is best:
        return f'<abbr title="{heat.t("best", "最高")}">{_BEST}</abbr>'
    return f'<abbr title="{heat.t("worst", "最低")}">{_WORST}</abbr>'


def _text(heat: _Heat, key: int, value: float) -> str:
    if heat.show == "percent" and key:
        return percent_text(value)
    return number_text(round(value, 1) if isinstance(value, float) else value)


def _title(heat: _Heat, cohort: Cohort, key: int, percent: float | None) -> str:
    t, when = heat.t, heat.whens[key]
    users, value = cohort.values.get(0), cohort.values[key]
    if users is None or percent is None:
        return t(
            f"{cohort.label}, {when}: {value:,} users", f"{cohort.label}，{when}：{value:,} 人"
        )
    shown = percent_text(percent)
    return t(
        f"{cohort.label}, {when}: {value:,} of {users:,} users, {shown} %",
        f"{cohort.label}，{when}：{users:,} 人中有 {value:,} 人，{shown} %",
    )


def _missing(heat: _Heat, cohort: Cohort, key: int) -> str:
    if key in cohort.values:
        return heat.t(
            f"{cohort.values[key]:,} users, but key 0 has none: no percentage",
            f"{cohort.values[key]:,} 人，但 key 0 没有用户：无法计算百分比",
        )
    return cohort.missing.get(key) or heat.t("no value", "无数据")
