"""The content of a report: sections to show, and the rows of its CSV."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Operation
from cloud_openapi.charts import Bar, Cohort, Show, Translate, average, english, label, range_label
from cloud_openapi.periods import Span
from cloud_openapi.reports._answers import Answer, columns_of, is_shown, records
from cloud_openapi.reports._cohorts import (
    cohort,
    retention_caption,
    retention_header,
    retention_row,
)
from cloud_openapi.reports._family import Kind, Report
from cloud_openapi.reports._names import (
    INDEXES,
    PORTRAITS,
    field_name,
    key_meaning,
    key_names,
    report_name,
)

_PROBLEM: Final = "problem"
_LAST: Final = 10**18


class Settings(NamedTuple):
    """The settings of a report; ``users`` and ``show`` are ignored where they do not apply."""

    appid: str = ""
    span: Span = "day"
    users: str = "new"
    show: Show = "percent"
    today: date = date.max
    t: Translate = english

    @property
    def field(self) -> str:
        """WeChat's name of the numbers of these users."""
        return "visit_uv_new" if self.users == "new" else "visit_uv"


class CohortTable(NamedTuple):
    """A row for each cohort, a column for each key."""

    caption: str
    cohorts: Sequence[Cohort]
    keys: Sequence[int]
    span: Span
    show: Show


class GridRow(NamedTuple):
    """A label and numbers by field; or the reason why there are none."""

    label: str
    values: Mapping[str, Any]
    problem: str = ""


class Grid(NamedTuple):
    """A row for each window, page or day, a column for each field."""

    caption: str
    first: str
    """The title of the first column."""
    columns: Mapping[str, str]
    """The titles of the fields."""
    rows: Sequence[GridRow]
    is_series: bool
    """Whether the rows follow one another in time, so that a curve may be drawn."""


class Bars(NamedTuple):
    """The groups that a number is split among."""

    caption: str
    key: str
    bars: Sequence[Bar]


class Gap(NamedTuple):
    """A window without numbers, and the reason."""

    caption: str
    problem: str


Section = CohortTable | Grid | Bars | Gap


class Content(NamedTuple):
    """A report, ready to be shown as text, HTML, a picture, CSV and JSON."""

    title: str
    sections: Sequence[Section]
    notes: Sequence[str]
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    data: Mapping[str, Any]


def content(report: Report, answers: Sequence[Answer], settings: Settings) -> Content:
    """Return what a report shows of some windows, the oldest first."""
    operation = report.operations[settings.span]
    make = _MAKERS[report.kind]
    sections, notes = make(operation, answers, settings)
    header, rows = _csv(report, operation, answers, sections, settings)
    title = f"{report_name(report.name, settings.t)}, {operation.name}, {settings.appid}"
    data = _data(report, operation, answers, sections, settings)
    return Content(title, sections, notes, header, rows, data)


_Made = tuple[list[Section], list[str]]


def _cohorts(operation: Operation, answers: Sequence[Answer], settings: Settings) -> _Made:
    keys, t = operation.keys(settings.field), settings.t
    cohorts = [cohort(each, settings.field, keys, settings.today, t) for each in answers]
    caption = retention_caption(settings.users, answers[0].period, answers[-1].period, t)
    table = CohortTable(caption, cohorts, keys, settings.span, settings.show)
    return [table], [key_meaning(settings.span, settings.users, t)]


def _series(operation: Operation, answers: Sequence[Answer], settings: Settings) -> _Made:
    t = settings.t
    nothing = t("an empty list: no visits", "列表为空：没有访问")
    rows = []
    for answer in answers:
        found = records(operation, answer.body)
        values = {
            name: value for row in found[:1] for name, value in row.items() if is_shown(value)
        }
        problem = answer.problem or ("" if values else nothing)
        rows.append(GridRow(label(answer.period, t), values, problem))
    return [_grid(operation, rows, answers, t("Period", "周期"), settings)], []


def _pages(operation: Operation, answers: Sequence[Answer], settings: Settings) -> _Made:
    def section(answer: Answer) -> list[Section]:
        found = records(operation, answer.body)
        name = next((name for row in found for name in row if _is_name(name, row)), "")
        rows = [
            GridRow(str(row.get(name, "")), {k: v for k, v in row.items() if is_shown(v)})
            for row in found
        ]
        if not rows:
            return []
        first = field_name(name, operation, settings.t)
        return [_grid(operation, rows, [answer], first, settings)._replace(is_series=False)]

    return _by_window(answers, section, settings)


def _is_name(name: str, row: Mapping[str, Any]) -> bool:
    return name != "ref_date" and isinstance(row[name], str)


def _groups(operation: Operation, answers: Sequence[Answer], settings: Settings) -> _Made:
    names, t = key_names(operation), settings.t

    def section(answer: Answer) -> list[Section]:
        found: list[Section] = []
        rows = [
            row
            for row in records(operation, answer.body)
            if row.get("users", settings.field) == settings.field and is_shown(row.get("value"))
        ]
        for group, within in groupby(rows, _group_of):
            english_name, chinese_name, table = _named(group)
            bars = [_bar(row, names.get(table, {})) for row in within]
            # Ages, stays and depths have an order of their own, that of their numbers.
            by_key = group == "ages" or table not in ("", "access_source")
            bars.sort(key=_number_of if by_key else lambda bar: -bar.value)
            when = label(answer.period, t)
            caption = f"{t(english_name, chinese_name)} ({group}), {when}"
            found.append(Bars(caption, "key" if table else "id", bars))
        return found

    return _by_window(answers, section, settings)


def _number_of(bar: Bar) -> tuple[int, str]:
    """Return the place of a bar among those with a number; the others come last."""
    is_number = bar.key.isdecimal() and len(bar.key) < len(str(_LAST))
    return (int(bar.key), "") if is_number else (_LAST, bar.key)


def _group_of(row: Mapping[str, Any]) -> str:
    return str(row.get("group") or row.get("index") or "")


def _named(group: str) -> tuple[str, str, str]:
    """Return the names of a group in both languages, and the table of its keys."""
    if group in PORTRAITS:
        return (*PORTRAITS[group], "")
    return INDEXES.get(group, (group, group, ""))


def _bar(row: Mapping[str, Any], names: Mapping[int, str]) -> Bar:
    key = row.get("key", row.get("id", ""))
    name = row.get("name") or (names.get(key, "") if isinstance(key, int) else "")
    return Bar(str(key), str(name), row["value"])


def _daily(operation: Operation, answers: Sequence[Answer], settings: Settings) -> _Made:
    """Return a table with a row for each day; the numbers are texts in the answer."""
    found = [row for answer in answers for row in records(operation, answer.body)]
    days: dict[str, dict[str, float]] = {}
    for row in found:
        number = _number(row.get("value"))
        if number is not None:
            days.setdefault(str(row.get("refdate", "")), {})[str(row.get("id"))] = number
    titles = {str(row.get("id")): str(row.get("zh") or row.get("id")) for row in found}
    rows = [GridRow(day, days[day]) for day in sorted(days)]
    gaps: list[Section] = [
        Gap(label(answer.period, settings.t), answer.problem)
        for answer in answers
        if answer.problem
    ]
    nothing = settings.t("an empty answer", "返回为空")
    if not rows:
        return gaps or [Gap(_between(answers, settings), nothing)], []
    first = settings.t("Day", "日期")
    return [Grid(_between(answers, settings), first, titles, rows, is_series=True), *gaps], []


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if is_shown(number) else None


def _by_window(
    answers: Iterable[Answer], section: Callable[[Answer], list[Section]], settings: Settings
) -> _Made:
    nothing = settings.t("An empty answer: no visits.", "返回为空：没有访问。")
    sections: list[Section] = []
    for answer in answers:
        gap = Gap(label(answer.period, settings.t), answer.problem or nothing)
        sections += (not answer.problem and section(answer)) or [gap]
    return sections, []


def _grid(
    operation: Operation,
    rows: Sequence[GridRow],
    answers: Sequence[Answer],
    first: str,
    settings: Settings,
) -> Grid:
    names = columns_of(row.values for row in rows)
    titles = {name: field_name(name, operation, settings.t) for name in names}
    return Grid(_between(answers, settings), first, titles, rows, is_series=True)


def _between(answers: Sequence[Answer], settings: Settings) -> str:
    """Return the first and the last window, or the only one."""
    return range_label(answers[0].period, answers[-1].period, settings.t)


_MAKERS: Final[Mapping[Kind, Callable[[Operation, Sequence[Answer], Settings], _Made]]] = {
    "cohorts": _cohorts,
    "series": _series,
    "rows": _pages,
    "groups": _groups,
    "daily": _daily,
}


def _csv(
    report: Report,
    operation: Operation,
    answers: Sequence[Answer],
    sections: Sequence[Section],
    settings: Settings,
) -> tuple[list[str], list[list[object]]]:
    """Return the columns and the rows; the last column has the problem of a window."""
    if isinstance(sections[0], CohortTable):
        cohorts, keys = sections[0].cohorts, sections[0].keys
        lines = [[*retention_row(one, settings.field, keys), one.problem] for one in cohorts]
        return [*retention_header(keys), _PROBLEM], lines
    found = [
        (answer, row)
        for answer in answers
        for row in _rows_or_problem(report, operation, answer, settings)
    ]
    names = columns_of(row for _, row in found)
    names = [*(name for name in names if name != _PROBLEM), _PROBLEM]
    return names, [[row.get(name, "") for name in names] for _, row in found]


def _rows_or_problem(
    report: Report, operation: Operation, answer: Answer, settings: Settings
) -> list[dict[str, Any]]:
    rows = [
        row
        for row in records(operation, answer.body)
        if not report.by_users or row.get("users") == settings.field
    ]
    dated = {"ref_date": answer.period.ref}
    if answer.problem or not rows:
        return [{**dated, _PROBLEM: answer.problem}]
    return [{**dated, **row} for row in rows]


def _data(
    report: Report,
    operation: Operation,
    answers: Sequence[Answer],
    sections: Sequence[Section],
    settings: Settings,
) -> dict[str, Any]:
    """Return a report as JSON: the windows with their answers as they came, and the averages."""
    found: dict[str, Any] = {
        "report": report.name,
        "api": operation.name,
        "appid": settings.appid,
        "windows": [
            {
                "begin": each.period.begin.isoformat(),
                "end": each.period.end.isoformat(),
                "answer": None if each.problem else each.body,
                "problem": each.problem or None,
            }
            for each in answers
        ],
    }
    if isinstance(sections[0], CohortTable):
        cohorts, keys = sections[0].cohorts, sections[0].keys
        found["users"] = settings.field
        found["average"] = {
            key: {"number": average(cohorts, key, "number")}
            | ({"percent": average(cohorts, key)} if key else {})
            for key in keys
        }
    return found
