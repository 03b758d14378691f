"""An interaction as VCR.py's format version 1 has it, and back.

VCR.py reads ``request`` and ``response`` of an interaction and ignores what stands beside them,
which is where ``recorded_at``, ``origin``, ``api`` and ``recorded_by`` are:
https://vcrpy.readthedocs.io/en/latest/usage.html
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from typing import Any
from urllib.parse import urlsplit

from cloud_openapi._version import __version__
from cloud_openapi.catalogue import Catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import parse_now
from cloud_openapi.recordings._encoding import decoded, text_of
from cloud_openapi.recordings._interaction import Headers, Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor

VERSION = 1
_US = "cloud-openapi "
_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def interactions_of(document: Any, catalogue: Catalogue) -> list[Interaction]:
    """Return the interactions of a cassette, without their secrets.

    Raises RecordingError, whose text has not the file's name.
    """
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise RecordingError("no cassette of VCR.py: it has no list of interactions")
    if document.get("version", VERSION) != VERSION:
        raise RecordingError(f"version: is {document['version']!r}; only version 1 is known")
    redactor = Redactor()
    return [
        _numbered(number, entry, catalogue, redactor)
        for number, entry in enumerate(document["interactions"], 1)
    ]


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
    moment = interaction.recorded_at
    extras = {
        "api": interaction.api,
        "recorded_at": None if moment is None else moment.isoformat(),
        "origin": interaction.origin,
    }
    entry.update({name: value for name, value in extras.items() if value is not None})
    return {**entry, "recorded_by": f"{_US}{__version__}"}


def _numbered(number: int, entry: Any, catalogue: Catalogue, redactor: Redactor) -> Interaction:
    try:
        found = _interaction(entry, catalogue)
        # What this package wrote has been through that already.
        ours = str(entry.get("recorded_by", "")).startswith(_US)
        return found if ours else redactor.interaction(found)
    except RecordingError as error:
        raise RecordingError(f"interaction {number}: {error}") from None


def _interaction(entry: Any, catalogue: Catalogue) -> Interaction:
    request, response = _field(entry, "request", dict), _field(entry, "response", dict)
    method = _within("request", lambda: _field(request, "method", str)).upper()
    uri = _within("request", lambda: _uri(request))
    sent = _within("request", lambda: _sent(request))
    status = _within("response", lambda: _field(response, "status", dict))
    code = _within("response.status", lambda: _field(status, "code", int))
    got = _within("response", lambda: _got(response))
    return Interaction(
        api_of(catalogue, method, urlsplit(uri).path),
        method,
        uri,
        sent[1],
        sent[0],
        code,
        str(status.get("message") or ""),
        got[1],
        got[0],
        _moment(entry.get("recorded_at")),
        _optional_text(entry, "origin"),
    )


def _within(where: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RecordingError as error:
        raise RecordingError(f"{where}.{error}") from None


def _uri(request: Mapping[str, Any]) -> str:
    uri: str = _field(request, "uri", str)
    try:
        urlsplit(uri)
    except ValueError:
        raise RecordingError("uri: is no address") from None
    return uri


def _sent(request: Mapping[str, Any]) -> tuple[bytes, Headers]:
    return decoded(_bytes("body", request.get("body")), _headers(request))


def _got(response: Mapping[str, Any]) -> tuple[bytes, Headers]:
    body = response.get("body")
    if not isinstance(body, dict):
        # Betamax and early VCR.py wrote the text alone.
        return decoded(_bytes("body", body), _headers(response))
    if "base64_string" in body:
        content = _base64(body["base64_string"])
    else:
        content = _bytes("body.string", body.get("string"))
    return decoded(content, _headers(response))


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise RecordingError("body.base64_string: is no base64") from None


def _bytes(where: str, value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, dict | list):
        # VCR.py keeps what aiohttp is given as json= as the value that it is.
        try:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError):
            raise RecordingError(f"{where}: cannot be written as JSON") from None
    raise RecordingError(f"{where}: is {type(value).__name__}, not a text")


def _headers(message: Mapping[str, Any]) -> dict[str, list[str]]:
    headers = message.get("headers") or {}
    if not isinstance(headers, dict):
        raise RecordingError("headers: is no object")
    found: dict[str, list[str]] = {}
    for name, values in headers.items():
        several = values if isinstance(values, list | tuple) else [values]
        found[str(name)] = [_header_text(value) for value in several]
    return found


def _header_text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _field(message: Any, name: str, kind: type) -> Any:
    if not isinstance(message, dict):
        raise RecordingError("is no object")
    value = message.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        what = "is missing" if name not in message else f"is not {_KINDS[kind]}"
        raise RecordingError(f"{name}: {what}")
    return value


def _optional_text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return None if value is None else str(value)


def _moment(value: Any) -> datetime | None:
    try:
        # YAML reads a time that is not quoted as one, in UTC.
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        if isinstance(value, date):
            value = value.isoformat()
        return parse_now(value)
    except (TypeError, ValueError):
        raise RecordingError(f"recorded_at: is {value!r}, no ISO 8601 time") from None
