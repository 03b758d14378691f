"""Figures, their limits and the rounds that measure them."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent

Measure = Callable[[], float]


class NotMeasuredError(Exception):
    """The figure cannot be measured on this machine; the message gives the reason."""


class Effort(NamedTuple):
    """The number and length of the measurements."""

    rounds: int
    many: int
    """Rounds of noisy figures: process starts and small differences in CPU time."""
    calls: int
    seconds: float


USUAL = Effort(rounds=11, many=31, calls=300, seconds=0.4)
QUICK = Effort(rounds=5, many=11, calls=40, seconds=0.2)


class Samples(NamedTuple):
    """The results of the rounds; ``theirs`` is empty for a figure without a comparison."""

    ours: list[float]
    theirs: list[float]

    @property
    def measured(self) -> float:
        """Return the median ratio, or the median value without a comparison."""
        if not self.theirs:
            return median(self.ours)
        return median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))


class Limit(NamedTuple):
    """The upper or lower limit of a figure."""

    sign: Literal["<=", ">="]
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}{self.unit}"

    def judge(self, measured: float) -> str:
        """Return the measured value as text, marked "misses" if it misses the limit."""
        met = measured <= self.value if self.sign == "<=" else measured >= self.value
        return f"{measured:.3g}{self.unit}{'' if met else ' misses'}"


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    limit: Limit
    show: Callable[[float], str]
    measure: Callable[[Effort], Samples]

    def cells(self, effort: Effort) -> list[str]:
        """Measure the figure and return the cells of its line."""
        try:
            samples = self.measure(effort)
        except NotMeasuredError as missing:
            return [self.name, str(self.limit), f"not measured: {missing}", "", ""]
        medians = [self.show(median(side)) if side else "" for side in samples]
        return [self.name, str(self.limit), self.limit.judge(samples.measured), *medians]


def alternate(rounds: int, ours: Measure, theirs: Measure) -> Samples:
    """Measure ours and theirs in turn, after one uncounted round of each."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Samples([first for first, _ in pairs], [second for _, second in pairs])


def timed(call: Callable[[], Any], calls: int, clock: Measure) -> Measure:
    """Return a measure of the seconds of one call, by the given clock."""

    def measure() -> float:
        begun = clock()
        for _ in range(calls):
            answer = call()
        ended = clock()
        if "errcode" in answer:
            raise RuntimeError(f"The measured call returns an error: {answer}")
        return (ended - begun) / calls

    return measure


def fresh(*command: str) -> Measure:
    """Return a measure of the wall seconds of a whole run of a program."""

    def measure() -> float:
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    return measure


def milliseconds(value: float) -> str:
    """Format seconds as milliseconds."""
    return f"{value * 1000:.3f} ms"


def in_seconds(value: float) -> str:
    """Format seconds."""
    return f"{value:.3f} s"


def per_second(value: float) -> str:
    """Format a rate per second."""
    return f"{value:.0f}/s"


def print_row(name: str, *cells: str) -> None:
    """Print a line of a Markdown table and flush, because the next line takes a while."""
    print(f"| {name:<53} |", *(f"{cell:<12} |" for cell in cells), flush=True)
