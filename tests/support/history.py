"""A history's time, by the emulator's clock."""

from cloud_openapi.history import Clock


class EmulatorClock(Clock):
    """Waits by moving the emulator's clock."""

    def __init__(self, emulator):
        super().__init__(emulator.clock.now)
        self._emulator = emulator
        self.waited = []

    def seconds(self):
        return self.now().timestamp()

    def wait(self, seconds):
        self.waited.append(seconds)
        self._emulator.clock.advance(seconds + 0.001)
