"""The emulator's time, always Beijing's."""

from datetime import datetime

from cloud_openapi.periods import BEIJING

_YEARS = (1971, 9000)


class Clock:
    """The time of the machine, or one that stands still at a given moment.

    A moment without a zone is Beijing's. Raises ValueError for a year that nobody lives to see.
    """

    def __init__(self, frozen_at: datetime | None = None) -> None:
        if frozen_at is not None:
            if not _YEARS[0] <= frozen_at.year <= _YEARS[1]:
                raise ValueError(f"the year must lie between {_YEARS[0]} and {_YEARS[1]}")
            zoned = frozen_at if frozen_at.tzinfo else frozen_at.replace(tzinfo=BEIJING)
            frozen_at = zoned.astimezone(BEIJING)
        self.frozen_at = frozen_at

    def now(self) -> datetime:
        """Return the time as an aware datetime in Beijing."""
        return self.frozen_at or datetime.now(BEIJING)
