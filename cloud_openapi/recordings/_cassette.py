"""Convert interactions to and from entries of VCR.py's cassette format, version 1.

VCR.py reads ``request`` and ``response`` of an entry and ignores other keys. ``recorded_at``,
``origin``, ``api`` and ``recorded_by`` are such keys:
https://vcrpy.readthedocs.io/en/latest/usage.html
"""

import json
from collections.abc import Mapping
from typing import Any

from cloud_openapi._version import __version__
from cloud_openapi.catalogue import Catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_schema.values import type_of
from cloud_openapi.recordings._encoding import decoded, text_of
from cloud_openapi.recordings._fields import (
    field,
    from_base64,
    moment,
    split_url,
    status_of,
    within,
)
from cloud_openapi.recordings._interaction import Headers, Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor

VERSION = 1
_RECORDED_BY = "cloud-openapi "


def interactions_of(document: Any, catalogue: Catalogue) -> list[Interaction]:
    """Return the redacted interactions of a cassette.

    Raises RecordingError; its text does not name the file.
    """
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise RecordingError("not a cassette of VCR.py: it has no list of interactions")
    if document.get("version", VERSION) != VERSION:
        raise RecordingError(f"version: is {document['version']!r}; only version 1 is supported")
    redactor = Redactor()
    found = [
        _numbered(number, entry, catalogue, redactor)
        for number, entry in enumerate(document["interactions"], 1)
    ]
    # A token that one response grants is masked in the interactions before it, too.
    return [redactor.mask_known(each) for each in found]


def entry_of(interaction: Interaction) -> dict[str, Any]:
    """Return an interaction as an entry of a cassette."""
    entry: dict[str, Any] = {
        "request": {
            "method": interaction.method,
            "uri": interaction.uri,
            "body": text_of(interaction.request_body) if interaction.request_body else None,
            "headers": {name: list(values) for name, values in interaction.request_headers.items()},
        },
        "response": {
            "status": {"code": interaction.status, "message": interaction.reason},
            "headers": {
                name: list(values) for name, values in interaction.response_headers.items()
            },
            "body": {"string": text_of(interaction.response_body)},
        },
    }
    at = interaction.recorded_at
    extras = {
        "api": interaction.api,
        "recorded_at": None if at is None else at.isoformat(),
        "origin": interaction.origin,
    }
    entry.update({name: value for name, value in extras.items() if value is not None})
    written: dict[str, Any] = _writable({**entry, "recorded_by": f"{_RECORDED_BY}{__version__}"})
    return written


def _writable(value: Any) -> Any:
    """Return a value without lone surrogates, which JSON may spell and no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, dict):
        return {_writable(name): _writable(item) for name, item in value.items()}
    return value


def _numbered(number: int, entry: Any, catalogue: Catalogue, redactor: Redactor) -> Interaction:
    try:
        found = _interaction(entry, catalogue)
        # An entry that this package wrote is already redacted.
        own = str(entry.get("recorded_by", "")).startswith(_RECORDED_BY)
        return found if own else redactor.interaction(found)
    except RecordingError as error:
        raise RecordingError(f"interaction {number}: {error}") from None


def _interaction(entry: Any, catalogue: Catalogue) -> Interaction:
    request, response = field(entry, "request", dict), field(entry, "response", dict)
    with within("request"):
        method = field(request, "method", str).upper()
        uri = field(request, "uri", str)
        path = split_url("uri", uri).path
        sent = decoded(_bytes("body", request.get("body")), _headers(request))
    with within("response"):
        code, reason = _status(response)
        received = decoded(_response_body(response), _headers(response))
    origin = entry.get("origin")
    return Interaction(
        api=api_of(catalogue, method, path),
        method=method,
        uri=uri,
        request_headers=sent[1],
        request_body=sent[0],
        status=code,
        reason=reason,
        response_headers=received[1],
        response_body=received[0],
        recorded_at=moment("recorded_at", entry.get("recorded_at")),
        origin=None if origin is None else str(origin),
    )


def _status(response: Mapping[str, Any]) -> tuple[int, str]:
    if "status_code" in response:
        # VCR.py before 6 wrote the responses of httpx so, with the body as ``content``.
        return status_of("status_code", response["status_code"]), ""
    status = field(response, "status", dict)
    with within("status"):
        return status_of("code", field(status, "code", int)), str(status.get("message") or "")


def _response_body(response: Mapping[str, Any]) -> bytes:
    body = response.get("body", response.get("content"))
    if not isinstance(body, dict):
        # Betamax and early VCR.py versions wrote only the text.
        return _bytes("body", body)
    if "base64_string" in body:
        return from_base64("body.base64_string", body["base64_string"])
    return _bytes("body.string", body.get("string"))


def _bytes(name: str, value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, dict | list):
        # VCR.py keeps the value that aiohttp receives as json=.
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError):
            raise RecordingError(f"{name}: cannot be written as JSON") from None
    raise RecordingError(f"{name}: must be a string, is {type_of(value)}")


def _headers(message: Mapping[str, Any]) -> Headers:
    headers = message.get("headers") or {}
    if not isinstance(headers, dict):
        raise RecordingError("headers: must be an object")
    found: dict[str, list[str]] = {}
    for name, values in headers.items():
        several = values if isinstance(values, list | tuple) else [values]
        found[str(name)] = [_header_text(value) for value in several]
    return found


def _header_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
