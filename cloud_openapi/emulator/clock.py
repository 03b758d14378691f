"""The emulator's time, always Beijing's."""

from datetime import datetime

from cloud_openapi.periods import BEIJING


class Clock:
    """The time of the machine, or one that stands still at a given moment."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self.frozen_at = frozen_at.astimezone(BEIJING) if frozen_at else None

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return self.frozen_at or datetime.now(BEIJING)
