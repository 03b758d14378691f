"""One invocation: the call for its worker, and the platform's log lines around it."""

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import orjson

from cloud_openapi import clocks
from cloud_openapi.errors import one_line
from cloud_openapi.masking import mask_named
from cloud_openapi.runtime._context import Invocation, context_of, event_of, new_token
from cloud_openapi.runtime._log import InvocationLog, Log
from cloud_openapi.runtime._moved_clock import MovedClock
from cloud_openapi.runtime._outcome import (
    EVENT,
    TOO_LARGE,
    InvocationError,
    Outcome,
    error_line,
)
from cloud_openapi.runtime._reasons import of_error
from cloud_openapi.runtime._settings import Settings

MOST_BYTES = 6 * 1024 * 1024
GOOD = 200
_MOST_FAILURES = 100
# orjson must refuse the types that json.dumps refuses.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class _Failure(NamedTuple):
    """Why a call of a function failed, and parts of the errors that it may raise."""

    reason: str
    marks: Collection[str] = ()
    nested: bool = False


class Execution:
    """An invocation that has begun; ``memory`` is its worker's peak, in MB.

    ``clock`` is the one that the function sees, None for the machine's. ``secrets`` are masked in
    its log, as its token is.
    """

    def __init__(
        self,
        invocation: Invocation,
        settings: Settings,
        log: Log,
        clock: MovedClock | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self.invocation = invocation
        self.clock = clock
        self.token, ticket = new_token(invocation.request_id)
        # Functions that decode the token print its ticket.
        known = (self.token, ticket, *secrets)
        self.log = InvocationLog(log, known, invocation.request_id, invocation.depth)
        self.memory = 0.0
        self.flush: Callable[[], None] = _nothing
        """Adds the output so far to the log, before a line of another thread."""
        self._failures: list[_Failure] = []
        self._settings = settings
        self.begun = clocks.monotonic()
        self.log.platform(f"START RequestId:{invocation.request_id}")

    def call(self, event: Any, variables: Mapping[str, str]) -> bytes:
        """Return the line of JSON for the worker. Raises InvocationError."""
        whole = event_of(event, self.invocation.source, variables["WX_APPID"])
        text = _event_text(whole)
        context = orjson.dumps(context_of(self.invocation, self._settings, variables))
        clock = b"" if self.clock is None else b', "clock": ' + json.dumps(self.clock).encode()
        return b'{"event": %b, "context": %b%b}\n' % (text, context, clock)

    def explain(self, reason: str, marks: Collection[str], *, nested: bool) -> None:
        """Keep why a call failed; its error has one of the ``marks``.

        The log of a ``nested`` invocation says it already. Without ``marks`` it is a warning.
        """
        if not marks:
            self.flush()
            self.log.add_warning(reason)
            return
        self._failures.append(_Failure(reason, marks, nested))
        del self._failures[:-_MOST_FAILURES]
        if not nested:
            self.flush()
            self.log.add_reason(reason)

    def nest(self, name: str, log: str) -> None:
        """Add the log of an invocation that this one made."""
        self.flush()
        self.log.nest(name, log)

    def _cause(self, outcome: Outcome) -> "_Failure":
        """Return why the invocation failed: by itself, or by the call whose error it raised."""
        if outcome.reason:
            return _Failure(outcome.reason)
        result = outcome.result
        text = f"{result.get('errorMessage')}\n{result.get('stackTrace')}"
        found = (
            failure
            for failure in reversed(self._failures)
            if any(mark in text for mark in failure.marks)
        )
        return next(found, None) or _Failure(of_error(result))

    def message(self, outcome: Outcome) -> str:
        """Return the error of an outcome in one line without secrets, empty for a success."""
        if outcome.status == GOOD:
            return ""
        return one_line(mask_named(self.log.masked(error_line(outcome.result))))

    def end(self, outcome: Outcome) -> tuple[Outcome, float]:
        """Write the last log lines; return the outcome with the log, and the milliseconds."""
        request_id = self.invocation.request_id
        milliseconds = (clocks.monotonic() - self.begun) * 1000
        status, good = outcome.status, outcome.status == GOOD
        # Callers print an error, as `cloud-openapi invoke` does.
        text = outcome.text if good else self.log.masked(outcome.text)
        reason = "" if good else self._log_reason(outcome)
        report = (
            f"Report RequestId:{request_id} Duration:{round(milliseconds)}ms "
            f"Memory:{self._settings.memory}MB MemUsage:{self.memory:.6f}MB"
        )
        self.log.platform(
            f"{'Response' if good else 'ERROR'} RequestId:{request_id} "
            f"{'RetMsg' if good else 'Result'}:{text}",
            f"END RequestId:{request_id}",
            report,
            failed=not good,
        )
        return Outcome(text, status, self.log.text, report, reason), milliseconds

    def _log_reason(self, outcome: Outcome) -> str:
        """Write why the invocation failed to its log, and return it."""
        cause = self._cause(outcome)
        reason = one_line(self.log.masked(cause.reason))
        if reason:
            self.log.add_reason(reason, nested=cause.nested)
        return reason


def _nothing() -> None:
    """Do nothing: the function does not run yet."""


def _event_text(event: Any) -> bytes:
    try:
        text = orjson.dumps(event, option=_STRICT)
    except orjson.JSONEncodeError:
        # orjson refuses lone surrogates, large integers and keys that are numbers.
        text = _other_text(event)
    if len(text) > MOST_BYTES and _size(text) > MOST_BYTES:
        raise InvocationError(TOO_LARGE)
    return text


def _other_text(event: Any) -> bytes:
    try:
        return json.dumps(event).encode()
    except RecursionError:
        raise InvocationError(EVENT, "The event is nested too deeply") from None


def _size(text: bytes) -> int:
    """Return the size of JSON in bytes of UTF-8, without ASCII escapes."""
    return len(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "surrogatepass"))
