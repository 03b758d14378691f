"""Recordings of the real service: VCR.py cassettes, redacted, written whole, and replayed."""

from cloud_openapi.errors import (
    NetworkBlockedError,
    NoMatchError,
    NoRecordingsError,
    RecordingError,
    ReplayError,
    UsedUpError,
)
from cloud_openapi.recordings._files import load
from cloud_openapi.recordings._interaction import Headers, Interaction
from cloud_openapi.recordings._recorder import Recorder, Serializer, write
from cloud_openapi.recordings._redaction import Redactor
from cloud_openapi.recordings._replay import Replay
from cloud_openapi.recordings._rules import REDACTED, RULES, Rules

__all__ = [
    "REDACTED",
    "RULES",
    "Headers",
    "Interaction",
    "NetworkBlockedError",
    "NoMatchError",
    "NoRecordingsError",
    "Recorder",
    "RecordingError",
    "Redactor",
    "Replay",
    "ReplayError",
    "Rules",
    "Serializer",
    "UsedUpError",
    "load",
    "write",
]
