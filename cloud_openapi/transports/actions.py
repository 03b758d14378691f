"""Failures of the gateway's JSON actions, and the SDK's numbers for its codes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO, Final, Protocol, cast

from cloud_openapi.context import DynamicEnv
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError, advice
from cloud_openapi.masking import mask_text
from cloud_openapi.transports._base import Reply, Transport

FOREIGN: Final = "The response is not the gateway's: a proxy or another server may have sent it."
RESOURCE_ERROR: Final = -501001
"""The SDK's number for a code that it does not know."""

_CODES: Final[dict[str, int]] = {
    "SERVER_TIMEOUT": -501002,
    "EXCEED_REQUEST_LIMIT": -501003,
    "EXCEED_CONCURRENT_REQUEST_LIMIT": -501004,
    "INVALIID_ENV": -501005,  # sic
    "INVALID_COMMON_PARAM": -501006,
    "INVALID_PARAM": -501007,
    "INVALID_REQUEST_SOURCE": -501008,
    "RESOURCE_NOT_INITIAL": -501009,
    "DATABASE_REQUEST_FAILED": -502001,
    "DATABASE_INVALID_OPERRATOR": -502002,  # sic
    "DATABASE_PERMISSION_DENIED": -502003,
    "DATABASE_COLLECTION_EXCEED_LIMIT": -502004,
    "DATABASE_COLLECTION_NOT_EXIST": -502005,
    "STORAGE_REQUEST_FAIL": -503001,
    "STORAGE_EXCEED_AUTHORITY": -503002,
    "STORAGE_FILE_NONEXIST": -503003,
    "STORAGE_SIGN_PARAM_INVALID": -503004,
    "FUNCTIONS_REQUEST_FAIL": -504001,
    "FUNCTIONS_EXECUTE_FAIL": -504002,
}


class ActionTransport(Transport, Protocol):
    """Carries the gateway's JSON actions too, and content to and from the file storage."""

    def act(self, action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to an action. Raises ActionError."""
        ...

    def transfer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | BinaryIO | None = None,
        sink: Callable[[bytes], object] | None = None,
    ) -> Reply:
        """Send one request to the file storage. Raises ActionError."""
        ...

    def in_environment(self, env: str | DynamicEnv) -> "ActionTransport":
        """Return the transport to another environment."""
        ...


def by_gateway(transport: Transport, call: str, subject: str) -> ActionTransport:
    """Return a transport for actions. Raises CloudSDKError for another one.

    ``subject`` begins the hint, such as "The database is reached".
    """
    if hasattr(transport, "act"):
        return cast("ActionTransport", transport)
    hint = (
        f"{subject} by the CloudBase gateway only. It is the default in a function without an "
        "appid and a secret; CLOUD_OPENAPI_TRANSPORT=gateway selects it."
    )
    raise CloudSDKError(-1, f"{call}:fail no gateway", hint)


class ActionError(Exception):
    """A JSON action that failed.

    ``code`` is the gateway's, such as DATABASE_COLLECTION_NOT_EXIST, or that of the connection;
    it is empty for a response that is not the gateway's. ``message`` is in the words of the
    gateway or of Node.js.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def failure(self, api: str, *, coded: bool = True) -> CloudSDKError:
        """Return the SDK's error; without ``coded`` its errCode is -1, as for some APIs."""
        if coded and self.code:
            return gateway_failure(api, self.code, self.message, self.hint)
        return CloudSDKError(-1, f"{api}:fail {self.message}", self.hint, code=self.code)

    def masked(self, secrets: Iterable[str | None]) -> "ActionError":
        """Return the error with the secrets masked that the gateway repeated in it."""
        known = frozenset(secrets)
        return ActionError(
            *(mask_text(text, known) for text in (self.code, self.message, self.hint))
        )


def gateway_failure(name: str, code: Any, message: str, hint: str = "") -> CloudSDKError:
    """Return the SDK's error for a code of the gateway's own."""
    number = code_number(code)
    text = f"{name}:fail {number} {SDK_TEXTS[number]}. {message}"
    hint = f"{hint or f'The gateway says {code}.'} {advice(number)}".rstrip()
    return CloudSDKError(number, text, hint, code=str(code))


def code_number(code: Any) -> int:
    """Return the SDK's number for a code of the gateway's own."""
    return _CODES.get(str(code), RESOURCE_ERROR)
