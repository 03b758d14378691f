"""How a figure is measured, and what is asked of it."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent

Measure = Callable[[], float]


class NotMeasuredError(Exception):
    """Something that a figure needs is missing; the text says what."""


class Effort(NamedTuple):
    """How often and how long to measure."""

    rounds: int
    many: int
    """Rounds of what other programs disturb most: starts, and loads of many threads."""
    calls: int
    seconds: float


USUAL = Effort(rounds=11, many=31, calls=300, seconds=0.4)
QUICK = Effort(rounds=5, many=11, calls=40, seconds=0.2)


class Samples(NamedTuple):
    """What the rounds gave; a figure that is compared with nothing has no ``theirs``."""

    ours: list[float]
    theirs: list[float]

    @property
    def measured(self) -> float:
        """Return the median ratio, or the median where there is nothing to compare with."""
        if not self.theirs:
            return median(self.ours)
        return median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))


class Limit(NamedTuple):
    """What is asked of a figure."""

    sign: Literal["<=", ">="]
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}{self.unit}"

    def judge(self, measured: float) -> str:
        """Return the measured value in words, with a mark if it misses the limit."""
        met = measured <= self.value if self.sign == "<=" else measured >= self.value
        return f"{measured:.3g}{self.unit}{'' if met else ' misses'}"


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    limit: Limit
    show: Callable[[float], str]
    measure: Callable[[Effort], Samples]

    def cells(self, effort: Effort) -> list[str]:
        """Measure, and return the line's cells."""
        try:
            samples = self.measure(effort)
        except NotMeasuredError as missing:
            return [self.name, str(self.limit), f"not measured: {missing}", "", ""]
        medians = [self.show(median(side)) if side else "" for side in samples]
        return [self.name, str(self.limit), self.limit.judge(samples.measured), *medians]


def alternate(rounds: int, ours: Measure, theirs: Measure) -> Samples:
    """Measure A B A B …, after one round of each that does not count."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Samples([first for first, _ in pairs], [second for _, second in pairs])


def timed(call: Callable[[], Any], calls: int, clock: Measure) -> Measure:
    """Return a measure of the seconds that one call takes."""

    def measure() -> float:
        begun = clock()
        for _ in range(calls):
            answer = call()
        ended = clock()
        if "errcode" in answer:
            raise RuntimeError(f"An error was measured: {answer}")
        return (ended - begun) / calls

    return measure


def fresh(*command: str) -> Measure:
    """Return a measure of the seconds that a program takes from its start to its end."""

    def measure() -> float:
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    return measure


def milliseconds(value: float) -> str:
    """Write seconds as milliseconds."""
    return f"{value * 1000:.3f} ms"


def in_seconds(value: float) -> str:
    """Write seconds."""
    return f"{value:.3f} s"


def per_second(value: float) -> str:
    """Write a rate."""
    return f"{value:.0f}/s"


def print_row(name: str, *cells: str) -> None:
    """Print a line of a Markdown table, at once: the next one takes a while."""
    print(f"| {name:<53} |", *(f"{cell:<12} |" for cell in cells), flush=True)
