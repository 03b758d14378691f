"""Requests that the emulator refuses before any route sees them.

Other hosts: wx-server-sdk before 2.3.3 calls a fixed address. With ``http_proxy`` it calls the
emulator, and so do all other HTTP requests of its process. Other sites: a page in a local browser
may send requests here, under a name of its own that resolves to this machine, too.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from flask import Flask, Response

from cloud_openapi.emulator.json_response import refusal
from cloud_openapi.emulator.server.console_password import ConsolePassword
from cloud_openapi.emulator.server.cross_origin import answer_cross_origin
from cloud_openapi.loopback import INTERNAL, LOCALHOST, is_loopback
from cloud_openapi.runtime import is_gateway_host, is_weixin_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_REASON = "403 The emulator forwards nothing"
_LONGEST = 200


class Access(NamedTuple):
    """Names under which the emulator answers, and who may control it.

    ``hosts`` are names besides those of this machine. With ``wide``, for a server that other
    machines reach, they are any IP address and any name without a dot, such as a container's, too:
    no site on the Internet has such a name. With ``control``, they may use ``/_emulator``. With
    ``wide`` and ``console_password``, the console asks everybody for this password; else it is for
    this machine only.
    """

    hosts: frozenset[str] = frozenset()
    wide: bool = False
    control: bool = False
    console_password: str = ""

    def serves(self, host: str) -> bool:
        """Return whether a host name or IP address is the emulator's."""
        if self.trusts_page(host) or host.endswith(INTERNAL):
            return True
        return self.wide and ("." not in host or _is_address(host))

    def trusts_page(self, host: str) -> bool:
        """Return whether pages of a host may call the emulator: this machine's and added names."""
        return is_loopback(host) or host.endswith(LOCALHOST) or host in self.hosts


def refuse_foreign_requests(app: Flask, paths: Collection[str], access: Access) -> None:
    """Refuse requests for other hosts, and requests of other sites' pages.

    The emulator answers for WeChat, whose paths are ``paths``, for the gateway and for itself. Call
    this after all routes were added.
    """
    # A WSGI wrapper: one of Flask's `before_request` functions costs as much as a small answer.
    app.wsgi_app = _Door(app, paths, access)  # type: ignore[method-assign, assignment]


class _Door:
    def __init__(self, app: Flask, paths: Collection[str], access: Access) -> None:
        self._app = app.wsgi_app
        self._paths = paths
        self._access = access
        rules = {rule.rule for rule in app.url_map.iter_rules()} - set(paths)
        # /v1/functions is not a rule of Flask's.
        self._own = {"v1", *(rule.split("/")[1] for rule in rules)}
        # Clients repeat one text.
        self._is_own = lru_cache(256)(lambda text: access.serves(_hostname("//" + text) or "."))
        password = access.console_password if access.wide else ""
        self._password = ConsolePassword(password) if password else None

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        refused = self._refusal(environ)
        if refused is None and _is_below("/_console", environ):
            refused = self._console_refusal(environ)
        if refused is not None:
            return refused(environ, start)
        if "HTTP_ORIGIN" in environ:
            return answer_cross_origin(self._app, environ, start)
        return self._app(environ, start)

    def _refusal(self, environ: "WSGIEnvironment") -> Response | None:
        path: str = environ["PATH_INFO"]
        if _is_below("/_emulator", environ) and not self._may_control(environ):
            return _not_loopback("/_emulator", "--control any")
        if self._is_foreign_page(environ):
            return _foreign_page()
        uri: str = environ.get("REQUEST_URI") or "/"
        if uri[0] != "/" and uri != "*":
            return self._refuse_target(uri, path, environ)
        host = environ.get("HTTP_HOST")
        if not host or self._is_own(host) or self._is_tencents(_hostname("//" + host), path):
            return None
        return _foreign_host(host)

    def _may_control(self, environ: "WSGIEnvironment") -> bool:
        return self._access.control or _is_local(environ)

    def _console_refusal(self, environ: "WSGIEnvironment") -> Response | None:
        """Return the refusal of a request for the console, which may do all that control may."""
        if self._password is not None:
            return self._password.refusal(environ)
        if _is_local(environ):
            return None
        return _not_loopback("The console", "--host, which gives it a password")

    def _is_foreign_page(self, environ: "WSGIEnvironment") -> bool:
        """Return whether a page of another site sent the request: it must not run functions here.

        Browsers send the origin of the page with each request that may change something.
        """
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            foreign = environ.get("HTTP_SEC_FETCH_SITE") == "cross-site"
            return foreign and not _opens_console(environ) and not _shows_file(environ)
        if self._access.trusts_page(_hostname(origin) or "."):
            return False
        # The emulator's own page, under a name that no other site can have.
        host = environ.get("HTTP_HOST", "")
        return origin.partition("://")[2] != host or not self._is_own(host)

    def _is_tencents(self, host: str | None, path: str) -> bool:
        """Return whether a host is WeChat's or the gateway's, and may have this path."""
        if host is None:
            return False
        if is_weixin_host(host):
            return f"{path}/".split("/")[1] not in self._own
        return path == "/admin" and is_gateway_host(host)

    def _refuse_target(self, uri: str, path: str, environ: "WSGIEnvironment") -> Response | None:
        """Refuse the absolute address of another host, which a proxy would forward to."""
        method = environ["REQUEST_METHOD"]
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return _not_forwarded(uri, method)
        if method != "CONNECT" and parts.scheme in ("http", "https"):
            # Another port is another program's, unless the path is WeChat's.
            own = str(port or 80) == environ.get("SERVER_PORT") or path in self._paths
            if self._is_tencents(host, path) or (own and self._access.serves(host or ".")):
                return None
        return _not_forwarded(f"{parts.scheme}://{host}" if host else uri, method)


def _is_below(path: str, environ: "WSGIEnvironment") -> bool:
    return f"{environ['PATH_INFO']}/".startswith(f"{path}/")


def _is_local(environ: "WSGIEnvironment") -> bool:
    """Return whether a request comes from this machine and names it by a loopback address.

    Host and Origin are checked too: a foreign host name that resolves to this machine, or another
    site's page in a local browser, must not control the emulator.
    """
    hosts = [environ.get("REMOTE_ADDR"), _hostname("//" + environ.get("HTTP_HOST", ""))]
    if "HTTP_ORIGIN" in environ:
        hosts.append(_hostname(environ["HTTP_ORIGIN"]))
    return all(map(is_loopback, hosts))


def _opens_console(environ: "WSGIEnvironment") -> bool:
    """Return whether somebody follows a link to a page of the console, which changes nothing."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and f"{environ['PATH_INFO']}/".startswith("/_console/")
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and environ.get("HTTP_SEC_FETCH_DEST") == "document"
    )


def _shows_file(environ: "WSGIEnvironment") -> bool:
    """Return whether a page shows a file of cloud storage by its signed URL."""
    return environ["REQUEST_METHOD"] in ("GET", "HEAD") and _is_below("/storage", environ)


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _not_loopback(place: str, option: str) -> Response:
    message = (
        f"{place} is for this machine: call it by localhost or 127.0.0.1, or start the emulator "
        f"with {option}."
    )
    return refusal(HTTPStatus.FORBIDDEN, "NOT_LOOPBACK", message)


def _foreign_page() -> Response:
    message = (
        "A page of another site may not call the emulator; pages of localhost and the emulator's "
        "own may. Add the host name of a page that you trust with --allow-host."
    )
    return refusal(HTTPStatus.FORBIDDEN, "FOREIGN_PAGE", message)


def _foreign_host(host: str) -> Response:
    message = (
        f"Host: {host[:_LONGEST]}: the emulator does not answer to this name. Call it by localhost "
        "or 127.0.0.1, or add the name with --allow-host."
    )
    return refusal(HTTPStatus.FORBIDDEN, "FOREIGN_HOST", message)


def _not_forwarded(target: str, method: str) -> Response:
    message = (
        f"{target[:_LONGEST]}: http_proxy leads to the cloud_openapi emulator, which forwards "
        "nothing. It answers requests for http://tcb-open.tencentcloudapi.com/admin, the gateway's "
        "other hosts and api.weixin.qq.com. Add the host to no_proxy."
    )
    if method == "CONNECT":
        message += " https cannot be answered: run the program with `cloud-openapi exec --`."
    answer = refusal(HTTPStatus.FORBIDDEN, "NETWORK_BLOCKED", message)
    answer.status = _REASON
    return answer
