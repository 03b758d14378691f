"""The options --debug and --debug-wait, and the debugger's address for serve and invoke."""

import json
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.cli._options import option

if TYPE_CHECKING:
    from cloud_openapi.runtime import Debug, Functions


def _parsed(text: str) -> "Debug":
    from cloud_openapi.runtime import Debug

    return Debug.parse(text)


debug_option = option(
    "--debug",
    type=_parsed,
    metavar="NAME[:PORT]",
    help="Let a debugger attach to this function, on port 5678 (Python) or 9229 (Node.js).",
)
debug_wait_option = option(
    "--debug-wait",
    is_flag=True,
    help="Load the function to debug once a debugger is attached.",
)


def waiting(debug: "Debug | None", *, wait: bool) -> "Debug | None":
    """Return the function to debug with the option --debug-wait. Raises UsageError without one."""
    if debug is None and wait:
        raise click.UsageError("--debug-wait needs the function: --debug NAME --debug-wait")
    return None if debug is None else debug._replace(wait=wait)


def debugger_of(debug: "Debug | None", functions: "Functions") -> dict[str, Any]:
    """Return the debugger's address, and a configuration for launch.json; empty without one."""
    if debug is None or debug.function not in functions:
        return {}
    return debug.describe(functions.settings_of(debug.function))


def debugger_lines(debugger: dict[str, Any]) -> list[str]:
    """Return how to attach, for people: an address, and a configuration to paste."""
    if not debugger:
        return []
    from cloud_openapi.runtime import LANGUAGE_NAMES

    language = LANGUAGE_NAMES[debugger["language"]]
    chrome = " or chrome://inspect" if debugger["language"] == "node" else ""
    waits = ", which waits for it" if debugger["wait"] else ""
    function = f"{debugger['function']} ({language}){waits}"
    return [
        f"Debugger    {debugger['host']}:{debugger['port']} for {function}",
        f"            VS Code's launch.json{chrome}:",
        f"            {json.dumps(debugger['launch'])}",
    ]
