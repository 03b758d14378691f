"""The command history: fill a store, look at it, and write it to files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

import click

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.cli._emulator_options import moment
from cloud_openapi.cli._history_text import DEFAULT_STORE, say_launch, sync_command
from cloud_openapi.cli._options import Decorator, day, echo_json, json_value, option
from cloud_openapi.cli._terminal import (
    columns,
    has_colours,
    is_drawn,
    progress,
    table,
    table_width,
)
from cloud_openapi.errors import CloudSDKError, ConfigError, advice, one_line
from cloud_openapi.json_text import json_text, read_json, reading_mistake
from cloud_openapi.periods import LAUNCH, beijing_now

if TYPE_CHECKING:
    from cloud_openapi.history import Failure, Progress, Status, Window

_MOST_SHOWN: Final = 10
# Shorter pauses are over before a line about them is read.
_SECONDS_SAID: Final = 5
# Quotas and unready data: the next run goes on, and nobody has to do anything.
_WAITING: Final = frozenset({-1, 45009, 45011, 61503, 61504})


def _dated() -> list[str]:
    outlines = default_catalogue().outlines
    return [name for name, outline in outlines.items() if outline.simulated]


def _complete(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in _dated() if name.startswith(incomplete)]


def _options(*added: Decorator) -> Decorator:
    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for each in reversed(added):
            command = each(command)
        return command

    return add


_api = click.argument("api", shell_complete=_complete)
_store = option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    metavar="PATH|URL",
    help="A SQLite file, or a URL of SQLAlchemy's such as postgresql+psycopg2://USER@HOST/NAME.",
)
_app = option("--app", metavar="APPID", multiple=True, help="Only this mini program; repeatable.")
_range = _options(
    option("--from", "begin", type=day, metavar="DAY", help="The first day, such as 2026-03-01."),
    option("--to", "end", type=day, metavar="DAY", help="The last day; by default the newest."),
)
_series = _options(
    option("--days", default=1, show_default=True, help="The days of a window of a portrait."),
    option(
        "--params", type=json_value, metavar="JSON", help="Further parameters of each call, if any."
    ),
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def history() -> None:
    """Keep the answers of a range of days, weeks or months in a database.

    A sync asks for what the database lacks, and again for an answer when it can have a further key.
    """


@history.command()
@click.argument("apis", nargs=-1, metavar="[API]...", shell_complete=_complete)
@option("--all", "every", is_flag=True, help="Every API that needs no further parameters.")
@_range
@_series
@_store
@option(
    "--apps",
    type=click.File("rb"),
    help='A JSON file of mini programs, {"appid": "secret"}; - is stdin.',
)
@option("--shard", metavar="I/N", help="Only the i-th of n parts of the mini programs.")
@option("--base-url", help="The server to call.")
@option("--appid", help="The mini program to call for; the secret is CLOUD_OPENAPI_SECRET.")
@option("--at-once", default=16, show_default=True, help="The number of calls in flight.")
@option("--rate", type=float, help="The most calls a second.")
@option(
    "--patience",
    default=600,
    type=float,
    show_default=True,
    help="The seconds for which calls that may succeed later are repeated.",
)
@option("--oldest-first", is_flag=True, help="Ask for the oldest windows first.")
@option("--final", is_flag=True, help="Ask for a window once, when it can have all its keys.")
@click.option("--demo", is_flag=True, help="Call an emulator in this process, and nothing else.")
@option("--seed", type=int, help="The seed of that emulator's numbers.")
@option("--now", type=moment, metavar="TIME", help="The time, in Beijing if it has no offset.")
@_json
def sync(
    apis: tuple[str, ...],
    every: bool,  # noqa: FBT001
    days: int,
    params: Any,
    as_json: bool,  # noqa: FBT001
    **given: Any,
) -> None:
    """Bring the store up to date: ask for what it lacks and for keys that can exist by now.

    Without --from, the last 62 days: every window in them may still get a key. Run it once a day or
    more often; what is complete costs no call. The exit code is 0 if nothing remains but windows
    whose data are not ready or whose quota is used up.
    """
    from cloud_openapi import history as kept

    if not apis and not every:
        raise click.UsageError(f"name an API, such as {_dated()[0]}, or give --all")
    names = [*apis, *(_without_parameters() if every else ())]
    series = [kept.Series(name, params, days if name in apis else 1) for name in names]
    say_launch(given["begin"], given["end"])
    given["apps"] = None if given["apps"] is None else _apps(given["apps"].read())
    with ExitStack() as stack:
        bar = _Bar(stack)
        try:
            done = kept.sync(
                series,
                given.pop("begin"),
                given.pop("end"),
                newest_first=not given.pop("oldest_first"),
                final_only=given.pop("final"),
                on_progress=bar.show,
                on_pause=_say_pause,
                **_service(given),
            )
        except KeyboardInterrupt:
            stack.close()
            if bar.state is not None:
                click.echo(_left(bar.state), err=True)
            raise
    _report(done, as_json=as_json)


def _left(state: "Progress") -> str:
    """Return what an interrupted sync leaves to the next one."""
    complete = state.total - state.remaining
    return f"{complete:,} of {state.total:,} windows are complete; the next sync goes on."


def _say_pause(seconds: float, reason: CloudSDKError) -> None:
    """Say why nothing happens, and for how long."""
    if seconds >= _SECONDS_SAID:
        text = advice(reason.errCode) or one_line(reason.errMsg)
        click.echo(f"The next call comes in {seconds:,.0f} s: {reason.errCode} {text}", err=True)


def _without_parameters() -> list[str]:
    """Return the APIs that need the ends of a period and nothing else."""
    catalogue = default_catalogue()
    found = []
    for name in _dated():
        operation = catalogue[name]
        rule, request = operation.rules[0], operation.schema("https", "request")
        if set(request["required"]) <= {rule.begin, rule.end}:
            found.append(name)
    return found


def _apps(content: bytes) -> dict[str, str]:
    """Return the mini programs of a file. Raises ConfigError, without the secrets."""
    try:
        found = read_json(content.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--apps: not JSON in UTF-8: {reading_mistake(error)}") from None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise ConfigError('--apps: a JSON object of appids and secrets, {"appid": "secret"}')
    return found


def _service(given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the service, or of an emulator in this process."""
    from cloud_openapi.history import Clock
    from cloud_openapi.transports import settings_from_environment

    emulated, seed, now = (given.pop(name) for name in ("demo", "seed", "now"))
    if now is not None:
        given["clock"] = Clock(lambda: now)
    if not emulated:
        found = settings_from_environment(base_url=given["base_url"], appid=given["appid"])
        if not (found.base_url or found.appid or given["apps"]):
            raise ConfigError(
                "no service to call: set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET, or "
                "CLOUD_OPENAPI_BASE_URL to a running emulator's URL, or give --demo"
            )
        return given
    from cloud_openapi.emulator import Clock as EmulatorClock
    from cloud_openapi.emulator import Emulator, create_app
    from cloud_openapi.transports.wsgi import WSGIExchange

    emulator = Emulator(seed=seed or 0, clock=EmulatorClock(now), apps=given["apps"])
    app: Any = create_app(emulator)
    address = {"base_url": "http://127.0.0.1", "exchange": WSGIExchange(app)}
    return {**given, **address, "apps": emulator.apps}


class _Bar:
    """Progress of a sync: its first state says how much there is to do."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._step: Callable[[], None] | None = None
        self._done = 0
        self.state: Progress | None = None
        """The newest state."""

    def show(self, state: "Progress") -> None:
        """Show the windows that are stored or given up."""
        if self._step is None:
            shown = progress("windows", state.remaining)
            self._step = self._stack.enter_context(shown)
        self.state = state
        ended = state.stored + state.failed
        for _ in range(ended - self._done):
            self._step()
        self._done = ended


def _report(done: "Progress", *, as_json: bool) -> None:
    if as_json:
        failures = [{**f._asdict(), "error": f.error.to_dict()} for f in done.failures]
        echo_json({**done._asdict(), "remaining": done.remaining, "failures": failures})
    else:
        lost = f" {done.lost:,} are too old for their API." if done.lost else ""
        click.echo(
            f"{done.total:,} windows: {done.known:,} were complete, {done.stored:,} stored by "
            f"{done.calls:,} calls, {done.remaining:,} remain.{lost}"
        )
    if done.paused:
        click.echo(
            f"Nothing was asked for {done.paused:,} pair{'s' if done.paused > 1 else ''} of mini "
            "program and API whose quota of today was used up (errCode 45009): tomorrow's sync "
            "goes on.",
            err=True,
        )
    for failure in done.failures[:_MOST_SHOWN]:
        click.echo(_failure(failure), err=True)
    if more := done.failures[_MOST_SHOWN:]:
        click.echo(f"… and {len(more):,} more mini programs or APIs", err=True)
    if any(failure.error.errCode not in _WAITING for failure in done.failures):
        click.get_current_context().exit(1)


def _failure(failure: "Failure") -> str:
    error = failure.error
    count = f"{failure.windows:,} window{'s' if failure.windows > 1 else ''}"
    text = f"{failure.appid} {count} from {failure.first}: {one_line(error.errMsg)} "
    text += f"(errCode {error.errCode})"
    return f"{text}. {error.hint}" if error.hint else text


@history.command()
@_store
@option("--by-app", is_flag=True, help="A line for each mini program.")
@option("--now", type=moment, metavar="TIME", help="The time, in Beijing if it has no offset.")
@_json
def status(store: str, by_app: bool, now: datetime | None, as_json: bool) -> None:  # noqa: FBT001
    """Print what the store has by API, and how much of it may get a further key."""
    from cloud_openapi import history as kept

    clock = None if now is None else kept.Clock(lambda: now)
    found = kept.status(store, by_app=by_app, clock=clock)
    if as_json:
        echo_json([_plain(each._asdict()) for each in found])
        return
    programs = "mini program" if by_app else "mini programs"
    header = ("API", programs, "days", "windows", "complete", "due", "missing", "errors")
    rows = [_status_row(each, by_app=by_app) for each in found]
    if not is_drawn():
        lines = ["\t".join(row) for row in rows]
    elif table_width(header, rows) <= columns():
        lines = table(header, rows).splitlines()
    else:
        lines = [line for row in rows for line in _narrow(header, row)]
    for line in lines:
        click.echo(line)


def _narrow(header: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """Yield a row for a terminal that is too narrow for the table."""
    yield click.style(row[0], fg="cyan") if has_colours() else row[0]
    text = ", ".join(f"{title} {cell}" for title, cell in zip(header[1:], row[1:], strict=True))
    yield from wrap(text, columns(), initial_indent="  ", subsequent_indent="  ")


def _status_row(each: "Status", *, by_app: bool) -> tuple[str, ...]:
    own = "" if each.span in {"day", "week", "month"} else f" ({each.span})"
    errors = ", ".join(f"{code}: {number:,}" for code, number in each.errors.items())
    paused = f"{each.paused:,} until tomorrow" if each.paused else ""
    return (
        f"{each.api}{own} {each.params}".strip(),
        each.appid if by_app else f"{each.apps:,}",
        f"{each.first_day}..{each.last_day}",
        f"{each.windows:,}",
        f"{each.complete:,}",
        f"{each.due:,}",
        f"{each.missing:,}",
        ", ".join(filter(None, (errors, paused))) or "-",
    )


@history.command()
@_api
@_range
@_series
@_app
@_store
@option("--newest-first", is_flag=True, help="Print the newest windows first.")
def show(api: str, app: tuple[str, ...], **given: Any) -> None:
    """Print the stored windows of an API with their answers, a line of JSON each.

    The exit code is 1 if the store has none of the range.
    """
    windows = _stored(api, app, given)
    first = next(windows, None)
    if first is None:
        raise ConfigError(_nothing(api, app, given))
    for window in chain([first], windows):
        click.echo(json_text(_line(window), compact=True))


@history.command()
@_api
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_range
@_series
@_app
@_store
def export(api: str, file: Path, app: tuple[str, ...], **given: Any) -> None:
    """Write the stored windows of an API to a file: .csv, .jsonl or .parquet.

    A row has the numbers of one key, one page, one group of users …, and the window and the mini
    program that they belong to. Parquet needs pyarrow or polars.
    """
    from cloud_openapi.history import export as write

    number = write(api, file, appid=app or None, **_chosen(given))
    click.echo(f"Wrote {number:,} row{'' if number == 1 else 's'} to {file}")
    if not number and next(_stored(api, app, given), None) is None:
        click.echo(_nothing(api, app, given), err=True)


def _stored(api: str, app: tuple[str, ...], given: dict[str, Any]) -> "Iterator[Window]":
    from cloud_openapi.history import stored

    return stored(api, appid=app or None, **_chosen(given))


def _nothing(api: str, app: tuple[str, ...], given: dict[str, Any]) -> str:
    """Return what the store lacks, and the command that gets it."""
    from cloud_openapi.history import Series, Store

    begin, end, days, params = (given[name] for name in ("begin", "end", "days", "params"))
    today = beijing_now().date()
    lacks = f"window of {api}"
    if app:
        lacks += f" of {', '.join(app)}"
    if begin:
        lacks += f" from {begin}"
    if end:
        lacks += f" to {end}"
    if end and end < LAUNCH:
        return f"There is no {lacks}: mini programs opened on {LAUNCH}."
    series = Series(api, params, days)
    newest = max(series.windows(begin or LAUNCH, end or today, today), default=None)
    if newest is None:
        return f"No {lacks} is over yet: WeChat has its numbers on the day after it."
    if too_old := series.refusal(newest, today):
        return f"The store has no {lacks}, and WeChat no longer offers it: {too_old.hint}"
    with closing(Store(given["store"], create=False)) as store:
        command = sync_command(
            api,
            begin,
            end,
            days=days,
            params=params,
            store=given["store"],
            name=store.name,
            app=app,
        )
    return f"The store has no {lacks}. Run: {command}"


def _chosen(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options without the ends of a range that are not given."""
    return {k: v for k, v in given.items() if v is not None or k not in {"begin", "end"}}


def _line(window: "Window") -> dict[str, Any]:
    return _plain(
        {
            "appid": window.appid,
            "api": window.api,
            "ref_date": window.ref,
            "first_day": window.period.begin,
            "last_day": window.period.end,
            "asked": window.asked,
            "due": window.due,
            "answer": window.answer,
        }
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in row.items()}
