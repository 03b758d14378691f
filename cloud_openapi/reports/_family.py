"""The reports: one for each name in the catalogue's entries."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal, NamedTuple, get_args

from cloud_openapi.catalogue import Catalogue, DateRange, DateWindow, Operation, default_catalogue
from cloud_openapi.periods import Span

Kind = Literal["cohorts", "series", "rows", "groups", "daily"]

# The word of the simulation that tells how an answer is arranged.
_KINDS: Final[Mapping[str, Kind]] = {
    "retention_of": "cohorts",
    "rows": "series",
    "pages": "rows",
    "daily_tables": "daily",
    "split_of": "groups",
}
_USERS: Final = frozenset({"visit_uv_new", "visit_uv"})


class Report(NamedTuple):
    """The APIs of one name, by the span of a window."""

    name: str
    kind: Kind
    operations: Mapping[Span, Operation]

    @property
    def operation(self) -> Operation:
        """The API of the shortest span."""
        return next(iter(self.operations.values()))

    @property
    def days(self) -> tuple[int, ...]:
        """The lengths of the windows where several are allowed, else empty."""
        rule = self.operation.rules[0]
        return rule.days if isinstance(rule, DateWindow) else ()

    @property
    def by_users(self) -> bool:
        """Whether an answer has the new and the active users apart."""
        return self.operation.simulation.keys() >= _USERS

    @property
    def parameters(self) -> tuple[str, ...]:
        """The required parameters beside the dates."""
        rule = self.operation.rules[0]
        dates = {name.partition(".")[0] for name in (rule.begin, rule.end)}
        required = self.operation.schema("https", "request")["required"]
        return tuple(name for name in required if name not in dates)


@cache
def reports(catalogue: Catalogue | None = None) -> Mapping[str, Report]:
    """Return the reports by name, from the entries of a catalogue that have one."""
    catalogue = catalogue or default_catalogue()
    found: dict[str, dict[Span, Operation]] = {}
    for api, outline in catalogue.outlines.items():
        if outline.report:
            operation = catalogue[api]
            found.setdefault(outline.report, {})[_span(operation)] = operation
    return {
        name: Report(
            name, _kind(spans), {span: spans[span] for span in get_args(Span) if span in spans}
        )
        for name, spans in found.items()
    }


def _kind(operations: Mapping[Span, Operation]) -> Kind:
    words = _words(next(iter(operations.values())).simulation)
    return next(kind for word, kind in _KINDS.items() if word in words)


def _words(value: Any) -> set[str]:
    """Return the keys of a JSON value and of all values in it."""
    if isinstance(value, Mapping):
        return {*value, *(word for each in value.values() for word in _words(each))}
    if isinstance(value, list):
        return {word for each in value for word in _words(each)}
    return set()


def _span(operation: Operation) -> Span:
    rule = operation.rules[0]
    return rule.span if isinstance(rule, DateRange) else "day"
