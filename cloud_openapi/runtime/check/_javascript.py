"""Read JavaScript sources by the parser that Node.js carries, in one process for all files."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cloud_openapi.runtime._worker_command import MissingProgramError, node_program
from cloud_openapi.runtime.check._facts import Facts, Mistake

_SCRIPT = Path(__file__).with_name("_javascript.js")
# The syntax tree of the largest file that is read needs less.
_MOST_MEMORY = 256
_LONGEST = 120.0
_TOO_LARGE = "it takes too much memory to parse"
_OPTIONS = (
    "--expose-internals",
    "--experimental-vm-modules",
    "--no-warnings",
    f"--max-old-space-size={_MOST_MEMORY}",
)


class NotParsedError(Exception):
    """The sources could not be parsed; the message says why."""


def javascript_facts(files: Sequence[str]) -> dict[str, Facts]:
    """Return the facts of JavaScript files by their paths. Raises NotParsedError."""
    found: list[Facts] = []
    while len(found) < len(files):
        lines, crashed = _parsed(files[len(found) :])
        found += [_facts(json.loads(line)) for line in lines]
        if crashed:
            found.append(Facts(mistake=Mistake(1, 1, _TOO_LARGE, wrong=False)))
    return dict(zip(files, found, strict=True))


def _parsed(files: Sequence[str]) -> tuple[list[str], bool]:
    """Return the parser's lines, and whether it crashed at the file after these."""
    try:
        command = [node_program(), *_OPTIONS, str(_SCRIPT)]
        given = json.dumps(list(files))
        run = subprocess.run(  # noqa: S603 - Node.js and a file of this package
            command,
            input=given,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=_LONGEST,
        )
    except (MissingProgramError, OSError, subprocess.TimeoutExpired) as error:
        raise NotParsedError(str(error)) from None
    # A text in them may have other ends of lines, such as U+2028.
    lines = run.stdout.split("\n")[:-1]
    if run.returncode < 0 and len(lines) < len(files):
        return lines, True
    if run.returncode or len(lines) != len(files):
        last = re.findall(r"^\w*Error.*|bad option.*", run.stderr, re.MULTILINE)
        why = last[-1] if last else f"exit code {run.returncode}"
        raise NotParsedError(f"{command[0]} cannot parse JavaScript here: {why}")
    return lines, False


def _facts(found: Mapping[str, Any]) -> Facts:
    message = found.get("error") or found.get("unread")
    if message is None:
        return Facts.of(found)
    place = found.get("line", 1), found.get("column", 1)
    return Facts(mistake=Mistake(*place, message, wrong="error" in found))
