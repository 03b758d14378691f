"""Print the requests that a running emulator has answered."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.cli._completion import complete_api, complete_function
from cloud_openapi.cli._control_client import ControlClient, NoEmulatorError, console_of, url_option
from cloud_openapi.cli._options import Choice, option
from cloud_openapi.cli._terminal import columns, has_colours
from cloud_openapi.errors import CloudOpenAPIError

# Imported where it is used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.cli._live_lines import Shown

_PAUSE = 0.3
_AT_A_TIME = 10_000
_PAGE = {"entries": list, "last": int}
_FIELDS = {
    "number": int, "time": str, "method": str, "path": str, "body": str, "errcode": int,
    "check": str, "status": int,
}  # fmt: skip
_VIA = {"https": "https", "cloud": "gateway"}


@click.command()
@click.argument("text", required=False)
@click.option("--failed", is_flag=True, help="Only requests that failed.")
@click.option("--function", shell_complete=complete_function, help="Only calls of this function.")
@click.option("--api", shell_complete=complete_api, help="Only requests to this API.")
@click.option("--errcode", type=int, help="Only answers with this errcode.")
@click.option("--appid", help="Only requests of this mini program.")
@click.option("--form", type=Choice([*_VIA]), help="Only requests in this form.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="The number of newest requests.",
)
@option("--follow", "-f", is_flag=True, help="Print further requests until interrupted.")
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each request.")
@option("--verbose", "-v", is_flag=True, help="Show bodies, sources of answers, appids and rids.")
@url_option
def requests(  # noqa: PLR0913 - an option each
    url: str,
    form: str | None,
    limit: int,
    follow: bool,  # noqa: FBT001 - a flag
    as_json: bool,  # noqa: FBT001 - a flag
    verbose: bool,  # noqa: FBT001 - a flag
    failed: bool,  # noqa: FBT001 - a flag
    **filters: Any,
) -> None:
    """Print the newest requests to a running emulator, and why they failed.

    Each is a line: the emulator's time, the API, the errcode or status, the duration, the function
    that made the call, the reason. A failure also has the address of its page in the console.
    TEXT is a part of the request, the answer or the reason.
    """
    filters |= {"via": _VIA.get(form or ""), "failed": "true" if failed else None}
    reader = _Reader(ControlClient(url), filters)
    lines = _json_lines if as_json else _Printer(url, verbose=verbose).lines
    try:
        found = reader.read(limit)
        if not found:
            click.echo("No request here yet, or none that matches.", err=True)
        _print(lines(found))
        while follow:
            time.sleep(_PAUSE)
            _print(lines(reader.read(_AT_A_TIME)))
    except NoEmulatorError:
        if reader.newest is None:
            raise
        raise CloudOpenAPIError(f"The emulator at {url} has ended.") from None
    except KeyboardInterrupt:
        # The exit status of a program that SIGINT ended.
        raise SystemExit(130) from None


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


class _Reader:
    """Reads the requests after those that were read before."""

    def __init__(self, client: ControlClient, filters: dict[str, Any]) -> None:
        self._client = client
        self._filters = filters
        self.newest: int | None = None

    def read(self, limit: int) -> list[Any]:
        query = {**self._filters, "after": self.newest or 0, "limit": limit}
        page = self._client.read("journal", _PAGE, **query)
        for entry in page["entries"]:
            self._client.check(entry, _FIELDS, "journal")
        self.newest = page["last"]
        entries: list[Any] = page["entries"]
        return entries


def _json_lines(entries: Iterable[Any]) -> Iterator[str]:
    return map(json.dumps, entries)


class _Printer:
    """Makes the lines of requests: those of serve, and a line for each new day."""

    def __init__(self, url: str, *, verbose: bool) -> None:
        from cloud_openapi.cli._live_lines import Look

        self._pages = f"{console_of(url)}requests"
        self._look = Look(has_colours(), columns(), verbose)
        self._day = ""

    def lines(self, entries: Iterable[Any]) -> Iterator[str]:
        from cloud_openapi.cli._live_lines import call_texts

        look = self._look._replace(columns=columns())
        for entry in entries:
            moment = datetime.fromisoformat(entry["time"])
            day = f"{moment:%Y-%m-%d}"
            if day != self._day:
                self._day = day
                yield look.style(day, dim=True)
            yield from call_texts(self._shown(entry, moment), f"{moment:%H:%M:%S}", look)

    def _shown(self, described: Any, moment: datetime) -> "Shown":
        from cloud_openapi.cli._live_lines import of_entry
        from cloud_openapi.emulator.state.journal import Entry

        # A newer emulator may tell more.
        known = {name: described[name] for name in Entry._fields if name in described}
        apis = [described["api"]] if described.get("api") else []
        body = described["body"].encode("utf-8", "replace")
        entry = Entry(**{**known, "time": moment, "body": body, "apis": apis})
        shown = of_entry(entry, 0)
        caller = (f"by {entry.function}",) if entry.function else ()
        hint = "" if shown.good else f"→ {self._pages}/{described['number']}"
        return shown._replace(reasons=(*caller, *shown.reasons), hint=hint)
