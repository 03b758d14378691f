"""How a refusal names what there is."""

from collections.abc import Collection

_SHOWN = 5


def some_of(names: Collection[str]) -> str:
    """Return the first few names, and how many more there are."""
    # All at once: another thread may add one meanwhile.
    shown = ", ".join(list(names)[:_SHOWN])
    more = len(names) - _SHOWN
    return shown if more <= 0 else f"{shown} and {more:,} more"
