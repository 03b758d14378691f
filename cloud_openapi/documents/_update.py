"""Updates, compiled once into a function from a document to the changed document.

Documents are never changed in place: a change makes new objects on the way to the field, and
shares all others.
"""

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from cloud_openapi.documents._errors import Code, OperationFailure, WriteError, unparsable
from cloud_openapi.documents._paths import field, index_of, sorter, split
from cloud_openapi.documents._query import value_test
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import (
    INT64,
    MISSING,
    Document,
    is_number,
    is_operators,
    key,
    same,
    shown,
    type_name,
    whole,
)

_LONGEST_GAP: Final = 1_500_000


class Context(NamedTuple):
    """One application of an update: to which document, when, and whether it is inserted."""

    document: Document
    now: datetime
    inserting: bool = False
    position: Callable[[list[str]], int] | None = None
    """Returns the index of the element of the array at a path that satisfied the query."""


_Change = Callable[[Any, Context], Any]
"""From a field's value, perhaps `MISSING`, to the new value; `MISSING` removes the field."""


class _Step(NamedTuple):
    path: list[str]
    change: _Change
    creates: bool
    """False if the operator leaves a missing path as it is."""


class Update:
    """An update such as ``{"$set": {"a.b": 1}}``. Raises OperationFailure if it is invalid."""

    def __init__(self, update: Any, scope: Scope) -> None:
        if not is_operators(update):
            raise unparsable("An update must be an object of operators such as $set")
        self._steps: list[_Step] = []
        for name, fields in update.items():
            if name not in _OPERATORS and name != "$rename":
                raise unparsable(f"Unknown modifier: {name:.100}")
            if type(fields) is not dict:
                raise unparsable(
                    f"Modifiers operate on fields but we found type {type_name(fields)} instead. "
                    f"For example: {{$mod: {{<field>: ...}}}} not {{{name}: {shown(fields)}}}"
                )
            if not fields:
                raise unparsable(
                    f"'{name}' is empty. You must specify a field like so: "
                    f"{{{name}: {{<field>: ...}}}}"
                )
            for path, operand in fields.items():
                self._steps += _steps(name, path, operand, scope)
        # MongoDB's order, also of the fields that it adds
        self._steps.sort(key=lambda step: step.path)
        self._check_conflicts()

    def _check_conflicts(self) -> None:
        for (one, *_), (other, *_) in zip(self._steps, self._steps[1:], strict=False):
            if other[: len(one)] == one:
                raise OperationFailure(
                    f"Updating the path '{'.'.join(other)}' would create a conflict at "
                    f"'{'.'.join(one)}'",
                    Code.CONFLICTING_UPDATE_OPERATORS,
                )

    def apply(self, context: Context) -> Document:
        """Return the changed document, the given one if nothing changes. Raises WriteError."""
        result = context.document
        for step in self._steps:
            path = _with_position(step.path, context)
            result = _changed(result, path, step, context)
        return result


def _with_position(path: list[str], context: Context) -> list[str]:
    if "$" not in path:
        return path
    at = path.index("$")
    if context.position is None or at == 0:
        raise WriteError(
            "The positional operator did not find the match needed from the query.", Code.BAD_VALUE
        )
    return [*path[:at], str(context.position(path[:at])), *path[at + 1 :]]


def _steps(name: str, path: str, operand: Any, scope: Scope) -> list[_Step]:
    if name == "$rename":
        return _rename(path, operand)
    parts = _checked_path(path)
    return [_Step(parts, _OPERATORS[name](path, operand, scope), name not in _NEVER_CREATE)]


def _checked_path(path: str) -> list[str]:
    parts = split(path)
    if "" in parts:
        raise WriteError(
            f"The update path '{path}' contains an empty field name, which is not allowed.",
            Code.EMPTY_FIELD_NAME,
        )
    for part in parts:
        if part.startswith("$") and part not in {"$", "$[]"}:
            raise WriteError(
                f"The dollar ($) prefixed field '{part}' in '{path}' is not valid for storage.",
                Code.DOLLAR_PREFIXED_FIELD_NAME,
            )
    return parts


def check_names(value: Any, path: str = "") -> None:
    """Raise WriteError if a name in a document begins with ``$``."""
    if type(value) is dict:
        for name, each in value.items():
            _checked_name(name, path)
            check_names(each, f"{path}{name}.")
    elif type(value) is list:
        for each in value:
            check_names(each, path)


def _checked_name(name: str, path: str) -> None:
    if name.startswith("$"):
        raise WriteError(
            f"The dollar ($) prefixed field '{name}' in '{path}{name}' is not valid for storage.",
            Code.DOLLAR_PREFIXED_FIELD_NAME,
        )
    if "\0" in name:
        raise WriteError(f"The field name {name!r:.80} must not contain null characters")


# Writing at a path -------------------------------------------------------------------------------


def _changed(value: Any, path: list[str], step: _Step, context: Context) -> Any:
    """Return a value with a change at a path below it."""
    if not path:
        return step.change(value, context)
    if type(value) is dict or (value is MISSING and path[0] != "$[]"):
        return _changed_object(value, path, step, context)
    if type(value) is list:
        return _changed_list(value, path, step, context)
    if not step.creates:
        return value
    raise WriteError(
        f"Cannot create field '{path[0]}' in element {{{_element(value, path, step)}}}",
        Code.PATH_NOT_VIABLE,
    )


def _element(value: Any, path: list[str], step: _Step) -> str:
    parent = step.path[len(step.path) - len(path) - 1]
    return f"{parent}: {shown(value)}"


def _changed_object(value: Any, path: list[str], step: _Step, context: Context) -> Any:
    name = path[0]
    old = MISSING if value is MISSING else value.get(name, MISSING)
    new = _changed(old, path[1:], step, context)
    if new is old:
        return value
    if new is MISSING:
        return {other: each for other, each in value.items() if other != name}
    return {name: new} if value is MISSING else {**value, name: new}


def _changed_list(value: list[Any], path: list[str], step: _Step, context: Context) -> list[Any]:
    if path[0] == "$[]":
        items = [_changed(each, path[1:], step, context) for each in value]
        return value if all(map(operator.is_, items, value)) else items
    index = index_of(path[0])
    if index is None:
        if not step.creates:
            return value
        raise WriteError(
            f"Cannot create field '{path[0]}' in element {{{_element(value, path, step)}}}",
            Code.PATH_NOT_VIABLE,
        )
    old = value[index] if index < len(value) else MISSING
    new = _changed(old, path[1:], step, context)
    if new is old:
        return value
    if index - len(value) > _LONGEST_GAP:
        raise WriteError(f"can't backfill more than {_LONGEST_GAP} elements", Code.BAD_VALUE)
    gap = [None] * (index - len(value))
    return [*value[:index], *gap, None if new is MISSING else new, *value[index + 1 :]]


# Operators ---------------------------------------------------------------------------------------


def _assign(value: Any) -> _Change:
    check_names(value)
    return lambda old, _: old if same(old, value) else value


def _on_insert(value: Any) -> _Change:
    change = _assign(value)
    return lambda old, context: change(old, context) if context.inserting else old


def _rename(path: str, operand: Any) -> list[_Step]:
    if type(operand) is not str:
        raise OperationFailure(f"The 'to' field for $rename must be a string: {path}: {operand}")
    source, target = _checked_path(path), _checked_path(operand)
    read = field(source)

    def moved(old: Any, context: Context) -> Any:
        if any(type(field(source[:n])(context.document)) is list for n in range(1, len(source))):
            raise WriteError(
                f"The source field cannot be an array element, '{path}' in doc with "
                f"_id: {shown(context.document.get('_id'))}"
            )
        value = read(context.document)
        return old if value is MISSING else value

    return [_Step(source, lambda *_: MISSING, creates=False), _Step(target, moved, creates=True)]


def _arithmetic(name: str, verb: str, compute: Callable[[Any, Any], Any]) -> Any:
    def build(path: str, operand: Any, *_: Any) -> _Change:
        if not is_number(operand):
            raise OperationFailure(
                f"Cannot {verb} with non-numeric argument: {{{path}: {shown(operand)}}}",
                Code.TYPE_MISMATCH,
            )

        def change(old: Any, context: Context) -> Any:
            old_number = 0 if old is MISSING else old
            if not is_number(old_number):
                raise WriteError(
                    f"Cannot apply {name} to a value of non-numeric type. "
                    f"{_id_of(context)} has the field "
                    f"'{path.rpartition('.')[2]}' of non-numeric type {type_name(old)}",
                    Code.TYPE_MISMATCH,
                )
            new = compute(old_number, operand)
            if type(new) is int and not -INT64 <= new < INT64:
                raise WriteError(
                    f"Failed to apply {name} operations to current value "
                    f"((NumberLong){old}) for document {_id_of(context)}"
                )
            return old if same(new, old) else new

        return change

    return build


def _id_of(context: Context) -> str:
    return f"{{_id: {shown(context.document.get('_id'))}}}"


def _extreme(is_better: Callable[[Any, Any], bool]) -> Any:
    def build(_: str, operand: Any, *__: Any) -> _Change:
        check_names(operand)
        wanted = key(operand)
        return lambda old, _: operand if old is MISSING or is_better(wanted, key(old)) else old

    return build


def _current_date(path: str, operand: Any, *_: Any) -> _Change:
    if operand is not True and operand is not False and operand != {"$type": "date"}:
        raise OperationFailure(
            f"$currentDate takes true or {{$type: 'date'}} for '{path}', not {shown(operand)}"
        )
    return lambda _, context: context.now


def _bit(path: str, operand: Any, *_: Any) -> _Change:
    operations = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
    if type(operand) is not dict or not operand or not set(operand) <= set(operations):
        raise OperationFailure(
            "The $bit modifier only supports 'and', 'or', and 'xor', each with an int: "
            f"{{{path}: {shown(operand)}}}"
        )

    def change(old: Any, _: Context) -> Any:
        new = 0 if old is MISSING else old
        for name, bits in operand.items():
            if type(new) is not int or type(bits) is not int:
                raise WriteError(
                    f"Cannot apply $bit to a value of non-integral type: {path}", Code.BAD_VALUE
                )
            new = operations[name](new, bits)
        return new

    return change


# Arrays ------------------------------------------------------------------------------------------


def _array(old: Any, path: str, context: Context) -> list[Any]:
    if type(old) is list:
        return old
    raise WriteError(
        f"The field '{path}' must be an array but is of type {type_name(old)} in document "
        f"{_id_of(context)}"
    )


def _each(operand: Any, name: str) -> list[Any]:
    if type(operand) is not dict or "$each" not in operand:
        check_names(operand)
        return [operand]
    values = operand["$each"]
    if type(values) is not list:
        raise OperationFailure(
            f"The argument to $each in {name} must be an array but it was of type: "
            f"{type_name(values)}"
        )
    check_names(values)
    return values


def _push(path: str, operand: Any, *_: Any) -> _Change:
    values = _each(operand, "$push")
    clauses = operand if type(operand) is dict and "$each" in operand else {}
    for name in clauses:
        if name not in {"$each", "$position", "$sort", "$slice"}:
            raise OperationFailure(f"Unrecognized clause in $push: {name}")
    position = _whole_clause(clauses, "$position", None)
    length = _whole_clause(clauses, "$slice", None)
    arrange = _arrangement(clauses["$sort"]) if "$sort" in clauses else list

    def change(old: Any, context: Context) -> Any:
        found = [] if old is MISSING else _array(old, path, context)
        at = len(found) if position is None else position
        new = arrange([*found[:at], *values, *found[at:]])
        if length is not None:
            new = new[:length] if length >= 0 else new[length:]
        return old if same(old, new) else new

    return change


def _whole_clause(clauses: Document, name: str, default: int | None) -> int | None:
    value = clauses.get(name, default)
    if value is not None and whole(value) is None:
        raise OperationFailure(
            f"The value for {name} must be an integer value but was given type: {type_name(value)}"
        )
    return None if value is None else whole(value)


def _arrangement(sort: Any) -> Callable[[list[Any]], list[Any]]:
    if type(sort) is dict and sort and all(whole(way) in {1, -1} for way in sort.values()):
        arrange = sorter([(f".{path}", way) for path, way in sort.items()])
    elif whole(sort) in {1, -1}:
        return lambda values: sorted(values, key=key, reverse=sort < 0)
    else:
        raise OperationFailure("The $sort is invalid: use 1/-1 to sort the whole element")
    # An element is the field "" of a document, so that the elements may be of any type.
    return lambda values: [each[""] for each in arrange([{"": one} for one in values])]


def _add_to_set(path: str, operand: Any, *_: Any) -> _Change:
    values = _each(operand, "$addToSet")

    def change(old: Any, context: Context) -> Any:
        found = [] if old is MISSING else _array(old, path, context)
        keys = {key(each) for each in found}
        new = list(found)
        for each in values:
            if key(each) not in keys:
                keys.add(key(each))
                new.append(each)
        return old if old is not MISSING and len(new) == len(found) else new

    return change


def _pop(path: str, operand: Any, *_: Any) -> _Change:
    if whole(operand) not in {1, -1}:
        raise unparsable(f"$pop expects 1 or -1, found: {shown(operand)}")

    def change(old: Any, context: Context) -> Any:
        if old is MISSING or not _array(old, path, context):
            return old
        return old[:-1] if operand == 1 else old[1:]

    return change


def _without(path: str, is_removed: Callable[[Any], bool]) -> _Change:
    def change(old: Any, context: Context) -> Any:
        if old is MISSING:
            return old
        new = [each for each in _array(old, path, context) if not is_removed(each)]
        return old if len(new) == len(old) else new

    return change


def _pull(path: str, operand: Any, scope: Scope) -> _Change:
    if type(operand) is dict:
        return _without(path, value_test(operand, scope))
    return _without(path, value_test({"$in": [operand]}, scope))


def _pull_all(path: str, operand: Any, *_: Any) -> _Change:
    if type(operand) is not list:
        raise OperationFailure(
            f"$pullAll requires an array argument but was given a {type_name(operand)}"
        )
    keys = {key(each) for each in operand}
    return _without(path, lambda value: key(value) in keys)


_NEVER_CREATE: Final = {"$unset", "$pop", "$pull", "$pullAll"}
_OPERATORS: Final[dict[str, Callable[[str, Any, Scope], _Change]]] = {
    "$set": lambda _, operand, __: _assign(operand),
    "$setOnInsert": lambda _, operand, __: _on_insert(operand),
    "$unset": lambda *_: lambda *__: MISSING,
    "$inc": _arithmetic("$inc", "increment", operator.add),
    "$mul": _arithmetic("$mul", "multiply", operator.mul),
    "$min": _extreme(operator.lt),
    "$max": _extreme(operator.gt),
    "$currentDate": _current_date,
    "$bit": _bit,
    "$push": _push,
    "$addToSet": _add_to_set,
    "$pop": _pop,
    "$pull": _pull,
    "$pullAll": _pull_all,
}
