"""Places and bodies that many tests use."""

import json
from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
SAMPLES = TESTS / "samples"
# For a pytest within a test: other plugins' imports take seconds, and are not tested.
WITHOUT_OTHERS = "-p no:schemathesis -p no:hypothesispytest -p no:anyio -p no:pytest_httpserver"


def sample(name):
    """Return a recorded or documented body by its file name."""
    return json.loads((SAMPLES / name).read_text("utf-8"))
