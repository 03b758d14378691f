"""What a mini program may be set to, read and checked before anything is changed."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.state.cloud_run import Service, checked_service
from cloud_openapi.emulator.state.quota import checked_limits
from cloud_openapi.json_schema.values import is_integer, is_text

APP_SETTINGS: Final = (
    "secret",
    "ready_hour",
    "daily_limits",
    "minute_limits",
    "cloud_run",
    "seed",
)
_HOURS = 24
_APPID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AppSettings(NamedTuple):
    """Settings of a mini program; None leaves one as it is."""

    secret: str | None
    ready_hour: int | None
    daily_limits: Mapping[str, int | None]
    minute_limits: Mapping[str, int | None]
    cloud_run: Service | Literal[False] | None
    seed: int | None


def checked_app(appid: str, given: Mapping[str, Any], paths: Mapping[str, str]) -> AppSettings:
    """Return the settings of a mini program; ``paths`` leads from each name that has a limit.

    Raises ValueError, which says what is wrong and what is allowed.
    """
    if not isinstance(appid, str) or _APPID.fullmatch(appid) is None:
        raise InvalidInputError("an appid is 1 to 64 letters, digits, hyphens and underscores")
    unknown = [str(name) for name in given if name not in APP_SETTINGS]
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)}: a mini program has {', '.join(APP_SETTINGS)}"
        )
    secret, hour, daily, minutely, cloud_run, seed = map(given.get, APP_SETTINGS)
    if secret is not None and not (secret and is_text(secret)):
        raise InvalidInputError("secret is a text that is not empty, and has a form in UTF-8")
    return AppSettings(
        secret=secret,
        ready_hour=None if hour is None else checked_hour(hour),
        daily_limits=checked_limits("daily_limits", daily, paths),
        minute_limits=checked_limits("minute_limits", minutely, paths),
        cloud_run=None if cloud_run is None else checked_service(cloud_run) or False,
        seed=None if seed is None else checked_seed(seed),
    )


def app_settings(given: object) -> Mapping[str, Any]:
    """Return the settings that an emulator is made with: a secret alone, or several by name."""
    if isinstance(given, str):
        return {"secret": given}
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"a mini program is an object of {', '.join(APP_SETTINGS)}")
    return given


def checked_hour(hour: object) -> int:
    """Return the hour. Raises ValueError, unless it is a whole number from 0 to 24."""
    if not is_integer(hour, 0, _HOURS):
        raise InvalidInputError(f"ready_hour is a whole number from 0 to {_HOURS}, not {hour!r}")
    return hour


def checked_seed(seed: object) -> int:
    """Return the seed. Raises ValueError, unless it is a whole number."""
    if not is_integer(seed):
        raise InvalidInputError(f"seed is a whole number, not {seed!r}")
    return seed
