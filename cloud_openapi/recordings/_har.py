"""Traffic that a browser, Charles or mitmproxy saved as HAR 1.2.

http://www.softwareishard.com/blog/har-12-spec/
"""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.periods import parse_now
from cloud_openapi.recordings._encoding import GZIP, decoded
from cloud_openapi.recordings._interaction import Headers, Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor

_HOST = "api.weixin.qq.com"


def read_har(
    path: str | Path, catalogue: Catalogue | None = None, redactor: Redactor | None = None
) -> list[Interaction]:
    """Return what was asked of WeChat, or of anybody at a path of the catalogue, redacted.

    Entries without an answer are left out. Raises RecordingError, which names file, entry and key.
    """
    file, redactor = Path(path), redactor or Redactor()
    catalogue = default_catalogue() if catalogue is None else catalogue
    try:
        document = json.loads(file.read_bytes().decode("utf-8-sig"))
        entries = document["log"]["entries"]
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise RecordingError(f"{file}: is no JSON in UTF-8, as a HAR file is") from None
    except (TypeError, KeyError, IndexError):
        entries = None
    if not isinstance(entries, list):
        raise RecordingError(f"{file}: is no HAR file: it has no list log.entries")
    paths = frozenset(operation.path for operation in catalogue.values())
    found = (_numbered(file, number, entry, paths) for number, entry in enumerate(entries))
    # Each through the redactor in turn: a token that was granted is hidden in what follows.
    return [
        clean._replace(api=api_of(catalogue, clean.method, clean.path))
        for clean in (redactor.interaction(one) for one in found if one is not None)
    ]


def _numbered(file: Path, number: int, entry: Any, paths: frozenset[str]) -> Interaction | None:
    try:
        return _interaction(entry, paths)
    except RecordingError as error:
        raise RecordingError(f"{file}: log.entries[{number}].{error}") from None


def _interaction(entry: Any, paths: frozenset[str]) -> Interaction | None:
    request, response = _field(entry, "request", dict), _field(entry, "response", dict)
    url: str = _in("request", lambda: _field(request, "url", str))
    try:
        parts = urlsplit(url)
    except ValueError:
        raise RecordingError("request.url: is no address") from None
    if parts.hostname != _HOST and parts.path not in paths:
        return None
    method: str = _in("request", lambda: _field(request, "method", str))
    status: int = _in("response", lambda: _field(response, "status", int))
    if not status:
        # The browser got none: it was blocked, or the connection broke.
        return None
    got, got_headers = _in("response", lambda: _got(response))
    return Interaction(
        None,
        method.upper(),
        url,
        _in("request", lambda: _headers(request)),
        _in("request", lambda: _sent(request)),
        status,
        str(response.get("statusText") or ""),
        got_headers,
        got,
        _moment(entry.get("startedDateTime")),
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
    )


def _sent(request: Mapping[str, Any]) -> bytes:
    data = request.get("postData")
    if data is None:
        return b""
    if not isinstance(data, dict):
        raise RecordingError("postData: is no object")
    text = data.get("text")
    if text is None and isinstance(data.get("params"), list):
        pairs = [(one.get("name", ""), one.get("value", "")) for one in data["params"]]
        return urlencode(pairs).encode()
    return _content("postData.text", text, data.get("encoding"))


def _got(response: Mapping[str, Any]) -> tuple[bytes, Headers]:
    content = _field(response, "content", dict)
    headers: Headers = _headers(response)
    body = _content("content.text", content.get("text"), content.get("encoding"))
    # A HAR file has the body as it was meant, and the headers as they were sent; but some programs
    # save what came over the wire.
    if body.startswith(GZIP):
        body, headers = decoded(body, headers)
    dropped = {"content-encoding", "transfer-encoding"}
    return body, {k: v for k, v in headers.items() if k.lower() not in dropped}


def _content(where: str, text: Any, encoding: Any) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise RecordingError(f"{where}: is not a text")
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise RecordingError(f"{where}: is no base64") from None


def _headers(message: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for header in message.get("headers") or []:
        if not isinstance(header, dict) or "name" not in header:
            raise RecordingError("headers: is no list of objects with name and value")
        # HTTP/2 has its request line among the headers.
        if not str(header["name"]).startswith(":"):
            found.setdefault(str(header["name"]), []).append(str(header.get("value", "")))
    return found


def _field(message: Any, name: str, kind: type) -> Any:
    value = message.get(name) if isinstance(message, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise RecordingError(f"{name}: is missing or of another type than HAR 1.2 has there")
    return value


def _in(where: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RecordingError as error:
        raise RecordingError(f"{where}.{error}") from None


def _moment(value: Any) -> Any:
    try:
        return parse_now(value)
    except (TypeError, ValueError):
        raise RecordingError(f"startedDateTime: is {value!r}, no ISO 8601 time") from None
