"""Read Python sources by their syntax tree.

An expression has a list of possible values. What cannot be resolved is reported, never guessed.
"""

import ast
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from cloud_openapi.runtime.check._facts import Facts, Load, Mistake, Named, Opened
from cloud_openapi.runtime.check._python_paths import python_references
from cloud_openapi.runtime.check._python_values import Scope, Values

_Fact = TypeVar("_Fact", Named, Load)
_LONGEST = 120
# The variable or the expression is looked at in turn, or the value is only tested.
_GOES_ON = (
    *(ast.AnnAssign, ast.NamedExpr, ast.Expr, ast.If, ast.BoolOp, ast.IfExp, ast.Compare),
    *(ast.UnaryOp, ast.Tuple),
)
# Loading the function finds what is missing where such a condition holds.
_ELSEWHERE = re.compile(
    r"\bTYPE_CHECKING\b|\bsys\.(?:version|platform|implementation)|\b__name__\b"
)
_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception"}


def python_facts(name: str, source: str) -> Facts:
    """Return the facts of a Python file; ``name`` is relative to the function's folder."""
    try:
        tree = ast.parse(source)
        reader = _Reader(tree)
        paths = [
            Opened(line, 1, path, "cwd", text, module)
            for line, text, module, path in python_references(name, source)
        ]
    except SyntaxError as error:
        place = error.lineno or 1, max(error.offset or 1, 1)
        return Facts(mistake=Mistake(*place, error.msg, wrong=True))
    except ValueError as error:  # a NUL
        return Facts(mistake=Mistake(1, 1, str(error), wrong=True))
    except (RecursionError, MemoryError):
        return Facts(mistake=Mistake(1, 1, "it is nested too deeply", wrong=False))
    return Facts(
        calls=_placed(dict.fromkeys(reader.calls), source),
        unresolved=_placed(dict.fromkeys(reader.unresolved), source),
        modules=_placed(reader.modules, source),
        paths=tuple(paths),
    )


def _placed(found: Iterable[_Fact], source: str) -> tuple[_Fact, ...]:
    """Return facts whose columns count characters; those of the syntax tree count bytes."""
    if source.isascii():
        return tuple(found)
    lines = [line.encode() for line in source.split("\n")]
    return tuple(
        each._replace(column=len(lines[each.line - 1][: each.column - 1].decode()) + 1)
        for each in found
    )


class _Reader:
    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[Named] = []
        self.unresolved: list[Named] = []
        self.modules: list[Load] = []
        self._values = Values(tree)
        self._visit(tree, tree, self._values.top, guarded=False)

    def _visit(self, node: ast.AST, parent: ast.AST, scope: Scope, *, guarded: bool) -> None:
        scope = self._values.scope_of(node, scope)
        match node:
            case ast.Import(names=names):
                self.modules += [_load(node, alias.name, guarded) for alias in names]
            case ast.ImportFrom(module=module, level=level, names=names):
                self.modules += _loads_from(node, module or "", level, names, guarded)
            case ast.Call(func=function, args=args) if args and _is_import(function):
                values = self._values.of(args[0], scope)
                known = [each.name if each.kind == "text" else None for each in values]
                self.modules += [_load(node, name, guarded) for name in known]
        if isinstance(node, ast.Call):
            self._note(node.func, scope, called=True)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            is_read = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
            if is_read and not _is_consumed(node, parent):
                self._note(node, scope, called=False)
        for child in ast.iter_child_nodes(node):
            self._visit(child, node, scope, guarded=guarded or _guards(node, child))

    def _note(self, node: ast.expr, scope: Scope, *, called: bool) -> None:
        """Note a call, and a part of cloud.openapi that is used other than by a call."""
        for value in self._values.of(node, scope):
            # The call of a part without a name sets options.
            if value.kind == "api" and "." in value.name:
                self.calls.append(_at(node, value.name, value.sure))
            elif value.kind == "dynamic" or (value.kind == "api" and not called):
                self.unresolved.append(_at(node, _text(node), value.sure))


def _at(node: ast.expr, name: str, sure: bool) -> Named:  # noqa: FBT001 - as the fact has it
    return Named(node.lineno, node.col_offset + 1, name, sure)


def _text(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _is_consumed(node: ast.expr, parent: ast.AST) -> bool:
    """Return whether the parent goes on with a value, or only looks whether there is one."""
    match parent:
        case ast.Attribute(value=used) | ast.Subscript(value=used) if used is node:
            return True
        case ast.Call(func=used) if used is node:
            return True
        case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[used, *_]) if used is node:
            return True
        case ast.Assign(targets=targets):
            return all(isinstance(target, ast.Name) for target in targets)
    return isinstance(parent, _GOES_ON)


def _load(node: ast.stmt | ast.expr, name: str | None, guarded: bool) -> Load:  # noqa: FBT001
    return Load(node.lineno, node.col_offset + 1, name, guarded=guarded)


def _loads_from(
    node: ast.stmt,
    module: str,
    level: int,
    names: Sequence[ast.alias],
    guarded: bool,  # noqa: FBT001
) -> list[Load]:
    """Return the module and, since each name may be a module too, one in it for each name."""
    if not level:
        # The second ones are looked for among the function's own files alone.
        inner = [f"{module}.{alias.name}" for alias in names]
        return [_load(node, name, guarded) for name in (module, *inner)]
    path = "/".join([*[".."] * (level - 1), *filter(None, module.split("."))]) or "."
    inner = [f"{path}/{alias.name}" for alias in names]
    return [
        Load(node.lineno, node.col_offset + 1, None, each, guarded=guarded)
        for each in (path, *inner)
    ]


def _is_import(function: ast.expr) -> bool:
    return ast.unparse(function) in {"importlib.import_module", "import_module", "__import__"}


def _guards(node: ast.AST, child: ast.AST) -> bool:
    """Return whether a part of a statement may import what is missing, or may not run at all."""
    match node:
        case ast.Try(body=body):
            return child in body and _catches(node)
        case ast.If(test=test):
            return child is not test and bool(_ELSEWHERE.search(ast.unparse(test)))
        case ast.With(items=items):
            entered = [ast.unparse(item.context_expr) for item in items]
            return any(
                "suppress(" in text and name in text for text in entered for name in _IMPORT_ERRORS
            )
    return False


def _catches(node: ast.Try) -> bool:
    caught = [each.type for each in node.handlers]
    names = [ast.unparse(each) if each is not None else "Exception" for each in caught]
    return any(name in text for text in names for name in _IMPORT_ERRORS)
