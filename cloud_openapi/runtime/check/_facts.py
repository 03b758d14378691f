"""The facts of a source file that a check needs, whatever its language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Named(NamedTuple):
    """An API, an expression or a method of ``cloud`` at a place of the source.

    Without ``sure``, it is not certain that it belongs to cloud.openapi.
    """

    line: int
    column: int
    name: str
    sure: bool = True


class Load(NamedTuple):
    """A module that is loaded; ``name`` is None if it is computed.

    ``path`` is that of a file, relative to the file, or to the folder of the function if ``base``
    is ``cwd``. A ``guarded`` load stands in a try.
    """

    line: int
    column: int
    name: str | None
    path: str | None = None
    base: str = "file"
    guarded: bool = False
    builtin: bool = False


class Opened(NamedTuple):
    """A path that the source spells out; ``module`` tells whether a module is loaded from there."""

    line: int
    column: int
    path: str
    base: str
    text: str
    module: bool


class Mistake(NamedTuple):
    """Why a source could not be read; with ``wrong`` the language refuses it too."""

    line: int
    column: int
    message: str
    wrong: bool


@dataclass(frozen=True)
class Facts:
    """The calls, modules and files in a source."""

    calls: tuple[Named, ...] = ()
    unresolved: tuple[Named, ...] = ()
    features: tuple[Named, ...] = ()
    modules: tuple[Load, ...] = ()
    paths: tuple[Opened, ...] = ()
    mistake: Mistake | None = None

    @classmethod
    def of(cls, found: Mapping[str, Iterable[Mapping[str, Any]]]) -> "Facts":
        """Return facts from their JSON form."""
        calls, unresolved, features = (
            tuple(Named(**each) for each in found[key]) for key in _NAMED
        )
        return cls(
            calls,
            unresolved,
            features,
            modules=tuple(Load(**each) for each in found["modules"]),
            paths=tuple(Opened(**each) for each in found["paths"]),
        )


_NAMED = ("calls", "unresolved", "features")
