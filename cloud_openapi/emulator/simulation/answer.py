"""Answers from a simulated mini program, as the catalogue's ``simulation`` says.

A source is an object with one key for its kind, and further keys for its options;
entry.schema.json describes them.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.simulation.split import split, split_making
from cloud_openapi.emulator.simulation.world import Retention, World
from cloud_openapi.periods import Period, write_day

FieldSource = Mapping[str, Any]

_KINDS = frozenset(
    {
        "measure",
        "const",
        "object",
        "list",
        "rows",
        "retention_of",
        "split_of",
        "pages",
        "daily_tables",
        "count_of",
    }
)
_MEANS = frozenset({"stay_of_a_user", "stay_of_a_session", "depth"})


def simulate(
    operation: Operation, world: World, period: Period, today: date, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the answer to a request about a period, in the HTTPS form."""
    answer = _Builder(operation, world, period, today, params)
    return {name: answer.field(name, source) for name, source in operation.simulation.items()}


class _Builder:
    """The builder of one answer."""

    def __init__(
        self,
        operation: Operation,
        world: World,
        period: Period,
        today: date,
        params: Mapping[str, Any],
    ) -> None:
        self._params = params
        self._operation = operation
        self._world = world
        self._period = period
        self._today = today
        # Numbers that several fields of an answer share.
        self._counts: dict[str, int] = {}
        self._retentions: dict[tuple[int, ...], list[Retention]] = {}
        self._splits: dict[tuple[str, str, str | None], list[int]] = {}

    def field(self, name: str, source: FieldSource) -> Any:
        """Return the value of the field ``name`` from its source."""
        kind = next(filter(_KINDS.__contains__, source))
        return getattr(self, f"_{kind}")(source, name)

    def _measure(self, source: FieldSource, _name: str) -> int | float | str:
        name = source["measure"]
        if name == "period":
            return self._period.ref
        return self._world.mean(name, self._period) if name in _MEANS else self._count(name)

    def _const(self, source: FieldSource, _name: str) -> Any:
        return source["const"]

    def _object(self, source: FieldSource, _name: str) -> dict[str, Any]:
        return {name: self.field(name, inner) for name, inner in source["object"].items()}

    def _list(self, source: FieldSource, name: str) -> list[Any]:
        return [self.field(name, inner) for inner in source["list"]] if self._visited() else []

    def _rows(self, source: FieldSource, name: str) -> list[Any]:
        return [self._object({"object": source["rows"]}, name)] if self._visited() else []

    def _retention_of(self, source: FieldSource, name: str) -> list[dict[str, int]]:
        active = source["retention_of"] == "active_users"
        keys = self._operation.keys(name)
        if keys not in self._retentions:
            self._retentions[keys] = self._world.retentions(self._period, keys, self._today)
        found = self._retentions[keys]
        return [{"key": key, "value": both if active else new} for key, new, both in found]

    def _split_of(self, source: FieldSource, _name: str) -> list[dict[str, Any]]:
        number, among = source["split_of"], source["among"]
        parts = self._parts(number, among, source.get("making"))
        if source.get("counting") == "users":
            # The mean number of users with so many sessions, rounded up.
            total, users = self._count(number), self._count("active_users")
            parts = [-(-part * users // total) if part else 0 for part in parts]
        shares = zip(self._operation.tables[among].groups, parts, strict=True)
        return [{**group, "value": part} for group, part in shares if part]

    def _parts(self, number: str, among: str, making: str | None) -> list[int]:
        known = self._splits.get((number, among, making))
        if known is None:
            total = self._count(number)
            weights = self._world.weights(self._operation.tables, among)
            if making is None:
                known = split(total, weights)
            else:
                each = self._operation.tables[among].each
                known = split_making(total, weights, self._count(making), each)
            self._splits[number, among, making] = known
        return known

    def _pages(self, source: FieldSource, _name: str) -> list[dict[str, Any]]:
        fields = tuple(source["pages"].items())
        return self._world.page_rows(self._period, fields)[: source["limit"]]

    def _daily_tables(self, source: FieldSource, _name: str) -> list[dict[str, Any]]:
        days = self._period.days_before(self._today)
        written = [write_day(day) for day in days]
        return [
            {
                "id": group["id"],
                "lines": [
                    {
                        "fields": [
                            {"refdate": day, "value": value}
                            for day, value in zip(
                                written,
                                self._world.levels(group["id"], around, days),
                                strict=True,
                            )
                        ]
                    }
                ],
                "zh": group["zh"],
            }
            for group, around in self._groups(source["daily_tables"], source["among"])
        ]

    def _count_of(self, source: FieldSource, _name: str) -> int:
        return len(self._groups(source["count_of"], source["among"]))

    def _groups(self, field: str, table: str) -> list[tuple[dict[str, Any], float]]:
        """Return a table's groups, with weights, whose field has the request's value."""
        requested = str(self._params.get(field))
        groups, weights = self._operation.tables[table][:2]
        pairs = zip(groups, weights, strict=True)
        return [(group, weight) for group, weight in pairs if group[field] == requested]

    def _count(self, name: str) -> int:
        if name not in self._counts:
            self._counts[name] = self._world.count(name, self._period)
        return self._counts[name]

    def _visited(self) -> bool:
        return self._count("active_users") > 0
