from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from cloud_openapi.cli._emulator_options import EmulatorOptions, emulator_options
from cloud_openapi.cli._functions_folder import folder_option, function_named, notes_on_rc
from cloud_openapi.cli._local_emulator import serving
from cloud_openapi.cli._options import echo_json, json_value, option, pass_env_option
from cloud_openapi.emulator import listen
from cloud_openapi.emulator.cloudbase.http_invoke import SOURCE_PATTERN
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime import references_outside


@click.command()
@click.argument("name", required=False)
@option("--data", type=json_value, metavar="JSON", default="{}", help="The event, as JSON.")
@option(
    "--source",
    callback=lambda _context, _option, value: _checked(value),
    default="wx_http",
    show_default=True,
    help="The SOURCE of getWXContext(); wx_client is the mini program.",
)
@folder_option
@pass_env_option
@emulator_options
def invoke(  # noqa: PLR0913 - an option each
    name: str | None,
    data: Any,
    source: str,
    functions: Path,
    pass_env: Mapping[str, str],
    options: EmulatorOptions,
) -> None:
    """Run one function against an emulator of its own and print its result.

    NAME is its name or a path to its folder, by default the function of the working directory. Its
    log is written to stderr.
    """
    emulator = options.emulator()
    with serving(emulator, functions, listen("127.0.0.1", 0), passed=pass_env) as found:
        name = function_named(name, found)
        outside = references_outside(found.settings_of(name))
        for warning in (*notes_on_rc(found.folder), *outside):
            click.echo(f"Warning: {warning}", err=True)
        outcome = found.invoke(name, data, emulator.clock_of(emulator.first_appid).now(), source)
    click.echo(outcome.log, err=True, nl=False)
    if outcome.status != HTTPStatus.OK:
        if outcome.result.get("stackTrace"):
            click.echo(outcome.result["stackTrace"], err=True)
        raise CloudOpenAPIError(
            f"{name}: {outcome.result['errorMessage']} (statusCode {outcome.status})"
        )
    echo_json(outcome.result)


def _checked(source: str) -> str:
    if SOURCE_PATTERN.fullmatch(source) is None:
        raise click.BadParameter("must be wx_client, wx_http or another SOURCE of the platform")
    return source
