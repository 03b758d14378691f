"""A client for a running emulator: its routes below /_emulator, and /healthz."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from cloud_openapi.errors import CloudOpenAPIError, ConfigError
from cloud_openapi.json_text import read_json
from cloud_openapi.loopback import is_private
from cloud_openapi.transports import is_loopback_url

if TYPE_CHECKING:
    import requests

_CONNECT_TIMEOUT, _TIMEOUT = 5, 30
_CLOCK, _HEALTH = "/_emulator/clock", "/healthz"
_MOST_BYTES, _PIECE_BYTES = 256_000_000, 65_536

Data = str | bytes | IO[bytes] | None
"""The body of a request; a file is sent piece by piece."""

DEFAULT_URL = "http://127.0.0.1:7070"

# The variable is the one that serve prints and exec sets.
url_option = click.option(
    "--url",
    envvar="CLOUD_OPENAPI_BASE_URL",
    show_envvar=True,
    default=DEFAULT_URL,
    show_default=True,
    help="The URL of the emulator, on this machine, or on a private network if it was started "
    "with --control any.",
)


def url_for_hints(url: str) -> str:
    """Return the option with a URL for commands in hints, empty for the default."""
    return "" if url == DEFAULT_URL else f" --url {url}"


def console_of(url: str) -> str:
    """Return the address of an emulator's console."""
    return f"{url.rstrip('/')}/_console/"


def url_again() -> click.Option:
    """Return the option --url of a subcommand, which overrides that of its group."""

    def choose(context: click.Context, _option: click.Parameter, url: str | None) -> None:
        if url is not None:
            context.obj = ControlClient(url)

    return click.Option(
        ["--url"], expose_value=False, callback=choose, help="The URL of the emulator, here too."
    )


def take_url_last(command: click.Command) -> None:
    """Let each command take --url, too: users write it at the end."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            take_url_last(each)
    else:
        command.params.append(url_again())


class NoEmulatorError(CloudOpenAPIError):
    """Nothing listens at the emulator's URL."""


class ControlClient:
    """The routes below /_emulator of the emulator at a base URL."""

    def __init__(self, url: str, timeout: float | None = None) -> None:
        self._url = url.rstrip("/")
        self._timeout = _TIMEOUT if timeout is None else timeout

    def find(self) -> None:
        """Raise CloudOpenAPIError unless an emulator answers, even without control."""
        if not isinstance(self._json("GET", _HEALTH).get("now"), str):
            raise self._stranger(_HEALTH, "no now")

    def send(self, method: str, path: str, /, body: Any = None, **query: Any) -> Any:
        """Return the JSON of an answer. Raises CloudOpenAPIError with the emulator's message."""
        # The emulator itself explains invalid JSON.
        data = None if body is None else json.dumps(body)
        return self._json(method, f"/_emulator/{path}", data, query)

    def upload(self, path: str, content: bytes, /, **query: Any) -> Any:
        """Return the JSON of the answer to a file. Raises CloudOpenAPIError."""
        return self._json("POST", f"/_emulator/{path}", content, query)

    def download(self, path: str, /, **query: Any) -> bytes:
        """Return a file. Raises CloudOpenAPIError with the emulator's message."""
        path = f"/_emulator/{path}"
        status, content = self._send("GET", path, None, query)
        if status != HTTPStatus.OK:
            self._read(path, status, content)
        return content

    def _json(
        self,
        method: str,
        path: str,
        data: Data = None,
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        return self._read(path, *self._send(method, path, data, query or {}))

    def _read(self, path: str, status: int, content: bytes) -> Any:
        """Return the JSON of an answer. Raises CloudOpenAPIError for an error."""
        try:
            value = read_json(content.decode())
        except (ValueError, RecursionError):
            value = None
        # WeChat answers 200 to an address that it does not know.
        if not isinstance(value, dict) or value.keys() == {"errcode", "errmsg"}:
            raise self._stranger(path, f"HTTP {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise CloudOpenAPIError(str(value.get("message", f"HTTP {status}")))
        return value

    def read(self, path: str, fields: Mapping[str, type], /, **query: Any) -> Any:
        """Return the JSON of a GET, which has these fields. Raises CloudOpenAPIError."""
        return self.check(self.send("GET", path, **query), fields, path)

    def check(self, value: Any, fields: Mapping[str, type], path: str) -> Any:
        """Return a part of an answer, if it is an object with these fields."""
        for name, kind in fields.items():
            if not isinstance(value, dict) or not isinstance(value.get(name), kind):
                raise self._stranger(f"/_emulator/{path}", f"no {name}")
        return value

    def write_file(self, path: str, content: IO[bytes], /, **query: Any) -> Any:
        """Put a file of any size, and return the JSON of the answer. Raises CloudOpenAPIError."""
        return self._json("PUT", f"/_emulator/{path}", content, query)

    def read_file(self, path: str, to: IO[bytes], /, **query: Any) -> None:
        """Write the answer to a GET, of any size, to a file. Raises CloudOpenAPIError."""
        with self._answer("GET", f"/_emulator/{path}", None, query) as answer:
            if answer.status_code != HTTPStatus.OK:
                self._read(path, answer.status_code, self._content(answer, path))
            for piece in answer.iter_content(_PIECE_BYTES):
                to.write(piece)

    def _stranger(self, path: str, reason: str) -> CloudOpenAPIError:
        return CloudOpenAPIError(
            f"What answers at {self._url} is not an emulator with control routes "
            f"({reason} at {path})."
        )

    def _send(
        self, method: str, path: str, data: Data, query: Mapping[str, Any]
    ) -> tuple[int, bytes]:
        with self._answer(method, path, data, query) as answer:
            return answer.status_code, self._content(answer, path)

    @contextmanager
    def _answer(
        self, method: str, path: str, data: Data, query: Mapping[str, Any]
    ) -> "Iterator[requests.Response]":
        """Yield an answer whose body is not read yet. Raises CloudOpenAPIError."""
        # The body may hold a secret, which must not reach the Internet.
        if not is_loopback_url(self._url) and not is_private(urlsplit(self._url).hostname or "."):
            raise ConfigError(
                f"{self._url} is another machine, and not on a private network; this command "
                "controls an emulator here or there: set its URL with --url or "
                "CLOUD_OPENAPI_BASE_URL."
            )
        # Only those who call load it: --help is fast.
        import requests

        with requests.Session() as session:
            # Never use a proxy: the body may hold a secret.
            session.trust_env = False
            try:
                yield session.request(
                    method,
                    f"{self._url}{path}",
                    params=query,
                    data=data,
                    # Whoever moves the clock waits for the functions whose time has come.
                    timeout=(_CONNECT_TIMEOUT, None if data and path == _CLOCK else self._timeout),
                    allow_redirects=False,
                    stream=True,
                )
            except requests.ReadTimeout:
                raise CloudOpenAPIError(
                    f"The emulator at {self._url} has not answered within {self._timeout} seconds; "
                    "it may still have executed the request."
                ) from None
            except (requests.ConnectionError, requests.Timeout):
                raise NoEmulatorError(
                    f"No emulator answers at {self._url}: start one with cloud-openapi serve, or "
                    "set its URL with --url or CLOUD_OPENAPI_BASE_URL."
                ) from None
            except requests.RequestException as error:
                raise CloudOpenAPIError(f"{self._url}: {error}") from None

    def _content(self, answer: "requests.Response", path: str) -> bytes:
        content = bytearray()
        for piece in answer.iter_content(_PIECE_BYTES):
            content += piece
            if len(content) > _MOST_BYTES:
                raise self._stranger(path, f"more than {_MOST_BYTES:,} bytes")
        return bytes(content)
