"""Split whole numbers so that the parts add up."""

from collections.abc import Sequence
from itertools import accumulate
from operator import mul, sub


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split a number by whole weights into whole parts that add up to it.

    Each part is its exact share, rounded up or down. So where the weights add up to no less than
    the total, no part is more than its weight.
    """
    until = list(accumulate(weights))
    whole = until[-1] if until else 0
    if not whole:
        return [0] * len(until)
    ends = [end * total // whole for end in until]
    return list(map(sub, ends, [0, *ends]))


def split_within(wholes: Sequence[int], weights: Sequence[int], places: Sequence[int]) -> list[int]:
    """Return such weights of parts that those of a whole add up to its own weight.

    Each part is of the whole at its place, in the order of the wholes. As `split` rounds only
    where a part ends, the parts of any number then add up to the wholes of that number.
    """
    shared = []
    for place, whole in enumerate(wholes):
        own = [weight for weight, at in zip(weights, places, strict=True) if at == place]
        shared += split(whole, own)
    return shared


def split_making(total: int, weights: Sequence[int], making: int, each: Sequence[int]) -> list[int]:
    """Split a number as `split` does, but so that the parts make another number.

    One of a part counts what `each` has for it. Where they would make too much or too little, the
    same share of every part goes to the one whose `each` is one less or more; these must be enough.
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
