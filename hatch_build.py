"""Brings the console's scripts, and writes the catalogue of a wheel into one file."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Package(BuildHookInterface):  # type: ignore[type-arg]
    """Adds what git does not have; an editable installation keeps the files as they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the scripts, and put one file into a wheel for all entries of the catalogue."""
        self._made = None
        if version == "editable":
            return
        subprocess.run([sys.executable, "scripts/vendor"], cwd=self.root, check=True)
        if self.target_name == "wheel":
            self._pack_catalogue(build_data)

    def _pack_catalogue(self, build_data: dict[str, Any]) -> None:
        packed = subprocess.check_output(
            [
                sys.executable,
                "-c",
                "import sys, cloud_openapi.catalogue as c; sys.stdout.buffer.write(c.pack())",
            ],
            cwd=self.root,
        )
        self._made = tempfile.TemporaryDirectory()
        file = Path(self._made.name, "entries.jsonl")
        file.write_bytes(packed)
        build_data["force_include"][str(file)] = f"cloud_openapi/catalogue/{file.name}"

    def finalize(self, _version: str, _build_data: dict[str, Any], _artifact: str) -> None:
        """Remove the file."""
        if self._made:
            self._made.cleanup()
