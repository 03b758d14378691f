"""The element of a list for which a document satisfies a query: ``$`` in a path stands for it."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from cloud_openapi.documents._paths import child
from cloud_openapi.documents._query import Match
from cloud_openapi.documents._values import Document


def position(document: Document, path: Sequence[str], match: Match) -> int | None:
    """Return the index of the element of the list at a path, None if no element is needed."""
    elements: Any = reduce(child, path, document)
    if type(elements) is not list or match(with_list(document, path, [])):
        return None
    indexes = range(len(elements))
    return next((at for at in indexes if match(with_list(document, path, [elements[at]]))), None)


def with_list(value: Any, path: Sequence[str], new: list[Any]) -> Any:
    """Return a value with another list instead of the one at a path."""
    if not path:
        return new
    name, *rest = path
    below = with_list(child(value, name), rest, new)
    if type(value) is list:
        return [*value[: int(name)], below, *value[int(name) + 1 :]]
    return {**value, name: below}
