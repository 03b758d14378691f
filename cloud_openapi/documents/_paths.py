"""Paths with dots, as queries, sorting and expressions read them."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from cloud_openapi.documents._copies import DEPTH
from cloud_openapi.documents._errors import OVERFLOW, check
from cloud_openapi.documents._numbers import whole
from cloud_openapi.documents._values import EMPTY_LIST, MISSING, Document, Key, key

_LONGEST_INDEX: Final = 9


def split(path: str) -> list[str]:
    """Return the names of a path. Raises OperationFailure for a path that is too long."""
    parts = path.split(".", DEPTH)
    check(len(parts) <= DEPTH, f"A path has more than {DEPTH} names: {path:.40}…", OVERFLOW)
    return parts


def _is_index(name: str) -> bool:
    digits = name.isdigit() and name.isascii() and len(name) <= _LONGEST_INDEX
    return digits and (name == "0" or name[0] != "0")


def has_place(value: Any, name: str) -> bool:
    """Return whether a value may have a field or an element of a name."""
    return type(value) is dict or (type(value) is list and _is_index(name))


def child(value: Any, name: str) -> Any:
    """Return the field of an object, or the element of an array; `MISSING` if it has none."""
    if type(value) is dict:
        return value.get(name, MISSING)
    is_index = type(value) is list and _is_index(name)
    return value[int(name)] if is_index and int(name) < len(value) else MISSING


def values_at(path: str, *, elements: bool = False) -> Callable[[Document], Sequence[Any]]:
    """Return a reader of all values that a query finds at a path, `MISSING` among them.

    An array on the way stands for its objects and, if the name is a number, for one element. With
    ``elements``, an array at the end is followed by its elements, unless it is one itself.
    """
    parts = split(path)

    def read(document: Document) -> Sequence[Any]:
        value: Any = document
        for part in parts:
            if type(value) is not dict:
                return _values(document, parts, elements=elements)
            value = value.get(part, MISSING)
        return [value, *value] if elements and type(value) is list else (value,)

    return read


def _values(value: Any, parts: Sequence[str], *, elements: bool) -> list[Any]:
    if not parts:
        return [value, *value] if elements and type(value) is list else [value]
    part, rest = parts[0], parts[1:]
    if type(value) is dict:
        return _values(value.get(part, MISSING), rest, elements=elements)
    if type(value) is not list:
        return [MISSING]
    found, element = [], child(value, part)
    # An element without fields has no missing ones either.
    if element is not MISSING and (not rest or type(element) in {dict, list}):
        found = _values(element, rest, elements=elements and bool(rest))
    for each in value:
        if type(each) is dict:
            found += _values(each.get(part, MISSING), rest, elements=elements)
    return found


def with_value(value: Any, path: Sequence[str], new: Any) -> Any:
    """Return a value with another one at a path, in each object of an array; MISSING removes it."""
    if not path:
        return new
    if type(value) is list:
        return [with_value(each, path, new) for each in value]
    fields = dict(value) if type(value) is dict else {}
    fields[path[0]] = with_value(fields.get(path[0], MISSING), path[1:], new)
    if fields[path[0]] is MISSING:
        del fields[path[0]]
    return fields


def each_element(values: Sequence[Any]) -> list[Any]:
    """Return values with the elements of each list instead of the list."""
    return [each for one in values for each in (one if type(one) is list else (one,))]


def keys_at(path: str) -> Callable[[Document], list[Key]]:
    """Return a reader of the keys by which indexes and sorting know a document.

    A missing field has the key of null, an array the keys of its elements.
    """
    read = values_at(path)

    def keys(document: Document) -> list[Key]:
        values = read(document)
        found = [key(None if each is MISSING else each) for each in each_element(values)]
        return found or [EMPTY_LIST if values else key(None)]

    return keys


def sorter(sort: Iterable[tuple[str, Any]]) -> Callable[[Iterable[Document]], list[Document]]:
    """Return a function that sorts documents by paths with directions, 1 or -1."""
    steps = []
    for path, way in sort:
        check(path and whole(way) in {1, -1}, f"bad sort specification: {path}: {way!r:.80}")
        steps.append((keys_at(path), max if way < 0 else min))

    def arrange(documents: Iterable[Document]) -> list[Document]:
        found = list(documents)
        for keys, choose in reversed(steps):  # sorting is stable: the most important comes last
            keyed = [(choose(keys(each)), each) for each in found]
            keyed.sort(key=lambda pair: pair[0], reverse=choose is max)
            found = [each for _, each in keyed]
        return found

    return arrange


def field(parts: Sequence[str]) -> Callable[[Any], Any]:
    """Return a reader of a path in expressions: an array stands for the values of its objects."""
    if len(parts) == 1:
        name = parts[0]
        return lambda v: v.get(name, MISSING) if type(v) is dict else _field(v, parts)
    return partial(_field, parts=parts)


def _field(value: Any, parts: Sequence[str]) -> Any:
    for at, part in enumerate(parts):
        if type(value) is dict:
            value = value.get(part, MISSING)
        elif type(value) is list:
            # MongoDB passes over an array within it.
            found = [_field(each, parts[at:]) for each in value if type(each) is dict]
            return [each for each in found if each is not MISSING]
        else:
            return MISSING
    return value
