from typing import NamedTuple

from cloud_openapi.emulator.storage.files import Files
from cloud_openapi.emulator.storage.urls import Signer


class Storage(NamedTuple):
    """The files of a mini program, and the signer of the URLs that open them."""

    files: Files
    signer: Signer
