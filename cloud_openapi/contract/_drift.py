"""Find and describe the changes between two sets of recordings."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from cloud_openapi.catalogue import Catalogue
from cloud_openapi.contract._observed import Observed, Seen
from cloud_openapi.json_schema.fields import Field, fields_of
from cloud_openapi.json_schema.paths import parent_of
from cloud_openapi.json_schema.values import one_of, shown, without_integer

# A report shows new values in full; responses are redacted.
LONGEST_NAME = 100


class Change(NamedTuple):
    """A change, described in words."""

    api: str
    path: str
    text: str
    where: str = ""
    """The first recording with the change, and its age."""


def changes_between(former: Observed, latter: Observed, catalogue: Catalogue) -> list[Change]:
    """Return the changes from one set of recordings to another, for APIs that are in both."""
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
    # A path may be missing because its parent is, or because an array is empty.
    if path.endswith("[]") or not (old.holders[holder] and new.holders[holder]):
        return
    if path in new.types:
        yield f"a new field, {one_of(new.types[path])}, {_share(path, new)}"
    else:
        yield f"the field is missing; it was {one_of(old.types[path])}, {_share(path, old)}"


def _retyped(path: str, old: Seen, new: Seen, documented: dict[str, Field]) -> Iterator[str]:
    types = [set(seen.types[path]) for seen in (old, new)]
    if path in documented and "number" in documented[path].types:
        types = [without_integer(each) for each in types]
    was, now = types
    if was != now:
        how = "changed"
        if was < now or (now - was == {"number"} and was - now <= {"integer"}):
            how = "widened"
        elif now < was or (was - now == {"number"} and now - was <= {"integer"}):
            how = "narrowed"
        yield f"the type {how} from {one_of(was)} to {one_of(now)}"
    for value in sorted(new.values[path] - old.values[path], key=repr):
        yield f"the value {shown(value, LONGEST_NAME)} is new"
    holder = parent_of(path)
    if path != holder and old.present[path] == old.holders[holder] > 0:
        missing = new.holders[holder] - new.present[path]
        if missing and not path.endswith("[]"):
            yield f"the field was always present and is missing {missing} times"


def _share(path: str, seen: Seen) -> str:
    count, holders = seen.present[path], seen.holders[parent_of(path)]
    return "always present" if count == holders else f"present {count} of {holders} times"


def describe_changes(changes: Iterable[Change], sets: Iterable[Observed], now: datetime) -> str:
    """Return the text of a report: the changes, and the age of each file of recordings."""
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
        lines += ["", f"In one set only, not compared: {', '.join(alone)}"]
    for name, observed in zip("AB", sets, strict=False):
        lines += ["", f"Recordings {name}", *(f"- {line}" for line in observed.ages(now))]
    return "\n".join(lines[1:]) + "\n"
