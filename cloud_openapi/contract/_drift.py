"""What changed: between two sets of recordings, or from the catalogue to one."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from jsonschema import ValidationError

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.contract._contract import Validators
from cloud_openapi.contract._observed import Observed, Seen, age, text_kind
from cloud_openapi.contract._verify import read
from cloud_openapi.emulator.errors import TEXTS
from cloud_openapi.recordings import Interaction
from cloud_openapi.shapes.fields import Field, fields_of
from cloud_openapi.shapes.paths import anywhere, member, parent_of, path_of
from cloud_openapi.shapes.strict import strict
from cloud_openapi.shapes.values import error_code, shown, type_of

_OK = 200
# A new value is what a report is about, and answers hold no secrets.
_LONGEST_NAME = 100
_NUMBERS = frozenset({"integer", "number"})


class Change(NamedTuple):
    """Something that changed, in words."""

    api: str
    path: str
    text: str
    where: str = ""
    """Where it was seen first, and how old that is."""


def changes_between(former: Observed, latter: Observed, catalogue: Catalogue) -> list[Change]:
    """Return what changed from one set of recordings to another, for the APIs that are in both."""
    return [
        Change(api, path, text)
        for api in sorted(former.apis.keys() & latter.apis.keys())
        for path, text in _changes(
            former.apis[api],
            latter.apis[api],
            fields_of(catalogue[api].schema("https", "response")),
        )
    ]


def _changes(old: Seen, new: Seen, documented: dict[str, Field]) -> Iterator[tuple[str, str]]:
    for status in sorted(new.statuses - old.statuses):
        yield "status", f"HTTP status {status} is new"
    for code in sorted(old.errors.keys() & new.errors.keys()):
        if not new.errors[code] <= old.errors[code]:
            texts = [" or ".join(map(repr, sorted(seen.errors[code]))) for seen in (old, new)]
            yield "errmsg", f"the text of error {code} was {texts[0]} and is {texts[1]}"
    for path in sorted(old.types.keys() | new.types.keys()):
        both = path in old.types and path in new.types
        yield from (
            (path, text)
            for text in (
                _retyped(path, old, new, documented) if both else _came_or_went(path, old, new)
            )
        )


def _came_or_went(path: str, old: Seen, new: Seen) -> Iterator[str]:
    holder = parent_of(path)
    # Where nothing holds it, or an array is empty, its absence says nothing.
    if path.endswith("[]") or not (old.holders[holder] and new.holders[holder]):
        return
    if path in new.types:
        yield f"a new field, {_types(new.types[path])}, {_share(path, new)}"
    else:
        yield f"the field is gone; it was {_types(old.types[path])}, {_share(path, old)}"


def _retyped(path: str, old: Seen, new: Seen, documented: dict[str, Field]) -> Iterator[str]:
    types = [set(seen.types[path]) for seen in (old, new)]
    if path in documented and "number" in documented[path].types:
        # A mean may happen to be a whole number.
        types = [{"number" if name in _NUMBERS else name for name in each} for each in types]
    was, now = types
    if was != now:
        how = "changed"
        if was < now or (now - was == {"number"} and was - now <= {"integer"}):
            how = "widened"
        elif now < was or (was - now == {"number"} and now - was <= {"integer"}):
            how = "narrowed"
        yield f"the type {how} from {_types(was)} to {_types(now)}"
    for value in sorted(new.values[path] - old.values[path], key=repr):
        yield f"the value {shown(value, _LONGEST_NAME)} is new"
    holder = parent_of(path)
    if path != holder and old.present[path] == old.holders[holder] > 0:
        missing = new.holders[holder] - new.present[path]
        if missing and not path.endswith("[]"):
            yield f"the field was always there and is missing {missing} times"


def _types(types: Iterable[str]) -> str:
    return " or ".join(sorted(types))


def _share(path: str, seen: Seen) -> str:
    count, holders = seen.present[path], seen.holders[parent_of(path)]
    return "always there" if count == holders else f"there {count} of {holders} times"


def changes_since(paths: Iterable[Path], catalogue: Catalogue, now: datetime) -> list[Change]:
    """Return what in recordings is not as the catalogue says, with the first place of each.

    Raises RecordingError.
    """
    count: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    validators: dict[str, Validators] = {}
    for place, interaction in read(paths, catalogue):
        api = interaction.api
        if api is None:
            continue
        if api not in validators:
            schema = strict(catalogue[api].schema("https", "response"))
            validators[api] = Validators.of(schema)
        for path, text in dict.fromkeys(_deviations(interaction, validators[api])):
            moment = interaction.recorded_at
            when = f"recorded {age(moment, now)}" if moment else "of unknown age"
            count[api, path, text] += 1
            first.setdefault((api, path, text), f"{place}, {when}")
    return [
        Change(*key, first[key] + (f", and {number - 1} more" if number > 1 else ""))
        for key, number in sorted(count.items())
    ]


def _deviations(interaction: Interaction, validators: Validators) -> Iterator[tuple[str, str]]:
    if interaction.status != _OK:
        yield "status", f"HTTP status {interaction.status}, where it is always 200"
    answer = interaction.response_json
    code = error_code(answer)
    if not code:
        if not validators.decides.is_valid(answer):
            for error in validators.explains.iter_errors(answer):
                yield from _worded(error)
        return
    text = text_kind(str(answer.get("errmsg", ""))).partition(" rid: ")[0].partition(" hint: ")[0]
    if code not in TEXTS:
        yield "errcode", f"error {code}, {text!r}, is not known here"
    elif not text.rstrip(",").startswith(TEXTS[code]):
        yield "errmsg", f"the text of error {code} is {text!r}, here it is {TEXTS[code]!r}"


def _worded(error: ValidationError) -> Iterator[tuple[str, str]]:
    path = anywhere(path_of(error.absolute_path))
    value: Any = error.instance
    expected: Any = error.validator_value
    if error.validator == "required":
        for name in expected:
            if name not in value:
                yield path + member(name), "the field is gone; the catalogue requires it"
    elif error.validator == "additionalProperties":
        documented = cast("dict[str, Any]", error.schema)["properties"]
        for name, inner in value.items():
            if name not in documented:
                yield path + member(name), f"a new field, {type_of(inner)}"
    elif error.validator == "type":
        known = expected if isinstance(expected, str) else _types(expected)
        yield path, f"the type is {type_of(value)}, the catalogue says {known}"
    elif error.validator in {"enum", "const", "anyOf", "oneOf"}:
        yield path, f"the value {shown(value, _LONGEST_NAME)} is new"
    else:
        yield path, f"{shown(value)} breaks {error.validator} {expected}"


def describe_changes(changes: Iterable[Change], sets: Iterable[Observed], now: datetime) -> str:
    """Return changes in words, and how old each file of recordings is, to be put in a report."""
    lines: list[str] = []
    api = ""
    for change in changes:
        if change.api != api:
            lines += ["", change.api]
            api = change.api
        where = f" ({change.where})" if change.where else ""
        lines.append(f"- {change.path}: {change.text}{where}")
    if not lines:
        lines = ["", "Nothing changed."]
    sets = list(sets)
    known = [each.apis.keys() for each in sets]
    alone = sorted(set().union(*known) - set(known[0]).intersection(*known)) if known else []
    if alone:
        lines += ["", f"In one of the sets only, not compared: {', '.join(alone)}"]
    for name, observed in zip("AB", sets, strict=False):
        lines += ["", f"Recordings {name}", *(f"- {line}" for line in observed.ages(now))]
    return "\n".join(lines[1:]) + "\n"
