"""The banner of serve: where the emulator is, which functions it has, and commands to paste."""

import shlex
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cloud_openapi.cli._control_client import console_of
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.environment import first_command
from cloud_openapi.runtime import LANGUAGE_NAMES, Functions, Project, nothing_found, shown_path

_APPS_SHOWN = 10
_COLUMNS, _HEAD = 80, 12


def welcome(  # noqa: PLR0913 - each is a part of the banner
    url: str,
    functions: Functions,
    project: Project,
    emulator: Emulator,
    variables: Mapping[str, str],
    url_option: str,
    debugger: Sequence[str] = (),
) -> str:
    """Return the banner. ``url_option`` is that of hints, ``debugger`` are lines about it."""
    exports = [f"  export {name}={shlex.quote(value)}" for name, value in variables.items()]
    lines = [
        f"{'Emulator':{_HEAD}}{url}",
        f"{'Console':{_HEAD}}{console_of(url)}",
        *_functions(functions, project),
        *_apps(emulator),
        *debugger,
        "",
        "To call it from another shell, set these variables there:",
        *exports,
        "",
        "Try it:",
        f"  {first_command(url, functions, emulator)}",
    ]
    if any(functions):
        lines += ["", "Each call is a line below. For whole logs:"]
        lines.append(f"  cloud-openapi logs --follow{url_option}")
    return "\n".join([*lines, "", "Ctrl-C stops it."])


def _functions(functions: Functions, project: Project) -> Iterator[str]:
    by_language: dict[str, list[str]] = {}
    for name in functions:
        language = functions.settings_of(name).language
        by_language.setdefault(LANGUAGE_NAMES[language], []).append(name)
    if not by_language:
        yield from _block("Functions", nothing_found(functions.folder))
        return
    yield from _block("Functions", f"{shown_path(functions.folder)} ({project.found_by})")
    for language, names in sorted(by_language.items()):
        yield from _block("", f"{language}: {', '.join(names)}")


def _block(head: str, text: str) -> list[str]:
    """Return lines of a text, beside its head."""
    given: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    return textwrap.wrap(
        text, _COLUMNS, initial_indent=f"{head:{_HEAD}}", subsequent_indent=" " * _HEAD, **given
    )


def _apps(emulator: Emulator) -> list[str]:
    """Return lines with appids and secrets, none for the demo mini program alone."""
    if set(emulator.apps) == {DEMO_APPID}:
        return []
    shown = [f"{appid}  {secret}" for appid, secret in emulator.apps.items()][:_APPS_SHOWN]
    more = len(emulator.apps) - _APPS_SHOWN
    lines = [*shown, f"and {more:,} more"] if more > 0 else shown
    return [f"{'' if number else 'Apps':{_HEAD}}{line}" for number, line in enumerate(lines)]
