"""A running emulator, as the commands that steer it see it."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import click

from cloud_openapi.errors import CloudOpenAPIError, ConfigError

if TYPE_CHECKING:
    import requests

_TIMEOUT = 30

# The variable is that of programs that call it: serve prints it, and exec sets it.
url_option = click.option(
    "--url",
    envvar="CLOUD_OPENAPI_BASE_URL",
    show_envvar=True,
    default="http://127.0.0.1:7070",
    show_default=True,
    help="The running emulator, on this machine.",
)


class Running:
    """The routes below /_emulator of the emulator at a base URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def send(self, method: str, path: str, /, body: Any = None, **query: Any) -> Any:
        """Return the JSON of an answer. Raises CloudOpenAPIError with the emulator's own reason."""
        answer = self._send(method, path, body, query)
        try:
            value = answer.json()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise CloudOpenAPIError(
                f"What answers at {self._url} is no emulator that can be steered "
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
            # Only this machine may steer an emulator, and no proxy leads there.
            session.trust_env = False
            try:
                return session.request(
                    method,
                    f"{self._url}/_emulator/{path}",
                    params=query,
                    json=body,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                )
            except (requests.ConnectionError, requests.Timeout):
                raise CloudOpenAPIError(
                    f"No emulator answers at {self._url}: start one with cloud-openapi serve, or "
                    "say where it is with --url or CLOUD_OPENAPI_BASE_URL."
                ) from None
            except ValueError:  # requests' errors of a URL are of this kind
                raise ConfigError(
                    f'"{self._url}" is no base URL; one looks like http://127.0.0.1:7070'
                ) from None
            except requests.RequestException as error:
                raise CloudOpenAPIError(f"{self._url}: {error}") from None
