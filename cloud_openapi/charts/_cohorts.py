"""Cohorts: the users of a period, and how many of them came back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

Show = Literal["percent", "number"]


class Cohort(NamedTuple):
    """The users of one day, week or month, by the number of periods after which they came back.

    ``values`` has the users by ``key``, at key 0 all of them; ``missing`` says why a key has no
    value, and ``problem`` why no key has. ``short`` is the label where space is narrow. ``open``
    has the keys whose period is not over.
    """

    ref: str
    label: str
    values: Mapping[int, int]
    missing: Mapping[int, str] = {}
    problem: str = ""
    short: str = ""
    open: frozenset[int] = frozenset()

    def percent(self, key: int) -> float | None:
        """Return the share of the users that came back; None without a value or users."""
        users, value = self.values.get(0), self.values.get(key)
        return 100 * value / users if users and value is not None else None

    def shown(self, key: int, show: Show) -> float | None:
        """Return the percentage or the number at a key; key 0 is always a number."""
        return self.percent(key) if show == "percent" and key else self.values.get(key)


def average(cohorts: Iterable[Cohort], key: int, show: Show = "percent") -> float | None:
    """Return the share of all users together that came back, or the mean number of them."""
    values = [(one.values.get(0, 0), one.values[key]) for one in cohorts if key in one.values]
    if show == "number" or not key:
        return sum(value for _, value in values) / len(values) if values else None
    # A cohort without users has no share.
    having = [(users, value) for users, value in values if users]
    total = sum(users for users, _ in having)
    return 100 * sum(value for _, value in having) / total if total else None


def best_and_worst(
    cohorts: Sequence[Cohort], key: int, show: Show = "percent"
) -> tuple[Cohort, Cohort] | None:
    """Return the cohorts with the highest and lowest value at a key, None unless two differ."""
    shown = [(value, one) for one in cohorts if (value := one.shown(key, show)) is not None]
    if not shown:
        return None
    best = max(shown, key=lambda pair: pair[0])
    worst = min(shown, key=lambda pair: pair[0])
    return (best[1], worst[1]) if best[0] > worst[0] else None
