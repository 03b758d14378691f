"""Wait for descriptors: in a thread of one's own, or in one that many calls share.

What invokes functions waits for their workers in plain code. In a thread of its own that blocks
the thread; in a `Fiber` it lets the other calls of the same thread go on.
"""

import time
from collections.abc import Callable, Mapping
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector, PollSelector
from threading import Event

from greenlet import getcurrent, greenlet

READ, WRITE = EVENT_READ, EVENT_WRITE
# How often a call that gave way looks for what another thread does.
_LOOK = 0.02


def wait(watched: Mapping[int, int], seconds: float) -> list[int]:
    """Return which descriptors are ready for what is wanted of them, READ or WRITE.

    There may be none after so many seconds. One whose other end is gone is ready.
    """
    current = getcurrent()
    if isinstance(current, Fiber):
        return current.pause(watched, seconds)
    # It needs no descriptor of its own, of which there may be none left.
    with PollSelector() as selector:
        for descriptor, event in watched.items():
            selector.register(descriptor, event)
        return [key.fd for key, _ in selector.select(seconds)]


def pause(seconds: float, ended: Event) -> None:
    """Wait for so many seconds, or until an event is set by another thread."""
    if not isinstance(getcurrent(), Fiber):
        ended.wait(seconds)
        return
    until = time.monotonic() + seconds
    while not ended.is_set() and (left := until - time.monotonic()) > 0:
        wait({}, min(left, _LOOK))


class Fiber(greenlet):
    """A call that gives way, where it waits, to the others of its thread."""

    def __init__(self, fibers: "Fibers", call: Callable[[], None]) -> None:
        super().__init__(call)
        self._fibers = fibers
        self.watched: Mapping[int, int] = {}
        self.until = 0.0

    def pause(self, watched: Mapping[int, int], seconds: float) -> list[int]:
        """Give way until a descriptor is ready or the time is over; return those that are."""
        self.watched, self.until = watched, time.monotonic() + seconds
        ready: list[int] = self._fibers.wait(self)
        return ready


class Fibers:
    """The calls of a loop's thread, which alone may use this.

    The loop polls `fileno` for at most `patience` seconds and then calls `resume`.
    """

    def __init__(self) -> None:
        self._selector = DefaultSelector()
        self._waiting: set[Fiber] = set()
        # epoll and kqueue have one; where there is neither, functions do not run anyway.
        self.fileno: int = self._selector.fileno()

    def run(self, call: Callable[[], None]) -> None:
        """Run a call until it waits or ends."""
        Fiber(self, call).switch()

    def wait(self, fiber: Fiber) -> list[int]:
        """Leave a fiber, which is the current one, until it is resumed."""
        for descriptor, event in fiber.watched.items():
            self._selector.register(descriptor, event, fiber)
        self._waiting.add(fiber)
        assert fiber.parent is not None  # noqa: S101 - it is the loop's
        try:
            ready: list[int] = fiber.parent.switch()
        finally:
            self._waiting.discard(fiber)
            for descriptor in fiber.watched:
                self._selector.unregister(descriptor)
        return ready

    def patience(self, most: float) -> float:
        """Return in how many seconds a call has waited for long enough."""
        if not self._waiting:
            return most
        return max(0.0, min(fiber.until for fiber in self._waiting) - time.monotonic())

    def resume(self) -> None:
        """Go on with the calls whose descriptors are ready or whose time is over."""
        if not self._waiting:
            return
        ready: dict[Fiber, list[int]] = {}
        for key, _ in self._selector.select(0):
            ready.setdefault(key.data, []).append(key.fd)
        now = time.monotonic()
        for fiber in [fiber for fiber in self._waiting if fiber in ready or fiber.until <= now]:
            fiber.switch(ready.get(fiber, []))

    def close(self) -> None:
        """End the calls that wait, as if they were interrupted."""
        for fiber in list(self._waiting):
            fiber.throw()
        self._selector.close()
