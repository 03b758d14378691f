"""Explain what is wrong with the parameters of a call, and what would be right."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from cloud_openapi.catalogue import Rule
from cloud_openapi.emulator.weixin.respond import Rename
from cloud_openapi.json_schema.values import is_number, kind, shown
from cloud_openapi.known_names import nearest
from cloud_openapi.periods import BEIJING, parse_day, write_day

if TYPE_CHECKING:
    from jsonschema import ValidationError

_DAY = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})(?!\d)")
_MILLISECONDS: Final = 10**11
_MOST_SECONDS: Final = 2**37
_LONGEST_NAME: Final = 40


def explain_rule(rule: Rule, params: Mapping[str, Any], today: date, rename: Rename) -> str:
    """Return why parameters break a rule about dates, with dates that keep it."""
    for field in (rule.begin, rule.end):
        wrong = _wrong_value(rule, params, field, rename)
        if wrong:
            return wrong
    begin, end = rule.nearest(params, today)
    values = [f"{rename(name)} {_value(params, name)}" for name in (rule.begin, rule.end)]
    return (
        f"{' and '.join(values)}: {rule.describe(rename).removesuffix('.')}. By the emulator's "
        f"clock today is {write_day(today)}, so {begin} and {end} are right"
    )


def explain_schema(error: "ValidationError", rename: Rename) -> str:
    """Return why parameters do not match their schema."""
    value, expected = error.instance, error.validator_value
    path = ".".join(_renamed(part, rename) for part in error.absolute_path)
    if error.validator == "required" and isinstance(value, dict) and isinstance(expected, list):
        missing = next((name for name in expected if name not in value), "")
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        within = f"{path}." if path else ""
        return f"{within}{_missing(missing, value.keys() - known.keys(), rename)}"
    name = path or "the body"
    if error.validator == "type":
        types = expected if isinstance(expected, list) else [expected]
        return f"{name} must be of type {' or '.join(map(str, types))}, not {_shown(value)}"
    if error.validator == "enum" and isinstance(expected, list):
        return f"{name} is one of {', '.join(map(shown, expected))}, not {_shown(value)}"
    return f"{name} is {_shown(value)}, which breaks {error.validator}: {expected}"


def _wrong_value(rule: Rule, params: Mapping[str, Any], field: str, rename: Rename) -> str:
    """Return why a date cannot be read, empty if it can."""
    value, name = _value(params, field), rename(field)
    if value is None and field not in params and "." not in field:
        return _missing(field, params.keys() - {rule.begin, rule.end}, rename)
    if rule.reads(value):
        return ""
    if rule.wants_seconds:
        milliseconds = is_number(value) and value >= _MILLISECONDS
        instead = f", such as {int(value) // 1000}" if milliseconds else ""
        return f"{name} is {_shown(value)}: write a Unix time in seconds{instead}"
    day = _day_of(value)
    if day is None:
        return f'{name} is {_shown(value)}: write a day as yyyymmdd, such as "20170313"'
    return f'{name} is {_shown(value)}: write "{write_day(day)}", a string of eight digits'


def _missing(name: str, strangers: Iterable[str], rename: Rename) -> str:
    """Return that a parameter is missing, and the one that was sent instead of it."""
    names = {_folded(each): each for each in sorted(strangers) if len(each) <= _LONGEST_NAME}
    close = nearest(_folded(name), names)
    if close is None:
        return f"{rename(name)} is missing"
    sent, meant = names[close], rename(name)
    if rename(sent) == meant:
        return f"{meant} is missing: the SDK sent it as {sent}; convertCase: false keeps names"
    # The SDK's spelling of a name that needed no conversion is the caller's own.
    return f"{meant} is missing: did you mean {meant} by {rename(sent)}?"


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _renamed(part: object, rename: Rename) -> str:
    return rename(part) if isinstance(part, str) else str(part)


def _value(params: Mapping[str, Any], field: str) -> Any:
    value: Any = params
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    """Return a value with its type, if it is not a string that shows it."""
    text = shown(value, 30)
    plain = isinstance(value, str | dict | list) or value is None or text.startswith("a ")
    return text if plain else f"{kind(value).removeprefix('a ')} {text}"


def _day_of(value: Any) -> date | None:
    """Return the day that a value of another form means, None if it cannot be read."""
    if is_number(value, 10**9, _MOST_SECONDS * 1000):
        seconds = value / 1000 if value >= _MILLISECONDS else value
        return datetime.fromtimestamp(seconds, BEIJING).date()
    found = _DAY.match(str(value).strip()) if isinstance(value, str | int) else None
    if found is None:
        return None
    year, month, day = found.groups()
    return parse_day(f"{year}{month:>02}{day:>02}")
