"""The namespace ``db.command``, by habit called ``_``."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.database._conditions import Comparison, Logic, QueryCommands, operands_of
from cloud_openapi.database._expressions import AggregateCommands, ProjectCommands
from cloud_openapi.database._updates import UpdateCommands


class Command(QueryCommands, UpdateCommands):
    """The commands of queries and updates; ``aggregate`` and ``project`` have the operators.

    Python's words have an underscore: ``_.in_``, ``_.and_``, ``_.or_``, ``_.not_``.
    """

    def __init__(self) -> None:
        self.aggregate = AggregateCommands()
        self.project = ProjectCommands()

    def _compare(self, operator: str, operand: Any) -> Comparison:
        return Comparison(operator, operand)

    def and_(self, *conditions: Any) -> Logic:
        """Match what all conditions match, given one by one or as a list."""
        return Logic("$and", operands_of(conditions))

    def or_(self, *conditions: Any) -> Logic:
        """Match what one of the conditions matches."""
        return Logic("$or", operands_of(conditions))

    def nor(self, *conditions: Any) -> Logic:
        """Match what none of the conditions matches."""
        return Logic("$nor", operands_of(conditions))

    def not_(self, *conditions: Any) -> Logic:
        """Match what a comparison or a regular expression does not match."""
        return Logic("$not", operands_of(conditions))

    def expr(self, expression: Any) -> dict[str, Any]:
        """Match documents for which an aggregation expression is true."""
        return {"$expr": expression}

    def jsonSchema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Match documents that a JSON Schema accepts."""
        return {"$jsonSchema": schema}

    def text(self, search: str | Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a text search, for ``$text``."""
        if isinstance(search, str):
            return {"$search": search}
        names = ("search", "language", "caseSensitive", "diacriticSensitive")
        return {f"${name}": search[name] for name in names if name in search}
