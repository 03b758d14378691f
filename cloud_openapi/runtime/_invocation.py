"""One invocation: the call for its worker, and the platform's log lines around it."""

import json
from collections.abc import Mapping
from typing import Any

import orjson

from cloud_openapi import clocks
from cloud_openapi.runtime._context import Invocation, context_of, event_of, new_token
from cloud_openapi.runtime._log import InvocationLog, Log
from cloud_openapi.runtime._outcome import EVENT, TOO_LARGE, InvocationError, Outcome
from cloud_openapi.runtime._settings import Settings

MOST_BYTES = 6 * 1024 * 1024
GOOD = 200
# orjson must refuse the types that json.dumps refuses.
_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class Execution:
    """An invocation that has begun; ``memory`` is its worker's peak, in MB."""

    def __init__(self, invocation: Invocation, settings: Settings, log: Log) -> None:
        self.invocation = invocation
        self.token = new_token(invocation.request_id)
        self.log = InvocationLog(log, secret=self.token)
        self.memory = 0.0
        self._settings = settings
        self._begun = clocks.monotonic()
        self.log.platform(f"START RequestId:{invocation.request_id}")

    def call(self, event: Any, variables: Mapping[str, str]) -> bytes:
        """Return the line of JSON for the worker. Raises InvocationError."""
        whole = event_of(event, self.invocation.source, variables["WX_APPID"])
        text = _event_text(whole)
        context = orjson.dumps(context_of(self.invocation, self._settings, variables))
        return b'{"event": %b, "context": %b}\n' % (text, context)

    def end(self, outcome: Outcome) -> tuple[Outcome, float]:
        """Write the last log lines; return the outcome with the log, and the milliseconds."""
        request_id = self.invocation.request_id
        milliseconds = (clocks.monotonic() - self._begun) * 1000
        duration = round(milliseconds)
        good = outcome.status == GOOD
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
        return outcome._replace(log=self.log.text, report=report), milliseconds


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
