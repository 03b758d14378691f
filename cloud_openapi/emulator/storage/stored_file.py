from datetime import datetime
from pathlib import Path
from typing import NamedTuple


class StoredFile(NamedTuple):
    """A file: its content on disk, its size in bytes, and when it was written."""

    content: Path
    size: int
    modified: datetime
