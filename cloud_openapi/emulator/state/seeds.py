"""The seeds of a run, and the random streams that follow from them."""

from hashlib import shake_256
from itertools import count
from typing import Literal

Stream = Literal["token", "rid", "fault", "cloud_run", "made", "storage"]


class CommonSeed:
    """The seed of each mini program without its own seed."""

    def __init__(self, value: int) -> None:
        self.value = value


class RandomStreams:
    """The random streams of one mini program, or of unknown callers if ``appid`` is None.

    The bytes depend only on the seed, the appid and the number of earlier draws from the stream.
    Safe to share between threads.
    """

    def __init__(self, appid: str | None, common: CommonSeed) -> None:
        self._name = appid or ""
        self._common = common
        self.own_seed: int | None = None
        # A counter for each stream in use; a random generator would take 2 KB.
        self._drawn: dict[Stream, count[int]] = {}

    @property
    def seed(self) -> int:
        """Return the mini program's own seed, else the common one."""
        return self._common.value if self.own_seed is None else self.own_seed

    def draw(self, stream: Stream, size: int) -> bytes:
        """Return the next random bytes of a stream."""
        number = next(self._drawn.get(stream) or self._drawn.setdefault(stream, count()))
        text = f"{self.seed}/{self._name}/{stream}/{number}"
        return shake_256(text.encode()).digest(size)

    def restart(self) -> None:
        """Begin every stream again from the seed."""
        self._drawn = {}
