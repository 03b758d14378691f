"""Expressions and stages of MongoDB 4.2 that this engine does not have."""

from typing import Final

EXPRESSIONS: Final = frozenset(
    f"${name}"
    for name in (
        *("convert", "toBool", "toDate", "toDecimal", "toDouble", "toInt", "toLong"),
        *("toObjectId", "toString", "type", "trim", "ltrim", "rtrim", "round", "dateToParts"),
        *("regexFind", "regexFindAll", "regexMatch"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
        *("asinh", "acosh", "atanh", "degreesToRadians", "radiansToDegrees"),
    )
)
STAGES: Final = frozenset(
    f"${name}" for name in ("collStats", "indexStats", "merge", "out", "replaceWith", "unset")
)


def unrecognized(what: str, name: str, lacking: frozenset[str]) -> str:
    """Return MongoDB's error for an unknown name, or that only this engine does not know it."""
    if name in lacking:
        return f"{name} is not emulated: MongoDB 4.2 has it, and this engine does not"
    return f"Unrecognized {what} '{name:.100}'"
