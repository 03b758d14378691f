"""The password of the console, on a server that other machines reach: HTTP Basic authentication."""

from collections import Counter
from hmac import compare_digest
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response
from werkzeug.datastructures import Authorization

from cloud_openapi import clocks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MOST_WRONG: Final = 10
_SECONDS: Final = 60
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="cloud_openapi console", charset="UTF-8"'}


class ConsolePassword:
    """Checks the password of a request; any user name will do.

    An address may send ten wrong ones a minute. After these, even the right one is refused until
    the minute has passed, so that a guess which was right remains unknown.
    """

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._minute = 0
        self._wrong: Counter[str] = Counter()
        """Wrong passwords of this minute, by address."""

    def refusal(self, environ: "WSGIEnvironment") -> Response | None:
        """Return the response to a request without the password, None if the request has it."""
        given = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
        if given is None or given.type != "basic":
            return _needed()
        address = environ.get("REMOTE_ADDR", "")
        wrong = self._wrong_now()
        if wrong[address] >= _MOST_WRONG:
            return _too_many()
        if compare_digest((given.password or "").encode("utf-8", "replace"), self._password):
            return None
        wrong[address] += 1
        return _needed()

    def _wrong_now(self) -> Counter[str]:
        minute = int(clocks.monotonic() // _SECONDS)
        if minute != self._minute:
            self._minute, self._wrong = minute, Counter()
        return self._wrong


def _needed() -> Response:
    text = (
        "The console needs its password; any user name will do. serve has printed it, unless "
        "CLOUD_OPENAPI_CONSOLE_PASSWORD sets it.\n"
        "控制台需要密码，用户名任意。密码由 serve 在启动时显示，或者由 "
        "CLOUD_OPENAPI_CONSOLE_PASSWORD 设置。\n"
    )
    return _plain(text, HTTPStatus.UNAUTHORIZED, _CHALLENGE)


def _too_many() -> Response:
    text = (
        "Too many wrong passwords for the console: try again in a minute.\n"
        "控制台密码错误次数过多：请一分钟后再试。\n"
    )
    return _plain(text, HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(_SECONDS)})


def _plain(text: str, status: HTTPStatus, headers: dict[str, str]) -> Response:
    """Return a text for people: a browser shows it if no password is entered."""
    return Response(text, status, headers, content_type="text/plain; charset=utf-8")
