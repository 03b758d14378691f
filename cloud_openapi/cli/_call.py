from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from cloud_openapi.catalogue import Form, Operation, default_catalogue
from cloud_openapi.cli._emulator_options import (
    OPTIONS,
    EmulatorOptions,
    emulator_options,
    transport_to,
)
from cloud_openapi.cli._files import with_file_written, with_files
from cloud_openapi.cli._options import (
    Choice,
    echo_json,
    field_option,
    option,
    variable,
)
from cloud_openapi.client import Client
from cloud_openapi.errors import CloudSDKError, advice
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.naming import camel_to_snake, to_camel_case
from cloud_openapi.permissions import Permissions
from cloud_openapi.transports import Transport, connect, settings_from_environment

if TYPE_CHECKING:
    from cloud_openapi.emulator import Entry


class _ByName(click.Group):
    """A subcommand for each API of the catalogue."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(default_catalogue())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        del ctx
        return _command(default_catalogue().find(cmd_name))


@click.command(cls=_ByName, subcommand_metavar="API [OPTIONS]")
def call() -> None:
    """Make one call and print its answer as JSON.

    An emulator in this process answers, unless --base-url or credentials are given. The secret
    is not an option: set CLOUD_OPENAPI_SECRET. In the cloud form, the config.json of the working
    directory must list the API, if there is one.
    """


def _command(operation: Operation) -> click.Command:
    request = operation.schema("https", "request")

    @option("--form", type=Choice(get_args(Form)), default="cloud", show_default=True)
    @option("--config", type=click.Path(path_type=Path), help="config.json of the cloud form.")
    @option("--base-url", help="The server to call, in place of an emulator in this process.")
    @option("--appid", help="The mini program to call for.")
    @emulator_options
    def run(
        form: Form,
        config: Path | None,
        base_url: str | None,
        appid: str | None,
        options: EmulatorOptions,
        **given: Any,
    ) -> None:
        output = given.pop("output", None)
        named = {field: given[name] for field, name in names.items() if given[name] is not None}
        params = with_files(operation, named)
        transport = _transport(operation, appid, base_url, options)
        if form == "https":
            echo_json(
                with_file_written(_checked(operation, transport.send(operation, params)), output)
            )
            return
        client = Client(_permissions(config, transport), transport)
        # A name with capitals, such as roomId, does not survive the conversion.
        convert = all(name == camel_to_snake(name) for name in params)
        answer = client.call(operation, params, convert=convert)
        echo_json(with_file_written(to_camel_case(answer), output))

    command = click.command(operation.name, help=f"{operation.summary}.\n\n{operation.docs}")(run)
    if operation.binary:
        path = click.Path(dir_okay=False, path_type=Path)
        option("--output", type=path, help="Write the file of the answer here.")(command)
    # A parameter may be named like an option of the command.
    taken = {param.name for param in command.params}
    names = {name: f"param_{name}" if name in taken else name for name in request["properties"]}
    command.params[:0] = [
        field_option(
            names[name],
            resolved(field, request),
            required=name in request["required"],
            envvar=variable(names[name]),
            show_envvar=True,
        )
        for name, field in request["properties"].items()
    ]
    return command


def _permissions(config: Path | None, transport: Transport) -> Permissions | None:
    """Return the allowlist of the cloud form, None for a call that may be of every API.

    As for code outside a function, the default is the working directory's config.json. This
    command is not a function: without that file it may call.
    """
    if getattr(transport, "enforces_permissions", False):
        return None
    path = config or Path.cwd() / "config.json"
    if config is None and not path.exists():
        note = "there is no config.json here; a function may call only what its config.json lists"
        click.echo(f"Note: {note}.", err=True)
        return None
    return Permissions.load(path)


def _transport(
    operation: Operation, appid: str | None, base_url: str | None, options: EmulatorOptions
) -> Transport:
    chosen = connect(settings_from_environment(appid=appid, base_url=base_url))
    if chosen is not None:
        source = click.get_current_context().get_parameter_source
        for name in OPTIONS:
            if source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(
                    f"--{name} is for an emulator in this process; another server ignores it."
                )
        return chosen
    emulator = options.emulator()
    if not operation.rules:  # An error of a rule describes it.
        emulator.on_entry = _say_why
    return transport_to(emulator)


def _say_why(entry: "Entry") -> None:
    """Print why the emulator of this process refused a call; the error has its usual advice."""
    if entry.reason and entry.reason != advice(entry.errcode):
        click.echo(f"Reason: {entry.reason}", err=True)


def _checked(operation: Operation, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    code = answer.get("errcode")
    if code:
        text = f"{operation.path}: {answer.get('errmsg')}"
        rules = [rule.describe() for rule in operation.rules if code in rule.CODES]
        raise CloudSDKError(code, text, " ".join(filter(None, [advice(code), *rules])))
    return answer
