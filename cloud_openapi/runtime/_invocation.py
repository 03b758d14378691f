"""One invocation: what its worker is told, and its lines in the log from START to Report."""

import json
import time
from collections.abc import Mapping
from typing import Any

import orjson

from cloud_openapi.runtime._context import Invocation, context_of, event_of, new_token
from cloud_openapi.runtime._log import InvocationLog, Log
from cloud_openapi.runtime._outcome import EVENT, TOO_LARGE, InvocationError, Outcome
from cloud_openapi.runtime._settings import Settings

MOST_BYTES = 6 * 1024 * 1024
_GOOD = 200
# What json.dumps refuses, orjson shall not write either.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class Execution:
    """An invocation that has begun; ``memory`` is the most that its worker took so far, in MB."""

    def __init__(self, invocation: Invocation, settings: Settings, log: Log) -> None:
        self.invocation = invocation
        self.token = new_token(invocation.request_id)
        self.log = InvocationLog(log, secret=self.token)
        self.memory = 0.0
        self._settings = settings
        self._begun = time.monotonic()
        self.log.platform(f"START RequestId:{invocation.request_id}")

    def call(self, event: Any, variables: Mapping[str, str]) -> bytes:
        """Return the worker's line of the invocation. Raises InvocationError."""
        whole = event_of(event, self.invocation.source, variables["WX_APPID"])
        text = _event_text(whole)
        context = orjson.dumps(context_of(self.invocation, self._settings, variables))
        return b'{"event": %b, "context": %b}\n' % (text, context)

    def end(self, outcome: Outcome) -> Outcome:
        """Write the last lines, and return the outcome with the log."""
        request_id = self.invocation.request_id
        duration = round((time.monotonic() - self._begun) * 1000)
        good = outcome.status == _GOOD
        report = (
            f"Report RequestId:{request_id} Duration:{duration}ms "
            f"Memory:{self._settings.memory}MB MemUsage:{self.memory:.6f}MB"
        )
        self.log.platform(
            f"{'Response' if good else 'ERROR'} RequestId:{request_id} "
            f"{'RetMsg' if good else 'Result'}:{outcome.text}",
            f"END RequestId:{request_id}",
            report,
        )
        return Outcome(outcome.text, outcome.status, self.log.text, report)


def _event_text(event: Any) -> bytes:
    try:
        text = orjson.dumps(event, option=_STRICT)
    except orjson.JSONEncodeError:
        # Half a surrogate pair, a large integer, a key that is a number.
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
    """Return the size of JSON as UTF-8: escapes that ASCII needs do not count."""
    return len(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "surrogatepass"))
