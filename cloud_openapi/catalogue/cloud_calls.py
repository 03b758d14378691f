"""The names of the cloud calls that WeChat documents, and the one that a wrong name means."""

from functools import cache

from cloud_openapi.catalogue._loader import default_catalogue, documented_calls
from cloud_openapi.known_names import nearest

# The names of one namespace are more alike than a name and its misspelling.
_CLOSE = 0.85


@cache
def cloud_calls() -> frozenset[str]:
    """Return the name of every documented cloud call, also of those outside of the catalogue."""
    return documented_calls().union(default_catalogue())


def meant_call(name: str) -> str | None:
    """Return the cloud call that a wrong name means, None for a right or a strange name."""
    known = {call.lower(): call for call in sorted(cloud_calls())}
    if name in cloud_calls():
        return None
    folded = name.strip().lower().removeprefix("cloud.").removeprefix("openapi.")
    if folded in known:
        return known[folded]
    ends = [call for low, call in known.items() if low.endswith(f".{folded}")]
    if len(ends) == 1:
        return ends[0]
    return nearest(folded, known.values(), _CLOSE)
