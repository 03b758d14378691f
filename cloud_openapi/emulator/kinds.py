"""What a value of JSON is, which Python knows by fewer types."""

from math import inf
from typing import TypeGuard


def is_number(value: object, least: float = -inf, most: float = inf) -> TypeGuard[float]:
    """Say whether it is a number between two, these included; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most


def is_whole(value: object, least: float = -inf, most: float = inf) -> TypeGuard[int]:
    """Say whether it is such a number, and an integer."""
    return isinstance(value, int) and is_number(value, least, most)


def is_text(value: object) -> TypeGuard[str]:
    """Say whether it is a text that has a form in UTF-8, as half a surrogate pair has not."""
    return isinstance(value, str) and value.encode("utf-8", "ignore").decode() == value
