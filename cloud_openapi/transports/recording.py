"""Records what a client exchanges with the service."""

from collections.abc import Mapping
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Protocol

from cloud_openapi.recordings import Interaction, Recorder
from cloud_openapi.transports._base import Reply, bad_status


class Fetching(Protocol):
    """An exchange that can tell of an answer with any status."""

    def fetch(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the answer, whatever its status. Raises ExchangeError when none came."""
        ...


class RecordingExchange:
    """Sends requests on and records each answer, errors included; requests for tokens too."""

    def __init__(self, exchange: Fetching, base_url: str, recorder: Recorder) -> None:
        self._exchange = exchange
        self._base_url = base_url
        self._recorder = recorder

    def __repr__(self) -> str:
        return f"<RecordingExchange of {self._exchange!r}>"

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and write its recording. Raises ExchangeError, OSError."""
        at = datetime.now(timezone.utc)
        reply = self._exchange.fetch(method, target, body, headers)
        self._recorder.add(
            Interaction(
                None,
                method,
                self._base_url + target,
                {"Content-Type": ["application/json"]} if body is not None else {},
                body or b"",
                reply.status,
                reply.reason,
                _headers(reply),
                reply.body,
                at,
                self._base_url,
            )
        )
        if reply.status != HTTPStatus.OK:
            path = target.partition("?")[0]
            raise bad_status(reply.status, reply.reason, self._base_url + path)
        return reply


def _headers(reply: Reply) -> dict[str, list[str]]:
    # The body is decoded already.
    return {
        name: [value]
        for name, value in reply.headers.items()
        if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
    }
