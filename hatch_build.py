"""Writes the catalogue into the wheel without the spaces that only people need."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompactCatalogue(BuildHookInterface):  # type: ignore[type-arg]
    """Replaces each entry by a compact copy; an editable installation keeps the files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the copies to the files of a wheel."""
        if version == "editable":
            return
        self._copies = tempfile.TemporaryDirectory()
        for entry in Path(self.root, "cloud_openapi", "catalogue").glob("*/*.json"):
            place = entry.relative_to(self.root)
            copy = Path(self._copies.name, place)
            copy.parent.mkdir(parents=True, exist_ok=True)
            value = json.loads(entry.read_text("utf-8"))
            copy.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), "utf-8")
            build_data["force_include"][str(copy)] = str(place)

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Remove the copies."""
        if version != "editable":
            self._copies.cleanup()
