"""Which calls are shown, and which are only counted because too many come at once."""

from collections import Counter
from collections.abc import Iterator

from cloud_openapi.cli._live_lines import Kind, Shown

_SECONDS = 1.0
# Calls shown in a second, and failures: those of one kind, and all.
_MOST_GOOD, _MOST_ALIKE, _MOST_FAILED = 40, 3, 40
_MOST_KINDS = 10


class Window:
    """A second of calls. After it, `close` tells how many calls were not shown."""

    def __init__(self) -> None:
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._end = now + _SECONDS
        self._good = self._failed = 0
        self._seen: Counter[Kind] = Counter()
        self._hidden: Counter[Kind] = Counter()
        self._good_hidden = self._others_hidden = 0

    @property
    def end(self) -> float | None:
        """Return when to tell the number of hidden calls, None if there are none."""
        hides = self._good_hidden or self._others_hidden or self._hidden
        return self._end if hides else None

    def is_over(self, now: float) -> bool:
        """Return whether the second has passed."""
        return now >= self._end

    def takes(self, call: Shown) -> bool:
        """Return whether to show a call; count it if not."""
        return self._takes_good() if call.good else self._takes_failed(call)

    def count(self, good: int, failed: int) -> None:
        """Count calls that were not even formatted."""
        self._good_hidden += good
        self._others_hidden += failed

    def close(self, now: float) -> Iterator[str]:
        """Begin the next second, and yield what was not shown."""
        good, kinds, others = self._good_hidden, self._hidden, self._others_hidden
        self._begin(now)
        failed = kinds.total() + others
        if failed:
            yield f"{good + failed:,} more calls, {failed:,} of them failed:"
            most = kinds.most_common(_MOST_KINDS)
            for (name, status), number in most:
                yield f"{number:,} more {name} {status}"
            rest = failed - sum(number for _, number in most)
            if rest and most:
                yield f"{rest:,} others"
        elif good:
            yield f"{good:,} more {'calls, all ok' if good > 1 else 'call, ok'}"

    def _takes_good(self) -> bool:
        takes = self._good < _MOST_GOOD
        self._good += takes
        self._good_hidden += not takes
        return takes

    def _takes_failed(self, call: Shown) -> bool:
        self._seen[call.kind] += 1
        takes = self._seen[call.kind] <= _MOST_ALIKE and self._failed < _MOST_FAILED
        self._failed += takes
        if not takes:
            self._hidden[call.kind] += 1
        return takes
