import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cloud_openapi.catalogue import Catalogue

Headers = Mapping[str, list[str]]


class Interaction(NamedTuple):
    """A request and its response. Its makers do not redact it; `Redactor` does."""

    api: str | None
    """The API with this method and path, None if the catalogue has none."""
    method: str
    uri: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    response_body: bytes
    """The decoded body, without a Content-Encoding."""
    recorded_at: datetime | None = None
    origin: str | None = None
    """The source of the recording: a URL, or a note of the importer."""

    @property
    def path(self) -> str:
        """Return the path of the request's URL."""
        return urlsplit(self.uri).path

    @property
    def request_json(self) -> Any:
        """Return the request's body as a JSON value, None if it is not JSON."""
        return _json(self.request_body)

    @property
    def response_json(self) -> Any:
        """Return the response's body as a JSON value, None if it is not JSON."""
        return _json(self.response_body)


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, None if missing; ``name`` is in lower case."""
    for key, values in headers.items():
        if key.lower() == name and values:
            return values[0]
    return None


def api_of(catalogue: Catalogue, method: str, path: str) -> str | None:
    """Return the name of the API with this method and path, None if unknown."""
    for name, outline in catalogue.outlines.items():
        if (outline.method, outline.path) == (method, path):
            return name
    return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
