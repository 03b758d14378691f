"""The timer of a config.json: a cron expression of seven fields, in Beijing time.

https://developers.weixin.qq.com/miniprogram/dev/wxcloud/guide/functions/triggers.html
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.values import kind
from cloud_openapi.periods import BEIJING

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
# The range of the field year.
_YEARS = 2099 - 1970
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    words: Mapping[str, int]


_FIELDS: Final = (
    _Field("second", 0, 59, {}),
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, 1)}),
    _Field("weekday", 0, 6, {word: number for number, word in enumerate(_DAYS)}),
    _Field("year", 1970, 2099, {}),
)
_PART = re.compile(r"(?P<least>\*|\w+)(?:-(?P<most>\w+))?(?:/(?P<step>[0-9]{1,2}))?", re.ASCII)


class Timer:
    """A trigger of type timer. If day and weekday are both restricted, either one is enough.

    Raises ConfigError for a name or an expression that is invalid on the platform.
    """

    def __init__(self, name: str, expression: str) -> None:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"a trigger's name is a letter and up to 59 letters, digits, hyphens and "
                f"underscores, not {name!r}"
            )
        fields = expression.split()
        if len(fields) != len(_FIELDS):
            raise ConfigError(
                f"config is seven fields (second minute hour day month weekday year) such as "
                f'"0 0 2 1 * * *", not {expression!r}'
            )
        for field, text in zip(_FIELDS, fields, strict=True):
            _check(field, text)
        self.name = name
        self.expression = expression

    def __repr__(self) -> str:
        return f"<Timer {self.name} {self.expression}>"

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times at which the timer fires after a moment, in Beijing time."""
        # Loaded only if there is a timer.
        from croniter import CroniterBadDateError, croniter  # noqa: PLC0415

        start = moment.astimezone(BEIJING)
        times = croniter(
            self.expression, start, second_at_beginning=True, max_years_between_matches=_YEARS
        )
        try:
            while True:
                yield times.get_next(datetime)
        except CroniterBadDateError:
            return  # no time is left; February 30 never comes

    def event(self, moment: datetime) -> dict[str, str]:
        """Return the event for one of the timer's times."""
        utc = moment.astimezone(timezone.utc)
        return {
            "Type": "Timer",
            "TriggerName": self.name,
            "Time": utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Message": "",
        }


def read_timer(config: Mapping[str, Any]) -> Timer | None:
    """Return the timer of a config.json's content. Raises ConfigError, which names the key."""
    triggers = config.get("triggers", [])
    if not isinstance(triggers, list):
        raise ConfigError(f"triggers must be an array, not {kind(triggers)}")
    if len(triggers) > 1:
        raise ConfigError(f"triggers: a function has at most one, not {len(triggers)}")
    return _read("triggers[0]", triggers[0]) if triggers else None


def _read(place: str, entry: Any) -> Timer:
    if not isinstance(entry, Mapping):
        raise ConfigError(
            f"{place} must be an object with name, type and config, not {kind(entry)}"
        )
    if entry.get("type") != "timer":
        raise ConfigError(f"{place}: type must be timer, not {entry.get('type')!r}")
    for key in ("name", "config"):
        if not isinstance(entry.get(key), str):
            raise ConfigError(f"{place}: {key} must be a string, not {kind(entry.get(key))}")
    try:
        return Timer(entry["name"], entry["config"])
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None


def _check(field: _Field, text: str) -> None:
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ConfigError(_wrong(field, part))
        ends = [end for end in found.group("least", "most") if end is not None]
        numbers = [_number(field, end) for end in ends if end != "*"]
        of_all = "*" in ends and len(ends) > 1
        if of_all or numbers != sorted(numbers) or found["step"] in {"0", "00"}:
            raise ConfigError(_wrong(field, part))


def _number(field: _Field, word: str) -> int:
    number = field.words.get(word.upper())
    if number is None and word.isdecimal():
        number = int(word)
    if number is None or not field.least <= number <= field.most:
        raise ConfigError(_wrong(field, word))
    return number


def _wrong(field: _Field, part: str) -> str:
    words = list(field.words)
    named = f" or {words[0]} to {words[-1]}" if words else ""
    return f"{field.name}: {field.least} to {field.most}{named}, with , - * and /, not {part!r}"
