"""The possible values of expressions in a Python source: texts, ``cloud``, parts of its APIs."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

_PACKAGE = "cloud_openapi"
_MOST_VALUES = 16
_LONGEST_TEXT = 200
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Value(NamedTuple):
    """A possible value: a ``text``, the ``package``, ``cloud``, its ``class``, or an ``api``.

    An API is ``dynamic`` if a part of its name is not known. Without ``sure`` it may belong to
    something else that is called openapi.
    """

    kind: str
    name: str = ""
    sure: bool = True


_UNKNOWN = Value("unknown")
_CLOUD = Value("cloud")
_UNSURE = Value("api", sure=False)
_ATTRIBUTES = {
    ("package", "cloud"): _CLOUD,
    ("package", "Cloud"): Value("class"),
    ("cloud", "openapi"): Value("api"),
    ("unknown", "openapi"): _UNSURE,
}


class Expression(NamedTuple):
    """An expression that defines a variable, and the scope in which it is evaluated."""

    node: ast.expr
    scope: "Scope"


@dataclass(frozen=True, eq=False)
class Scope:
    """The variables of a module, a class or a function, with their definitions."""

    parent: "Scope | None"
    names: dict[str, list[Expression | Value]]
    is_class: bool = False

    def find(self, name: str) -> list[Expression | Value]:
        """Return the definitions of a variable, empty if it is not defined here."""
        scope: Scope | None = self
        while scope is not None:
            # A method does not see the names of its class.
            if name in scope.names and (scope is self or not scope.is_class):
                return scope.names[name]
            scope = scope.parent
        return []

    def define(self, name: str, value: Expression | Value) -> None:
        """Add a definition of a variable."""
        self.names.setdefault(name, []).append(value)


class Values:
    """Evaluates the expressions of a module."""

    def __init__(self, tree: ast.Module) -> None:
        self.top = Scope(None, {})
        self._scopes: dict[ast.AST, Scope] = {}
        self._known: dict[ast.expr, list[Value]] = {}
        self._declare(tree, self.top)

    def scope_of(self, node: ast.AST, outer: Scope) -> Scope:
        """Return the scope that a node opens, or the outer one."""
        return self._scopes.get(node, outer)

    def of(self, node: ast.expr, scope: Scope) -> list[Value]:
        """Return the possible values of an expression, one of them unknown if there are others."""
        if node not in self._known:
            self._known[node] = [_UNKNOWN]  # for a definition that uses itself
            found = list(dict.fromkeys(self._evaluate(node, scope)))
            self._known[node] = found if 0 < len(found) <= _MOST_VALUES else [_UNKNOWN]
        return self._known[node]

    # ---- definitions ----------------------------------------------------------------------

    def _declare(self, node: ast.AST, scope: Scope) -> None:
        for child in ast.iter_child_nodes(node):
            inner = scope
            if isinstance(child, _SCOPES):
                inner = self._scopes[child] = Scope(scope, {}, isinstance(child, ast.ClassDef))
                if not isinstance(child, ast.Lambda):
                    scope.define(child.name, _UNKNOWN)
            elif isinstance(child, (ast.Import, ast.ImportFrom)):
                _define_imported(child, scope)
            else:
                _define(child, inner)
            self._declare(child, inner)

    # ---- values ---------------------------------------------------------------------------

    def _evaluate(self, node: ast.expr, scope: Scope) -> Iterator[Value]:
        match node:
            case ast.Constant(value=str(text)):
                yield Value("text", text)
            case ast.Name(id=name):
                yield from (_named(name, value) for value in self._variable(name, scope))
            case ast.Attribute(value=inner, attr=name):
                for value in self.of(inner, scope):
                    yield _named(name, _attribute(value, name))
            case ast.Subscript(value=inner, slice=key):
                yield from self._items(inner, key, scope)
            case ast.Call(func=ast.Name(id="getattr"), args=[inner, key, *_]):
                yield from self._items(inner, key, scope)
            case ast.Call(func=function):
                yield from map(_called, self.of(function, scope))
            case ast.BinOp(op=ast.Add()) | ast.JoinedStr():
                yield from self._joined(node, scope)
            case _:
                for part in _alternatives(node):
                    yield from self.of(part, scope)

    def _variable(self, name: str, scope: Scope) -> Iterator[Value]:
        definitions = scope.find(name)
        for definition in definitions[:_MOST_VALUES]:
            if isinstance(definition, Value):
                yield definition
            else:
                yield from self.of(*definition)
        if not definitions:
            yield _UNKNOWN

    def _items(self, of: ast.expr, key: ast.expr, scope: Scope) -> Iterator[Value]:
        for value, part in product(self.of(of, scope), self.of(key, scope)):
            yield _attribute(value, part.name if part.kind == "text" else None)

    def _joined(self, node: ast.BinOp | ast.JoinedStr, scope: Scope) -> Iterator[Value]:
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) else node.values
        texts = [""]
        for part in parts:
            inner = part.value if isinstance(part, ast.FormattedValue) else part
            values = self.of(inner, scope)
            if any(each.kind != "text" for each in values):
                yield _UNKNOWN
                return
            texts = [text + each.name for text in texts for each in values]
            if len(texts) > _MOST_VALUES or any(len(text) > _LONGEST_TEXT for text in texts):
                yield _UNKNOWN
                return
        yield from (Value("text", text) for text in texts)


def _define(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                _bind(target, value, scope)
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            _bind(target, value, scope)
        case ast.For(target=target, iter=ast.List(elts=elements) | ast.Tuple(elts=elements)):
            for element in elements:
                _bind(target, element, scope)
        case ast.arg(arg=name):
            scope.define(name, _UNKNOWN)
        case ast.Name(id=name, ctx=ast.Store()) if name not in scope.names:
            scope.names[name] = []


def _define_imported(node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
    for alias in node.names:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            scope.define(name, _module(alias.name))
        else:
            module = _UNKNOWN if node.level else _module(node.module or "")
            scope.define(alias.asname or alias.name, _attribute(module, alias.name))


def _bind(target: ast.expr, value: ast.expr, scope: Scope) -> None:
    match target, value:
        case ast.Name(id=name), _:
            scope.define(name, Expression(value, scope))
        case (
            (ast.Tuple(elts=parts) | ast.List(elts=parts)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ) if len(parts) == len(values):
            for part, each in zip(parts, values, strict=True):
                _bind(part, each, scope)


def _alternatives(node: ast.expr) -> list[ast.expr]:
    """Return the expressions one of which is the value of a node."""
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            return [body, orelse]
        case ast.BoolOp(values=parts):
            return parts
        case ast.NamedExpr(value=inner):
            return [inner]
    return []


def _module(name: str) -> Value:
    return Value("package") if name.partition(".")[0] == _PACKAGE else _UNKNOWN


def _named(name: str, value: Value) -> Value:
    """Return cloud or openapi for a variable of this name whose value comes from elsewhere."""
    if value is not _UNKNOWN:
        return value
    return _CLOUD if name.lower().endswith("cloud") else _UNSURE if name == "openapi" else value


def _attribute(value: Value, name: str | None) -> Value:
    """Return an attribute or an item; the name None is not known."""
    if value.kind == "dynamic":
        return value
    if value.kind == "api":
        if name is None:
            return value._replace(kind="dynamic")
        return value._replace(name=f"{value.name}.{name}".lstrip("."))
    return _ATTRIBUTES.get((value.kind, name or ""), _UNKNOWN)


def _called(value: Value) -> Value:
    if value.kind == "api" and not value.name:
        return value  # with options
    return _CLOUD if value.kind == "class" else _UNKNOWN
