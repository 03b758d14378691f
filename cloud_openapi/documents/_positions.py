"""The element of a list that satisfies a query: ``$`` in a path stands for it."""

from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from typing import Any

from cloud_openapi.documents._operands import is_operators
from cloud_openapi.documents._paths import child, split
from cloud_openapi.documents._query import Match, query
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import Document


class Positions:
    """Finds elements of the documents that satisfy a query, by each of its conditions alone."""

    def __init__(self, conditions: Document, scope: Scope) -> None:
        self._conditions, self._scope = conditions, scope

    def index(self, document: Document, path: Sequence[str]) -> int | None:
        """Return the index of the element of the list at a path, None if there is none.

        The last condition decides that a list of one element satisfies, and an empty one does not.
        """
        elements: Any = reduce(child, path, document)
        if type(elements) is not list:
            return None
        for parts, match in reversed(self._matches):
            at_path = parts[: len(path)] == list(path)
            if at_path and not match(with_list(document, path, [])):
                for at, each in enumerate(elements):
                    if match(with_list(document, path, [each])):
                        return at
        return None

    @cached_property
    def _matches(self) -> list[tuple[list[str], Match]]:
        found = _single(self._conditions)
        return [(split(path), query({path: each}, self._scope)) for path, each in found]


def _single(conditions: Document) -> Iterator[tuple[str, Any]]:
    """Yield the paths of a query, each with one operator or value that it must satisfy."""
    for path, condition in conditions.items():
        if path == "$and" or (path == "$or" and len(condition) == 1):
            for each in condition:
                yield from _single(each)
        elif not path.startswith("$"):
            if not is_operators(condition):
                yield path, condition
                continue
            options = {name: each for name, each in condition.items() if name == "$options"}
            for name, operand in condition.items():
                if name == "$all":
                    yield from ((path, each) for each in operand)
                elif name != "$options":
                    yield path, {name: operand, **(options if name == "$regex" else {})}


def with_list(value: Any, path: Sequence[str], new: list[Any]) -> Any:
    """Return a value with another list instead of the one at a path."""
    if not path:
        return new
    name, *rest = path
    below = with_list(child(value, name), rest, new)
    if type(value) is list:
        return [*value[: int(name)], below, *value[int(name) + 1 :]]
    return {**value, name: below}
