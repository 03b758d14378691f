"""Split integers so that the parts add up."""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul, sub


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split a number by integer weights into integers that add up to it.

    Each part is its exact share, rounded up or down. If the sum of the weights is at least the
    total, each part is at most its weight.
    """
    until = list(accumulate(weights))
    whole = until[-1] if until else 0
    if not whole:
        return [0] * len(until)
    ends = [end * total // whole for end in until]
    return list(map(sub, ends, [0, *ends]))


def split_within(wholes: Sequence[int], weights: Sequence[int], places: Sequence[int]) -> list[int]:
    """Return weights of parts that add up to the weight of their whole.

    ``places`` has the index of each part's whole, in ascending order. `split` by the returned
    weights gives parts that add up to the parts of `split` by ``wholes``.
    """
    shared = []
    for place, whole in enumerate(wholes):
        own = [weight for weight, at in zip(weights, places, strict=True) if at == place]
        shared += split(whole, own)
    return shared


def split_making(total: int, weights: Sequence[int], making: int, each: Sequence[int]) -> list[int]:
    """Split a number as `split` does, but so that ``sum(part * each)`` is ``making``.

    If the sum is too large or too small, the same share of each part moves to the part whose
    ``each`` is one less or more. The parts must be large enough for that.
    """
    parts = split(total, weights)
    missing = making - sum(map(mul, parts, each))
    step = 1 if missing > 0 else -1
    places = {one: place for place, one in enumerate(each)}
    goals = [places.get(one + step) for one in each]
    movable = [0 if goal is None else part for goal, part in zip(goals, parts, strict=True)]
    for place, moved in enumerate(split(abs(missing), movable)):
        goal = goals[place]
        if goal is not None:
            parts[place] -= moved
            parts[goal] += moved
    return parts
