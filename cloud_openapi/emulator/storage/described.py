from typing import Any

from cloud_openapi.emulator.storage.names import content_type, file_id
from cloud_openapi.emulator.storage.stored_file import StoredFile
from cloud_openapi.runtime import ENVIRONMENT


def describe(path: str, stored: StoredFile) -> dict[str, Any]:
    """Return a file as JSON: ``path``, ``size`` in bytes, ``modified``, ``type``, ``fileID``."""
    return {
        "path": path,
        "size": stored.size,
        "modified": stored.modified.isoformat(timespec="seconds"),
        "type": content_type(path),
        "fileID": file_id(path, ENVIRONMENT),
    }
