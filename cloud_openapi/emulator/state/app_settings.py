"""The settings of a mini program, checked before anything is changed."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from cloud_openapi.emulator.control_schemas import check_fields, checked_input, control_schemas
from cloud_openapi.emulator.errors import InvalidInputError, meant
from cloud_openapi.emulator.state.cloud_run import Service
from cloud_openapi.known_names import shortened

APP_SETTINGS: Final = tuple(control_schemas()["app"]["properties"])
_APPID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AppSettings(NamedTuple):
    """The settings of a mini program; None leaves a setting unchanged."""

    secret: str | None
    ready_hour: int | None
    daily_limits: Mapping[str, int | None]
    minute_limits: Mapping[str, int | None]
    cloud_run: Service | Literal[False] | None
    seed: int | None


def checked_app(appid: str, given: Mapping[str, Any], paths: Mapping[str, str]) -> AppSettings:
    """Return the settings of a mini program; ``paths`` has the path of each name with a limit.

    Raises InvalidInputError.
    """
    if not isinstance(appid, str) or _APPID.fullmatch(appid) is None:
        raise InvalidInputError("an appid is 1 to 64 letters, digits, hyphens and underscores")
    values = checked_input("app", given)
    cloud_run = values.get("cloud_run")
    return AppSettings(
        secret=values.get("secret"),
        ready_hour=values.get("ready_hour"),
        daily_limits=_by_path("daily_limits", values, paths),
        minute_limits=_by_path("minute_limits", values, paths),
        cloud_run=Service.of(cloud_run) if cloud_run else cloud_run,
        seed=values.get("seed"),
    )


def app_settings(given: object) -> Mapping[str, Any]:
    """Return the settings of a mini program that is given by its secret or by its settings."""
    if isinstance(given, str):
        return {"secret": given}
    if not isinstance(given, Mapping):
        raise InvalidInputError(f"a mini program is an object of {', '.join(APP_SETTINGS)}")
    return given


def checked_setting(name: str, value: Any) -> int:
    """Return a seed or an hour. Raises InvalidInputError."""
    check_fields("app", {name: value})
    return int(value)


def _by_path(
    name: str, values: Mapping[str, Any], paths: Mapping[str, str]
) -> dict[str, int | None]:
    limits = values.get(name, {})
    for api in limits:
        if api not in paths:
            raise InvalidInputError(
                f"{name}: {api!r} is not one of {shortened(paths)}{meant(api, paths)}"
            )
    return {paths[api]: limit for api, limit in limits.items()}
