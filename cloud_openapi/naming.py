"""Convert key names between WeChat's two spellings, as wx-server-sdk does.

The rule is the same in wx-server-sdk 0.5.1 to 4.0.2: it renames keys, at any depth, and only
ASCII letters in them.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

_UPPER = re.compile("[A-Z]")
_UNDERSCORE_LOWER = re.compile("_[a-z]")


@lru_cache(maxsize=1024)
def camel_to_snake(name: str) -> str:
    """Turn ``visitUvNew`` into ``visit_uv_new``; an initial capital gets no underscore."""
    return _UPPER.sub(lambda m: ("_" if m.start() else "") + m[0].lower(), name)


@lru_cache(maxsize=1024)
def snake_to_camel(name: str) -> str:
    """Turn ``visit_uv_new`` into ``visitUvNew``; only an underscore before a-z is removed."""
    return _UNDERSCORE_LOWER.sub(lambda m: m[0][1].upper(), name)


def to_snake_case(value: Any) -> Any:
    """Return a copy of a JSON value with the keys of its objects in snake_case."""
    return _convert(value, camel_to_snake)


def to_camel_case(value: Any) -> Any:
    """Return a copy of a JSON value with the keys of its objects in camelCase."""
    return _convert(value, snake_to_camel)


def _convert(value: Any, rename: Callable[[str], str]) -> Any:
    # As in the SDK, a string is renamed only if it is the whole value.
    return rename(value) if isinstance(value, str) else _convert_keys(value, rename)


def _convert_keys(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        same: dict[Any, Any] = {}
        renamed: dict[Any, Any] = {}
        for key, member in value.items():
            new = rename(key) if isinstance(key, str) else key
            (same if new == key else renamed)[new] = _convert_keys(member, rename)
        # A renamed key moves to the end, and overrides an existing key of that name.
        same.update(renamed)
        return same
    if isinstance(value, list | tuple):
        return [_convert_keys(item, rename) for item in value]
    return value
