"""The outcome of an invocation: the function's value, or the platform's error object."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from cloud_openapi import clocks
from cloud_openapi.json_text import json_text
from cloud_openapi.runtime._worker import (
    WorkerMemoryError,
    WorkerTimeoutError,
)

# Codes and texts of https://cloud.tencent.com/document/product/583/42611
EVENT, TOO_LARGE, RESULT_TOO_LARGE, RAISED, BUSY = 400, 406, 407, 430, 432
TIMEOUT, MEMORY, NO_HANDLER, UNUSABLE, EXIT, NOT_LOADED, NO_RUNTIME = (
    433,
    434,
    437,
    438,
    439,
    443,
    445,
)
_TEXTS = {
    TOO_LARGE: "RequestTooLarge",
    RESULT_TOO_LARGE: "The size of response exceeds the upper limit (6MB)",
    RAISED: "user code exception caught",
    MEMORY: "MemoryLimitReached",
    EXIT: "User process exit when running",
}
LARGE_EVENT = "an event is at most 6 MB: send a file's ID instead of its content"
_REASONS = {
    EVENT: "the event is nested too deeply to be JSON",
    TOO_LARGE: LARGE_EVENT,
    RESULT_TOO_LARGE: "a result is at most 6 MB: return a file's ID instead of its content",
    BUSY: "one emulator runs at most 16 invocations at a time: await some before you start others",
    EXIT: "the process ended before it answered: look in its log for an error that nothing caught, "
    "such as that of a promise without await, and else for process.exit(), os._exit(), a crash of "
    "a library, or output on the pipe of the answers",
}
# Their messages are the emulator's, and say what to do.
_TELLING = (NO_HANDLER, UNUSABLE, NO_RUNTIME)
_RESULT = b'{"result": '
# The stack of a file that cannot be parsed begins with its place, in Python and in JavaScript.
_PLACE = re.compile(r'File ".+", line \d+|(?:/|file:).+:\d+')
_SYNTAX_ERROR = re.compile(r"(?:Syntax|Indentation|Tab)Error: ")
_STEPS = {"call": RAISED, "handler": NO_HANDLER, "load": NOT_LOADED, "size": RESULT_TOO_LARGE}


class Outcome(NamedTuple):
    """The function's value and 200, or an error object and its status; ``text`` is JSON.

    ``log`` has the invocation's output between the platform's lines, ``report`` is the last one.
    ``reason`` says in one line why it failed and what to do, if the emulator knows it.
    """

    text: str
    status: int
    log: str = ""
    report: str = ""
    reason: str = ""

    @property
    def result(self) -> Any:
        """Return the value or error object."""
        return json.loads(self.text)


class Ended(NamedTuple):
    """An invocation that has ended; ``message`` and ``reason`` are empty for a success.

    ``depth`` is 0 for an invocation from outside, 1 for one that a function made, and so on.
    ``parent`` is the request id of the invocation that made this one, empty if it came from
    outside. ``invocation`` is empty for a request that begins none, such as one with a wrong event.
    """

    function: str
    status: int
    milliseconds: float
    message: str
    reason: str
    depth: int
    source: str
    invocation: str
    parent: str
    begun: float = 0.0
    """The moment at which it began, by `clocks.monotonic`."""

    number: int = 0
    """Counts the invocations in the order of their ends, from 1."""

    @property
    def answered(self) -> float:
        """Return the moment at which it ended, by `clocks.monotonic`."""
        return self.begun + self.milliseconds / 1000

    def contains(self, text: str) -> bool:
        """Return whether a text stands in it, whatever the case."""
        texts = (self.function, self.invocation, self.source, self.message, self.reason)
        return text.lower() in "\n".join(texts).lower()

    def describe(self) -> dict[str, Any]:
        """Return it as JSON."""
        shown = {**self._asdict(), "answered": clocks.moment(self.answered).isoformat()}
        del shown["begun"]
        return {**shown, "milliseconds": round(self.milliseconds, 1)}


class InvocationError(Exception):
    """A failed invocation. ``message`` counts if the platform has no text for the status.

    ``missing`` means that a module was not found. ``reason`` is that of the `Outcome`.
    """

    def __init__(
        self,
        status: int,
        message: str = "",
        stack: str | None = None,
        *,
        missing: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.missing = missing
        self.message = _TEXTS.get(status, message)
        self.stack = stack
        told = self.message if status in _TELLING else ""
        self.reason = reason or _REASONS.get(status, told)

    def outcome(self, request_id: str) -> Outcome:
        """Return the platform's error object."""
        body = {"errorCode": -1, "errorMessage": self.message, "requestId": request_id}
        if self.stack is not None:
            body["stackTrace"] = self.stack
        text = json_text({**body, "statusCode": self.status})
        return Outcome(text, self.status, reason=self.reason)


def read_answer(line: bytes, advice: Callable[[str], str]) -> str:
    """Return the value in a worker's answer, as JSON. Raises InvocationError.

    ``advice`` is given the error about a module that was not found.
    """
    try:
        if line.startswith(_RESULT):
            value = line[len(_RESULT) : -1]
            _check(value)
            return value.decode()
        answer = json.loads(line)
        status = _STEPS[answer["failed"]]
        missing = answer.get("missing", False)
        message, stack = answer["message"], answer["stack"]
    except RecursionError as error:
        # The worker had more stack left than this process has.
        raise InvocationError(RAISED, stack=f"RecursionError: {error}") from None
    except (ValueError, LookupError, TypeError):
        # The function itself has written to the pipe of the answers.
        raise InvocationError(EXIT) from None
    stack = None if status == RESULT_TOO_LARGE else stack
    if not missing:
        raise InvocationError(status, message, stack)
    advised = advice(message)
    raise InvocationError(status, f"{message}. {advised}", stack, missing=True, reason=advised)


def _check(value: bytes) -> None:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        json.loads(value)  # it accepts lone surrogates and deeper nesting


def error_line(failure: Mapping[str, Any]) -> str:
    """Return the line of a platform's error object that names the error, as JavaScript does."""
    stack = str(failure.get("stackTrace") or "").strip()
    lines = stack.splitlines() or [str(failure.get("errorMessage", ""))]
    if _PLACE.fullmatch(lines[0]):
        error = next(filter(_SYNTAX_ERROR.match, lines), "")
        return f"{error} ({lines[0]})" if error else lines[0]
    if not stack.startswith("Traceback"):
        return lines[0]
    # A message may have several lines; the first one follows the last frame.
    frames = [number for number, line in enumerate(lines) if line.startswith("  File")]
    below = lines[frames[-1] :] if frames else lines[-1:]
    return next((line for line in below if not line.startswith(" ")), lines[-1])


def of_worker_error(error: Exception, timeout: float | None) -> InvocationError:
    """Return the platform's error for a worker that gave no answer."""
    if isinstance(error, WorkerTimeoutError):
        return InvocationError(TIMEOUT, f"Invoking task timed out after {timeout:g} seconds")
    return InvocationError(MEMORY if isinstance(error, WorkerMemoryError) else EXIT)
