"""Answers from a simulated mini program, as the catalogue's ``simulation`` says.

A source is an object with one key that says what it is, and perhaps others that say how. What each
means is in entry.schema.json.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.split import split
from cloud_openapi.emulator.world import World
from cloud_openapi.periods import Period, write_day

Source = Mapping[str, Any]

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
    operation: Operation, world: World, period: Period, today: date, params: Source
) -> dict[str, Any]:
    """Return the answer to a request about a period in the HTTPS form."""
    answer = _Answer(operation, world, period, today, params)
    return {name: answer.field(name, source) for name, source in operation.simulation.items()}


class _Answer:
    """One answer while it is put together."""

    def __init__(
        self, operation: Operation, world: World, period: Period, today: date, params: Source
    ) -> None:
        self._params = params
        self._operation = operation
        self._world = world
        self._period = period
        self._today = today

    def field(self, name: str, source: Source) -> Any:
        """Return the value of a field from its source; ``name`` is the field's own."""
        (kind,) = source.keys() & _KINDS
        return getattr(self, f"_{kind}")(source, name)

    def _measure(self, source: Source, _name: str) -> int | float | str:
        name = source["measure"]
        if name == "period":
            return self._period.ref
        read = self._world.mean if name in _MEANS else self._world.count
        return read(name, self._period)

    def _const(self, source: Source, _name: str) -> Any:
        return source["const"]

    def _object(self, source: Source, _name: str) -> dict[str, Any]:
        return {name: self.field(name, inner) for name, inner in source["object"].items()}

    def _list(self, source: Source, name: str) -> list[Any]:
        return [self.field(name, inner) for inner in source["list"]] if self._visited() else []

    def _rows(self, source: Source, name: str) -> list[Any]:
        return [self._object({"object": source["rows"]}, name)] if self._visited() else []

    def _retention_of(self, source: Source, name: str) -> list[dict[str, int]]:
        # Only periods that are over are listed, as in every recorded answer.
        retentions = self._world.retentions(
            source["retention_of"], self._period, self._operation.keys(name), self._today
        )
        return [{"key": key, "value": value} for key, value in retentions]

    def _split_of(self, source: Source, _name: str) -> list[dict[str, Any]]:
        groups = self._operation.tables[source["among"]]
        total = self._world.count(source["split_of"], self._period)
        weights = self._world.weights(source["among"], [group["weight"] for group in groups])
        parts = split(total, weights)
        if source.get("counting") == "users":
            # As many users as those sessions are of on the average, and one at the least.
            users = self._world.count("active_users", self._period)
            parts = [-(-part * users // total) if part else 0 for part in parts]
        return [
            {**{key: group[key] for key in group if key != "weight"}, "value": part}
            for group, part in zip(groups, parts, strict=True)
            if part
        ]

    def _pages(self, source: Source, _name: str) -> list[dict[str, Any]]:
        pages = self._world.pages(self._period)[: source["limit"]]
        fields = source["pages"].items()
        return [{name: getattr(page, value) for name, value in fields} for page in pages]

    def _daily_tables(self, source: Source, _name: str) -> list[dict[str, Any]]:
        days = self._period.days_before(self._today)
        return [
            {
                "id": group["id"],
                "lines": [
                    {
                        "fields": [
                            {
                                "refdate": write_day(day),
                                "value": self._world.level(group["id"], group["weight"], day),
                            }
                            for day in days
                        ]
                    }
                ],
                "zh": group["zh"],
            }
            for group in self._groups(source["daily_tables"], source["among"])
        ]

    def _count_of(self, source: Source, _name: str) -> int:
        return len(self._groups(source["count_of"], source["among"]))

    def _groups(self, field: str, table: str) -> list[dict[str, Any]]:
        """Return the groups of a table that have the request's value of a field."""
        asked = str(self._params.get(field))
        return [group for group in self._operation.tables[table] if group[field] == asked]

    def _visited(self) -> bool:
        return self._world.count("active_users", self._period) > 0
