"""Split whole numbers so that the parts add up."""

from collections.abc import Sequence
from itertools import accumulate
from operator import sub


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split a number by whole weights into whole parts that add up to it.

    Each part is its exact share, rounded up or down. So where the weights add up to no less than
    the total, no part is more than its weight.
    """
    until = list(accumulate(weights))
    if not until or not until[-1]:
        return [0] * len(until)
    ends = [end * total // until[-1] for end in until]
    return list(map(sub, ends, [0, *ends]))
