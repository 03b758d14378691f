"""The form of a call: inputs made of the request's schema, and the parameters that they give."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

from cloud_openapi.catalogue import DateRange, Operation, Rule, RuleViolation
from cloud_openapi.catalogue.documentation import Row, request_rows
from cloud_openapi.emulator.console.texts import language, t
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.json_schema.strict import is_open_list
from cloud_openapi.json_schema.values import is_integer, is_number
from cloud_openapi.json_text import json_text, read_json
from cloud_openapi.periods import Period, parse_day, period_with, write_day

Kind = Literal["file", "choice", "boolean", "number", "text", "json"]

PREFIX: Final = "param."
"""Begins the names of the inputs, so that a parameter may be named like another input."""
OTHERS, PERIOD, DAY = "others", "period", "day"
_SHOWN: Final = {"day": 31, "week": 13, "month": 12}
_WEEKDAYS: Final = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_BOOLEANS: Final = {"true": True, "false": False}


class Input(NamedTuple):
    """The input of one parameter."""

    row: Row
    kind: Kind
    choices: tuple[str, ...] = ()
    """The known values; a text may have others."""
    is_date: bool = False
    """Whether it is, or holds, the begin or the end of a period."""

    @property
    def field(self) -> str:
        """Return the name of the input in the form."""
        return PREFIX + self.row.name


class Given(NamedTuple):
    """The parameters that a form gives, and what is wrong with its inputs, by their names."""

    params: dict[str, Any]
    wrong: dict[str, str]


class Choice(NamedTuple):
    """A period to choose."""

    value: str
    label: str
    period: Period


def inputs_of(operation: Operation) -> list[Input]:
    """Return an input for each parameter of an API."""
    dates = _dates_of(operation)
    return [_input(row, row.name in dates) for row in request_rows(operation) if row.depth == 1]


def read_form(operation: Operation, texts: Mapping[str, str], today: date) -> Given:
    """Return the parameters of a form's texts; an empty input gives none. Files are left out."""
    wrong: dict[str, str] = {}
    params: dict[str, Any] = {}
    if operation.rules:
        params = _read_period(operation.rules[0], texts, today, wrong)
    for each in inputs_of(operation):
        text = texts.get(each.field, "")
        if each.kind == "file" or not text.strip():
            continue
        try:
            params[each.row.name] = _value(each, text)
        except ValueError as error:
            wrong[each.field] = str(error)
    params.update(read_others(texts, wrong))
    return Given(params, wrong)


def read_others(texts: Mapping[str, str], wrong: dict[str, str]) -> dict[str, Any]:
    """Return the parameters that are written as one JSON object."""
    text = texts.get(OTHERS, "")
    if not text.strip():
        return {}
    try:
        found = _json(text)
    except ValueError as error:
        wrong[OTHERS] = str(error)
        return {}
    if isinstance(found, dict):
        return found
    wrong[OTHERS] = t('write a JSON object: {"name": "value"}', '请写 JSON 对象：{"name": "value"}')
    return {}


def write_form(
    operation: Operation, params: Mapping[str, Any], periods: list[Choice]
) -> dict[str, str]:
    """Return the texts of a form that gives these parameters, without files."""
    rest = dict(params)
    texts = {PERIOD: _take_period(operation.rules[0], rest, periods)} if operation.rules else {}
    for each in inputs_of(operation):
        if each.row.name in rest:
            text = "" if each.kind == "file" else _text(each, rest[each.row.name])
            if text is not None:
                texts[each.field] = text
                del rest[each.row.name]
    return {**texts, OTHERS: json_text(rest, indent=2)} if rest else texts


def first_texts(operation: Operation) -> dict[str, str]:
    """Return the texts of a form that gives the documented example, at the newest period."""
    dates = _dates_of(operation)
    params = operation.examples[0]["request"] if operation.examples else {}
    texts = write_form(operation, {name: params[name] for name in params.keys() - dates}, [])
    texts.pop(PERIOD, None)
    return texts


def _dates_of(operation: Operation) -> set[str]:
    """Return the parameters that are, or hold, the begin and the end of a period."""
    return {each.partition(".")[0] for rule in operation.rules for each in (rule.begin, rule.end)}


def _take_period(rule: Rule, params: dict[str, Any], periods: list[Choice]) -> str:
    """Remove a period to choose from parameters; return its value, empty if they have none."""
    for each in periods:
        dates = rule.put({}, each.period)
        if dates.items() <= params.items():
            for name in dates:
                del params[name]
            return each.value
    return ""


def periods_of(rule: Rule, program: MiniProgram, now: datetime) -> list[Choice]:
    """Return the newest periods that keep a rule and whose data are ready, the newest first."""
    count = _SHOWN[rule.span] if isinstance(rule, DateRange) else _SHOWN["day"]
    return [
        Choice(f"{write_day(each.begin)}-{write_day(each.end)}", _label(each), each)
        for each in islice(_ready(rule, program, now), count)
    ]


def newest_day(rule: Rule, program: MiniProgram, now: datetime) -> date | None:
    """Return the last day of the newest period, for a rule that takes any period before it."""
    if isinstance(rule, DateRange):
        return next(_ready(rule, program, now)).end
    return None


def _ready(rule: Rule, program: MiniProgram, now: datetime) -> Iterator[Period]:
    for period in rule.newest(now.date()):
        asked = rule.check(rule.put({}, period), now.date())
        if not isinstance(asked, RuleViolation) and not program.lacks_data_of(asked, now):
            yield period


def _read_period(
    rule: Rule, texts: Mapping[str, str], today: date, wrong: dict[str, str]
) -> dict[str, Any]:
    """Return the dates of the chosen day or period; those written into inputs come later."""
    text = texts.get(DAY, "").strip()
    if text and isinstance(rule, DateRange):
        day = parse_day(text.replace("-", ""))
        if day is not None:
            return rule.put({}, period_with(rule.span, day))
        wrong[DAY] = t(f"{text} is not a day such as {today}", f"{text} 不是日期，例如 {today}")
        return {}
    begin, end = map(parse_day, (*texts.get(PERIOD, "").split("-", 1), "")[:2])
    return {} if begin is None or end is None else rule.put({}, Period("window", begin, end))


def _input(row: Row, is_date: bool) -> Input:  # noqa: FBT001 - one of two
    schema, kind = row.schema, row.schema.get("type")
    if row.is_file:
        return Input(row, "file")
    if kind == "boolean":
        return Input(row, "boolean")
    values = schema.get("enum") or (schema["examples"] if is_open_list(schema) else ())
    choices = tuple(value if isinstance(value, str) else json_text(value) for value in values)
    if kind in ("integer", "number"):
        return Input(row, "choice" if "enum" in schema else "number", choices, is_date)
    if kind == "string":
        return Input(row, "choice" if "enum" in schema else "text", choices, is_date)
    return Input(row, "text" if isinstance(kind, list) else "json", choices, is_date)


def _value(given: Input, text: str) -> Any:
    """Return the value of an input. Raises ValueError with what is wrong."""
    kind = given.row.schema.get("type")
    if given.kind == "boolean":
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        raise ValueError(t("choose true or false", "请选择 true 或 false"))
    if given.kind == "json":
        return _json(text)
    if kind not in ("integer", "number"):
        return text
    try:
        value = read_json(text.strip())
    except (ValueError, RecursionError):
        value = None
    if is_integer(value) or (kind == "number" and is_number(value)):
        return value
    what = ("an integer", "整数") if kind == "integer" else ("a number", "数字")
    raise ValueError(
        t(
            f"{text[:40]} is not {what[0]}; other values go into the JSON below",
            f"{text[:40]} 不是{what[1]}；其他值请写在下面的 JSON 中",
        )
    )


def _json(text: str) -> Any:
    try:
        return read_json(text)
    except (ValueError, RecursionError) as error:
        what = error if isinstance(error, ValueError) else "nested too deeply"
        raise ValueError(t(f"this is not JSON: {what}", f"不是 JSON：{what}")) from None


def _text(given: Input, value: Any) -> str | None:
    """Return the text of a value, None for one that the input cannot give."""
    if given.kind == "json":
        return json_text(value, indent=2)
    text = value if isinstance(value, str) else json_text(value)
    try:
        return text if text.strip() and _value(given, text) == value else None
    except ValueError:
        return None


def _label(period: Period) -> str:
    begin, end = period.begin, period.end
    if begin == end:
        return f"{begin} {t(f'{begin:%a}', _WEEKDAYS[begin.weekday()])}"
    if period.span == "month":
        return f"{begin:%Y-%m}"
    days = (end - begin).days + 1
    if period.span == "week":
        return f"{begin} – {end}"
    return f"{begin} – {end} ({days} {'days' if language() == 'en' else '天'})"
