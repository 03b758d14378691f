"""Wait for file descriptors: by blocking the thread, or in a fiber that lets others run.

Code that invokes functions waits for their workers with `wait`. In an ordinary thread the call
blocks. In a `Fiber` of the server's loop, the loop's other fibers run meanwhile.
"""

from collections.abc import Callable, Mapping
from selectors import EVENT_READ, EVENT_WRITE, PollSelector
from threading import Event
from typing import Any

from greenlet import getcurrent, greenlet

from cloud_openapi import clocks

READ, WRITE = EVENT_READ, EVENT_WRITE
# How often a waiting fiber checks an event that another thread sets.
_EVENT_INTERVAL = 0.02


def wait(watched: Mapping[int, int], seconds: float) -> list[int]:
    """Return the descriptors that are ready; ``watched`` maps each to READ or WRITE.

    The list is empty after a timeout of ``seconds``. A descriptor whose other end is closed is
    ready.
    """
    current = getcurrent()
    if isinstance(current, Fiber):
        return current.wait(watched, seconds)
    # poll needs no descriptor of its own: it works when the process has none left.
    with PollSelector() as selector:
        for descriptor, event in watched.items():
            selector.register(descriptor, event)
        return [key.fd for key, _ in selector.select(seconds)]


def pause(seconds: float, ended: Event) -> None:
    """Wait for a number of seconds, or until another thread sets the event."""
    if not isinstance(getcurrent(), Fiber):
        ended.wait(seconds)
        return
    until = clocks.monotonic() + seconds
    while not ended.is_set() and (left := until - clocks.monotonic()) > 0:
        wait({}, min(left, _EVENT_INTERVAL))


class Fiber(greenlet):
    """A greenlet that runs calls, one after another. While its call waits, other fibers run."""

    def __init__(self, fibers: "Fibers") -> None:
        super().__init__(self._run_calls)
        self._fibers = fibers
        self.until = 0.0
        self.ready: set[int] = set()
        """The descriptors that the loop found ready."""

    def wait(self, watched: Mapping[int, int], seconds: float) -> list[int]:
        """Do what the function `wait` does."""
        self.until = clocks.monotonic() + seconds
        self._fibers.watch(self, watched)
        try:
            ready: list[int] = self._switch_to_loop()
        finally:
            self._fibers.unwatch(self, watched)
        return ready

    def _run_calls(self, call: Callable[[], None]) -> None:
        while True:
            call()
            del call  # it holds the request
            self._fibers.idle.append(self)
            call = self._switch_to_loop()

    def _switch_to_loop(self) -> Any:
        assert self.parent is not None  # noqa: S101 - the greenlet of the loop
        return self.parent.switch()


class _Watched:
    """A descriptor for which a fiber waits, with the methods of waitress's channels."""

    accepting = False

    def __init__(self, fiber: Fiber, descriptor: int, event: int) -> None:
        self._fiber = fiber
        self._descriptor = descriptor
        self._event = event

    def readable(self) -> bool:
        return self._event == READ

    def writable(self) -> bool:
        return self._event == WRITE

    def handle_read_event(self) -> None:
        """Note that the descriptor is ready: the loop resumes the fibers after all events."""
        self._fiber.ready.add(self._descriptor)

    # A closed pipe is ready, too.
    handle_write_event = handle_close = handle_expt_event = handle_read_event

    def close(self) -> None:
        """Do nothing: `Fibers.close` ends the fiber."""


class Fibers:
    """The fibers of one event loop; only the loop's thread may use this object.

    ``channels`` is waitress's map of the loop. The loop polls it for at most `timeout` seconds, and
    then calls `resume`. A selector of the fibers' own would cost four system calls for each wait.
    """

    def __init__(self, channels: dict[int, Any]) -> None:
        self._channels = channels
        self.watched = 0
        """The number of descriptors in the map for which fibers wait."""
        self._waiting: set[Fiber] = set()
        self.idle: list[Fiber] = []
        """Fibers whose call has ended, kept for the next one: a new stack is a system call."""

    def run(self, call: Callable[[], None]) -> None:
        """Run a call until it waits or ends."""
        fiber = self.idle.pop() if self.idle else Fiber(self)
        fiber.switch(call)

    def watch(self, fiber: Fiber, watched: Mapping[int, int]) -> None:
        """Resume a fiber, which waits now, when one of its descriptors is ready."""
        for descriptor, event in watched.items():
            self._channels[descriptor] = _Watched(fiber, descriptor, event)
        self.watched += len(watched)
        self._waiting.add(fiber)

    def unwatch(self, fiber: Fiber, watched: Mapping[int, int]) -> None:
        """Undo `watch`."""
        self._waiting.discard(fiber)
        fiber.ready.clear()
        self.watched -= len(watched)
        for descriptor in watched:
            del self._channels[descriptor]

    def timeout(self, most: float) -> float:
        """Return the seconds until the next fiber's time is over, at most ``most``."""
        if not self._waiting:
            return most
        return max(0.0, min(fiber.until for fiber in self._waiting) - clocks.monotonic())

    def resume(self) -> bool:
        """Resume the fibers that are ready or whose time is over; return whether there are any."""
        if not self._waiting:
            return False
        now = clocks.monotonic()
        resumed = [fiber for fiber in self._waiting if fiber.ready or fiber.until <= now]
        for fiber in resumed:
            fiber.switch(list(fiber.ready))
        return bool(resumed)

    def close(self) -> None:
        """End all fibers; GreenletExit is raised where a call waits."""
        for fiber in [*self._waiting, *self.idle]:
            fiber.throw()
