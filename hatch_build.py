"""Brings the console's scripts, and writes the catalogue without spaces that only people need."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Package(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what git does not have; an editable installation keeps the files as they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the scripts, and replace each entry of a wheel by a compact copy."""
        self._copies = None
        if version == "editable":
            return
        subprocess.run([sys.executable, "scripts/vendor"], cwd=self.root, check=True)
        if self.target_name == "wheel":
            self._add_compact_catalogue(build_data)

    def _add_compact_catalogue(self, build_data: dict[str, Any]) -> None:
        self._copies = tempfile.TemporaryDirectory()
        for entry in Path(self.root, "cloud_openapi", "catalogue").glob("*/*.json"):
            place = entry.relative_to(self.root)
            copy = Path(self._copies.name, place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            value = json.loads(entry.read_text("utf-8"))
            copy.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")
            build_data["force_include"][str(copy)] = str(place)

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Remove the copies."""
        if self._copies:
            self._copies.cleanup()
