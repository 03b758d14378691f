"""Projections of find: fields to include or exclude, $slice and $elemMatch."""

from collections.abc import Callable
from typing import Any

from cloud_openapi.documents._errors import OperationFailure
from cloud_openapi.documents._paths import split
from cloud_openapi.documents._query import value_test
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, is_operators, shown, whole

Project = Callable[[Document], Document]
Tree = dict[str, Any]
"""Names with a tree, or with what becomes of the field."""


def projection(fields: Document, scope: Scope) -> Project:
    """Return the function that projects a document. Raises OperationFailure."""
    chosen: dict[str, Any] = {}
    for path, value in fields.items():
        chosen[path] = _field(path, value, scope) if is_operators(value) else bool(value)
    flags = {value for path, value in chosen.items() if type(value) is bool and path != "_id"}
    if len(flags) > 1:
        raise OperationFailure("Projection cannot have a mix of inclusion and exclusion.")
    elements = any(type(value) is dict and "$elemMatch" in value for value in fields.values())
    including = True in flags or (not flags and (elements or chosen.get("_id") is True))
    if including:
        chosen.setdefault("_id", True)
    tree = path_tree(chosen)
    return lambda document: project(document, tree, including=including)


def path_tree(paths: dict[str, Any]) -> Tree:
    """Return paths as a tree. Raises OperationFailure if one is part of another."""
    tree: Tree = {}
    for path, value in paths.items():
        *parents, name = split(path)
        node: Any = tree
        for each in parents:
            node = node.setdefault(each, {}) if type(node) is dict else None
        if type(node) is not dict or name in node or "" in {*parents, name}:
            raise OperationFailure(f"Invalid or conflicting path in projection: {path}", 31249)
        node[name] = value
    return tree


def project(value: Any, tree: Tree, *, including: bool) -> Any:
    """Return the fields that a tree includes, or all but those that it excludes."""
    if type(value) is list:
        return [
            project(each, tree, including=including)
            for each in value
            if not including or type(each) in {dict, list}
        ]
    if type(value) is not dict:
        return MISSING if including else value
    result = {}
    for name, each in value.items():
        rule = tree.get(name, not including)
        if type(rule) is dict:
            new = project(each, rule, including=including)
        else:
            new = rule(each) if callable(rule) else each if rule else MISSING
        if new is not MISSING:
            result[name] = new
    return result


def _field(path: str, value: Document, scope: Scope) -> Callable[[Any], Any]:
    match value:
        case {"$slice": operand}:
            return _slice(path, operand)
        case {"$elemMatch": dict(condition)}:
            test = value_test(condition, scope)

            def first(values: Any) -> Any:
                found = [each for each in values if test(each)][:1] if type(values) is list else []
                return found or MISSING

            return first
    raise OperationFailure(f"Unsupported projection option: {path}: {shown(value)}")


def _slice(path: str, operand: Any) -> Callable[[Any], Any]:
    skip, length = operand if type(operand) is list and len(operand) == 2 else (None, operand)  # noqa: PLR2004
    count, start = whole(length), whole(skip)
    if count is None or (skip is not None and (start is None or count <= 0)):
        raise OperationFailure(f"$slice needs a number or [skip, limit] at {path}")

    def part(values: Any) -> Any:
        if type(values) is not list:
            return values
        if start is None:
            return values[:count] if count >= 0 else values[count:]
        begin = start if start >= 0 else max(0, len(values) + start)
        return values[begin : begin + count]

    return part
