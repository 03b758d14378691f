"""Recordings of the real service: redacted VCR.py cassettes, written atomically, replayed."""

from cloud_openapi.errors import (
    NetworkBlockedError,
    NoMatchError,
    NoRecordingsError,
    RecordingError,
    ReplayError,
    UsedUpError,
)
from cloud_openapi.recordings._files import files_of, load
from cloud_openapi.recordings._har import read_har
from cloud_openapi.recordings._interaction import Headers, Interaction
from cloud_openapi.recordings._recorder import Recorder, Serializer, write
from cloud_openapi.recordings._redaction import Redactor
from cloud_openapi.recordings._replay import Replay
from cloud_openapi.recordings._rules import REDACTED, RULES, Pattern, Rules

__all__ = [
    "REDACTED",
    "RULES",
    "Headers",
    "Interaction",
    "NetworkBlockedError",
    "NoMatchError",
    "NoRecordingsError",
    "Pattern",
    "Recorder",
    "RecordingError",
    "Redactor",
    "Replay",
    "ReplayError",
    "Rules",
    "Serializer",
    "UsedUpError",
    "files_of",
    "load",
    "read_har",
    "write",
]
