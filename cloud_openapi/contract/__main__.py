"""Check recordings and print the findings as JSON: ``python -m cloud_openapi.contract PATH``.

A program that has other work to do starts this one beside itself, and holds its standard input
open: the check ends with it.
"""

import json
import os
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.contract._deviations import changes_since
from cloud_openapi.contract._verify import verify
from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import files_of
from cloud_openapi.recordings._files import load_file


def checked(path: Path) -> dict[str, Any]:
    """Return what recordings have as findings, and what drifted from the catalogue.

    ``files`` has each file with the number of its recordings of APIs and their findings;
    ``unusable`` has the reason of each file that cannot be checked. Raises RecordingError.
    """
    catalogue = default_catalogue()
    files: dict[str, dict[str, Any]] = {}
    unusable: dict[str, str] = {}
    for file in files_of(path):
        reason = _unusable(file, catalogue)
        if reason:
            unusable[str(file)] = reason
        else:
            files[str(file)] = {"cases": 0, "findings": []}
    good = list(map(Path, files))
    outcome = verify(good, catalogue)
    for case in outcome.cases:
        found = files[case.place.rpartition("#")[0]]
        found["cases"] += 1
        found["findings"] += [
            {"place": case.place, "api": case.api, **finding._asdict()} for finding in case.findings
        ]
    changes = changes_since(good, catalogue, datetime.now(BEIJING))
    return {
        "files": files,
        "unusable": unusable,
        "notes": dict(outcome.notes),
        "changes": [change._asdict() for change in changes],
    }


def _unusable(file: Path, catalogue: Catalogue) -> str:
    """Return why a file cannot be used, empty if it can."""
    try:
        load_file(file, catalogue)
    except RecordingError as error:
        return str(error)
    return ""


def _end_with_parent() -> None:
    # Not by sys.stdin, whose lock the interpreter waits for at its end.
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        found = checked(Path(sys.argv[1]))
    except (RecordingError, OSError) as error:
        found = {"error": str(error)}
    # In ASCII: a recording may hold a lone surrogate.
    print(json.dumps(found))  # noqa: T201 - its answer
