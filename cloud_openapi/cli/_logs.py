"""Print the logs of a running emulator's functions."""

import re
import time
from collections.abc import Iterable, Sequence
from typing import Any

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._control_client import ControlClient, NoEmulatorError, url_option
from cloud_openapi.cli._options import option
from cloud_openapi.cli._terminal import has_colours, printable_output
from cloud_openapi.errors import CloudOpenAPIError

_PAUSE = 0.3
_INDENT, _DEEPEST = "  ", 20
_FIELDS = {"function": str, "depth": int, "text": str}
_PLATFORM = re.compile(r"(START|END|Response|Report|ERROR) RequestId:")
_COLOURS = ("cyan", "yellow", "green", "magenta", "blue")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=complete_function)
@option("--follow", "-f", is_flag=True, help="Print new lines until interrupted.")
@option("--failed", is_flag=True, help="Only invocations that failed, with their whole log.")
@option("--limit", type=click.IntRange(1), help="Only so many of the newest lines.")
@url_option
def logs(
    names: Sequence[str],
    url: str,
    follow: bool,  # noqa: FBT001 - a flag
    failed: bool,  # noqa: FBT001 - a flag
    limit: int | None,
) -> None:
    """Print the newest lines of functions' logs in a running emulator.

    Without a NAME: of all functions, in the order of time. The names then stand before the lines,
    and a function that another one called is indented. Example: cloud-openapi logs --failed
    """
    reader = _Reader(ControlClient(url), names, failed=failed)
    named = len(names) != 1
    try:
        _print(reader.read(limit), named=named)
        while follow:
            time.sleep(_PAUSE)
            _print(reader.read(), named=named)
    except NoEmulatorError:
        if reader.newest is None:
            raise
        raise CloudOpenAPIError(f"The emulator at {url} has ended.") from None
    except KeyboardInterrupt:
        # The exit status of a program that SIGINT ended.
        raise SystemExit(130) from None


class _Reader:
    """Reads the lines after those that were read before."""

    def __init__(self, client: ControlClient, names: Sequence[str], *, failed: bool) -> None:
        self._client = client
        self._query: dict[str, Any] = {"function": list(names), "failed": str(failed).lower()}
        self.newest: int | None = None

    def read(self, limit: int | None = None) -> list[Any]:
        given = {**self._query, "since": self.newest or 0, "limit": limit}
        answer = self._client.read("log", {"next": int, "lines": list}, **given)
        for line in answer["lines"]:
            self._client.check(line, _FIELDS, "log")
        self.newest = answer["next"]
        lines: list[Any] = answer["lines"]
        return lines


def _print(lines: Iterable[Any], *, named: bool) -> None:
    coloured = has_colours()
    for line in lines:
        text, name, depth = line["text"], line["function"], min(line["depth"], _DEEPEST)
        text = printable_output(text)
        if coloured:
            text = click.style(text, dim=True) if _PLATFORM.match(text) else text
            name = click.style(name, fg=_COLOURS[sum(map(ord, name)) % len(_COLOURS)])
        click.echo(f"{_INDENT * depth}{name} | {text}" if named else text)
