"""Print the requests that a running emulator has answered, and the invocations of functions."""

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
_ENTRY = {"number": int, "time": str, "answered": str, "path": str, "body": str, "errcode": int}
_INVOCATION = {"answered": str, "function": str, "invocation": str, "status": int}
_VIA = {"https": "https", "cloud": "gateway", "function": None}


@click.command()
@click.argument("text", required=False)
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option(
    "--function",
    shell_complete=complete_function,
    help="Only invocations of this function, and its calls.",
)
@click.option("--api", shell_complete=complete_api, help="Only requests to this API.")
@click.option("--errcode", type=int, help="Only answers with this errcode.")
@click.option("--appid", help="Only requests of this mini program.")
@click.option("--form", type=Choice([*_VIA]), help="Only requests in this form, or invocations.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Only so many of the newest.",
)
@option("--follow", "-f", is_flag=True, help="Print further ones until interrupted.")
@option("--json", "as_json", is_flag=True, help="Print a line of JSON for each.")
@option("--verbose", "-v", is_flag=True, help="Show bodies, sources of answers, appids and rids.")
@url_option
def requests(
    url: str,
    limit: int,
    follow: bool,  # noqa: FBT001 - a flag
    as_json: bool,  # noqa: FBT001 - a flag
    verbose: bool,  # noqa: FBT001 - a flag
    **filters: Any,
) -> None:
    """Print the newest requests to a running emulator, and why they failed.

    Each call of an API or invocation of a function is a line: time, name, errcode or status,
    duration, the function that made the call, the reason. A failure also has the address of its
    page in the console. TEXT is a part of the request, the answer or the reason.
    """
    reader = _Reader(ControlClient(url), **filters)
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
        if not reader.has_read:
            raise
        raise CloudOpenAPIError(f"The emulator at {url} has ended.") from None
    except KeyboardInterrupt:
        # The exit status of a program that SIGINT ended.
        raise SystemExit(130) from None


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


class _Reader:
    """Reads the requests and invocations after those that were read before."""

    def __init__(
        self, client: ControlClient, *, form: str | None, failed: bool, **filters: Any
    ) -> None:
        self._client = client
        self._filters = {**filters, "failed": str(failed).lower()}
        self._via = _VIA.get(form or "")
        self._has_entries = form != "function"
        # An invocation has none of these.
        others = (self._via, *map(filters.get, ("api", "appid", "errcode")))
        self._has_invocations = all(each is None for each in others)
        self._entry = self._invocation = 0
        self.has_read = False

    def read(self, limit: int) -> list[Any]:
        """Return the newest ones, in the order of their answers."""
        found = self._entries(limit) if self._has_entries else []
        found += self._invocations(limit) if self._has_invocations else []
        self.has_read = True
        return sorted(found, key=lambda each: _moment(each["answered"]))[-limit:]

    def _entries(self, limit: int) -> list[Any]:
        given = {**self._filters, "via": self._via, "after": self._entry, "limit": limit}
        page = self._client.read("journal", {"entries": list, "last": int}, **given)
        self._entry = page["last"]
        return [self._client.check(each, _ENTRY, "journal") for each in page["entries"]]

    def _invocations(self, limit: int) -> list[Any]:
        given = {name: self._filters[name] for name in ("function", "failed", "text")}
        given |= {"since": self._invocation, "limit": limit}
        route = "invocations"
        page = self._client.read(route, {route: list, "next": int}, **given)
        self._invocation = page["next"]
        return [self._client.check(each, _INVOCATION, route) for each in page[route]]


def _moment(text: str) -> datetime:
    """Return a moment in this machine's time zone."""
    return datetime.fromisoformat(text).astimezone()


def _json_lines(found: Iterable[Any]) -> Iterator[str]:
    return map(json.dumps, found)


class _Printer:
    """Makes the lines: those of serve, and a line for each new day."""

    def __init__(self, url: str, *, verbose: bool) -> None:
        from cloud_openapi.cli._live_lines import Look, Told

        self._console = console_of(url)
        self._look = Look(has_colours(), columns(), verbose)
        self._told = Told()
        self._day = ""

    def lines(self, found: Iterable[Any]) -> Iterator[str]:
        from cloud_openapi.cli._live_lines import call_texts

        look = self._look._replace(columns=columns())
        for described in found:
            moment = _moment(described["answered"])
            day = f"{moment:%Y-%m-%d}"
            if day != self._day:
                self._day = day
                yield look.style(day, dim=True)
            shown, page = (self._entry if "path" in described else self._invocation)(described)
            hint = f"→ {self._console}{page}" if page and not shown.good else ""
            yield from call_texts(shown._replace(hint=hint), f"{moment:%H:%M:%S}", look)

    def _entry(self, described: Any) -> "tuple[Shown, str]":
        """Return a request, and its page in the console."""
        from cloud_openapi.cli._live_lines import of_entry
        from cloud_openapi.emulator import Entry

        given = {
            "time": _moment(described["time"]),
            "body": described["body"].encode("utf-8", "replace"),
            "apis": [described["api"]] if described.get("api") else [],
        }
        entry = Entry(**{**_known(described, Entry._fields), **given})
        shown = of_entry(entry, 0)
        self._told.add(entry)
        caller = (f"by {entry.function}",) if entry.function else ()
        page = f"requests/{described['number']}"
        return shown._replace(reasons=(*caller, *shown.reasons)), page

    def _invocation(self, described: Any) -> "tuple[Shown, str]":
        """Return an invocation, and its page in the console; an unknown function has none."""
        from cloud_openapi.cli._live_lines import of_ended
        from cloud_openapi.runtime import Ended

        ended = Ended(**_known(described, Ended._fields))
        shown = of_ended(self._told.shortened(ended), self._look)
        self._told.add(ended)
        page = f"traces/{ended.invocation}" if ended.invocation else ""
        return shown._replace(depth=0), page


def _known(described: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of these names; a newer emulator may have more."""
    return {name: described[name] for name in names if name in described}
