"""The files that calls have uploaded."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cloud_openapi.emulator.state.bounded_store import BoundedStore

# WeChat's: https://developers.weixin.qq.com/doc/offiaccount/Asset_Management/New_temporary_materials.html
_KEPT: Final = timedelta(days=3)
_MOST_FILES: Final = 1000
_MOST_BYTES: Final = 16 * 1024 * 1024


class KeptFile(NamedTuple):
    """A file and its type, and the time until which it is kept."""

    content_type: str
    content: bytes
    until: datetime


class KeptFiles:
    """The uploaded files of one mini program by their ids: the newest, 16 MiB of them at most."""

    def __init__(self) -> None:
        self._files: BoundedStore[str, KeptFile] = BoundedStore(_MOST_FILES, _MOST_BYTES)

    def keep(self, file_id: str, content_type: str, content: bytes, now: datetime) -> None:
        """Keep a file for three days."""
        self._files.add(file_id, KeptFile(content_type, content, now + _KEPT), len(content))

    def find(self, file_id: str, now: datetime) -> KeptFile | None:
        """Return a file, or None for an unknown id and after the three days."""
        found = self._files.get(file_id)
        return found if found is not None and now < found.until else None
