from abc import ABC, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from cloud_openapi.catalogue import Operation
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError, system_error


class Transport(Protocol):
    """Carries one call."""

    def send(self, operation: Operation, params: Mapping[str, Any], /) -> dict[str, Any]:
        """Return WeChat's answer in its HTTPS form, an error of WeChat's included.

        Raises CloudSDKError when there is no such answer.
        """
        ...


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    reason: str
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def content_type(self) -> str:
        """Return the Content-Type, or nothing."""
        return self.headers.get("Content-Type", "")

    def __repr__(self) -> str:
        # The body may hold a token.
        return f"<Reply {self.status}, {len(self.body)} bytes>"


class Exchange(ABC):
    """Sends one HTTP request to the service; target is a path with its query."""

    base_url = ""

    @abstractmethod
    def fetch(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str] | None, /
    ) -> Reply:
        """Return the answer, whatever its status. Raises ExchangeError when none came."""

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the answer to a body of JSON, unless the headers say otherwise.

        Raises ExchangeError, whose text holds no query, when none came or its status is not 200.
        """
        reply = self.fetch(method, target, body, headers)
        if reply.status != HTTPStatus.OK:
            path = target.partition("?")[0]
            raise bad_status(reply.status, reply.reason, self.base_url + path)
        return reply


class ExchangeError(Exception):
    """An exchange that brought no usable answer. Its text never holds a token or a secret.

    ``what`` is what happened in Node.js's words; ``status`` that of an answer that was not 200.
    """

    def __init__(
        self, code: int, text: str | None, hint: str, what: str = "", status: int = 0
    ) -> None:
        super().__init__(code, text, hint)
        self.code = code
        self.text = text
        self.hint = hint
        self.what = what
        self.status = status

    def failure(self, api: str) -> CloudSDKError:
        """Return the SDK's error for a call of this API."""
        if self.text is None:
            return system_error(self.code, self.hint)
        return CloudSDKError(self.code, f"openapi.{api}:fail {self.text}", self.hint)


def unreachable(what: str, where: str) -> ExchangeError:
    """Return the error of a connection that failed or broke; ``what`` is Node.js's word for it."""
    return _gateway_error(
        what, f"No answer from {where}. Is the address right, is the service running?"
    )


def bad_status(status: int, reason: str, url: str) -> ExchangeError:
    """Return the error of an answer that is not 200; WeChat answers its own errors with 200."""
    return _gateway_error(
        f"{status} {reason} | [{url}]",
        "WeChat answers with 200: something else answered here.",
        status,
    )


def timed_out(where: str) -> ExchangeError:
    """Return the error of an answer that did not come in time."""
    return ExchangeError(
        -604102,
        None,
        f"{where} did not answer in time; the call may have been done all the same.",
        "request timeout",
    )


def bad_body(shown: str) -> ExchangeError:
    """Return the error of a body that is not a JSON object."""
    return ExchangeError(
        -601001,
        f"wechat server internal error, response body is invalid json: {shown}",
        "The answer is no JSON object: a proxy or another server may have answered.",
    )


def _gateway_error(what: str, hint: str, status: int = 0) -> ExchangeError:
    code = -501001
    return ExchangeError(code, f"{code} {SDK_TEXTS[code]}. {what}", hint, what, status)
