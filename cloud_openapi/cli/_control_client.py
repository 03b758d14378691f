"""A client for the routes below /_emulator of a running emulator."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.errors import CloudOpenAPIError, ConfigError
from cloud_openapi.transports import is_loopback_url

if TYPE_CHECKING:
    import requests

_CONNECT_TIMEOUT, _TIMEOUT = 5, 30

# The variable is the one that serve prints and exec sets.
url_option = click.option(
    "--url",
    envvar="CLOUD_OPENAPI_BASE_URL",
    show_envvar=True,
    default="http://127.0.0.1:7070",
    show_default=True,
    help="The URL of the emulator, on this machine.",
)


class ControlClient:
    """The routes below /_emulator of the emulator at a base URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def send(self, method: str, path: str, /, body: Any = None, **query: Any) -> Any:
        """Return the JSON of an answer. Raises CloudOpenAPIError with the emulator's message."""
        # Only this machine may control an emulator, and the body may hold a secret.
        if not is_loopback_url(self._url):
            raise ConfigError(
                f"{self._url} is another machine; this command controls an emulator here: set "
                "its URL with --url or CLOUD_OPENAPI_BASE_URL."
            )
        answer = self._send(method, path, body, query)
        try:
            value = answer.json()
        except ValueError:
            value = None
        # WeChat answers 200 to an address that it does not know.
        if not isinstance(value, dict) or value.keys() == {"errcode", "errmsg"}:
            raise CloudOpenAPIError(
                f"What answers at {self._url} is not an emulator with control routes "
                f"(HTTP {answer.status_code} at /_emulator/{path})."
            )
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise CloudOpenAPIError(str(value.get("message", f"HTTP {answer.status_code}")))
        return value

    def _send(
        self, method: str, path: str, body: Any, query: dict[str, Any]
    ) -> "requests.Response":
        # Only those who call load it: --help is fast.
        import requests  # noqa: PLC0415

        with requests.Session() as session:
            # Only this machine may control an emulator; never use a proxy.
            session.trust_env = False
            try:
                return session.request(
                    method,
                    f"{self._url}/_emulator/{path}",
                    params=query,
                    # The emulator itself explains invalid JSON.
                    data=None if body is None else json.dumps(body),
                    # Whoever moves the clock waits for the functions whose time has come.
                    timeout=(_CONNECT_TIMEOUT, None if body and path == "clock" else _TIMEOUT),
                    allow_redirects=False,
                )
            except requests.ReadTimeout:
                raise CloudOpenAPIError(
                    f"The emulator at {self._url} has not answered within {_TIMEOUT} seconds; it "
                    "may still have executed the request."
                ) from None
            except (requests.ConnectionError, requests.Timeout):
                raise CloudOpenAPIError(
                    f"No emulator answers at {self._url}: start one with cloud-openapi serve, or "
                    "set its URL with --url or CLOUD_OPENAPI_BASE_URL."
                ) from None
            except requests.RequestException as error:
                raise CloudOpenAPIError(f"{self._url}: {error}") from None
