"""Seeds, and the chance that follows from them: a stream of its own for each mini program."""

from hashlib import shake_256
from itertools import count
from typing import Literal, get_args

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.kinds import is_whole

Stream = Literal["token", "rid", "fault", "cloud_run"]


class Seeds:
    """The common seed, and those that mini programs have of their own.

    What is drawn for one mini program depends on its seed, its appid and how often it drew, and
    on nobody else. Safe to share between threads.
    """

    def __init__(self, seed: int) -> None:
        self.common = checked_seed(seed)
        self._own: dict[str, int] = {}
        # A count each, which only those who drew have: a generator would take 2 KB.
        self._drawn: dict[tuple[str | None, Stream], count[int]] = {}

    def of(self, appid: str | None) -> int:
        """Return the seed of a mini program, or of nobody known."""
        return self.common if appid is None else self._own.get(appid, self.common)

    def own(self, appid: str | None) -> int | None:
        """Return the seed that a mini program has of its own."""
        return None if appid is None else self._own.get(appid)

    def draw(self, appid: str | None, stream: Stream, size: int) -> bytes:
        """Return the next random bytes of a stream."""
        key = (appid, stream)
        number = next(self._drawn.get(key) or self._drawn.setdefault(key, count()))
        text = f"{self.of(appid)}/{appid or ''}/{stream}/{number}"
        return shake_256(text.encode()).digest(size)

    def set(self, appid: str, seed: int) -> None:
        """Give a mini program a seed of its own, and begin its streams anew."""
        self.forget(appid)
        self._own[appid] = seed

    def forget(self, appid: str | None) -> None:
        """Take a mini program's own seed back, and begin its streams anew."""
        if appid is not None:
            self._own.pop(appid, None)
        for stream in get_args(Stream):
            self._drawn.pop((appid, stream), None)

    def reseed(self, seed: int) -> None:
        """Change the common seed, and begin the streams that follow from it anew."""
        self.common = seed
        self._drawn = {
            key: drawn for key, drawn in self._drawn.copy().items() if key[0] in self._own
        }

    def reset(self, seed: int) -> None:
        """Begin anew from a seed, with no other."""
        self._own.clear()
        self.reseed(seed)


def checked_seed(seed: object) -> int:
    """Return the seed. Raises ValueError, unless it is a whole number."""
    if not is_whole(seed):
        raise InvalidInputError(f"seed is a whole number, not {seed!r}")
    return seed
