"""Projections of find: fields to include or exclude, $slice, $elemMatch, and ``$`` in a path."""

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

from cloud_openapi.documents._copies import clean
from cloud_openapi.documents._errors import PARSE, OperationFailure, check
from cloud_openapi.documents._numbers import whole
from cloud_openapi.documents._operands import is_operators, sliced
from cloud_openapi.documents._paths import child, split
from cloud_openapi.documents._positions import Positions, with_list
from cloud_openapi.documents._query import value_test
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, shown

_POSITION: Final = ".$"
Tree = dict[str, Any]
"""Names with a tree below them, or with True, False or a function of the field's value."""


def projection(
    fields: Any, scope: Scope, conditions: Document | None = None
) -> Callable[[Document], Document]:
    """Return the function that projects a document, by an object or a list of names.

    The document satisfies the ``conditions``, which find the element for a path that ends in ``$``.
    """
    if not fields:
        return lambda document: document
    valid = isinstance(fields, dict | list) and all(isinstance(each, str) for each in fields)
    check(valid, "A projection must be an object, or a list of names", PARSE)
    given = clean(fields if isinstance(fields, dict) else dict.fromkeys(fields, 1))
    marked = [path for path in given if path.endswith(_POSITION)]
    if marked:
        check(conditions is not None, f"'{marked[0]}' is not emulated in what an update returns")
        return _positional(given, marked, Positions(conditions or {}, scope), scope)
    chosen = {
        path: _field(path, value, scope) if is_operators(value) else bool(value)
        for path, value in given.items()
    }
    elements = any(is_operators(value) and "$elemMatch" in value for value in given.values())
    return projector(chosen, including=elements or None)


def _positional(
    given: Document, marked: list[str], positions: Positions, scope: Scope
) -> Callable[[Document], Document]:
    """Return the function that projects a document with the element of a list that satisfied."""
    check(len(marked) == 1, "Cannot specify more than one positional proj. per query.", PARSE)
    (mark,) = marked
    check(given[mark], "Cannot exclude array elements with the positional operator.", PARSE)
    path = mark.removesuffix(_POSITION)
    parts = split(path)
    renamed = {path if name == mark else name: value for name, value in given.items()}
    project = projection(renamed, scope)

    def of_element(document: Document) -> Document:
        index = positions.index(document, parts)
        if index is None:
            error = f"Positional projection '{mark}' does not match the query: no condition on"
            raise OperationFailure(f"{error} '{path}', at the top or in $and, is about one element")
        elements: Any = reduce(child, parts, document)
        return project(with_list(document, parts, [elements[index]]))

    return of_element


def projector(fields: dict[str, Any], *, including: bool | None) -> Callable[[Any], Any]:
    """Return the function that projects a document by paths with a bool or a function.

    ``including`` is a default, if neither True nor False says it. Raises OperationFailure.
    """
    flags = {value for path, value in fields.items() if type(value) is bool and path != "_id"}
    check(len(flags) < 2, "Projection cannot have a mix of inclusion and exclusion.")  # noqa: PLR2004
    if flags or including is None:
        including = flags == {True} or (not flags and fields.get("_id") is True)
    tree = path_tree({"_id": True, **fields} if including else fields)
    return lambda document: _project(document, tree, including=including)


def path_tree(paths: dict[str, Any]) -> Tree:
    """Return paths as a tree. Raises OperationFailure if one is a part of another."""
    tree: Tree = {}
    for path, value in paths.items():
        *parents, name = split(path)
        node: Any = tree
        for each in parents:
            node = node.setdefault(each, {}) if type(node) is dict else None
        valid = type(node) is dict and name not in node and "" not in {*parents, name}
        check(valid, f"Invalid or conflicting path in projection: {path}", 40176)
        node[name] = value
    return tree


def _project(value: Any, tree: Tree, *, including: bool) -> Any:
    if type(value) is list:
        kept = [each for each in value if not including or type(each) in {dict, list}]
        return [_project(each, tree, including=including) for each in kept]
    if type(value) is not dict:
        return MISSING if including else value
    result = {}
    for name, each in value.items():
        rule = tree.get(name, not including)
        if type(rule) is dict:
            new = _project(each, rule, including=including)
        else:
            new = rule(each) if callable(rule) else each if rule else MISSING
        if new is not MISSING:
            result[name] = new
    return result


def _field(path: str, value: Document, scope: Scope) -> Callable[[Any], Any]:
    match value:
        case {"$slice": [skip, limit]} if whole(skip) is not None and (whole(limit) or 0) > 0:
            return lambda v: sliced(v, int(skip), int(limit)) if type(v) is list else v
        case {"$slice": limit} if whole(limit) is not None:
            return lambda v: sliced(v, int(limit)) if type(v) is list else v
        case {"$elemMatch": dict(condition)}:
            test = value_test(condition, scope)
            return lambda v: ([e for e in v if test(e)] if type(v) is list else [])[:1] or MISSING
    raise OperationFailure(f"Unsupported projection option: {path}: {shown(value)}")
