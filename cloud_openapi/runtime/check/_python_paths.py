"""The places of a Python source that lead out of the function's folder."""

import ast
import posixpath
from collections.abc import Iterator, Sequence
from typing import Any

from cloud_openapi.runtime._files import leads_out

# Functions that return, open or run the path of their first argument.
_OF_ARGUMENT = {"abspath", "realpath", "normpath", "fspath", "str", "open", "run_path"}
# Methods that return or open the path whose methods they are.
_OF_OBJECT = {"resolve", "absolute", "as_posix", "open", "read_text", "read_bytes"}
_MOST_PARENTS = 100


def python_references(name: str, source: str) -> Iterator[tuple[int, str, bool, str]]:
    """Yield line, source text, whether modules are loaded from there, and path of each such place.

    ``name``, which is the file's, is relative to the function's folder. Only paths that the source
    spells out are found.
    """
    paths = _Paths(name)
    try:
        nodes: list[Any] = [node for node in ast.walk(ast.parse(source)) if hasattr(node, "lineno")]
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            for path, module in paths.of(node):
                if leads_out(path):
                    yield node.lineno, ast.unparse(node), module, path
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # loading it fails too, and says more


class _Paths:
    """Evaluates the expressions of a file that are paths, relative to the function's folder."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._variables: dict[str, str | None] = {}

    def of(self, node: ast.AST) -> Iterator[tuple[str, bool]]:
        """Yield the paths that a node names, and whether modules are loaded from there."""
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                path = self._path(value)
                self._variables[name] = path if self._variables.get(name, path) == path else None
            case ast.ImportFrom(level=level, module=module) if level > 1:
                above = [".."] * min(level, _MOST_PARENTS)
                yield posixpath.join(self._name, *above, module or ""), True
            case ast.Call(func=ast.Attribute(attr=method) as function, args=[*_, value]):
                loads = method in {"addsitedir", "spec_from_file_location"}
                loads |= method in {"append", "insert", "extend"} and _is_sys_path(function.value)
                yield from self._listed(value) if loads else self._data(node)
            case (
                ast.AugAssign(target=target, value=value)
                | ast.Assign(targets=[ast.Subscript(value=target)], value=value)
                | ast.Assign(targets=[target], value=value)
            ) if _is_sys_path(target):
                yield from self._listed(value)
            case (
                ast.BinOp(op=ast.Add()) | ast.JoinedStr() | ast.Call(func=ast.Name(id="str"))
            ) if not (self._path(node) or "").startswith((self._name, "./")):
                return  # a text, unless it begins at the file or the working directory
            case ast.Call() | ast.BinOp() | ast.Subscript() | ast.JoinedStr():
                yield from self._data(node)
            case ast.Attribute(attr="parent"):
                yield from self._data(node)

    def _listed(self, value: ast.expr) -> Iterator[tuple[str, bool]]:
        if path := self._path(value):
            yield path, True
            return
        match value:
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                pass
            case ast.BinOp(left, ast.Add(), right):
                parts = [left, right]
            case _:
                parts = []
        for part in parts:
            yield from self._listed(part)

    def _data(self, node: ast.AST) -> Iterator[tuple[str, bool]]:
        if path := self._path(node):
            yield path, False

    def _path(self, node: ast.AST) -> str | None:  # noqa: PLR0911 - a case each
        """Return the path that an expression is, None if it is unknown."""
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name):
                return self._name if name == "__file__" else self._variables.get(name)
            case ast.Attribute(value=value, attr="parent"):
                return self._above(value, 1)
            case ast.Attribute(attr="pardir"):
                return ".."
            case ast.Subscript(ast.Attribute(value=value, attr="parents"), ast.Constant(int(last))):
                return self._above(value, last + 1)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self._joined([left, right])
            case ast.BinOp(left, ast.Add(), ast.Constant(str(text))) | ast.JoinedStr(
                [ast.FormattedValue(left), ast.Constant(str(text)), *_]
            ):
                path = self._path(left)
                return None if path is None else path + text
            case ast.Call(func=ast.Name(id=name)):
                return self._called(name, None, node.args)
            case ast.Call(func=ast.Attribute(value=value, attr=name)):
                return self._called(name, value, node.args)
        return None

    def _called(self, name: str, of: ast.expr | None, args: Sequence[ast.expr]) -> str | None:
        """Return the path that a call returns or opens, None if it is unknown."""
        if name in {"getcwd", "cwd"}:
            return "."
        if name == "joinpath" and of is not None:
            return self._joined([of, *args])
        if name in _OF_OBJECT and of is not None and (path := self._path(of)):
            return path
        if name == "dirname":
            return self._above(args[0], 1) if args else None
        if name in _OF_ARGUMENT:
            args = args[:1]
        elif name not in {"Path", "PurePath"} and not _is_path_join(name, of):
            args = []
        return self._joined(args)

    def _above(self, node: ast.AST, steps: int) -> str | None:
        path = self._path(node)
        return path and posixpath.join(path, *[".."] * min(steps, _MOST_PARENTS))

    def _joined(self, nodes: Sequence[ast.AST]) -> str | None:
        """Return the path of joined parts, up to the first part that is unknown."""
        path = self._path(nodes[0]) if nodes else None
        for node in nodes[1:]:
            part = self._path(node)
            if not path or part is None:
                break
            path = posixpath.join(path, part)
        return path


def _is_path_join(name: str, of: ast.expr | None) -> bool:
    # The method join of a text joins no paths.
    return name == "join" and not isinstance(of, ast.Constant)


def _is_sys_path(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
