"""Expressions of aggregation, compiled once into a function of a document and variables."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import compress
from typing import Any, Final

from cloud_openapi.documents._dates import PARTS
from cloud_openapi.documents._errors import OperationFailure, check
from cloud_openapi.documents._functions import FIELDS, KINDS, OPERATORS, Operator
from cloud_openapi.documents._lacking import EXPRESSIONS, unrecognized
from cloud_openapi.documents._operands import (
    is_null,
    is_operators,
    needs,
    options,
    or_null,
    truthy,
    variable,
)
from cloud_openapi.documents._paths import field, split
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._values import MISSING, Document, shown, type_name

Value = Callable[[Any, Document], Any]
"""From the current document and the variables to a value, `MISSING` for a field there is not."""


def expression(source: Any, scope: Scope) -> Value:
    """Return the function of an expression. Raises OperationFailure."""
    if type(source) is str and source.startswith("$"):
        return _variable(source[2:]) if source.startswith("$$") else _path(source[1:])
    if type(source) is list:
        items = [expression(each, scope) for each in source]
        return _folded(lambda *given: [or_null(item(*given)) for item in items], items)
    if is_operators(source):
        return _operation(source, scope)
    if type(source) is dict:
        return _object({name: expression(each, scope) for name, each in source.items()})
    return _Constant(source)


class _Constant:
    """The function of an expression without paths and variables."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __call__(self, *_: Any) -> Any:
        return self._value


def _folded(function: Value, operands: Iterable[Value]) -> Value:
    """Return a function of constants as a constant, as MongoDB does: a wrong one fails at once."""
    if not all(type(each) is _Constant for each in operands):
        return function
    try:
        return _Constant(function(None, {}))
    except OperationFailure as error:
        text = f"Failed to optimize pipeline :: caused by :: {error}"
        raise OperationFailure(text, error.code) from None


def _path(path: str) -> Value:
    parts = split(path)
    check("" not in parts, f"FieldPath '${path}' has an empty name", 40353)
    read = field(parts)
    return lambda document, _: read(document)


def _variable(path: str) -> Value:
    name, *parts = split(path)
    read = field(parts)
    if name == "REMOVE":
        return lambda *_: MISSING

    def value(document: Any, variables: Document) -> Any:
        if name in variables:
            return read(variables[name])
        check(name in {"ROOT", "CURRENT"}, f"Use of undefined variable: {name:.100}", 17276)
        return read(document)

    return value


def _object(fields: dict[str, Value]) -> Value:
    def value(*given: Any) -> Document:
        found = ((name, each(*given)) for name, each in fields.items())
        return {name: each for name, each in found if each is not MISSING}

    return _folded(value, fields.values())


def _operation(source: Document, scope: Scope) -> Value:
    count, name = len(source), next(iter(source))
    check(count == 1, f"an expression must have one field. Found {count}: {shown(source)}", 15983)
    if name in _SPECIAL:
        return _SPECIAL[name](source[name], scope)
    if name in FIELDS:
        return _with_fields(name, source[name], scope)
    check(name in OPERATORS, unrecognized("expression", name, EXPRESSIONS), 168)
    operands = source[name] if type(source[name]) is list else [source[name]]
    items = [expression(each, scope) for each in operands]
    return _folded(_call(name, OPERATORS[name], items), items)


def _named(fields: dict[str, Value]) -> Value:
    return lambda *given: {name: each(*given) for name, each in fields.items()}


def _with_fields(name: str, operand: Any, scope: Scope) -> Value:
    function, required, optional = FIELDS[name]
    if name in PARTS and not (type(operand) is dict and "date" in operand):
        operand = {"date": operand[0] if type(operand) is list and len(operand) == 1 else operand}
    fields = options(name, operand, required, optional)
    compiled = {each: expression(value, scope) for each, value in fields.items()}
    operator = Operator("any", "1", function, nulls=0)
    return _folded(_call(name, operator, [_named(compiled)]), compiled.values())


_WITHOUT_RESULT: Final = {
    "$divide": ("can't $divide by zero", 16608),
    "$mod": ("can't $mod by zero", 16610),
    "$sqrt": ("$sqrt's argument must be greater than or equal to 0", 28714),
    "$ln": ("$ln's argument must be a positive number", 28766),
    "$log10": ("$log10's argument must be a positive number", 28761),
    "$log": ("$log's argument must be a positive number, and its base another one than 1", 28758),
    "$split": ("$split requires a non-empty separator", 40087),
}
"""MongoDB's errors for operands of the right type."""


def _call(name: str, called: Operator, values: Sequence[Value]) -> Value:
    least, most = called.counts[0], called.counts[-1]
    valid = int(least) <= len(values) and (most == "*" or len(values) <= int(most))
    error = f"Expression {name} takes exactly {called.counts} arguments"
    check(valid, f"{error}. {len(values)} were passed in.", 16020)
    function, holds, nulls = called.function, KINDS[called.kind], called.nulls
    pair = most == "2"  # MongoDB looks at two operands together, at more one after another

    def checked(operand: Any) -> Any:
        if not holds(operand):
            error = f"{name} only supports {called.kind} types, not {type_name(operand)}"
            raise OperationFailure(error, called.code)
        return operand

    def value(*given: Any) -> Any:
        found = (each(*given) for each in values)
        operands = []
        for place, operand in enumerate(list(found) if pair else found):
            if place < nulls and (operand is None or operand is MISSING):
                return None
            operands.append(operand if pair else checked(operand))
        try:
            return function(*map(checked, operands) if pair else operands)
        except (ArithmeticError, ValueError) as error:
            other = f"{name} has no result for these operands: {error}", 16608
            raise OperationFailure(*_WITHOUT_RESULT.get(name, other)) from None

    return value


_Collect = Callable[[list[Any], list[Any]], list[Any]]
"""From the elements and the results of the body for them to the operator's result."""

# Operators that do not evaluate all operands, or more than once -----------------------------------


def _cond(operand: Any, scope: Scope) -> Value:
    names = ("if", "then", "else")
    if type(operand) is list and len(operand) == len(names):
        operand = dict(zip(names, operand, strict=True))
    fields = options("$cond", operand, "if then else")
    test, yes, no = (expression(fields[each], scope) for each in names)
    return lambda *given: yes(*given) if truthy(test(*given)) else no(*given)


def _switch(operand: Any, scope: Scope) -> Value:
    fields = options("$switch", operand, "branches", "default")
    branches = fields["branches"]
    check(type(branches) is list and branches, "$switch requires at least one branch", 40068)
    pairs = [options("a branch of $switch", each, "case then") for each in branches]
    cases = [[expression(each[name], scope) for name in ("case", "then")] for each in pairs]
    default = expression(fields["default"], scope) if "default" in fields else None

    def value(*given: Any) -> Any:
        for case, then in cases:
            if truthy(case(*given)):
                return then(*given)
        if default is None:
            raise OperationFailure("$switch found no matching branch, and has no default", 40066)
        return default(*given)

    return value


def _if_null(operand: Any, scope: Scope) -> Value:
    valid = type(operand) is list and len(operand) == 2  # noqa: PLR2004
    check(valid, "Expression $ifNull takes exactly 2 arguments.", 16020)
    first, second = (expression(each, scope) for each in operand)
    return lambda *given: second(*given) if is_null(found := first(*given)) else found


def _logic(decide: Callable[[Iterator[bool]], bool], operand: Any, scope: Scope) -> Value:
    operands = operand if type(operand) is list else [operand]
    values = [expression(each, scope) for each in operands]
    return lambda *given: decide(truthy(each(*given)) for each in values)


def _let(operand: Any, scope: Scope) -> Value:
    fields = options("$let", operand, "vars in")
    given = needs(dict, "$let", fields["vars"], 16876)
    variables = _named({variable(name): expression(each, scope) for name, each in given.items()})
    inside = expression(fields["in"], scope)
    return lambda document, outer: inside(document, {**outer, **variables(document, outer)})


def _loop(name: str, body: str, collect: _Collect, operand: Any, scope: Scope) -> Value:
    """Return the function of an operator that evaluates a body for each element."""
    fields = options(name, operand, f"input {body}", "as")
    values, inside = expression(fields["input"], scope), expression(fields[body], scope)
    own = variable(fields.get("as", "this"))

    def value(document: Any, variables: Document) -> Any:
        found = values(document, variables)
        if is_null(found):
            return None
        scope.check()
        items = needs(list, name, found, 28651)
        bodies = [inside(document, {**variables, own: each}) for each in items]
        return collect(items, bodies)

    return value


def _reduce(operand: Any, scope: Scope) -> Value:
    fields = options("$reduce", operand, "input initialValue in")
    names = ("input", "initialValue", "in")
    values, initial, inside = (expression(fields[each], scope) for each in names)

    def value(document: Any, variables: Document) -> Any:
        found, result = values(document, variables), initial(document, variables)
        if is_null(found):
            return None
        for each in scope.watch(needs(list, "$reduce", found, 40080)):
            result = inside(document, {**variables, "this": each, "value": result})
        return result

    return value


_SPECIAL: Final[dict[str, Callable[[Any, Scope], Value]]] = {
    "$cond": _cond,
    "$switch": _switch,
    "$ifNull": _if_null,
    "$let": _let,
    "$map": partial(_loop, "$map", "in", lambda _, found: [or_null(each) for each in found]),
    "$and": partial(_logic, all),
    "$or": partial(_logic, any),
    "$filter": partial(
        _loop, "$filter", "cond", lambda items, found: [*compress(items, map(truthy, found))]
    ),
    "$reduce": _reduce,
    "$literal": lambda operand, _: _Constant(operand),
}
