"""HTTPS with an access token: the form for any server."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from queue import LifoQueue
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

from cloud_openapi.catalogue import Operation
from cloud_openapi.forks import renew_in_children
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.masking import MASK, mask_named
from cloud_openapi.tokens import AccessToken, Granted, TokenDeniedError
from cloud_openapi.transports._base import (
    Exchange,
    ExchangeError,
    Reply,
    TokenAPI,
    bad_body,
    timed_out,
    too_large,
    unreachable,
)
from cloud_openapi.transports._body import answer_of, encode, json_object, masked, request_of

if TYPE_CHECKING:
    from cloud_openapi.tokens._shared import SharedToken

_TOKEN_REFUSED = frozenset({40001, 40014, 42001})
_CONNECT_TIMEOUT = 5.0
_CONNECTIONS_KEPT = 64
_LARGEST_MIB = 32
_PART = 16 * 1024
# Whoever has the signed URL of a file can read it.
_SIGNED = r"([?&](?:q-)?sign(?:ature)?=)[^&\s\"]+"
_TLS, _HANG_UP = "certificate or TLS error", "socket hang up"


class HTTPSTransport:
    """Calls WeChat's HTTPS APIs as one mini program.

    ``share`` makes the token one of several processes; it is given the way to one without them.
    Safe to share between threads and with forked processes.
    """

    def __init__(
        self,
        exchange: Exchange,
        appid: str,
        secret: str,
        token_api: TokenAPI = "stable_token",
        share: "Callable[[Callable[[], Granted]], SharedToken] | None" = None,
    ) -> None:
        self._exchange = exchange
        self._appid = appid
        self._secret = secret
        self._token_api = token_api
        shared = None if share is None else share(partial(self._fetch_token, "stable_token"))
        self._token = AccessToken(self._fetch_token, shared=shared)

    def __repr__(self) -> str:
        return f"<HTTPSTransport {self._appid} by {self._exchange}>"

    def send(self, operation: Operation, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return WeChat's response; after a refused token, renew it and repeat the call once.

        Raises CloudSDKError without a response or for one that is neither a JSON object nor the
        file of an API, TypeError for parameters that JSON cannot write.
        """
        written = encode(operation, params)
        secrets = [self._secret, self._token.last]
        try:
            secrets.append(token := self._token.get())
            reply = self._exchange.send(*request_of(operation, written, access_token=token))
            answer = self._read(operation, reply, secrets)
            if answer.get("errcode") in _TOKEN_REFUSED:
                secrets.append(token := self._token.renew(token))
                reply = self._exchange.send(*request_of(operation, written, access_token=token))
                answer = self._read(operation, reply, secrets)
        except TokenDeniedError as denied:
            return masked(denied.answer, *secrets)
        except ExchangeError as error:
            failure = error.failure(operation.name, secrets)
        else:
            return masked(answer, *secrets) if answer.get("errcode") else answer
        # Outside of the except clause, so that no context with a URL in it is attached.
        raise failure

    def _read(
        self, operation: Operation, reply: Reply, secrets: Iterable[str | None]
    ) -> dict[str, Any]:
        body = self._exchange.body_of(reply, operation.path)
        return answer_of(operation, reply, body, secrets)

    def _fetch_token(self, token_api: TokenAPI | None = None) -> Granted:
        fields = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
        }
        if (token_api or self._token_api) == "token":
            target = f"/cgi-bin/token?{urlencode(fields)}"
            reply = self._exchange.send("GET", target)
        else:
            target = "/cgi-bin/stable_token"
            reply = self._exchange.send("POST", target, json.dumps(fields).encode())
        body = self._exchange.body_of(reply, target)
        answer = json_object(body) or {}
        if answer.get("errcode"):
            raise TokenDeniedError(answer)
        token, expires_in = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not is_number(expires_in):
            raise bad_body("(the answer to a token request is never shown)")
        return Granted(token, expires_in)


class _Request(requests.PreparedRequest):
    """A request with its target given: splitting each new URL costs as much as signing it."""

    path_url = ""


class HTTPExchange(Exchange):
    """One requests session with keep-alive. Nothing is sent twice and no redirect is followed."""

    def __init__(self, base_url: str, timeout: float, *, use_proxies: bool = True) -> None:
        self.base_url = base_url
        self._path = urlsplit(base_url).path
        self._timeout = (min(_CONNECT_TIMEOUT, timeout), timeout)
        session = requests.Session()
        session.trust_env = use_proxies
        # Otherwise requests sends the password of a matching line in ~/.netrc.
        session.auth = lambda request: request
        self._adapter = HTTPAdapter(pool_maxsize=_CONNECTIONS_KEPT)
        # requests works out the environment's proxies and certificates and the headers for each
        # call, a third of its cost; here they are worked out once.
        self._settings: Any = session.merge_environment_settings(
            base_url, {}, stream=False, verify=None, cert=None
        )
        self._prepared = session.prepare_request(
            requests.Request("POST", base_url, headers={"Content-Type": "application/json"})
        )
        renew_in_children(self)
        _keep_secrets_out_of_log()

    def renew_in_child(self) -> None:
        """Drop the connections: on a shared one a child would read its parent's responses."""
        for manager in (self._adapter.poolmanager, *self._adapter.proxy_manager.values()):
            # A thread of the parent may hold these locks, even those of urllib3's finalizers.
            manager.pools.lock = threading.RLock()
            for key in manager.pools.keys():  # noqa: SIM118 - urllib3 refuses to iterate
                idle = manager.pools[key].pool
                # Closing tells the server nothing: the parent still has the socket.
                for connection in filter(None, idle.queue):
                    connection.close()
                LifoQueue.__init__(idle, idle.maxsize)

    def __repr__(self) -> str:
        return f"<HTTPExchange {self.base_url}>"

    def send(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and return its response, whatever its status. Raises ExchangeError."""
        request = self._request(method, target, body, self._headers(body, headers))
        try:
            response = self._adapter.send(request, timeout=self._timeout, **self._settings)
            content = _content(response)
        except requests.RequestException as error:
            failure = _failure(error, self.base_url)
        else:
            if content is None:
                raise too_large(_LARGEST_MIB, self.base_url)
            return Reply(response.status_code, response.reason, content, response.headers)
        raise failure

    def transfer(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes | BinaryIO | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Reply:
        """Send one request with content of any size, in parts. Raises ExchangeError."""
        # The length of a file may not be known, such as that of a pipe: it is sent in chunks.
        sized = {"Content-Length": str(len(content))} if isinstance(content, bytes) else {}
        request = self._request(method, target, content, {**headers, **sized})
        settings = {**self._settings, "stream": True}
        try:
            with self._adapter.send(request, timeout=self._timeout, **settings) as response:
                if sink is None or response.status_code != HTTPStatus.OK:
                    body = _content(response)
                else:
                    body = b""
                    for part in response.iter_content(_PART):
                        sink(part)
        except requests.RequestException as error:
            failure = _failure(error, self.base_url)
        else:
            if body is None:
                raise too_large(_LARGEST_MIB, self.base_url)
            return Reply(response.status_code, response.reason, body, response.headers)
        raise failure

    def _request(self, method: str, target: str, body: Any, headers: Any) -> "_Request":
        request = _Request()
        request.method = method
        request.path_url = self._path + target
        # requests sends the URL itself to a proxy.
        request.url = self.base_url + target if self._settings["proxies"] else self.base_url
        request.headers = headers
        request.body = body
        return request

    def _headers(self, body: bytes | None, given: Mapping[str, str] | None) -> Any:
        """Return all headers of a request; the default is those of a JSON body."""
        if given is not None:
            return {**given, "Content-Length": str(len(body or b""))}
        headers = self._prepared.headers.copy()
        if body is None:
            del headers["Content-Type"], headers["Content-Length"]
        else:
            headers["Content-Length"] = str(len(body))
        return headers


def _content(response: requests.Response) -> bytes | None:
    """Return the body of a response, None if it is too large, for example when decompressed."""
    content = bytearray()
    for part in response.iter_content(_PART):
        content += part
        if len(content) > _LARGEST_MIB * 1024 * 1024:
            response.close()
            return None
    return bytes(content)


def _failure(error: requests.RequestException, base_url: str) -> ExchangeError:
    """Return the error in the SDK's words. The text of ``error`` is not used: it holds the URL."""
    cause = error.args[0] if error.args else None
    # The cause is urllib3's own error; a body that stalls is a timeout too.
    reason = getattr(cause, "reason", None)
    if isinstance(error, requests.ConnectTimeout):
        phrase = f"connect ETIMEDOUT {urlsplit(base_url).netloc}"
    elif isinstance(error, requests.Timeout) or isinstance(cause, ReadTimeoutError):
        return timed_out(base_url)
    elif isinstance(reason, NameResolutionError):
        phrase = f"getaddrinfo ENOTFOUND {urlsplit(base_url).hostname}"
    elif isinstance(reason, NewConnectionError) and "refused" in str(reason):
        phrase = f"connect ECONNREFUSED {urlsplit(base_url).netloc}"
    elif isinstance(error, requests.exceptions.SSLError):
        phrase = _TLS
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        phrase = "aborted"  # in the middle of the body
    else:
        phrase = _HANG_UP
    return unreachable(phrase, base_url, _advice(phrase, str(reason), base_url))


def _advice(phrase: str, reason: str, base_url: str) -> str:
    """Return what to do if the server seems to speak http; an empty string otherwise."""
    address = urlsplit(base_url)
    # Such a server answers a TLS handshake in plain text or ends the connection. WeChat's address
    # has no port; http must not be recommended for it.
    if address.scheme != "https" or not address.port or "CERTIFICATE_VERIFY" in reason:
        return ""
    if phrase not in {_TLS, _HANG_UP}:
        return ""
    return f"The emulator has no TLS: if this is one, its URL is http://{address.netloc}."


class _SecretFilter(logging.Filter):
    """Masks tokens and secrets in urllib3's lines, which contain whole URLs.

    Headers that it could not read, and its tracebacks with them, are left out: they may repeat a
    token without its name.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage().partition(", unparsed data:")[0]
        text = re.sub(_SIGNED, rf"\1{MASK}", text)
        record.msg, record.args = mask_named(text), None
        record.exc_info = record.exc_text = None
        return True


_SECRET_FILTER = _SecretFilter()


def _keep_secrets_out_of_log() -> None:
    # CloudBase sets the root logger to DEBUG, so urllib3's lines reach the function's log.
    # addFilter ignores a filter that is already there.
    for name in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_SECRET_FILTER)
