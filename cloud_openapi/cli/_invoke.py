from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._debug_options import (
    debug_option,
    debug_wait_option,
    debugger_lines,
    debugger_of,
)
from cloud_openapi.cli._emulator_options import EmulatorOptions, emulator_options
from cloud_openapi.cli._functions_folder import (
    check_known,
    folder_option,
    function_named,
    notes_on_rc,
)
from cloud_openapi.cli._options import (
    echo_json,
    function_time_option,
    json_value,
    option,
    pass_env_option,
)
from cloud_openapi.cli._terminal import printable_output
from cloud_openapi.errors import CloudOpenAPIError, one_line

if TYPE_CHECKING:
    from cloud_openapi.runtime import Debug


@click.command()
@click.argument("name", required=False, shell_complete=complete_function)
@option("--data", type=json_value, metavar="JSON", default="{}", help="The event, as JSON.")
@option(
    "--source",
    callback=lambda context, _option, value: (
        value if context.resilient_parsing else _checked(value)
    ),
    default="wx_client",
    show_default=True,
    help="The SOURCE of getWXContext(): wx_client is the mini program, whose user has an OPENID; "
    "wx_http and wx_trigger have none.",
)
@option(
    "--verbose",
    is_flag=True,
    help="Show the debug lines of Python's libraries and the platform's error objects, too.",
)
@folder_option
@pass_env_option
@function_time_option
@debug_option
@debug_wait_option
@emulator_options
def invoke(  # noqa: PLR0913 - an option each
    name: str | None,
    data: Any,
    source: str,
    verbose: bool,  # noqa: FBT001 - a flag
    functions: Path,
    pass_env: Mapping[str, str],
    function_time: str,
    debug: "Debug | None",
    debug_wait: bool,  # noqa: FBT001 - a flag
    options: EmulatorOptions,
) -> None:
    """Run one function against an emulator of its own and print its result.

    NAME is its name or a path to its folder, by default the function of the working directory. Its
    log is written to stderr, with the logs of the functions that it calls; if it fails, the last
    line says why. With --debug or --debug-wait, the function to debug, which is NAME or one that it
    calls, starts when a debugger is attached.
    """
    from cloud_openapi.cli._local_emulator import serving
    from cloud_openapi.emulator import listen
    from cloud_openapi.runtime import Debug, error_line, readable_log
    from cloud_openapi.runtime.check import references_outside

    emulator = options.emulator(functions)
    emulator.lasting = False
    passed = {**pass_env, **({"CLOUD_OPENAPI_VERBOSE": "1"} if verbose else {})}
    given: dict[str, Any] = {"passed": passed, "function_time": function_time}
    with serving(emulator, functions, listen("127.0.0.1", 0), **given) as found:
        name = function_named(name, found)
        outside = references_outside(found.settings_of(name))
        for warning in (*notes_on_rc(found.folder), *outside):
            click.echo(f"Warning: {warning}", err=True)
        if debug is not None or debug_wait:
            # Always wait: invoke calls the function once only.
            debug = (debug or Debug(name))._replace(wait=True)
            check_known(debug.function, found)
            found.debug = debug
            found.start_debugger()
            click.echo("\n".join(debugger_lines(debugger_of(debug, found))), err=True)
        outcome = found.invoke(name, data, emulator.clock_of(emulator.first_appid).now(), source)
    _echo_lines(outcome.log if verbose else "".join(readable_log(outcome.log)))
    if outcome.status == HTTPStatus.OK:
        echo_json(outcome.result)
        return
    if outcome.result.get("stackTrace"):
        _echo_lines(outcome.result["stackTrace"])
    if outcome.reason:
        raise CloudOpenAPIError(f"{name}: statusCode {outcome.status}: {outcome.reason}")
    line = one_line(error_line(outcome.result))
    raise CloudOpenAPIError(f"{name}: {printable_output(line)} (statusCode {outcome.status})")


def _echo_lines(text: str) -> None:
    for line in text.removesuffix("\n").split("\n") if text else ():
        click.echo(printable_output(line), err=True)


def _checked(source: str) -> str:
    from cloud_openapi.emulator.cloudbase.http_invoke import SOURCE_FORM, SOURCE_PATTERN

    if SOURCE_PATTERN.fullmatch(source) is None:
        raise click.BadParameter(SOURCE_FORM)
    return source
