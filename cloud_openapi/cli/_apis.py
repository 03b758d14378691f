from typing import get_args

import click

from cloud_openapi.catalogue import Form, Operation, Side, default_catalogue
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
from cloud_openapi.catalogue.documentation import matches
from cloud_openapi.catalogue.error import error_schema
from cloud_openapi.catalogue.states import State, state_of
from cloud_openapi.cli._api_text import described, described_in_full, lines_of, page_of, row_of
from cloud_openapi.cli._completion import complete_api, complete_cloud_call
from cloud_openapi.cli._options import Choice, echo_json, option
from cloud_openapi.cli._terminal import is_drawn, table


@click.command()
@click.argument("text", required=False, shell_complete=complete_cloud_call)
@option("--state", type=Choice(get_args(State)), help="Only those that are answered so.")
@option("--json", "as_json", is_flag=True, help="Print JSON.")
def apis(text: str | None, state: State | None, as_json: bool) -> None:  # noqa: FBT001 - a flag
    """List the cloud calls that WeChat documents, or show one.

    TEXT is the name of one, or a part of names, paths and summaries. Its state is simulated: the
    emulator computes answers; example: it answers as the documented example does; name: only the
    name is known, which is the permission in config.json.
    """
    calls = {name: default_catalogue().get(name) for name in sorted(cloud_calls())}
    if text in calls:
        _show(text, calls[text], as_json=as_json)
        return
    found = {
        name: operation
        for name, operation in calls.items()
        if matches(text or "", name, operation) and state in (None, state_of(operation))
    }
    if as_json:
        echo_json([described(*call) for call in found.items()])
    elif not found:
        raise click.BadParameter(_no_match(text, state))
    elif is_drawn():
        rows = [row_of(*call) for call in found.items()]
        click.echo(table(("API, HTTPS", "state", "lacks"), rows), nl=False)
    else:
        click.echo("\n".join(lines_of(found)))


def _show(name: str, operation: Operation | None, *, as_json: bool) -> None:
    if as_json:
        echo_json(described_in_full(name, operation))
    else:
        click.echo(page_of(name, operation), nl=False)


def _no_match(text: str | None, state: State | None) -> str:
    close = meant_call(text) if text else None
    what = "".join((f' "{text}"' if text else "", f" with the state {state}" if state else ""))
    return f"no API matches{what}." + (f" Did you mean {close}?" if close else "")


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
