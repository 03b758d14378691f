from typing import NamedTuple

from cloud_openapi.emulator.state.bounded_store import BoundedStore
from cloud_openapi.emulator.storage.files import Files
from cloud_openapi.emulator.storage.urls import Signer


class Sender(NamedTuple):
    """The function that sent a request, and its invocation; both are empty for other programs."""

    function: str | None = None
    invocation: str = ""


class Storage(NamedTuple):
    """The files of a mini program, and the signer of the URLs that open them."""

    files: Files
    signer: Signer
    senders: BoundedStore[str, Sender]
    """Who got permission for an upload, by its token: the upload itself does not say so."""
