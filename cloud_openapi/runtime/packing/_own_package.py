"""The part of this package that a function needs: the modules that it imports, and theirs.

The deployed copy has no emulator, commands and charts, unless the function imports them.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from cloud_openapi.catalogue import pack
from cloud_openapi.runtime._settings import Settings

NAME = "cloud_openapi"
OLDEST = (3, 10)
"""The oldest Python that this package runs with."""

_MODULE = re.compile(rf"{NAME}(?:\.\w+)+")
_CATALOGUE = "catalogue"
# The transport's imports for `record`, which no function reaches.
_OF_COMMANDS = (f"{NAME}.recordings", f"{NAME}.transports.recording")
_PACKED = f"{_CATALOGUE}/entries.jsonl"


def uses_package(settings: Settings) -> bool:
    """Return whether a Python function imports this package."""
    return bool(imported_by(settings))


def has_package(settings: Settings) -> bool:
    """Return whether a function's folder has a copy of this package."""
    return (settings.folder / NAME / "__init__.py").is_file()


def imported_by(settings: Settings) -> set[str]:
    """Return the modules of this package that a function's sources import."""
    found: set[str] = set()
    for path in _sources(settings.folder):
        if path.is_file() and NAME.encode() in (source := path.read_bytes()):
            try:
                found.update(_imports(ast.parse(source)))
            except (SyntaxError, ValueError, RecursionError):
                continue  # check reports it
    return found


def package_files(modules: Iterable[str]) -> dict[str, Path | bytes]:
    """Return the files that modules of this package need, by their path in the package.

    The values are the files of the installed package, or their content. Names that are not modules
    are ignored.
    """
    root = Path(str(files(NAME)))
    found: dict[str, Path | bytes] = {}
    waiting = list(modules)
    without = () if any(name.startswith(_OF_COMMANDS) for name in waiting) else _OF_COMMANDS
    while waiting:
        name = waiting.pop()
        if without and name.startswith(without):
            continue
        waiting += [parent] if (parent := name.rpartition(".")[0]) else []
        path = _module(root, name)
        if path is None or (place := path.relative_to(root).as_posix()) in found:
            continue
        found[place] = path
        waiting += _imports(ast.parse(path.read_bytes()))
        if path.name == "__init__.py":
            found.update((each.relative_to(root).as_posix(), each) for each in _data(path.parent))
    if f"{_CATALOGUE}/__init__.py" in found:
        found[_PACKED] = pack()
    return dict(sorted(found.items()))


def _sources(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.py")
    for path in folder.glob("*/**/*.py"):
        if NAME not in path.relative_to(folder).parts:
            yield path


def _module(root: Path, name: str) -> Path | None:
    place = root.joinpath(*name.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _data(folder: Path) -> Iterator[Path]:
    """Yield the files of a package that are not modules, without those of packages in it.

    The entries of the catalogue are packed into one file.
    """
    for path in folder.iterdir():
        if path.is_dir():
            is_other = path.name == "__pycache__" or (path / "__init__.py").exists()
            if not is_other and folder.name != _CATALOGUE:
                yield from _data(path)
        elif path.suffix not in (".py", ".pyc"):
            yield path


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the names of this package's modules in a source, and names that may be modules."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and _is_for_types(node.test):
            yield from _imports(ast.Module(node.orelse, []))
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if _is_own(each.name))
        elif isinstance(node, ast.ImportFrom) and not node.level and _is_own(node.module or ""):
            yield str(node.module)
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # importlib.import_module takes the name as text.
            if _MODULE.fullmatch(node.value):
                yield node.value
        else:
            yield from _imports(node)


def _is_own(module: str) -> bool:
    return module.partition(".")[0] == NAME


def _is_for_types(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", "")) == "TYPE_CHECKING"
