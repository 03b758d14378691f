"""The options that make an emulator: --app, --seed, --now, --settings, --mode, …."""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import click

from cloud_openapi.cli._options import Choice, option
from cloud_openapi.demo import secret_for
from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.values import is_c_string
from cloud_openapi.json_text import read_json, reading_mistake
from cloud_openapi.mode import Mode
from cloud_openapi.periods import parse_now

if TYPE_CHECKING:
    from cloud_openapi.emulator import Emulator
    from cloud_openapi.transports import Transport

OPTIONS = ("app", "seed", "now", "settings")
_FILE_KEYS = ("seed", "apps")


class EmulatorOptions(NamedTuple):
    """The values of the options."""

    apps: tuple[tuple[str, str | None], ...]
    seed: int | None
    now: datetime | None
    settings: Path | None
    mode: Mode = "simulate"
    recordings: Path | None = None
    upstream: str | None = None
    by_api: bool = False
    data: Path | None = None
    database: str | None = None

    def emulator(self, functions: Path | None = None) -> "Emulator":
        """Return the emulator; its seeds stand beside the folder of the functions.

        Options override the settings file. Raises ConfigError.
        """
        from cloud_openapi.emulator import Clock, Emulator

        seed, apps = _read(self.settings) if self.settings else (0, {})
        for appid, secret in self.apps:
            apps[appid] = {**apps.get(appid, {}), **({"secret": secret} if secret else {})}
        if not all(
            is_c_string(f"{appid}{settings.get('secret')}") for appid, settings in apps.items()
        ):
            raise ConfigError(f"{self.settings or '--app'}: appids and secrets are text in UTF-8.")
        given = {
            appid: settings
            if settings.get("secret") is not None
            else {**settings, "secret": secret_for(appid)}
            for appid, settings in apps.items()
        }
        try:
            emulator = Emulator(
                seed=seed if self.seed is None else self.seed,
                clock=Clock(self.now),
                apps=given or None,
                mode=self.mode,
                recordings=self.recordings,
                upstream=self.upstream,
                upstream_app=_upstream_app(),
                by_api=self.by_api,
                seeds=None if functions is None else functions.absolute().parent,
                data=self.data,
                database=self.database,
            )
        except ValueError as error:
            place = "--mode" if self.mode != "simulate" else self.settings or "--app"
            reasons = "; ".join(str(error).splitlines())
            raise ConfigError(f"{place}: {reasons}.") from error
        _open_data(emulator)
        return emulator

    def warnings(self) -> Iterator[str]:
        """Yield warnings about probable mistakes."""
        if self.mode in ("replay", "spy") and self.recordings and not self.recordings.exists():
            yield f"--recordings: {self.recordings} is missing; --mode record makes recordings"


def transport_to(emulator: "Emulator") -> "Transport":
    """Return a transport into an emulator of this process, for its first mini program."""
    # Only calls need these, which import Flask and requests.
    from cloud_openapi.emulator import create_app
    from cloud_openapi.transports.https import HTTPSTransport
    from cloud_openapi.transports.wsgi import WSGIExchange

    app: Any = create_app(emulator)
    appid = emulator.first_appid
    return HTTPSTransport(WSGIExchange(app), appid, emulator.apps[appid])


def moment(text: str) -> datetime:
    """Parse a time on the command line; in Beijing time unless it has an offset."""
    from cloud_openapi.emulator import Clock

    try:
        parsed = parse_now(text)
    except ValueError:
        parsed = None
    if parsed is None:
        raise click.BadParameter(f"{text!r} is not a time such as 2017-03-14T10:00 or 2017-03-14")
    try:
        return Clock(parsed).now()
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}") from None


def emulator_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --app, --seed, --now and --settings; the command gets them as ``options``."""

    @wraps(command)
    def run(
        *arguments: Any,
        app: tuple[tuple[str, str | None], ...],
        seed: int | None,
        now: datetime | None,
        settings: Path | None,
        **given: Any,
    ) -> Any:
        options = EmulatorOptions(apps=app, seed=seed, now=now, settings=settings)
        return command(*arguments, options=options, **given)

    added: Callable[..., Any] = run
    for add in reversed(_OPTIONS):
        added = add(added)
    return added


def mode_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --mode and the options that belong to it, beside those of `emulator_options`."""

    @wraps(command)
    def run(
        *arguments: Any,
        mode: Mode,
        recordings: Path | None,
        upstream: str | None,
        by_api: bool,
        options: EmulatorOptions,
        **given: Any,
    ) -> Any:
        options = options._replace(
            mode=mode, recordings=recordings, upstream=upstream, by_api=by_api
        )
        return command(*arguments, options=options, **given)

    added: Callable[..., Any] = run
    for add in reversed(_MODE_OPTIONS):
        added = add(added)
    return emulator_options(added)


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --data and --database, above `emulator_options` or `mode_options`."""

    @wraps(command)
    def run(
        *arguments: Any,
        data: Path | None,
        database: str | None,
        options: EmulatorOptions,
        **given: Any,
    ) -> Any:
        options = options._replace(data=data, database=database)
        return command(*arguments, options=options, **given)

    return _DATA_OPTION(_DATABASE_OPTION(run))


def _open_data(emulator: "Emulator") -> None:
    try:
        emulator.open_data()
    except OSError as error:
        raise ConfigError(f"--data: {error.filename}: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(
            f"{'--data' if emulator.databases.server is None else '--database'}: {error}."
        ) from error


def _upstream_app() -> tuple[str, str] | None:
    """Return the mini program that calls the upstream; its secret is not an option."""
    appid, secret = map(os.environ.get, ("CLOUD_OPENAPI_APPID", "CLOUD_OPENAPI_SECRET"))
    return (appid, secret) if appid and secret else None


def _app(text: str) -> tuple[str, str | None]:
    appid, colon, secret = text.partition(":")
    if not appid or (colon and not secret):
        raise click.BadParameter(f"{text!r} is not APPID or APPID:SECRET")
    return appid, secret or None


_OPTIONS = (
    option(
        "--app",
        type=_app,
        multiple=True,
        metavar="APPID[:SECRET]",
        help="A mini program of the emulator, in place of the demo one; may be repeated.",
    ),
    option(
        "--seed",
        type=int,
        metavar="INTEGER",
        help="The seed of all simulated numbers.  [default: 0]",
    ),
    option(
        "--now",
        type=moment,
        metavar="TIME",
        help="Freeze the emulator's clock at this time.",
    ),
    option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help='JSON: {"seed": 0, "apps": {"APPID": {"secret", "ready_hour", …}}}.',
    ),
)

# Other commands take an event or parameters by --data, and its variable.
_DATA_OPTION = click.option(
    "--data",
    envvar="CLOUD_OPENAPI_DATA_DIR",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep cloud database and storage in this folder between runs.  [default: until the end]",
)
_DATABASE_OPTION = option(
    "--database",
    metavar="URL",
    help="A MongoDB server that has the cloud database, such as mongodb://localhost.  "
    "[default: this process]",
)


_MODE_OPTIONS = (
    option(
        "--mode",
        type=Choice(get_args(Mode)),
        default="simulate",
        show_default=True,
        help="The source of answers: simulation, recordings, upstream.",
    ),
    option(
        "--recordings",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="The folder of the recordings, for replay, spy and record.",
    ),
    option(
        "--by-api",
        is_flag=True,
        help="For a request that was not recorded, use another recording of its API.",
    ),
    option(
        "--upstream",
        metavar="URL",
        help="The service for record and diff, called with CLOUD_OPENAPI_APPID and _SECRET; "
        "WeChat by default.",
    ),
)


def _read(file: Path) -> tuple[int, dict[str, Any]]:
    """Return the seed and the mini programs of a settings file. Raises ConfigError."""
    try:
        content = read_json(file.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file}: not JSON: {reading_mistake(error)}.") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: must be a JSON object of {', '.join(_FILE_KEYS)}.")
    for name in content:
        if name not in _FILE_KEYS:
            raise ConfigError(f"{file}: unknown key {name}; the keys are {', '.join(_FILE_KEYS)}.")
    apps = content.get("apps", {})
    if not isinstance(apps, Mapping):
        raise ConfigError(f'{file}: apps must be an object such as {{"wx1": {{"ready_hour": 9}}}}.')
    for appid, settings in apps.items():
        if not isinstance(settings, Mapping):
            raise ConfigError(
                f'{file}: apps: {appid} must be an object such as {{"ready_hour": 9}}.'
            )
    return content.get("seed", 0), dict(apps)
