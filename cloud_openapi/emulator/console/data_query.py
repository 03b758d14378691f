"""The query of the Data page, which stands in its URL."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, NamedTuple, TypeVar, get_args

from flask import url_for

from cloud_openapi.charts import Show, label
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.errors import InvalidInputError, meant
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.known_names import shortened
from cloud_openapi.periods import Period, Span, last_complete, parse_day, period_with

VIEWS: Final = ("retention", "trends", "distribution", "pages", "portrait")
PORTRAIT_DAYS: Final = (1, 7, 30)
LASTS: Final[Mapping[Span, int]] = {"day": 30, "week": 12, "month": 12}
"""The number of periods that are shown at first."""
MOST_ROWS: Final = 366
# Between these, a period and its neighbours are dates.
_EARLIEST: Final = date(1970, 1, 1)
_LATEST: Final = date(9000, 1, 1)
_MOST_PICKS: Final = 6
_DEFAULTS: Final[Mapping[str, Any]] = {
    "view": "retention",
    "appid": "",
    "span": "day",
    "last": 0,
    "begin": "",
    "end": "",
    "users": "new",
    "show": "percent",
    "sort": "",
    "order": "",
    "pick": (),
    "metric": "visit_uv",
    "days": 7,
}
# "from" is a keyword of Python.
_URL_NAMES: Final = {"begin": "from", "end": "to"}

_Value = TypeVar("_Value")


class Query(NamedTuple):
    """The parameters of the URL; see `read_query`.

    ``last`` is the number of periods up to ``end`` unless ``begin`` is given; 0 is the default.
    ``begin`` and ``end`` are days as they were typed, empty for the newest.
    """

    view: str
    appid: str
    span: Span
    last: int
    begin: str
    end: str
    users: str
    show: Show
    sort: str
    order: str
    pick: tuple[str, ...]
    metric: str
    days: int

    def url(self, endpoint: str = "data", /, **changes: Any) -> str:
        """Return the URL of the same view with some changes."""
        given = self._replace(**changes)._asdict()
        # url_for has parameters of its own, which no name here is.
        parameters: Any = _url_parameters(given)
        return url_for(endpoint, **parameters)

    def sort_url(self, column: str) -> str:
        """Return the URL sorted by a column, by date if empty; the highest value is first."""
        ascending = self.sort == column and self.order != "asc"
        return self.url(sort=column, order="asc" if ascending else "")

    @property
    def number(self) -> int:
        """Return the number of periods up to the end."""
        return self.last or LASTS[self.span]

    @property
    def field(self) -> str:
        """Return WeChat's name of the numbers of these users."""
        return "visit_uv_new" if self.users == "new" else "visit_uv"

    def periods(self, today: date, recorded: Sequence[Period]) -> list[Period]:
        """Return the days, weeks or months, the oldest first. Raises InvalidInputError.

        Without dates in the URL they are the ``recorded`` ones, if there are some.
        """
        if recorded and not self.begin and not self.end:
            return list(recorded)[-self.number :]
        newest = last_complete(self.span, today)
        last = self._period("to", self.end, newest) if self.end else newest
        if not self.begin:
            return [last.after(-steps) for steps in reversed(range(self.number))]
        first = self._period("from", self.begin, newest)
        if first.begin > last.begin:
            raise InvalidInputError(
                t(
                    f"from {first.begin} is later than to {last.end}: exchange them",
                    f"开始日期 {first.begin} 晚于结束日期 {last.end}：请对调",
                )
            )
        found = [first]
        while found[-1] != last:
            if len(found) == MOST_ROWS:
                raise InvalidInputError(
                    t(
                        f"{first.begin} to {last.end} is longer than {MOST_ROWS} rows: choose a "
                        "later from, or weeks or months",
                        f"{first.begin} 至 {last.end} 超过 {MOST_ROWS} 行：请选择更晚的开始日期，"
                        "或改为按周、按月",
                    )
                )
            found.append(found[-1].after(1))
        return found

    def day(self, program: MiniProgram, recorded: Sequence[Period]) -> Period:
        """Return the one day that is asked for: by default the newest with data."""
        now = program.clock.now()
        if self.end:
            return self._period("to", self.end, last_complete("day", now.date()))
        return recorded[-1] if recorded else last_complete("day", program.first_day_not_ready(now))

    def window(self, program: MiniProgram, recorded: Sequence[Period]) -> Period:
        """Return the 1, 7 or 30 days of a portrait; see `day`."""
        fitting = [each for each in recorded if (each.end - each.begin).days + 1 == self.days]
        if fitting and not self.end:
            return fitting[-1]
        last = self.day(program, ()).end
        return Period("day" if self.days == 1 else "window", days_before(last, self.days), last)

    def _period(self, name: str, text: str, newest: Period) -> Period:
        day = parse_day(text.replace("-", ""))
        if day is None or day < _EARLIEST:
            raise InvalidInputError(
                t(
                    f"{name} is a day such as {newest.begin}, not {text!r}",
                    f"{name} 应为日期，例如 {newest.begin}，而不是 {text!r}",
                )
            )
        span: Span = newest.span  # type: ignore[assignment]  # never a window
        period = period_with(span, min(day, _LATEST))
        if period.begin > newest.begin:
            raise InvalidInputError(
                t(
                    f"{name}: the {span} of {day} is not over; the newest {span} is "
                    f"{label_of(newest)}",
                    f"{name}：{day} 所在的周期尚未结束；最新的周期是 {label_of(newest)}",
                )
            )
        return period


def read_query(args: Mapping[str, str], appids: Sequence[str]) -> tuple[Query, str]:
    """Return the query of a URL, and the first mistake, empty without one.

    A mistaken value is replaced by its default, so that the page's form is complete.
    """
    mistakes: list[str] = []

    def choice(name: str, known: Sequence[_Value], default: _Value) -> _Value:
        given = args.get(name, "")
        for one in known:
            if given == str(one):
                return one
        if given:
            texts = [str(one) for one in known]
            what = f"{name}: {shortened(texts)}"
            mistakes.append(
                t(f"{what}, not {given!r}", f"{what}，而不是 {given!r}") + meant(given, texts)
            )
        return default

    span = choice("span", get_args(Span), "day")
    last = args.get("last", "").strip()
    if last and not (last.isascii() and last.isdigit() and 1 <= int(last[:9]) <= MOST_ROWS):
        mistakes.append(
            t(
                f"last: a number from 1 to {MOST_ROWS}, not {last!r}",
                f"last：1 到 {MOST_ROWS} 之间的整数，而不是 {last!r}",
            )
        )
        last = ""
    query = Query(
        view=choice("view", VIEWS, "retention"),
        appid=choice("appid", appids, appids[0]),
        span=span,
        last=int(last or 0),
        begin=_day_text(args.get("from", "")),
        end=_day_text(args.get("to", "")),
        users=choice("users", ("new", "active"), "new"),
        show=choice("show", get_args(Show), "percent"),
        sort=args.get("sort", ""),
        order=choice("order", ("asc", "desc"), ""),
        pick=tuple(filter(None, args.get("pick", "").split(",")))[:_MOST_PICKS],
        metric=args.get("metric", "") or str(_DEFAULTS["metric"]),
        days=choice("days", PORTRAIT_DAYS, 7),
    )
    return query, mistakes[0] if mistakes else ""


def is_day(text: str) -> bool:
    """Return whether a text is a day as a form's field of a day has it."""
    return _day_text(text) == text and parse_day(text.replace("-", "")) is not None


def toggled(picks: tuple[str, ...], ref: str) -> tuple[str, ...]:
    """Return the picked cohorts with one more, or without it."""
    if ref in picks:
        return tuple(each for each in picks if each != ref)
    return (*picks, ref)[-_MOST_PICKS:]


def days_before(last: date, count: int) -> date:
    """Return the first of so many days."""
    return Period("day", last, last).after(1 - count).begin


def label_of(period: Period) -> str:
    """Return a period as people write it, in the language of the page."""
    return label(period, t)


def choices(newest: Period, count: int) -> list[tuple[str, str]]:
    """Return the value and the label of the newest periods, the newest first."""
    periods = (newest.after(-steps) for steps in range(count))
    return [(each.begin.isoformat(), label_of(each)) for each in periods]


def _day_text(text: str) -> str:
    """Return a day as a form's field of a day has it; any other text as it is."""
    day = parse_day(text.strip().replace("-", ""))
    return text if day is None else day.isoformat()


def _url_parameters(given: Mapping[str, Any]) -> dict[str, str]:
    return {
        _URL_NAMES.get(name, name): ",".join(value) if isinstance(value, tuple) else str(value)
        for name, value in given.items()
        if value != _DEFAULTS[name]
    }
