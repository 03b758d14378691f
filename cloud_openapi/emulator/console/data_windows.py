"""The numbers of the Data page: one reading a window, as a call gets it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cloud_openapi.charts import Cohort, short_label
from cloud_openapi.emulator.console.data_query import label_of
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import RefusalError, text_of
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.weixin.reading import Reader
from cloud_openapi.errors import NoMatchError
from cloud_openapi.json_schema.rows import objects
from cloud_openapi.periods import Period, Span, parse_day, period_with, write_day
from cloud_openapi.reports import is_shown, retained

RETAIN: Final[Mapping[Span, str]] = {
    "day": "analysis.getDailyRetain",
    "week": "analysis.getWeeklyRetain",
    "month": "analysis.getMonthlyRetain",
}
TREND: Final[Mapping[Span, tuple[str, ...]]] = {
    "day": ("analysis.getDailyVisitTrend", "analysis.getDailySummary"),
    "week": ("analysis.getWeeklyVisitTrend",),
    "month": ("analysis.getMonthlyVisitTrend",),
}
DISTRIBUTION: Final = "analysis.getVisitDistribution"
PAGES: Final = "analysis.getVisitPage"
PORTRAIT: Final = "analysis.getUserPortrait"
_NOT_READY: Final = 61503
_LARGEST: Final = 10**15


class Readers(dict[str, Reader]):
    """The readers by the names of their APIs, each made when it is first used."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator

    def __missing__(self, api: str) -> Reader:
        self[api] = reader = Reader(self._emulator, api)
        return reader

    def recorded(self, api: str) -> list[Period]:
        """Return the recorded windows of an API, the oldest first; none in other modes."""
        modes = self._emulator.modes
        if modes.mode != "replay" or modes.recordings is None:
            return []
        found = {_period_of(each.request_json) for each in modes.recordings.recorded(api)}
        return sorted(each for each in found if each is not None)


class Row(NamedTuple):
    """A window, and the fields of its answers; or the problem of the first that failed."""

    period: Period
    label: str
    values: Mapping[str, Any]
    problem: str = ""


class Windows:
    """Reads the windows of one mini program at one moment, and counts the answers' sources."""

    def __init__(self, readers: Readers, program: MiniProgram) -> None:
        self._readers = readers
        self._program = program
        self.now = program.clock.now()
        self.sources: Counter[str] = Counter()

    def answer(self, api: str, period: Period) -> tuple[dict[str, Any], str]:
        """Return the body of an answer, or why there is none."""
        dates = {"begin_date": write_day(period.begin), "end_date": write_day(period.end)}
        try:
            body, source = self._readers[api].read(self._program, dates, self.now)
        except RefusalError as refusal:
            return {}, self._refusal(refusal)
        except NoMatchError:
            return {}, t("no recording of this window", "没有此时间段的录制")
        self.sources[source] += 1
        return body, ""

    def cohort(self, period: Period, field: str) -> Cohort:
        """Return the retention of a period's users; ``field`` chooses the new or the active."""
        api = RETAIN[_span(period)]
        body, problem = self.answer(api, period)
        values = retained(body, field)
        keys = self.keys(_span(period))
        missing = {
            key: self._why_missing(period, key) for key in keys if key not in values and not problem
        }
        return Cohort(period.ref, label_of(period), values, missing, problem, short_label(period))

    def keys(self, span: Span) -> tuple[int, ...]:
        """Return the documented keys of the retention of days, weeks or months."""
        return self._readers[RETAIN[span]].operation.keys("visit_uv")

    def trend(self, period: Period) -> Row:
        """Return the numbers of visits of a period."""
        values: dict[str, Any] = {}
        for api in TREND[_span(period)]:
            body, problem = self.answer(api, period)
            rows = objects(body.get("list"))
            if problem or not rows:
                problem = problem or t("an empty list: no visits", "列表为空：没有访问")
                return Row(period, label_of(period), values, problem)
            values.update({name: value for name, value in rows[0].items() if is_shown(value)})
        return Row(period, label_of(period), values)

    def _why_missing(self, period: Period, key: int) -> str:
        """Return why an answer has no value at a key."""
        later, program = period.after(key), self._program
        if later.end >= self.now.date():
            return t(
                f"not over: {label_of(later)} ends on {later.end}",
                f"尚未结束：{label_of(later)}（至 {later.end}）",
            )
        if later.end >= program.first_day_not_ready(self.now):
            return _not_ready(program.ready_hour)
        return t(f"the answer has no key {key}", f"返回中没有 key {key}")

    def _refusal(self, refusal: RefusalError) -> str:
        if refusal.code == _NOT_READY and refusal.check == "readiness":
            return f"{refusal.code} {_not_ready(self._program.ready_hour)}"
        text = text_of(refusal.code, {}) if refusal.text is None else refusal.text
        return f"{refusal.code} {text}"


def _not_ready(hour: int) -> str:
    never = 24
    if hour >= never:
        return t("never ready (ready_hour is 24)", "永不就绪（ready_hour 为 24）")
    return t(f"not ready until {hour}:00", f"{hour}:00 后才就绪")


def _span(period: Period) -> Span:
    assert period.span != "window"  # noqa: S101 - only a portrait has windows
    return period.span


def _period_of(request: Any) -> Period | None:
    """Return the period of a recorded request, None if it has none."""
    if not isinstance(request, dict):
        return None
    begin, end = parse_day(request.get("begin_date")), parse_day(request.get("end_date"))
    if begin is None or end is None or end < begin:
        return None
    for span in ("day", "week", "month"):
        period = period_with(span, begin)
        if (period.begin, period.end) == (begin, end):
            return period
    return Period("window", begin, end)
