"""Recordings of the real service: VCR.py cassettes, redacted, loaded and written whole."""

from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._files import load
from cloud_openapi.recordings._interaction import Interaction

__all__ = ["Interaction", "RecordingError", "load"]
