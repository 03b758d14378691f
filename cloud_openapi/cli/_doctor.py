import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import folder_option, function_named
from cloud_openapi.cli._options import echo_json, option
from cloud_openapi.cli._terminal import has_colours, printable

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.doctor import Finding

_COLOURS = {"fine": "green", "note": "yellow", "problem": "red"}
_WIDTH = 12


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=complete_function)
@option("--base-url", help="The service to call; by default WeChat.")
@option("--appid", help="The mini program to call for.")
@option("--json", "as_json", is_flag=True, help="Print a JSON array of the findings.")
@folder_option
def doctor(
    names: tuple[str, ...],
    base_url: str | None,
    appid: str | None,
    as_json: bool,  # noqa: FBT001 - a flag
    functions: Path,
) -> None:
    """Find out why calls or functions fail, and what to do about it.

    Packages, settings, proxies, the connection, this machine's clock, the credentials, the IP
    whitelist and the token store are examined, as calls use them. One access token is asked for,
    by the API that leaves the tokens of other programs valid; it is not shown. For each NAME, also
    the function: its runtime, packages, permissions, and secrets in cloudbaserc.json.

    The exit code is 1 if there is a problem.
    """
    from cloud_openapi.doctor import of_machine, of_service, read_settings

    found = _Shown(as_json=as_json)
    found.add(of_machine())
    settings, findings = read_settings(appid, base_url)
    found.add(findings)
    if settings is not None:
        found.add(of_service(settings))
    if names:
        _add_functions(names, functions, found)
    found.end()


class _Shown:
    """Shows findings as they come, or all of them as JSON at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._findings: list[Finding] = []

    def add(self, findings: "Iterable[Finding]") -> None:
        for each in findings:
            self._findings.append(each)
            if not self._as_json:
                _print(each)

    def end(self) -> None:
        """Exit with 1 if there is a problem."""
        if self._as_json:
            echo_json([each._asdict() for each in self._findings])
        problems = sum(each.state == "problem" for each in self._findings)
        if not self._as_json:
            click.echo(f"{problems} problem{'' if problems == 1 else 's'}")
        sys.exit(1 if problems else 0)


def _add_functions(names: Sequence[str], folder: Path, found: _Shown) -> None:
    from cloud_openapi.doctor import of_function
    from cloud_openapi.runtime import Functions

    functions = Functions(folder, {})
    try:
        for name in dict.fromkeys(function_named(each, functions) for each in names):
            found.add(of_function(functions, name))
    finally:
        functions.close()


def _print(finding: "Finding") -> None:
    state = f"{finding.state:8}"
    if has_colours():
        state = click.style(state, fg=_COLOURS[finding.state])
    click.echo(f"{state}{finding.topic:{_WIDTH}}  {printable(finding.text)}")
    if finding.todo:
        click.echo(f"{'':{8 + _WIDTH}}  {printable(finding.todo)}")
