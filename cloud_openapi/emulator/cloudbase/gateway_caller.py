"""Authentication and permissions of the gateway's callers."""

from typing import NamedTuple

from cloud_openapi.runtime import Functions, Invocation

ILLEGAL_SOURCE = -604104


class GatewayCaller(NamedTuple):
    """The sender of a request to the gateway; its invocation is None for another program."""

    invocation: Invocation | None

    @property
    def function(self) -> str | None:
        """Return the name of the calling function."""
        return None if self.invocation is None else self.invocation.function

    @property
    def source(self) -> str:
        """Return the SOURCE of the invocation: ``wx_client``, ``wx_trigger`` and so on."""
        return "" if self.invocation is None else self.invocation.source


class UnknownCallerError(Exception):
    """The token is invalid, of an ended invocation, or another function's."""


def authenticate(
    token: str | None, signer: str | None, functions: Functions | None
) -> GatewayCaller:
    """Return the caller that sent a token. Raises UnknownCallerError.

    A token is valid only if the function that it was given to signed the request, as ``signer``.
    ``None`` is for an SDK that sends none: the function must have a running invocation. A request
    without token and signer comes from a program that the emulator did not start.
    """
    if not token and signer is None:
        return GatewayCaller(None)
    invocation = None
    if functions is not None and signer is not None:
        if token is None:
            invocation = functions.running_of(signer)
        else:
            invocation = functions.invocation_of(token)
    if invocation is None or signer != invocation.function:
        raise UnknownCallerError
    return GatewayCaller(invocation)


def is_permitted(caller: GatewayCaller, api: str, functions: Functions | None) -> bool:
    """Return whether the caller's config.json lists an API; without functions every API is."""
    if functions is None:
        return True
    if caller.function is None:
        return api in functions.root_permissions()
    return api in functions.permissions_of(caller.function)
