"""The log of an invocation for people."""

import json
import re
from collections.abc import Iterator
from typing import Any

_ERROR = re.compile(r"(?P<start>(?P<indent> *)ERROR RequestId:\S+ )Result:(?P<result>\{.*\})\n")


def readable_log(log: str) -> Iterator[str]:
    """Yield the lines of a log, and the stack of each nested error instead of its object.

    An error line does not repeat the reason above it.
    """
    told = set()
    for line in log.splitlines(keepends=True):
        told.add(line.strip().removeprefix("Reason: "))
        found = _ERROR.fullmatch(line)
        error = _object(found["result"]) if found else None
        if found is None or error is None:
            yield line
            continue
        message = str(error.get("errorMessage")).partition("\n")[0]
        text = "" if message in told else f"{message} "
        yield f"{found['start']}{text}(statusCode {error.get('statusCode')})\n"
        # The stack of the outermost one follows the log.
        if found["indent"] and error.get("stackTrace"):
            yield from (f"{found['indent']}{each}\n" for each in error["stackTrace"].splitlines())


def _object(text: str) -> dict[str, Any] | None:
    """Return the object in a line of the log, None if the line was cut."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
