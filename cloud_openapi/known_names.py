"""Help in messages about a name that is not among the known ones."""

from collections.abc import Collection, Iterable
from itertools import islice

_MOST_COMPARED, _LONGEST_COMPARED = 1000, 200


def nearest(wrong: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name most like a wrong one, whatever its case; None if none is like it.

    A stranger may send any name: 200 characters of it are compared with 1,000 names at most.
    """
    # Only an error needs difflib, and importing it costs every start.
    from difflib import get_close_matches  # noqa: PLC0415

    folded = {name.lower(): name for name in islice(known, _MOST_COMPARED)}
    close = get_close_matches(wrong[:_LONGEST_COMPARED].lower(), folded, 1, cutoff)
    return folded[close[0]] if close else None


def shortened(names: Collection[str], most: int = 5) -> str:
    """Return the first names, and the number of further ones."""
    # A copy: another thread may add a name meanwhile.
    shown = ", ".join(list(names)[:most])
    more = len(names) - most
    return shown if more <= 0 else f"{shown} and {more:,} more"
