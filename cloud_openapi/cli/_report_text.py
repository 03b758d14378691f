"""A report as lines for a terminal or a pipe."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise
from typing import Any, Final, NamedTuple

import click

from cloud_openapi.charts import (
    COLOURS,
    Cohort,
    Scale,
    Translate,
    average,
    heat_colour,
    heat_scale,
    number_text,
    percent_text,
)
from cloud_openapi.cli._terminal import printable
from cloud_openapi.reports import Bars, CohortTable, Content, Grid, Section

_OPEN, _NONE = "…", "–"
_GAP = " "
_MOST_BARS, _LONGEST_BAR = 20, 30
_HEADER_COLUMN = 10
# A Chinese character with the punctuation behind it, or a word with the spaces behind it.
_WORD = re.compile(r"[\u2e80-\uffef][，。；：、）]*|[^\s\u2e80-\uffef]+\s*|\s+")
# Each other character takes one column.
_UNCERTAIN = re.compile(r"[^\x20-\x7e–…█]")
_LEVELS: Final = (0, 95, 135, 175, 215, 255)
_FIRST_GREY, _GREYS = 232, 24


class Cell(NamedTuple):
    """A text of a table; ``step`` is its colour in the heat map."""

    text: str
    step: int | None = None
    dim: bool = False


class Look(NamedTuple):
    """``width`` is in columns, 0 without a limit."""

    width: int = 0
    colours: bool = False
    t: Translate = lambda english, _chinese: english

    def style(self, text: str, **styles: Any) -> str:
        """Return a text in a style of click's, if colours are wanted."""
        return click.style(text, **styles) if self.colours else text


def report_lines(report: Content, look: Look) -> Iterator[str]:
    """Yield the lines of a report."""
    yield from (look.style(line, bold=True) for line in _folded(printable(report.title), look))
    for section in report.sections:
        yield ""
        yield from _lines(section, look)
    for note in report.notes:
        yield ""
        yield from _folded(note, look)


def _lines(section: Section, look: Look) -> Iterator[str]:
    yield from _folded(printable(section.caption), look)
    if isinstance(section, CohortTable):
        yield from _cohort_lines(section, look)
    elif isinstance(section, Grid):
        yield from _grid_lines(section, look)
    elif isinstance(section, Bars):
        yield from _bar_lines(section, look)
    else:
        yield from _folded(f"{_NONE} {printable(section.problem)}", look)


class _Layout(NamedTuple):
    """A way to write a table of cohorts; the first one that fits is taken."""

    label: Callable[[Cohort], str]
    decimals: bool


_LAYOUTS: Final = (
    _Layout(lambda one: one.label, decimals=True),
    _Layout(lambda one: one.short or one.label, decimals=True),
    _Layout(lambda one: one.short or one.label, decimals=False),
)


class _Laid(NamedTuple):
    """The cells of a table of cohorts in one layout, and the widths of its columns."""

    layout: _Layout
    head: list[Cell]
    rows: list[list[Cell]]
    mean: list[Cell]
    widths: list[int]


def _laid(table: CohortTable, scale: Scale, layout: _Layout, look: Look) -> _Laid:
    rows = [_cohort_cells(table, scale, one, layout) for one in table.cohorts if not one.problem]
    head = [Cell(_first_column(table, look.t)), *(Cell(str(key)) for key in table.keys)]
    mean = _average_cells(table, layout, look.t)
    label, users, *later = _widths([*rows, head, mean])
    # A row without numbers has a label, too.
    label = max(label, *(_width(layout.label(one)) for one in table.cohorts))
    even = [label, users, *[max(later, default=0)] * len(later)]
    widths = even if _fits(even, look) else [label, users, *later]
    return _Laid(layout, head, rows, mean, widths)


def _cohort_lines(table: CohortTable, look: Look) -> Iterator[str]:
    scale = heat_scale(table.cohorts, table.keys)
    for layout in _LAYOUTS:
        laid = _laid(table, scale, layout, look)
        if _fits(laid.widths, look):
            break
    shown = _shown(laid.widths, look)
    widths = laid.widths[:shown]
    yield look.style(_joined(laid.head, widths, look), bold=True)
    rows = iter(laid.rows)
    for problem, run in groupby(table.cohorts, lambda one: one.problem):
        cohorts = list(run)
        if problem:
            yield from _problem_lines(cohorts, problem, laid.layout, look)
        else:
            yield from (_joined(next(rows), widths, look) for _ in cohorts)
    yield look.style(_joined(laid.mean, widths, look), bold=True)
    yield from _left_out([f"key {key}" for key in table.keys[shown - 1 :]], look)
    yield from _legend(table, scale, look)


def _first_column(table: CohortTable, t: Translate) -> str:
    names = {"day": t("Day", "日期"), "week": t("Week", "周"), "month": t("Month", "月份")}
    return f"{names[table.span]} \\ key"


def _cohort_cells(table: CohortTable, scale: Scale, one: Cohort, layout: _Layout) -> list[Cell]:
    cells = [Cell(layout.label(one))]
    for key in table.keys:
        value, percent = one.shown(key, table.show), one.percent(key) if key else None
        if value is None:
            cells.append(Cell(_OPEN if key in one.open else _NONE, dim=True))
            continue
        step = None if percent is None else heat_colour(scale, scale.place(percent))
        cells.append(Cell(_number(table, key, value, layout), step))
    return cells


def _average_cells(table: CohortTable, layout: _Layout, t: Translate) -> list[Cell]:
    cells = [Cell(t("Average", "平均"))]
    for key in table.keys:
        mean = average(table.cohorts, key, table.show)
        is_open = all(key in one.open for one in table.cohorts)
        none = _OPEN if is_open else _NONE
        cells.append(Cell(none if mean is None else _number(table, key, mean, layout)))
    return cells


def _number(table: CohortTable, key: int, value: float, layout: _Layout) -> str:
    if table.show == "percent" and key:
        return percent_text(value) if layout.decimals else f"{value:.0f}"
    return number_text(round(value)) if layout.decimals else _compact(value)


def _compact(value: float) -> str:
    """Return a number in few columns: 9999, 12k, 1.2M."""
    if value >= 10**6:
        return f"{value / 10**6:.1f}M"
    return f"{value / 10**3:.0f}k" if value >= 10**4 else f"{value:.0f}"


def _problem_lines(
    cohorts: Sequence[Cohort], problem: str, layout: _Layout, look: Look
) -> Iterator[str]:
    """Yield the reason of one or more rows without numbers."""
    ends = dict.fromkeys((layout.label(cohorts[0]), layout.label(cohorts[-1])))
    count = f" ({len(cohorts)})" if len(cohorts) > 1 else ""
    for line in _folded(f"{' – '.join(ends)}{count} {_NONE} {printable(problem)}", look, "    "):
        yield look.style(line, dim=True)


def _legend(table: CohortTable, scale: Scale, look: Look) -> Iterator[str]:
    t = look.t
    if look.colours:
        yield from _scale_lines(scale, look)
    shares = t("from key 1 on, percent of key 0", "key 1 起为占 key 0 的百分比")
    meanings = [
        *([shares] if table.show == "percent" else []),
        f"{_OPEN} {t('not over yet', '尚未结束')}",
        f"{_NONE} {t('no value', '无数据')}",
    ]
    yield from _folded("; ".join(meanings), look)


def _scale_lines(scale: Scale, look: Look) -> Iterator[str]:
    """Yield the colours with their ranges, in as many lines as they need."""
    name = look.t("Users that came back, %:", "留存用户占比，%：")
    line, used = name, _width(name)
    for step, (low, high) in enumerate(pairwise(scale.ticks)):
        text = f" {low:g}–{high:g} "
        if look.width and used + _width(text) > look.width:
            yield line
            line, used = "", 0
        line += _painted(Cell(text, heat_colour(scale, step)), look)
        used += _width(text)
    yield line


def _grid_lines(grid: Grid, look: Look) -> Iterator[str]:
    rows = [
        [Cell(printable(row.label)), *(_value(row.values.get(name)) for name in grid.columns)]
        for row in grid.rows
        if not row.problem
    ]
    heads = [_fold(title, _HEADER_COLUMN) for title in (grid.first, *grid.columns.values())]
    depth = max(map(len, heads))
    lines = [[Cell(([""] * (depth - len(head)) + head)[n]) for head in heads] for n in range(depth)]
    widths = _widths([*rows, *lines])
    if look.width:
        widths[0] = min(widths[0], look.width // 2)
    shown = _shown(widths, look)
    for line in lines:
        yield look.style(_joined(line, widths[:shown], look).rstrip(), bold=True)
    cells = iter(rows)
    for row in grid.rows:
        if row.problem:
            text = f"{printable(row.label)} {_NONE} {printable(row.problem)}"
            yield from (look.style(each, dim=True) for each in _folded(text, look, "    "))
        else:
            yield _joined(next(cells), widths[:shown], look)
    yield from _left_out(list(grid.columns)[shown - 1 :], look)


def _value(value: float | None) -> Cell:
    return Cell(_NONE, dim=True) if value is None else Cell(number_text(value))


def _bar_lines(section: Bars, look: Look) -> Iterator[str]:
    total = sum(bar.value for bar in section.bars)
    most = max((bar.value for bar in section.bars), default=0)
    shown = section.bars[:_MOST_BARS] if look.width else section.bars
    rows = []
    for bar in shown:
        percent = f"{percent_text(100 * bar.value / total)} %" if total else _NONE
        name, key = printable(bar.name), printable(bar.key)
        # A device has a name alone.
        label = f"{name} ({key})" if name and key else name or key
        rows.append([Cell(label), Cell(number_text(bar.value)), Cell(percent)])
    widths = _widths(rows)
    if look.width:
        widths[0] = min(widths[0], look.width // 2)
    room = min(look.width - sum(widths) - 3 * len(_GAP), _LONGEST_BAR) if look.width else 0
    for bar, cells in zip(shown, rows, strict=True):
        length = round(room * bar.value / most) if most and room > 0 else 0
        yield (_joined(cells, widths, look) + _GAP + "█" * length).rstrip()
    left = len(section.bars) - len(shown)
    if left:
        yield look.t(f"and {left} more: --csv has all", f"另有 {left} 项：--csv 含全部数据")


def _left_out(names: Sequence[str], look: Look) -> Iterator[str]:
    if names:
        yield from _folded(
            look.t(
                f"Too narrow for {', '.join(names)}: --csv and --html have all.",
                f"宽度不足，未显示 {'、'.join(names)}：--csv 和 --html 含全部数据。",
            ),
            look,
        )


def _widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    return [max(_width(cell.text) for cell in column) for column in zip(*rows, strict=True)]


def _fits(widths: Sequence[int], look: Look) -> bool:
    return not look.width or sum(widths) + len(_GAP) * (len(widths) - 1) <= look.width


def _shown(widths: Sequence[int], look: Look) -> int:
    """Return how many columns fit, at least two."""
    count = len(widths)
    while count > 2 and not _fits(widths[:count], look):  # noqa: PLR2004 - a label and a number
        count -= 1
    return count


def _joined(cells: Sequence[Cell], widths: Sequence[int], look: Look) -> str:
    """Return a line of a table: the first column to the left, numbers to the right."""
    first = _cut(cells[0].text, widths[0])
    line = first + " " * (widths[0] - _width(first))
    for cell, width in zip(cells[1:], widths[1:], strict=False):
        padded = _GAP + " " * (width - _width(cell.text)) + cell.text
        line += _painted(cell._replace(text=padded), look)
    return line


def _painted(cell: Cell, look: Look) -> str:
    if cell.step is None:
        return look.style(cell.text, dim=True) if cell.dim else cell.text
    ink, heat = _indexed(f"ink{cell.step}"), _indexed(f"heat{cell.step}")
    return look.style(cell.text, fg=ink, bg=heat)


@cache
def _indexed(name: str) -> int:
    """Return the nearest of the 240 fixed colours of a terminal: not all terminals have more."""
    wanted = _rgb(COLOURS[name][0])
    palette = {16 + 36 * r + 6 * g + b: (_LEVELS[r], _LEVELS[g], _LEVELS[b]) for r, g, b in _CUBE}
    palette |= {_FIRST_GREY + n: (8 + 10 * n,) * 3 for n in range(_GREYS)}
    return min(
        palette, key=lambda n: sum((a - b) ** 2 for a, b in zip(palette[n], wanted, strict=True))
    )


_CUBE: Final = [(r, g, b) for r in range(6) for g in range(6) for b in range(6)]


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _folded(text: str, look: Look, indent: str = "") -> list[str]:
    """Return a text as lines of the look's width; further lines are indented."""
    if not look.width:
        return [text]
    first, *rest = _fold(text, look.width - len(indent))
    return [first, *(indent + line for line in rest)]


def _fold(text: str, width: int) -> list[str]:
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and _width((lines[-1] + word).rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]


def _cut(text: str, width: int) -> str:
    """Return a text of at most so many columns, with an ellipsis if it was longer."""
    if _width(text) <= width:
        return text
    while text and _width(text) >= width:
        text = text[:-1]
    return text + _OPEN


def _width(text: str) -> int:
    if not _UNCERTAIN.search(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
