import os
import sys
import textwrap
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cloud_openapi.cli._completion import complete_function
from cloud_openapi.cli._functions_folder import (
    folder_option,
    function_named,
    project_findings,
    refuse_none,
)
from cloud_openapi.cli._options import echo_json, option
from cloud_openapi.cli._terminal import progress
from cloud_openapi.errors import message_of

# Imported where they are used: --help and completion do without.
if TYPE_CHECKING:
    from cloud_openapi.runtime import Functions
    from cloud_openapi.runtime.check import Finding, Fix

_WIDTH = 80
_PROJECT = "(project)"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]…", shell_complete=complete_function)
@option("--all", "every", is_flag=True, help="Check every function of the folder.")
@option("--fix", "fixing", is_flag=True, help="Correct permissions.openapi in config.json.")
@option("--json", "as_json", is_flag=True, help="Print a JSON array of the findings.")
@folder_option
def check(
    names: tuple[str, ...],
    functions: Path,
    every: bool,  # noqa: FBT001 - flags
    fixing: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """List the problems that functions would have on the platform.

    Without a NAME, check the function whose folder this is, or else every function.

    The sources are read: which APIs they call without permission, which modules and files the
    platform lacks, what is not emulated. Then each function is loaded with its own folder, its
    installed dependencies and the packages of the platform, but without this machine's other
    packages. A note is about a possible mistake, or a setting that the emulator ignores.

    The exit code is 1 if there is a problem, and 0 with notes alone.
    """
    from cloud_openapi.runtime import Functions, functions_option

    if names and every:
        raise click.UsageError("give NAMEs or --all, not both")
    found = Functions(functions, {})
    try:
        chosen = _chosen(names, found, every=every)
        several = len(chosen) > 1
        with progress("check", len(chosen)) if several else nullcontext(_nothing) as advance:
            findings = [*project_findings(found), *found.check(*chosen, advance=advance)]
    finally:
        found.close()
    if fixing:
        findings = _fixed(findings)
    if as_json:
        echo_json([each.as_json() for each in findings])
    else:
        _print(findings, chosen)
        if sum(each.code == "not-installed" for each in findings) > 1:
            option = functions_option(found.folder)
            click.echo(f"To install what all of them list: cloud-openapi install --all{option}")
    if any(each.severity == "problem" for each in findings):
        sys.exit(1)


def _nothing() -> None:
    """Show no progress of a single function."""


def _chosen(names: Sequence[str], functions: "Functions", *, every: bool) -> list[str]:
    """Return the functions to check: by name or path, the one of this folder, or all."""
    from cloud_openapi.runtime import find_project

    if names:
        return list(dict.fromkeys(function_named(name, functions) for name in names))
    refuse_none(functions)
    here = find_project(Path(), functions.folder).name
    return [here] if here in functions and not every else list(functions)


def _fixed(findings: "Sequence[Finding]") -> "list[Finding]":
    """Apply the fixes, print them to stderr, and return the findings that remain."""
    from cloud_openapi.runtime import shown_path
    from cloud_openapi.runtime.check import apply_fixes

    by_file: dict[str, list[Fix]] = {}
    for each in findings:
        if each.fix is not None:
            by_file.setdefault(each.fix.file, []).append(each.fix)
    failed = set()
    for file, fixes in by_file.items():
        try:
            apply_fixes(Path(file), fixes)
        except (ValueError, OSError) as error:
            failed.add(file)
            click.echo(f"cloud-openapi: {message_of(error)}", err=True)
            continue
        for fix in fixes:
            click.echo(f"{shown_path(Path(file))}: {fix}", err=True)
    return [each for each in findings if each.fix is None or each.fix.file in failed]


def _print(findings: "Sequence[Finding]", names: Sequence[str]) -> None:
    from cloud_openapi.runtime import shown_path

    for function, group in groupby(findings, lambda each: each.function):
        click.echo(function or _PROJECT)
        for each in group:
            where = str(each.place._replace(file=shown_path(Path(each.place.file))))
            click.echo(f"  {where}: {each.severity}: {each.code}")
            for line in (*_wrapped(each.message), *each.details.splitlines()):
                click.echo(f"    {line}".rstrip())
    click.echo(_summary(findings, names))


def _wrapped(text: str) -> list[str]:
    """Return the lines of a text: on a terminal they fit its width."""
    if not sys.stdout.isatty():
        return [text]
    width = min(os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH, _WIDTH) - 4
    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)


def _summary(findings: "Sequence[Finding]", names: Sequence[str]) -> str:
    bad = {each.function for each in findings if each.severity == "problem"}
    problems = sum(each.severity == "problem" for each in findings)
    counts = (_count(problems, "problem"), _count(len(findings) - problems, "note"))
    fine = len(set(names) - bad)
    fixable = sum(each.fix is not None for each in findings)
    fix = f"; --fix corrects {fixable} in config.json" if fixable else ""
    return f"{_count(len(names), 'function')}: {fine} fine, {', '.join(counts)}{fix}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
