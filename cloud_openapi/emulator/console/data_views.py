"""The views of the Data page: what each shows, and what it exports."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from markupsafe import Markup

from cloud_openapi.charts import (
    Bar,
    Cohort,
    HeatLinks,
    Point,
    Translate,
    average,
    bar_table,
    best_and_worst,
    chinese,
    curve_svg,
    english,
    heat_svg,
    heat_table,
    range_label,
    trend_svg,
)
from cloud_openapi.emulator.console.data_query import Query, label_of, toggled
from cloud_openapi.emulator.console.data_windows import (
    DISTRIBUTION,
    PAGES,
    PORTRAIT,
    RETAIN,
    TREND,
    Readers,
    Row,
    Windows,
)
from cloud_openapi.emulator.console.texts import language, t
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.json_schema.rows import objects
from cloud_openapi.periods import Period
from cloud_openapi.reports import (
    INDEXES,
    METRICS,
    PAGE_FIELDS,
    PORTRAITS,
    is_shown,
    key_meaning,
    key_names,
    retention_caption,
    retention_header,
    retention_row,
)

_Row = TypeVar("_Row")


class View(NamedTuple):
    """The content of a view: the template's values, the CSV, and the charts for files by name."""

    context: Mapping[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    charts: Mapping[str, Callable[[], str]] = {}


class Views:
    """Makes the views of one request, which see one moment of the mini program."""

    def __init__(self, readers: Readers, program: MiniProgram, query: Query) -> None:
        self._readers = readers
        self._program = program
        self._query = query
        self.windows = Windows(readers, program)

    def make(self) -> View:
        """Return the view that the query asks for. Raises InvalidInputError."""
        view: View = getattr(self, f"_{self._query.view}")()
        return view

    def _periods(self, api: str) -> list[Period]:
        return self._query.periods(self.windows.now.date(), self._readers.recorded(api))

    def _retention(self) -> View:
        query, span, show = self._query, self._query.span, self._query.show
        periods = self._periods(RETAIN[span])
        cohorts = [self.windows.cohort(period, query.field) for period in periods]
        keys = self.windows.keys(span)
        sort = _key_of(query.sort, keys)
        column = sort or 1
        extremes = best_and_worst(cohorts, column, show)
        picked = [one for one in cohorts if one.ref in query.pick] or list(extremes or ())
        caption = retention_caption(query.users, periods[0], periods[-1], t)
        ordered = _sorted_cohorts(cohorts, sort, query)
        settings: dict[str, Any] = {"caption": caption, "span": span, "show": show, "t": _words()}
        links = _heat_links(query, keys)

        def curves() -> str:
            return curve_svg(cohorts, picked, keys, **settings)

        return View(
            {
                "table": Markup(heat_table(ordered, keys, links=links, **settings)),  # noqa: S704 - escaped there
                "curves": Markup(curves()) if len(keys) > 2 else "",  # noqa: PLR2004, S704
                "column": column,
                "extremes": [(one, one.shown(column, show)) for one in extremes or ()],
                "average": average(cohorts, column, show),
                "meaning": key_meaning(span, query.users, t),
            },
            retention_header(keys),
            [retention_row(one, query.field, keys) for one in ordered],
            {
                "heat": lambda: heat_svg(ordered, keys, **settings),
                **({"curves": curves} if len(keys) > 2 else {}),  # noqa: PLR2004
            },
        )

    def _trends(self) -> View:
        query = self._query
        apis = TREND[query.span]
        rows = [self.windows.trend(period) for period in self._periods(apis[0])]
        found = [name for name in METRICS if any(name in row.values for row in rows)]
        metrics = found or ["visit_uv"]
        metric = query.metric if query.metric in metrics else "visit_uv"
        points = [Point(row.label, row.values.get(metric)) for row in rows]
        caption = f"{t(*METRICS[metric])}, {range_label(rows[0].period, rows[-1].period, t)}"
        ordered = _sorted_trends(rows, metrics, query)

        def chart() -> str:
            return trend_svg(points, caption=caption)

        return View(
            {
                "rows": ordered,
                "metrics": {name: t(*METRICS[name]) for name in metrics},
                "metric": metric,
                "chart": Markup(chart()),  # noqa: S704 - escaped there
                "caption": caption,
                "points": [
                    [row.period.begin.isoformat(), point.value]
                    for row, point in zip(rows, points, strict=True)
                ],
            },
            ("ref_date", *metrics),
            [(row.period.ref, *(row.values.get(name, "") for name in metrics)) for row in ordered],
            {"trend": chart},
        )

    def _distribution(self) -> View:
        period = self._query.day(self._program, self._readers.recorded(DISTRIBUTION))
        body, problem = self.windows.answer(DISTRIBUTION, period)
        names = key_names(self._readers[DISTRIBUTION].operation)
        tables: list[Markup] = []
        rows: list[Sequence[object]] = []
        for each in objects(body.get("list")):
            index = str(each.get("index"))
            english, chinese, table = INDEXES.get(index, (index, index, ""))
            bars = _bars(each.get("item_list"), "key", names.get(table, {}))
            # The service answers the highest key first, which puts small sources before large ones.
            bars = sorted(bars, key=_value) if table == "access_source" else bars[::-1]
            caption = f"{t(english, chinese)} ({index})"
            tables.append(Markup(bar_table(bars, caption=caption, t=_words())))  # noqa: S704 - escaped there
            rows += [(period.ref, index, bar.key, bar.name, bar.value) for bar in bars]
        header = ("ref_date", "index", "key", "name", "value")
        return View(_day_context(period, problem, tables=tables), header, rows)

    def _pages(self) -> View:
        period = self._query.day(self._program, self._readers.recorded(PAGES))
        body, problem = self.windows.answer(PAGES, period)
        pages = [
            page for page in objects(body.get("list")) if isinstance(page.get("page_path"), str)
        ]
        rows = _sorted_pages(pages, self._query)
        fields = {name: t(*texts) for name, texts in PAGE_FIELDS.items()}
        return View(
            _day_context(period, problem, rows=rows, fields=fields),
            ("ref_date", "page_path", *PAGE_FIELDS),
            [
                (period.ref, page["page_path"], *(page.get(name, "") for name in PAGE_FIELDS))
                for page in rows
            ],
        )

    def _portrait(self) -> View:
        query = self._query
        period = query.window(self._program, self._readers.recorded(PORTRAIT))
        body, problem = self.windows.answer(PORTRAIT, period)
        users = body.get(query.field)
        groups = users if isinstance(users, dict) else {}
        tables: list[Markup] = []
        rows: list[Sequence[object]] = []
        for group in filter(groups.__contains__, PORTRAITS):
            texts = PORTRAITS[group]
            bars = sorted(_bars(groups[group], "id", {}), key=_value)
            caption = f"{t(*texts)} ({group})"
            tables.append(Markup(bar_table(bars, caption=caption, key="id", t=_words())))  # noqa: S704
            rows += [(period.ref, query.field, group, *bar) for bar in bars]
        header = ("ref_date", "users", "group", "id", "name", "value")
        return View(_day_context(period, problem, tables=tables), header, rows)


def _words() -> Translate:
    """Return `t` for many texts of one page: the language is found once."""
    return english if language() == "en" else chinese


def _day_context(period: Period, problem: str, **more: Any) -> dict[str, Any]:
    return {"period": period, "label": label_of(period), "problem": problem, **more}


def _heat_links(query: Query, keys: Iterable[int]) -> HeatLinks:
    # Hundreds of links: what they share is written once.
    bare = query.url(pick=())
    before = f"{bare}{'&' if '?' in bare else '?'}pick="

    def row(cohort: Cohort) -> str:
        picks = toggled(query.pick, cohort.ref)
        return before + quote(",".join(picks)) if picks else bare

    return HeatLinks(
        {"date": query.sort_url(""), **{str(key): query.sort_url(str(key)) for key in keys}},
        row,
        query.sort or "date",
        query.order == "asc",
        frozenset(query.pick),
    )


def _key_of(text: str, keys: Iterable[int]) -> int | None:
    """Return the key that is sorted by, None for the date."""
    return next((key for key in keys if str(key) == text), None)


def _sorted_cohorts(cohorts: Sequence[Cohort], key: int | None, query: Query) -> list[Cohort]:
    """Return the newest, or those with the highest value first; those without one are last."""
    if key is None:
        return _newest_first(cohorts, query)
    return _ordered(cohorts, lambda one: one.shown(key, query.show), query)


def _sorted_trends(rows: Sequence[Row], metrics: Sequence[str], query: Query) -> list[Row]:
    if query.sort not in metrics:
        return _newest_first(rows, query)
    return _ordered(rows, lambda row: row.values.get(query.sort), query)


def _sorted_pages(pages: Sequence[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """Return pages by a number or by their paths; else as they were answered."""
    name = query.sort
    if name == "page_path":
        return sorted(pages, key=lambda page: page[name], reverse=query.order != "asc")
    if name not in PAGE_FIELDS:
        return list(pages)
    return _ordered(pages, lambda page: page[name] if is_shown(page.get(name)) else None, query)


def _newest_first(rows: Sequence[_Row], query: Query) -> list[_Row]:
    return list(rows if query.order == "asc" else reversed(rows))


def _ordered(
    rows: Iterable[_Row], value: Callable[[_Row], float | None], query: Query
) -> list[_Row]:
    """Return the highest first, or the lowest; those without a value are last."""
    pairs = [(value(row), row) for row in rows]
    having = [(number, row) for number, row in pairs if number is not None]
    having.sort(key=lambda pair: pair[0], reverse=query.order != "asc")
    return [*(row for _, row in having), *(row for number, row in pairs if number is None)]


def _value(bar: Bar) -> float:
    """Return the order of the largest first."""
    return -bar.value


def _bars(items: Any, key: str, names: Mapping[int, str]) -> list[Bar]:
    """Return the groups of a list of JSON objects that have a number."""
    found = []
    for each in objects(items):
        group = each.get(key, "")
        if is_shown(each.get("value")):
            name = each.get("name") or (names.get(group, "") if isinstance(group, int) else "")
            found.append(Bar(str(group), str(name), each["value"]))
    return found
