"""JSON paths, with ``[]`` for every item of an array where it does not matter which."""

import re
from collections.abc import Iterable

_NAME = re.compile(r"[^\W\d]\w*")
_LAST = re.compile(r"(\.\w+|\[\]|\['.*'\])$")
_INDEX = re.compile(r"\[\d+\]")


def path_of(parts: Iterable[str | int]) -> str:
    """Write a path as ``$.list[0].ref_date``; a name that is no word as ``['…']``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else member(part) for part in parts)


def member(name: str) -> str:
    """Write the last part of a path to a member of an object."""
    return f".{name}" if _NAME.fullmatch(name) else f"[{name!r}]"


def anywhere(path: str) -> str:
    """Write a path with ``[]`` in the place of each index."""
    return _INDEX.sub("[]", path)


def parent_of(path: str) -> str:
    """Return the path of what holds the last part of a path."""
    return _LAST.sub("", path)
