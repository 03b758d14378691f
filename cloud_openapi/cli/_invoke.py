from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click

from cloud_openapi.cli._options import (
    check_known,
    echo_json,
    emulator_options,
    folder_option,
    json_value,
    new_emulator,
    option,
)
from cloud_openapi.cli._serve import emulator_variables
from cloud_openapi.emulator import Server, create_app, listen, url_of
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime import Functions


@click.command()
@click.argument("name")
@option("--data", type=json_value, metavar="JSON", default="{}", help="The event, as JSON.")
@option(
    "--source",
    default="wx_http",
    show_default=True,
    help="Who invokes it, as getWXContext().SOURCE says; wx_client is the mini program.",
)
@folder_option
@emulator_options
def invoke(  # noqa: PLR0913 - an option each
    name: str, data: Any, source: str, functions: Path, seed: int, now: datetime | None
) -> None:
    """Run one function against an emulator of its own and print what it returns.

    Its log goes to stderr: what the function prints, between the platform's own lines.
    """
    emulator = new_emulator(seed, now)
    listening = listen("127.0.0.1", 0)
    found = Functions(functions, emulator_variables(url_of(listening)))
    try:
        check_known(name, found)
        with Server(create_app(emulator, found), listening):
            outcome = found.invoke(name, data, emulator.clock.now(), source)
    finally:
        found.close()
        listening.close()
    click.echo(outcome.log, err=True, nl=False)
    if outcome.status != HTTPStatus.OK:
        if outcome.result.get("stackTrace"):
            click.echo(outcome.result["stackTrace"], err=True)
        raise CloudOpenAPIError(
            f"{name}: {outcome.result['errorMessage']} (statusCode {outcome.status})"
        )
    echo_json(outcome.result)
