from typing import get_args

import click

from cloud_openapi.catalogue import Form, Side, default_catalogue, error_schema
from cloud_openapi.cli._completion import complete_api
from cloud_openapi.cli._options import Choice, echo_json, option
from cloud_openapi.cli._terminal import is_drawn, table


@click.command()
def apis() -> None:
    """List the APIs of the catalogue."""
    catalogue = default_catalogue()
    if is_drawn():
        rows = [
            (each.name, f"{each.method} {each.path}\n{each.summary}") for each in catalogue.values()
        ]
        click.echo(table(("API", "HTTPS"), rows), nl=False)
        return
    width = max(map(len, catalogue), default=0)
    for operation in catalogue.values():
        click.echo(f"{operation.name:{width}} {operation.method} {operation.path}")
        click.echo(f"{'':{width}} {operation.summary}")


@click.command()
@click.argument("name", shell_complete=complete_api)
@option("--form", type=Choice(get_args(Form)), default="cloud", show_default=True)
@option("--side", type=Choice(get_args(Side)), default="response", show_default=True)
def schema(name: str, form: Form, side: Side) -> None:
    """Print a JSON Schema of an API's requests or responses; NAME error: of any error."""
    if name == "error":
        echo_json(error_schema(form))
        return
    echo_json(default_catalogue().find(name).schema(form, side))


@click.command()
@option(
    "--base-url",
    default="http://127.0.0.1:7070",
    show_default=True,
    help="The server in the document.",
)
def openapi(base_url: str) -> None:
    """Print the OpenAPI document of the HTTPS form."""
    from cloud_openapi.emulator import openapi_document
    from cloud_openapi.transports import is_loopback_url

    is_loopback_url(base_url)  # it refuses a text that is not a base URL
    echo_json(openapi_document(default_catalogue(), base_url))
