"""Python, the packages and the settings of this process."""

import os
import platform
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from cloud_openapi._version import __version__
from cloud_openapi.doctor._finding import Finding, fine, note, problem
from cloud_openapi.errors import ConfigError
from cloud_openapi.extras import install_command
from cloud_openapi.known_names import nearest
from cloud_openapi.transports import (
    Transport,
    TransportSettings,
    address_of,
    connect,
    credentials,
    settings_from_environment,
)

_PREFIX = "CLOUD_OPENAPI_"
_SETTINGS = {name.upper(): name for name in (*TransportSettings._fields, "config")}
_CLOSE = 0.85
_CORRECT = (
    "correct the variable or option; for an emulator, cloud-openapi serve prints the variables"
)
# As other SDKs and WeChat's own pages call them.
_OTHER_NAMES = {"APPSECRET": "SECRET", "WXAPPID": "APPID", "URL": "BASE_URL"}


def of_machine() -> Iterator[Finding]:
    """Yield the findings on Python, the packages of this package, and misspelt variables."""
    yield fine("python", f"Python {platform.python_version()}, cloud-openapi {__version__}")
    if find_spec("requests") is None:
        yield problem("packages", "requests is missing: no call is possible", install_command(""))
    if not _has_protobuf():
        text = "protobuf is missing: calls through the CloudBase gateway are not possible"
        yield note("packages", text, install_command("gateway"))
    for variable in sorted(os.environ):
        if variable.startswith(_PREFIX) and (meant := _meant(variable.removeprefix(_PREFIX))):
            text = f"the variable {variable} is not a setting"
            yield note("settings", text, f"did you mean {_PREFIX}{meant}?")
    config = os.environ.get(f"{_PREFIX}CONFIG")
    if config and not Path(config).is_file():
        text = f"the file {config} ({_PREFIX}CONFIG) is missing: each cloud call fails with -604101"
        yield problem("permissions", text, "correct the path, or unset the variable")


def read_settings(
    appid: str | None = None, base_url: str | None = None
) -> tuple[TransportSettings | None, list[Finding]]:
    """Return the settings of calls, None if they are invalid, and the findings on them."""
    try:
        settings = settings_from_environment(appid=appid, base_url=base_url)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            transport = connect(settings)
    except ConfigError as error:
        return None, [problem("settings", str(error), _CORRECT)]
    found = [
        problem("base URL", str(each.message), "set CLOUD_OPENAPI_BASE_URL to an https URL")
        for each in warned
    ]
    given = [_PREFIX + name for name in _SETTINGS if os.environ.get(_PREFIX + name)]
    by = f", by {', '.join(given)}" if given else ""
    if transport is not None:
        found.append(fine("settings", f"{_way(settings, transport)}{by}"))
    return settings, found


def _way(settings: TransportSettings, transport: Transport) -> str:
    if getattr(transport, "enforces_permissions", False):
        return "calls go through the CloudBase gateway"
    if settings.transport == "cloudrun":
        return "calls go by Cloud Run"
    return f"calls go to {address_of(settings)} as {credentials(settings)[0]}"


def _meant(name: str) -> str | None:
    """Return the setting that a variable's name resembles; None if it is one, or like none."""
    if name in _SETTINGS:
        return None
    bare = {each.replace("_", ""): each for each in _SETTINGS}
    squeezed = name.replace("_", "")
    return bare.get(squeezed) or _OTHER_NAMES.get(squeezed) or nearest(name, _SETTINGS, _CLOSE)


def _has_protobuf() -> bool:
    try:
        return find_spec("google.protobuf") is not None
    except ModuleNotFoundError:
        return False
