"""Scales with round numbers."""

from collections.abc import Iterable
from math import ceil, floor, log10
from typing import NamedTuple

_TINY = 1e-9
_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


class Scale(NamedTuple):
    """Equal steps between two round numbers, which hold all values."""

    low: float
    step: float
    steps: int

    @property
    def high(self) -> float:
        """Return the upper end."""
        return self.low + self.step * self.steps

    @property
    def ticks(self) -> list[float]:
        """Return the ends of the steps, lowest first."""
        return [float(f"{self.low + self.step * n:.12g}") for n in range(self.steps + 1)]

    def place(self, value: float) -> int:
        """Return the step, from 0, that holds a value."""
        return max(0, min(self.steps - 1, floor((value - self.low) / self.step)))


def scale_of(values: Iterable[float], most: int, *, from_zero: bool = False) -> Scale:
    """Return a scale of at most so many steps for some values."""
    found = list(values) or [0.0]
    low = 0.0 if from_zero else min(found)
    high = max(*found, low)
    if high == low:
        high = low + 1
    for step in _round_steps((high - low) / most):
        first = floor(low / step) * step
        steps = ceil((high - first) / step - _TINY)
        if steps <= most:
            return Scale(first, step, steps)
    raise AssertionError("a step that is large enough holds all values")


def _round_steps(least: float) -> Iterable[float]:
    power = 10.0 ** floor(log10(least))
    for more in (1, 10):
        yield from (each * power * more for each in _ROUND)
