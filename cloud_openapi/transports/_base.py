from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, NamedTuple, Protocol

from cloud_openapi.catalogue import Operation
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError, system_error
from cloud_openapi.masking import mask_text

TokenAPI = Literal["stable_token", "token"]
Kind = Literal["https", "gateway", "cloudrun"]


class Transport(Protocol):
    """Carries one call."""

    def send(self, operation: Operation, params: Mapping[str, Any], /) -> dict[str, Any]:
        """Return WeChat's response in its HTTPS form, also for an error of WeChat's.

        Raises CloudSDKError without such a response.
        """
        ...


class Reply(NamedTuple):
    """An HTTP response."""

    status: int
    reason: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def content_type(self) -> str:
        """Return the Content-Type, or an empty string if missing."""
        return self.headers.get("Content-Type", "")

    def __repr__(self) -> str:
        # The body may hold a token.
        return f"<Reply {self.status}, {len(self.body)} bytes>"


class Exchange(ABC):
    """Sends one HTTP request to the service."""

    base_url = ""

    @abstractmethod
    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the response, whatever its status; ``target`` is a path with its query.

        A body is JSON unless the headers name another type. Raises ExchangeError, whose text
        holds no query, without a response.
        """

    def transfer(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes | BinaryIO | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Reply:
        """Send one request with content of any size, and pass on the content of the response.

        ``sink`` is given the parts of a response of status 200, whose `Reply` has no body then.
        Raises ExchangeError, whose text holds no query, without a response.
        """
        body = content if content is None or isinstance(content, bytes) else content.read()
        reply = self.send(method, target, body, headers)
        if sink is None or reply.status != HTTPStatus.OK:
            return reply
        sink(reply.body)
        return reply._replace(body=b"")

    def body_of(self, reply: Reply, target: str) -> bytes:
        """Return the body of a response. Raises ExchangeError for a status other than 200."""
        if reply.status != HTTPStatus.OK:
            raise bad_status(reply.status, reply.reason, self.base_url + target.partition("?")[0])
        return reply.body


class ExchangeError(Exception):
    """An exchange without a usable response.

    ``reason`` is the failure in Node.js's words. The text may hold a secret that the server
    repeats, such as in its reason phrase; `failure` masks it.
    """

    def __init__(self, code: int, text: str | None, hint: str, reason: str = "") -> None:
        super().__init__(code, text, hint)
        self.code = code
        self.text = text
        self.hint = hint
        self.reason = reason

    def failure(self, api: str, secrets: Iterable[str | None] = ()) -> CloudSDKError:
        """Return the SDK's error for a call of this API, without secrets that a server repeats."""
        if self.text is None:
            return system_error(self.code, self.hint)
        text = mask_text(self.text, secrets)
        return CloudSDKError(self.code, f"openapi.{api}:fail {text}", self.hint)


def unreachable(reason: str, where: str, advice: str = "") -> ExchangeError:
    """Return the error of a connection that failed or broke; ``reason`` is Node.js's word."""
    advice = advice or "Check the address, and that the service is running."
    return _gateway_error(reason, f"{where} sent no response. {advice}")


def bad_status(status: int, phrase: str, url: str) -> ExchangeError:
    """Return the error of a status other than 200; WeChat sends its own errors with 200."""
    return _gateway_error(
        f"{status} {phrase} | [{url}]",
        "WeChat always responds with status 200: a proxy or another server sent this response.",
    )


def too_large(limit: int, where: str) -> ExchangeError:
    """Return the error of a response that is larger than ``limit`` MiB."""
    return _gateway_error(
        f"response larger than {limit} MiB",
        f"{where} sent more than WeChat does: another server may have sent the response.",
    )


def timed_out(where: str) -> ExchangeError:
    """Return the error of a timeout."""
    return ExchangeError(
        -604102,
        None,
        f"{where} did not respond within the timeout; WeChat may have processed the call.",
        "request timeout",
    )


def bad_body(shown: str) -> ExchangeError:
    """Return the error of a body that is not a JSON object."""
    return ExchangeError(
        -601001,
        f"wechat server internal error, response body is invalid json: {shown}",
        "The response is not a JSON object: a proxy or another server may have sent it.",
    )


def _gateway_error(reason: str, hint: str) -> ExchangeError:
    code = -501001
    return ExchangeError(code, f"{code} {SDK_TEXTS[code]}. {reason}", hint, reason)
