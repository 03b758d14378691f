"""Numbers: integers of 64 bits and floats."""

from typing import Any, Final

INT32: Final = 2**31
INT64: Final = 2**63


def is_number(value: Any) -> bool:
    """Return whether a value is a number; a bool is not."""
    return type(value) is int or type(value) is float


def whole(value: Any) -> int | None:
    """Return a number without a fraction as int, None for any other value."""
    return int(value) if is_number(value) and value % 1 == 0 else None


def remainder(one: int, other: int) -> int:
    """Return the remainder with the sign of the first number, as in C."""
    found = abs(one) % abs(other)
    return found if one >= 0 else -found


def number(value: Any) -> Any:
    """Return a whole number of more than 64 bits as float."""
    return float(value) if type(value) is int and not -INT64 <= value < INT64 else value
