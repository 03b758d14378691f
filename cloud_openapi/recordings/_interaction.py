import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cloud_openapi.catalogue import Catalogue

Headers = Mapping[str, list[str]]


class Interaction(NamedTuple):
    """A request and its answer, without tokens and secrets."""

    api: str | None
    """The API of the catalogue that has this method and path, if one does."""
    method: str
    uri: str
    request_headers: Headers
    request_body: bytes
    status: int
    reason: str
    response_headers: Headers
    response_body: bytes
    """The body as it was meant: no Content-Encoding is left on it."""
    recorded_at: datetime | None = None
    origin: str | None = None
    """Where it comes from: an address, or whatever an importer knew."""

    @property
    def path(self) -> str:
        """Return the path of the request's address."""
        return urlsplit(self.uri).path

    @property
    def request_json(self) -> Any:
        """Return the request's body as a JSON value; nothing, if it is no JSON."""
        return _json(self.request_body)

    @property
    def response_json(self) -> Any:
        """Return the answer's body as a JSON value; nothing, if it is no JSON."""
        return _json(self.response_body)


def header(headers: Headers, name: str) -> str | None:
    """Return the first value of a header, whatever its case."""
    for key, values in headers.items():
        if key.lower() == name and values:
            return values[0]
    return None


def api_of(catalogue: Catalogue, method: str, path: str) -> str | None:
    """Return the name of the API that has this method and path."""
    for operation in catalogue.values():
        if (operation.method, operation.path) == (method, path):
            return operation.name
    return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
