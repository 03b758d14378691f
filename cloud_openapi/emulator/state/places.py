"""Where the database and the files of mini programs come from, and where they are kept."""

from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """``seeds`` is a project's folder with its ``database`` and ``storage``; None: no seeds.

    ``data`` is the folder that keeps data between runs; None: they are gone at the end.
    """

    seeds: Path | None = None
    data: Path | None = None

    def seed(self, kind: str) -> Path | None:
        """Return the folder of the seeds of a kind, ``database`` or ``storage``."""
        return None if self.seeds is None else self.seeds / kind

    def size_of_seed(self, kind: str) -> int:
        """Return the bytes of the files in the folder of the seeds of a kind."""
        folder = self.seed(kind)
        try:
            paths = [] if folder is None else [each for each in folder.iterdir() if each.is_file()]
            return sum(path.stat().st_size for path in paths)
        except OSError:
            return 0

    def kept(self, appid: str | None, kind: str) -> Path | None:
        """Return the folder that keeps a mini program's data of a kind."""
        return None if self.data is None or appid is None else self.data / appid / kind
