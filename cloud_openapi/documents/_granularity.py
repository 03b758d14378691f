"""Series of preferred numbers, to which $bucketAuto rounds its boundaries."""

import math
from collections.abc import Sequence
from typing import Any, Final

from cloud_openapi.documents._errors import check
from cloud_openapi.documents._numbers import is_number
from cloud_openapi.documents._operands import needs
from cloud_openapi.documents._values import type_name

_LEAST, _MOST = 1e-300, 1e300
_LONGEST: Final = 63  # bits of a positive long


def _integers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


# https://en.wikipedia.org/wiki/Preferred_number
_R20: Final = _integers(
    "100 112 125 140 160 180 200 224 250 280 315 355 400 450 500 560 630 710 800 900"
)
_E24: Final = _integers("10 11 12 13 15 16 18 20 22 24 27 30 33 36 39 43 47 51 56 62 68 75 82 91")
_RULE: Final = [round(100 * 10 ** (n / 192)) for n in range(192)]
_E192: Final = [{919: 920}.get(each, each) for each in _RULE]  # the standard's only exception
_SERIES: Final[dict[str, Sequence[int]]] = {
    "R5": (10, 16, 25, 40, 63),
    "R10": _R20[::2],
    "R20": _R20,
    "R40": _integers(
        "100 106 112 118 125 132 140 150 160 170 180 190 200 212 224 236 250 265 280 300"
        " 315 355 375 400 425 450 475 500 530 560 600 630 670 710 750 800 850 900 950"
    ),
    "R80": _integers(
        "103 109 115 122 128 136 145 155 165 175 185 195 206 218 230 243 258 272 290 307"
        " 325 345 365 387 412 437 462 487 515 545 575 615 650 690 730 775 825 875 925 975"
    ),
    "1-2-5": (10, 20, 50),
    "E6": _E24[::4],
    "E12": _E24[::2],
    "E24": _E24,
    "E48": _E192[::4],
    "E96": _E192[::2],
    "E192": _E192,
    "POWERSOF2": (),
}


class Granularity:
    """Rounds numbers to a series: to the next number that is larger, or smaller; 0 stays 0."""

    def __init__(self, name: Any) -> None:
        """Take a name of MongoDB's. Raises OperationFailure."""
        known = needs(str, "granularity", name, 40261) in _SERIES
        check(known, f"Unknown rounding granularity '{name:.100}'", 40257)
        self._series = _SERIES[name]

    def checked(self, value: Any) -> Any:
        """Return a number that can be rounded. Raises OperationFailure."""
        only = "$bucketAuto can specify a 'granularity' with"
        check(is_number(value), f"{only} numeric boundaries only, not {type_name(value)}", 40258)
        check(not math.isnan(value), f"{only} numeric boundaries only, not NaN", 40259)
        check(value >= 0, f"{only} non-negative numbers only", 40260)
        in_range = value == 0 or _LEAST <= value <= _MOST
        check(in_range, f"{only} numbers from {_LEAST} to {_MOST} only", 40260)
        return value

    def up(self, value: Any) -> Any:
        """Return the smallest number of the series that is larger."""
        return value and next(each for each in self._around(value) if each > value)

    def down(self, value: Any) -> Any:
        """Return the largest number of the series that is smaller."""
        return value and next(each for each in reversed(self._around(value)) if each < value)

    def _around(self, value: Any) -> list[Any]:
        """Return the numbers of the decade of a value, the one before and the one after them."""
        if not self._series:
            bits = value.bit_length() if type(value) is int else math.frexp(value)[1]
            return [_power(bits - 2), _power(bits - 1), _power(bits)]
        first, scale = self._series[0], 1.0
        while value >= first * scale * 10:
            scale *= 10
        following = first * (scale * 10)
        while value < first * scale:
            following, scale = first * scale, scale / 10
        decade = [each * scale for each in self._series]
        return [self._series[-1] * (scale / 10), *decade, following]


def _power(exponent: int) -> Any:
    return 2**exponent if 0 <= exponent < _LONGEST else 2.0**exponent
