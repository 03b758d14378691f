"""HTTP requests to the real service, or to another emulator, instead of the simulation."""

import json
import threading
from datetime import datetime, timezone
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlsplit

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.sources.source import Sent
from cloud_openapi.errors import RecordingError
from cloud_openapi.forks import fork_safe
from cloud_openapi.loopback import is_loopback
from cloud_openapi.masking import mask_url
from cloud_openapi.recordings import Headers, Interaction, Redactor
from cloud_openapi.recordings._encoding import decoded

WEIXIN: Final = "https://api.weixin.qq.com"
_TIMEOUT = 15.0
_SHORTEST_SECRET = 16
_TOKEN_PATH = "/cgi-bin/stable_token"  # noqa: S105 - a path
# WeChat's codes for an invalid or expired token.
_RENEWABLE = frozenset({40001, 40014, 42001})
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


class UpstreamError(Exception):
    """The upstream did not answer. The text never holds a token or a secret."""


class Upstream:
    """A client of a base URL for one mini program, with its own access token.

    The method, path, query and body of a request are passed on, with the body's type. Raises
    ValueError for an invalid URL, and for a host other than this machine without https or with the
    demo mini program.
    """

    def __init__(self, base_url: str | None, app: tuple[str, str] | None) -> None:
        self.base_url = (base_url or WEIXIN).rstrip("/")
        self._parts = urlsplit(self.base_url)
        self.app = _app_for(self.base_url, app)
        secret = self.app[1]
        # A short secret is made up, and other words contain it.
        self._redactor = Redactor([secret] if len(secret) >= _SHORTEST_SECRET else [])
        self._lock = fork_safe(threading.Lock())
        self._token: str | None = None

    def __repr__(self) -> str:
        return f"<Upstream {self.base_url}>"

    def send(self, method: str, path: str, sent: Sent) -> Interaction:
        """Return the answer with its request, which holds the token; the answer holds no secret.

        Raises UpstreamError.
        """
        token = self._get_token(None)
        found = self._exchange(method, sent.target(path, access_token=token), sent)
        if _errcode(found) in _RENEWABLE:
            token = self._get_token(token)
            found = self._exchange(method, sent.target(path, access_token=token), sent)
        # Callers, the journal and the recordings get an answer without this client's secrets.
        return self._redactor.hide_given(found)

    def _get_token(self, refused: str | None) -> str:
        """Return the current token, or a new one if it is the refused token."""
        with self._lock:
            if self._token is None or self._token == refused:
                appid, secret = self.app
                fields = {"grant_type": "client_credential", "appid": appid, "secret": secret}
                sent = Sent("", "", json.dumps(fields).encode())
                answer = self._exchange("POST", _TOKEN_PATH, sent)
                self._token = _token_of(answer, self.base_url)
                self._redactor.give(self._token)
            return self._token

    def _exchange(self, method: str, target: str, sent: Sent) -> Interaction:
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        connection = kind(self._parts.netloc, timeout=_TIMEOUT)
        body = sent.body
        headers = {"Content-Type": sent.content_type or "application/json"} if body else {}
        at = datetime.now(timezone.utc)
        failure = None
        try:
            connection.request(method, self._parts.path + target, body or None, headers)
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, HTTPException) as error:
            failure = UpstreamError(f"{self.base_url} gave no answer: {type(error).__name__}")
        finally:
            connection.close()
        if failure is not None:
            # Raised outside the except clause: the original error may hold the URL with the token.
            raise failure
        content, got_headers = self._decoded(content, reply.getheaders())
        return Interaction(
            api=None,
            method=method,
            uri=self.base_url + target,
            request_headers={name: [value] for name, value in headers.items()},
            request_body=body,
            status=reply.status,
            reason=reply.reason,
            response_headers=got_headers,
            response_body=content,
            recorded_at=at,
            origin=self.base_url,
        )

    def _decoded(self, content: bytes, headers: list[tuple[str, str]]) -> tuple[bytes, Headers]:
        """Return the decoded body and its headers; some servers compress without a request to."""
        kept: dict[str, list[str]] = {}
        for name, value in headers:
            kept.setdefault(name, []).append(value)
        try:
            body, true = decoded(content, kept)
        except RecordingError as error:
            raise UpstreamError(
                f"{self.base_url} gave an answer that cannot be read: {error}"
            ) from None
        return body, {k: v for k, v in true.items() if k.lower() not in _HOP_BY_HOP}


def _app_for(base_url: str, app: tuple[str, str] | None) -> tuple[str, str]:
    """Return the appid and secret for a base URL. Raises ValueError."""
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise InvalidInputError(
            f"upstream: {mask_url(base_url)!r} is not a base URL such as {WEIXIN}"
        )
    if parts.username or parts.password:
        raise InvalidInputError("upstream: the base URL must not hold a user name or a password")
    local = is_loopback(parts.hostname)
    if app is None and local:
        return DEMO_APPID, DEMO_SECRET
    if app is None or not all(app):
        raise InvalidInputError(
            f"upstream: {base_url} needs an appid and a secret: set CLOUD_OPENAPI_APPID and "
            "CLOUD_OPENAPI_SECRET, or upstream_app"
        )
    if not local and (parts.scheme != "https" or app[0] == DEMO_APPID):
        raise InvalidInputError(f"upstream: {base_url} must be https, and not for {DEMO_APPID}")
    return app


def _errcode(found: Interaction) -> Any:
    answer = found.response_json
    return answer.get("errcode") if isinstance(answer, dict) else None


def _token_of(found: Interaction, base_url: str) -> str:
    answer = found.response_json
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if isinstance(token, str) and token:
        return token
    # WeChat's errmsg is left out: it could repeat the secret.
    why = f"errcode {_errcode(found)}" if isinstance(answer, dict) else "not a JSON object"
    raise UpstreamError(f"{base_url} grants no token: HTTP {found.status}, {why}")
