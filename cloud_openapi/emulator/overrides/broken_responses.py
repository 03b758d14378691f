"""Responses of a broken network or of a proxy."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# Kinds of faults that replace the answer, which is then not computed.
REPLACING: Final = frozenset({"status", "html", "empty", "drop"})


class DroppedConnectionError(ConnectionAbortedError):
    """Raised to make the server drop the connection; a caller in this process sees the error."""


class _Dropped(Response):
    """A response whose connection ends before its first byte."""

    def __call__(
        self, _environ: "WSGIEnvironment", _start_response: "StartResponse"
    ) -> Iterable[bytes]:
        raise DroppedConnectionError("dropped before the answer")


class _DroppedInBody(Response):
    """A response whose connection ends within its body."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        _, status, headers = self.get_wsgi_response(environ)
        start_response(status, headers)  # Content-Length is that of the whole body
        return self._half()

    def _half(self) -> Iterator[bytes]:
        yield _first_half(self.get_data())
        raise DroppedConnectionError("dropped within the body")


def broken(response: Response, kind: str, definition: Mapping[str, Any]) -> Response:
    """Return the response, broken if a fault of this kind breaks responses."""
    breaker = _BREAKERS.get(kind)
    return response if breaker is None else breaker(response, definition)


def status_page(number: int) -> Response:
    """Return a gateway's HTML page for an HTTP status."""
    known = number in {status.value for status in HTTPStatus}
    # A text, because werkzeug writes phrases in capitals.
    line = f"{number} {HTTPStatus(number).phrase if known else 'Error'}"
    return _page(line, line)


def _page(status: str, title: str) -> Response:
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(text, status, content_type="text/html")


def _status(_response: Response, definition: Mapping[str, Any]) -> Response:
    return status_page(definition["status"])


def _html(_response: Response, _definition: Mapping[str, Any]) -> Response:
    return _page("200 OK", "Please sign in to the network")


def _empty(response: Response, _definition: Mapping[str, Any]) -> Response:
    response.set_data(b"")
    return response


def _truncate(response: Response, _definition: Mapping[str, Any]) -> Response:
    response.set_data(_first_half(response.get_data()))
    return response


def _content_type(response: Response, definition: Mapping[str, Any]) -> Response:
    response.headers["Content-Type"] = definition["content_type"]
    return response


def _drop(_response: Response, _definition: Mapping[str, Any]) -> Response:
    return _Dropped(status=0)


def _drop_in_body(response: Response, _definition: Mapping[str, Any]) -> Response:
    return _DroppedInBody(response.get_data(), content_type=response.headers["Content-Type"])


def _first_half(body: bytes) -> bytes:
    return body[: max(1, len(body) // 2)]


_BREAKERS: Final[dict[str, Callable[[Response, Mapping[str, Any]], Response]]] = {
    "status": _status,
    "html": _html,
    "empty": _empty,
    "truncate": _truncate,
    "content_type": _content_type,
    "drop": _drop,
    "drop_in_body": _drop_in_body,
}
