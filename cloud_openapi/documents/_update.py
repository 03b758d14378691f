"""Updates, compiled once into a function from a document to the changed document.

Documents are never changed in place: a change makes new objects on the way to the field, and
shares all others.
"""

import operator
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple

from cloud_openapi.documents._copies import same
from cloud_openapi.documents._errors import PARSE, TYPE, OperationFailure, check
from cloud_openapi.documents._numbers import INT64, is_number, whole
from cloud_openapi.documents._operands import is_operators, needs, or_null, sliced
from cloud_openapi.documents._paths import child, has_place, sorter, split
from cloud_openapi.documents._positions import Positions
from cloud_openapi.documents._query import value_test
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, distinct, key, shown, type_name

_LONGEST_GAP: Final = 1_500_000
_NOT_VIABLE, _DOLLAR, _EMPTY_NAME, _CONFLICT = 28, 52, 56, 40


class Context(NamedTuple):
    """One application of an update: to which document, when, and whether it is inserted."""

    document: Document
    now: datetime
    inserting: bool = False
    positions: Positions | None = None
    """What finds the element for ``$`` in a path."""

    def identity(self) -> str:
        """Return the ``_id`` as errors show it."""
        return f"{{_id: {shown(self.document.get('_id'))}}}"


_Change = Callable[[Any, Context], Any]
"""From a field's value, perhaps `MISSING`, to the new value; `MISSING` removes the field."""
_Binary = Callable[[Any, Any], Any]


class _Step(NamedTuple):
    path: list[str]
    change: _Change
    creates: bool = True  # False if the operator leaves a missing path as it is
    only_inserting: bool = False


class Update:
    """An update such as ``{"$set": {"a.b": 1}}``. Raises OperationFailure if it is invalid."""

    def __init__(self, update: Any, scope: Scope) -> None:
        check(is_operators(update), "An update must be an object of operators such as $set", PARSE)
        self._steps: list[_Step] = []
        for name, fields in update.items():
            check(name in _OPERATORS or name == "$rename", f"Unknown modifier: {name:.99}", PARSE)
            example = f"You must specify a field like so: {{{name}: {{<field>: ...}}}}"
            check(type(fields) is dict, f"{name} needs an object. {example}", PARSE)
            check(fields, f"'{name}' is empty. {example}", PARSE)
            for path, operand in fields.items():
                self._steps += _steps(name, path, operand, scope)
        self._steps.sort(key=lambda step: step.path)  # MongoDB's order, also of added fields
        for (one, *_), (other, *_) in pairwise(self._steps):
            path, conflict = ".".join(other), f"would create a conflict at '{'.'.join(one)}'"
            check(other[: len(one)] != one, f"Updating the path '{path}' {conflict}", _CONFLICT)

    def apply(self, context: Context) -> Document:
        """Return the changed document, the given one if nothing changes. May raise an error."""
        result = context.document
        for step in self._steps:
            if context.inserting or not step.only_inserting:
                result = _changed(result, _with_position(step.path, context), step, context)
        return result


def _with_position(path: list[str], context: Context) -> list[str]:
    """Return a path with the index of the element that satisfies the query for ``$``."""
    if "$" not in path:
        return path
    at, positions = path.index("$"), context.positions
    index = positions.index(context.document, path[:at]) if positions else None
    check(
        index is not None, "The positional operator did not find the match needed from the query."
    )
    return [*path[:at], str(index), *path[at + 1 :]]


def _steps(name: str, path: str, operand: Any, scope: Scope) -> list[_Step]:
    source = _checked(path)
    if name != "$rename":
        change = _OPERATORS[name](path, operand, scope)
        return [_Step(source, change, name not in _NEVER_CREATE, name == "$setOnInsert")]

    def moved(old: Any, context: Context) -> Any:
        value = _renamed(context.document, source)
        return old if value is MISSING else value

    target = _checked(needs(str, f"The 'to' field for $rename of {path}", operand))
    return [_Step(source, lambda *_: MISSING, creates=False), _Step(target, moved)]


def _renamed(value: Any, path: list[str]) -> Any:
    """Return the value of the source of $rename, or `MISSING`."""
    in_array = False
    for at, part in enumerate(path):
        if not has_place(value, part):
            place = f"{{{path[at - 1]}: {shown(value)}}}"
            error = f"cannot use the part ({path[at - 1]} of {'.'.join(path)}) to traverse {place}"
            raise OperationFailure(error, _NOT_VIABLE)
        in_array |= type(value) is list
        value = child(value, part)
        if value is MISSING:
            return MISSING
    check(not in_array, f"The source field cannot be an array element, '{'.'.join(path)}'")
    return value


def _checked(path: str) -> list[str]:
    parts = split(path)
    empty = f"The update path '{path}' contains an empty field name, which is not allowed."
    check("" not in parts, empty, _EMPTY_NAME)
    for part in parts:
        if part not in {"$", "$[]"}:
            _check_name(part, path)
    return parts


def _check_name(name: str, path: str) -> None:
    error = f"The dollar ($) prefixed field '{name}' in '{path}' is not valid for storage."
    check(not name.startswith("$"), error, _DOLLAR)
    check("\0" not in name, f"The field name {name!r:.99} must not contain null characters")


def check_names(value: Any, path: str = "") -> None:
    """Raise OperationFailure if a name in a document begins with ``$``."""
    if type(value) is dict:
        for name, each in value.items():
            if "$" in name or "\0" in name:
                _check_name(name, f"{path}{name}")
            if type(each) is dict or type(each) is list:
                check_names(each, f"{path}{name}.")
    elif type(value) is list:
        for each in value:
            check_names(each, path)


def _changed(value: Any, path: list[str], step: _Step, context: Context) -> Any:
    """Return a value with a change at a path below it."""
    if not path:
        leaves = value is MISSING and not step.creates
        new = value if leaves else step.change(value, context)
        return value if same(new, value) else new
    name, *rest = path
    if name == "$[]":
        place = ".".join(step.path[: -len(path)])
        missing = f"The path '{place}' must exist in the document in order to apply array updates."
        check(value is not MISSING, missing)
        check(type(value) is list, f"Cannot apply array updates to non-array element {place}")
        items = [or_null(_changed(each, rest, step, context)) for each in value]
        return value if all(map(operator.is_, items, value)) else items
    if value is not MISSING and not has_place(value, name):
        place = f"{{{step.path[-len(path) - 1]}: {shown(value)}}}"
        check(not step.creates, f"Cannot create field '{name}' in element {place}", _NOT_VIABLE)
        return value
    old = child(value, name)
    new = _changed(old, rest, step, context)
    return value if new is old else _with(value, name, new)


def _with(value: Any, name: str, new: Any) -> Any:
    if type(value) is list:
        index, missing = int(name), int(name) - len(value)
        check(missing <= _LONGEST_GAP, f"can't backfill more than {_LONGEST_GAP} elements")
        return [*value[:index], *[None] * missing, or_null(new), *value[index + 1 :]]
    if new is MISSING:
        return {other: each for other, each in value.items() if other != name}
    return {name: new} if value is MISSING else {**value, name: new}


# Operators ---------------------------------------------------------------------------------------


def _set(_: str, value: Any, __: Scope) -> _Change:
    check_names(value)
    return lambda *_: value


def _arithmetic(name: str, compute: _Binary, path: str, operand: Any, _: Scope) -> _Change:
    error = f"Cannot {name} with non-numeric argument: {{{path}: {shown(operand)}}}"
    check(is_number(operand), error, TYPE)

    def change(old: Any, context: Context) -> Any:
        if old is not MISSING and not is_number(old):
            field_of = f"{context.identity()} has the field '{split(path)[-1]}'"
            error = f"Cannot apply {name} to a value of non-numeric type. {field_of}"
            raise OperationFailure(f"{error} of non-numeric type {type_name(old)}", TYPE)
        new = compute(0 if old is MISSING else old, operand)
        if type(new) is int and not -INT64 <= new < INT64:
            error = f"Failed to apply {name} operations to current value {old}"
            raise OperationFailure(f"{error} for document {context.identity()}")
        return new

    return change


def _extreme(is_better: _Binary, _: str, operand: Any, __: Scope) -> _Change:
    check_names(operand)
    wanted = key(operand)
    return lambda old, _: operand if old is MISSING or is_better(wanted, key(old)) else old


def _current_date(path: str, operand: Any, _: Scope) -> _Change:
    valid = type(operand) is bool or operand == {"$type": "date"}
    check(valid, f"$currentDate takes true or {{$type: 'date'}} for '{path}'")
    return lambda _, context: context.now


def _bit(path: str, operand: Any, _: Scope) -> _Change:
    operations = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
    valid = type(operand) is dict and operand and operand.keys() <= operations.keys()
    check(valid, "The $bit modifier only supports 'and', 'or', and 'xor', each with an int")

    def change(old: Any, _: Context) -> Any:
        new = 0 if old is MISSING else old
        for name, bits in operand.items():
            integers = type(new) is int and type(bits) is int
            check(integers, f"Cannot apply $bit to a value of non-integral type: {path}")
            new = operations[name](new, bits)
        return new

    return change


def _array(old: Any, path: str, context: Context) -> list[Any]:
    if type(old) is list or old is MISSING:
        return [] if old is MISSING else old
    error = f"The field '{path}' must be an array but is of type {type_name(old)}"
    raise OperationFailure(f"{error} in document {context.identity()}")


def _each(operand: Any, name: str) -> list[Any]:
    values = operand["$each"] if type(operand) is dict and "$each" in operand else [operand]
    check_names(values)
    return needs(list, f"$each in {name}", values)


def _push(path: str, operand: Any, _: Scope) -> _Change:
    values = _each(operand, "$push")
    clauses = operand if type(operand) is dict and "$each" in operand else {}
    unknown = clauses.keys() - {"$each", "$position", "$sort", "$slice"}
    check(not unknown, f"Unrecognized clause in $push: {min(unknown, default='')}")
    position, length = (whole(clauses.get(each, 0)) for each in ("$position", "$slice"))
    check(None not in {position, length}, "$position and $slice of $push must be integers")
    arrange = _arrangement(clauses["$sort"]) if "$sort" in clauses else list

    def change(old: Any, context: Context) -> Any:
        found = _array(old, path, context)
        at = position if "$position" in clauses else len(found)
        new = arrange([*found[:at], *values, *found[at:]])
        return sliced(new, length or 0) if "$slice" in clauses else new

    return change


def _arrangement(sort: Any) -> Callable[[list[Any]], list[Any]]:
    valid = bool(sort) if type(sort) is dict else whole(sort) in {1, -1}
    check(valid, "The $sort is invalid: use 1/-1 to sort the whole element, and embed fields")
    if type(sort) is not dict:
        return lambda values: sorted(values, key=key, reverse=sort < 0)
    # An element is the field "" of a document, so that the elements may be of any type.
    arrange = sorter((f".{path}", way) for path, way in sort.items())
    return lambda values: [each[""] for each in arrange({"": one} for one in values)]


def _add_to_set(path: str, operand: Any, _: Scope) -> _Change:
    values = distinct(_each(operand, "$addToSet"))

    def change(old: Any, context: Context) -> Any:
        found = _array(old, path, context)
        keys = {key(each) for each in found}
        new = [each for each in values if key(each) not in keys]
        return [*found, *new] if new or old is MISSING else old

    return change


def _pop(path: str, operand: Any, _: Scope) -> _Change:
    check(whole(operand) in {1, -1}, f"$pop expects 1 or -1, found: {shown(operand)}", PARSE)
    part = slice(None, -1) if operand > 0 else slice(1, None)

    return lambda old, context: _array(old, path, context)[part]


def _without(path: str, is_removed: Callable[[Any], bool]) -> _Change:
    return lambda old, context: [v for v in _array(old, path, context) if not is_removed(v)]


def _pull(path: str, operand: Any, scope: Scope) -> _Change:
    if type(operand) in {dict, re.Pattern}:
        condition = operand if type(operand) is dict else {"$in": [operand]}
        return _without(path, value_test(condition, scope, inside=True))
    return _without(path, value_test({"$eq": operand}, scope))


def _pull_all(path: str, operand: Any, _: Scope) -> _Change:
    keys = {key(each) for each in needs(list, "$pullAll", operand)}
    return _without(path, lambda value: key(value) in keys)


_NEVER_CREATE: Final = {"$unset", "$pop", "$pull", "$pullAll"}
_OPERATORS: Final[dict[str, Callable[[str, Any, Scope], _Change]]] = {
    "$set": _set,
    "$setOnInsert": _set,
    "$unset": lambda *_: lambda *__: MISSING,
    "$inc": partial(_arithmetic, "$inc", operator.add),
    "$mul": partial(_arithmetic, "$mul", operator.mul),
    "$min": partial(_extreme, operator.lt),
    "$max": partial(_extreme, operator.gt),
    "$currentDate": _current_date,
    "$bit": _bit,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pop": _pop,
    "$pull": _pull,
    "$pullAll": _pull_all,
}
