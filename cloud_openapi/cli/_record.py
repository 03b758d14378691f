"""Make recordings: of the service itself, or from a HAR file."""

import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from cloud_openapi.catalogue import Operation, RuleViolation, default_catalogue, put_value
from cloud_openapi.cli._completion import complete_api
from cloud_openapi.cli._files import with_files
from cloud_openapi.cli._options import json_value, option
from cloud_openapi.cli._terminal import progress
from cloud_openapi.errors import CloudOpenAPIError, ConfigError, ReplayError, advice
from cloud_openapi.loopback import is_loopback
from cloud_openapi.periods import BEIJING, LAUNCH, parse_day, period_with, write_day

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.recordings import Interaction, Replay
    from cloud_openapi.transports import TransportSettings

_QUOTA = 45009
# Of the credentials, or of this machine's address: each further request would fail too.
_CREDENTIAL_CODES = frozenset(
    {40001, 40013, 40125, 40164, 40243, 41002, 41004, 42001, 48001, 50007}
)
_LONGEST_PAUSE = 86_400
_DIGITS = re.compile("[0-9]{8}")
_SPANS: tuple[Any, ...] = ("day", "week", "month")


def _seconds(text: str | float) -> float:
    # click's own range has room for nan.
    with contextlib.suppress(ValueError):
        if 0 <= (seconds := float(text)) <= _LONGEST_PAUSE:
            return seconds
    raise click.BadParameter(f"{text!r} is not a number of seconds from 0 to {_LONGEST_PAUSE}")


_to = option(
    "--to",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder of the recordings.",
)


@click.command()
@click.argument("api", shell_complete=complete_api)
@option("--begin-date", help="yyyymmdd; with --end-date, one request for these dates.")
@option("--end-date", help="yyyymmdd")
@option("--dates", metavar="A..B", help="Every day, week or month of the API from A to B.")
@option(
    "--data",
    type=json_value,
    metavar="JSON",
    help="Other parameters; without dates, WeChat's example by default. A file is its path.",
)
@_to
@option("--one-file", is_flag=True, help="Write all into <API>.yaml.")
@option("--pause", type=_seconds, metavar="SECONDS", default=0.2, show_default=True)
@option("--base-url", help="The server to call; the real service by default.")
@option("--appid", help="The mini program to call for.")
def record(  # noqa: PLR0913 - an option each
    api: str,
    begin_date: str | None,
    end_date: str | None,
    dates: str | None,
    data: Any,
    to: Path,
    one_file: bool,  # noqa: FBT001 - a flag
    pause: float,
    base_url: str | None,
    appid: str | None,
) -> None:
    """Call the service and record its answers, including errors, without secrets.

    An API without dates gets --data, or the request of WeChat's example. A request that was
    recorded with success is skipped; one with an error is repeated. The secret is not an option:
    set CLOUD_OPENAPI_SECRET.
    """
    from cloud_openapi.recordings import Recorder
    from cloud_openapi.transports import connect, settings_from_environment

    operation = default_catalogue().find(api)
    asked = list(_requests(operation, begin_date, end_date, dates, data))
    waiting = _not_recorded(operation, asked, to)
    recorder = Recorder(to / f"{api}.yaml" if one_file else to)
    settings = settings_from_environment(appid=appid, base_url=base_url)
    transport = connect(settings, recorder)
    if transport is None:
        raise ConfigError(
            "Set CLOUD_OPENAPI_APPID and CLOUD_OPENAPI_SECRET to record the real service, or give "
            "--base-url."
        )
    click.echo(_whom(settings, len(waiting)), err=True)
    codes: Counter[int] = Counter()
    refused = 0
    try:
        with progress(api, len(waiting)) as advance:
            for number, params in enumerate(waiting):
                if number:
                    time.sleep(pause)
                code = transport.send(operation, params).get("errcode") or 0
                codes[code] += 1
                advance()
                if code in _CREDENTIAL_CODES:
                    refused = code
                if code == _QUOTA or refused:
                    break
    finally:
        # Also after an error or Ctrl-C: the next run continues.
        click.echo(_summary(codes, len(asked) - len(waiting), len(waiting), to))
    if refused:
        raise CloudOpenAPIError(f"The service refused the call with {refused}. {advice(refused)}")


@click.command("import")
@click.argument("har", type=click.Path(path_type=Path))
@_to
def import_(har: Path, to: Path) -> None:
    """Convert a HAR file of a browser, Charles or mitmproxy to recordings, without secrets."""
    from cloud_openapi.recordings import Recorder, read_har

    recorder = Recorder(to)
    left_out: list[str] = []
    found = read_har(har, redactor=recorder.redactor, left_out=left_out.append)
    for interaction in found:
        recorder.add_redacted(interaction)
    click.echo(f"{len(found)} recorded in {to}" + (f"; {len(left_out)} left out:" * bool(left_out)))
    for reason in left_out:
        click.echo(f"  {reason}")


def _whom(settings: "TransportSettings", requests: int) -> str:
    """Return a line that says which server is about to be recorded."""
    from cloud_openapi.transports import WEIXIN

    url = settings.base_url or WEIXIN
    who = f"Recording {url}: {requests} request{'' if requests == 1 else 's'}."
    if is_loopback(urlsplit(url).hostname):
        return f"Warning: {who} It is a server on this machine, such as an emulator, not WeChat."
    return who


def _requests(
    operation: Operation, begin: str | None, end: str | None, dates: str | None, data: Any
) -> Iterator[dict[str, Any]]:
    if data is not None and not isinstance(data, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--data")
    if dates and (begin or end):
        raise click.UsageError("Give --dates, or --begin-date and --end-date, not both.")
    if not operation.rules:
        if begin or end or dates:
            raise click.UsageError(f"{operation.name} has no dates: give its parameters by --data.")
        yield with_files(operation, _documented(operation) if data is None else data)
        return
    data = data or {}
    rule = operation.rules[0]
    if dates is None:
        if not (begin or end or data):
            raise click.UsageError(_no_dates(operation))
        for dotted, text, write in ((rule.begin, begin, rule.first), (rule.end, end, rule.last)):
            day = parse_day(text)
            if text is not None:
                data = put_value(data, dotted, text if day is None else write(day))
        yield data
        return
    found = list(_periods(operation, dates, data))
    if not found:
        raise click.UsageError(
            f"{operation.name} has nothing in {dates}: {rule.describe()} "
            f"The newest: --dates {'..'.join(_newest(operation))}"
        )
    yield from found


def _documented(operation: Operation) -> dict[str, Any]:
    """Return the request of WeChat's example. Raises UsageError for one with a file."""
    params: dict[str, Any] = operation.examples[0]["request"]
    files = [name for name in operation.files if name in params]
    if files:
        given = {name: f"path of {name}" if name in files else params[name] for name in params}
        shown = json.dumps(given, ensure_ascii=False)
        raise click.UsageError(f"{operation.name} takes a file. Name one: --data '{shown}'")
    return params


def _no_dates(operation: Operation) -> str:
    return f"Name the dates, for example: --dates {'..'.join(_newest(operation))}"


def _newest(operation: Operation) -> tuple[str, str]:
    """Return the newest dates that an API accepts."""
    period = next(operation.rules[0].newest(datetime.now(BEIJING).date()))
    return write_day(period.begin), write_day(period.end)


def _periods(operation: Operation, dates: str, data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parameters of every period within the dates that the API accepts."""
    first, last = map(_day, (*dates.split("..", 1), "")[:2])
    if last < first:
        raise click.BadParameter(
            "must be two days such as 20260301..20260331, the earlier one first",
            param_hint="--dates",
        )
    rule, today = operation.rules[0], datetime.now(BEIJING).date()
    possible = max(first, LAUNCH), min(last, today - timedelta(days=1))
    if possible != (first, last):
        click.echo(
            f"--dates: {LAUNCH:%Y%m%d} to yesterday are possible, and the rest is left out.",
            err=True,
        )
    first, last = possible
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        for span in _SPANS:
            period = period_with(span, day)
            params = rule.put(data, period)
            fits = day == period.begin and period.end <= last
            if fits and not isinstance(rule.check(params, today), RuleViolation):
                yield params
                break


def _day(text: str) -> date:
    """Return the day of a text. Raises BadParameter with the reason."""
    day = parse_day(text)
    if day is not None:
        return day
    reason = "must be two days such as 20260301..20260331"
    if _DIGITS.fullmatch(text):
        with contextlib.suppress(ValueError):
            month = date(int(text[:4]), int(text[4:6]), 1)
            days = period_with("month", month).end.day
            reason = f"{text} is not a day: {month:%B %Y} has {days} days"
    raise click.BadParameter(reason, param_hint="--dates")


def _not_recorded(
    operation: Operation, asked: list[dict[str, Any]], to: Path
) -> list[dict[str, Any]]:
    from cloud_openapi.recordings import Replay, load

    recorded = load(to) if to.exists() else ()
    done = [one for one in recorded if not _failed(one, operation)]
    replay = Replay(done, repeat=True)
    return [params for params in asked if not _is_in(replay, operation, params)]


def _is_in(replay: "Replay", operation: Operation, params: dict[str, Any]) -> bool:
    from cloud_openapi.transports._body import encode, request_of

    try:
        _, target, body, _ = request_of(operation, encode(operation, params))
        replay.find(operation.method, target, body or b"")
    except ReplayError:
        return False
    return True


def _failed(recorded: "Interaction", operation: Operation) -> bool:
    answer = recorded.response_json
    if operation.binary and answer is None:
        return recorded.status != HTTPStatus.OK
    return not isinstance(answer, dict) or bool(answer.get("errcode"))


def _continue(codes: Mapping[int, int]) -> str:
    if _QUOTA in codes:
        return ": the quota of the day is used up; run the command again tomorrow"
    return "" if _CREDENTIAL_CODES & codes.keys() else "; the same command goes on with them"


def _summary(codes: Mapping[int, int], skipped: int, waiting: int, to: Path) -> str:
    left = waiting - sum(codes.values())
    errors = ", ".join(f"{count} of errcode {code}" for code, count in codes.items() if code)
    parts = [
        f"{codes.get(0, 0)} recorded",
        f"{errors} too" if errors else "",
        f"{skipped} were there already" if skipped else "",
        f"{left} are left{_continue(codes)}" if left else "",
    ]
    return f"{'; '.join(filter(None, parts))}. Folder: {to}"
