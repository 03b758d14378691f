"""Series of preferred numbers, to which $bucketAuto rounds its boundaries."""

import math
from collections.abc import Sequence
from typing import Any, Final

from cloud_openapi.documents._errors import check
from cloud_openapi.documents._numbers import is_number
from cloud_openapi.documents._operands import needs
from cloud_openapi.documents._values import type_name

# https://en.wikipedia.org/wiki/Preferred_number
_E192: Final = (
    *(100, 101, 102, 104, 105, 106, 107, 109, 110, 111, 113, 114, 115, 117, 118, 120, 121, 123),
    *(124, 126, 127, 129, 130, 132, 133, 135, 137, 138, 140, 142, 143, 145, 147, 149, 150, 152),
    *(154, 156, 158, 160, 162, 164, 165, 167, 169, 172, 174, 176, 178, 180, 182, 184, 187, 189),
    *(191, 193, 196, 198, 200, 203, 205, 208, 210, 213, 215, 218, 221, 223, 226, 229, 232, 234),
    *(237, 240, 243, 246, 249, 252, 255, 258, 261, 264, 267, 271, 274, 277, 280, 284, 287, 291),
    *(294, 298, 301, 305, 309, 312, 316, 320, 324, 328, 332, 336, 340, 344, 348, 352, 357, 361),
    *(365, 370, 374, 379, 383, 388, 392, 397, 402, 407, 412, 417, 422, 427, 432, 437, 442, 448),
    *(453, 459, 464, 470, 475, 481, 487, 493, 499, 505, 511, 517, 523, 530, 536, 542, 549, 556),
    *(562, 569, 576, 583, 590, 597, 604, 612, 619, 626, 634, 642, 649, 657, 665, 673, 681, 690),
    *(698, 706, 715, 723, 732, 741, 750, 759, 768, 777, 787, 796, 806, 816, 825, 835, 845, 856),
    *(866, 876, 887, 898, 909, 920, 931, 942, 953, 965, 976, 988),
)
_E24: Final = (
    *(10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30),
    *(33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91),
)
_R40: Final = (
    *(100, 106, 112, 118, 125, 132, 140, 150, 160, 170, 180, 190, 200, 212, 224, 236, 250, 265),
    *(280, 300, 315, 355, 375, 400, 425, 450, 475, 500, 530, 560, 600, 630, 670, 710, 750, 800),
    *(850, 900, 950),
)
_R80: Final = (
    *(103, 109, 115, 122, 128, 136, 145, 155, 165, 175, 185, 195, 206, 218, 230, 243, 258, 272),
    *(290, 307, 325, 345, 365, 387, 412, 437, 462, 487, 515, 545, 575, 615, 650, 690, 730, 775),
    *(825, 875, 925, 975),
)
_R20: Final = (
    *(100, 112, 125, 140, 160, 180, 200, 224, 250, 280),
    *(315, 355, 400, 450, 500, 560, 630, 710, 800, 900),
)
_SERIES: Final[dict[str, Sequence[int]]] = {
    "R5": (10, 16, 25, 40, 63),
    "R10": _R20[::2],
    "R20": _R20,
    "R40": _R40,
    "R80": _R80,
    "1-2-5": (10, 20, 50),
    "E6": _E24[::4],
    "E12": _E24[::2],
    "E24": _E24,
    "E48": _E192[::4],
    "E96": _E192[::2],
    "E192": _E192,
}
_LEAST, _MOST = 1e-300, 1e300
_LONGEST: Final = 63  # bits of a positive long


class Granularity:
    """Rounds numbers to a series: to the next number that is larger, or smaller; 0 stays 0."""

    def __init__(self, name: Any) -> None:
        """Take a name of MongoDB's. Raises OperationFailure."""
        known = needs(str, "granularity", name, 40261) in {*_SERIES, "POWERSOF2"}
        check(known, f"Unknown rounding granularity '{name:.100}'", 40257)
        self._series = _SERIES.get(name, ())

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
        if value == 0:
            return value
        if not self._series:
            return _power(_bits(value))
        return next(each for each in self._around(value) if each > value)

    def down(self, value: Any) -> Any:
        """Return the largest number of the series that is smaller."""
        if value == 0:
            return value
        if not self._series:
            exponent = _bits(value) - 1
            return _power(exponent - (value == _power(exponent)))
        return next(each for each in reversed(self._around(value)) if each < value)

    def _around(self, value: Any) -> list[float]:
        """Return the numbers of the decade of a value, the one before and the one after them."""
        first, scale = self._series[0], 1.0
        while value >= first * scale * 10:
            scale *= 10
        following = first * (scale * 10)
        while value < first * scale:
            following, scale = first * scale, scale / 10
        decade = [each * scale for each in self._series]
        return [self._series[-1] * (scale / 10), *decade, following]


def _bits(value: Any) -> int:
    """Return the exponent of the next larger power of two."""
    return value.bit_length() if type(value) is int else math.frexp(value)[1]


def _power(exponent: int) -> Any:
    return 2**exponent if 0 <= exponent < _LONGEST else 2.0**exponent
