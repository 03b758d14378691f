"""Split whole numbers so that the parts add up."""

from collections.abc import Sequence


def split(total: int, weights: Sequence[float]) -> list[int]:
    """Split a number by weights into whole parts that add up to it, by largest remainders.

    Where the weights are whole numbers that add up to no less than the total, no part is more
    than its weight.
    """
    whole = sum(weights)
    if not total or not whole:
        return [0] * len(weights)
    shares = [total * weight / whole for weight in weights]
    parts = [int(share) for share in shares]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - shares[i], i))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
