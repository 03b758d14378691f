"""From which hour on the data of yesterday are there."""

from datetime import date, datetime, timedelta

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.kinds import is_whole

_HOURS = 24
_DAY = timedelta(days=1)


class Readiness:
    """The hour of each mini program, Beijing's; 0, the default, is at once and 24 not that day."""

    def __init__(self, hour: int = 0) -> None:
        self._default = checked_hour(hour)
        self._hours: dict[str, int] = {}

    def hour_of(self, appid: str) -> int:
        """Return the hour from which on yesterday's data are there."""
        return self._hours.get(appid, self._default)

    def set(self, appid: str, hour: int) -> None:
        """Set the hour of a mini program, 0 to 24. Raises ValueError."""
        self._hours[appid] = checked_hour(hour)

    def reset(self, appid: str | None = None) -> None:
        """Go back to the default, for one mini program or for all."""
        if appid is None:
            self._hours.clear()
        else:
            self._hours.pop(appid, None)

    def day_begun(self, appid: str, now: datetime) -> date:
        """Return the day whose predecessors are all counted: today, or yesterday until the hour."""
        today = now.date()
        return today if now.hour >= self.hour_of(appid) else today - _DAY


def checked_hour(hour: object) -> int:
    """Return the hour. Raises ValueError, unless it is a whole number from 0 to 24."""
    if not is_whole(hour, 0, _HOURS):
        raise InvalidInputError(f"ready_hour is a whole number from 0 to {_HOURS}, not {hour!r}")
    return hour
