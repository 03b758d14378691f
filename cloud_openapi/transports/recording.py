"""Records the requests of a client and the responses of the service."""

from collections.abc import Mapping
from datetime import datetime, timezone

from cloud_openapi.recordings import Interaction, Recorder
from cloud_openapi.transports._base import Exchange, Reply

_JSON = {"Content-Type": ["application/json"]}


class RecordingExchange(Exchange):
    """Forwards requests, those for tokens too, and records each response, errors too."""

    def __init__(self, exchange: Exchange, base_url: str, recorder: Recorder) -> None:
        self._exchange = exchange
        self.base_url = base_url
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
        reply = self._exchange.send(method, target, body, headers)
        self._recorder.add(
            Interaction(
                api=None,
                method=method,
                uri=self.base_url + target,
                request_headers=_sent_headers(body, headers),
                request_body=body or b"",
                status=reply.status,
                reason=reply.reason,
                response_headers=_headers(reply),
                response_body=reply.body,
                recorded_at=at,
                origin=self.base_url,
            )
        )
        return reply


def _sent_headers(body: bytes | None, given: Mapping[str, str] | None) -> dict[str, list[str]]:
    if given is not None:
        return {name: [value] for name, value in given.items()}
    return _JSON if body is not None else {}


def _headers(reply: Reply) -> dict[str, list[str]]:
    # The redactor needs the name of a coding that the client could not decode.
    return {
        name: [value]
        for name, value in reply.headers.items()
        if name.lower() not in {"content-length", "transfer-encoding"}
    }
