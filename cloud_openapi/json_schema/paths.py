"""JSON paths; ``[]`` stands for every item of an array."""

import re
from collections.abc import Iterable

_NAME = re.compile(r"[^\W\d]\w*")
_LAST = re.compile(r"""(\.\w+|\[\]|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\])$""")
_INDEX = re.compile(r"\[\d+\]")


def path_of(parts: Iterable[str | int]) -> str:
    """Return a path such as ``$.list[0].ref_date``; other names than words are ``['…']``."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else member(part) for part in parts)


def member(name: str) -> str:
    """Return the last part of a path to a member of an object."""
    return f".{name}" if _NAME.fullmatch(name) else f"[{name!r}]"


def anywhere(path: str) -> str:
    """Return a path with ``[]`` instead of each index."""
    return _INDEX.sub("[]", path)


def parent_of(path: str) -> str:
    """Return the path of the object or array that contains a path."""
    return _LAST.sub("", path)
