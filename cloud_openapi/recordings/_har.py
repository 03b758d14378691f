"""Import HTTP traffic that a browser, Charles or mitmproxy saved as HAR 1.2.

http://www.softwareishard.com/blog/har-12-spec/
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.recordings._encoding import GZIP, decoded
from cloud_openapi.recordings._fields import field, from_base64, moment, split_url, within
from cloud_openapi.recordings._interaction import Headers, Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor

_HOST = "api.weixin.qq.com"
_OF_TRANSFER = frozenset({"content-encoding", "transfer-encoding"})


def read_har(
    path: str | Path, catalogue: Catalogue | None = None, redactor: Redactor | None = None
) -> list[Interaction]:
    """Return the redacted requests to WeChat, or to any host at a path of the catalogue.

    Entries without a response are left out. Raises RecordingError, which names file, entry and
    key.
    """
    file, redactor = Path(path), redactor or Redactor()
    catalogue = default_catalogue() if catalogue is None else catalogue
    paths = frozenset(operation.path for operation in catalogue.values())
    found = []
    for number, entry in enumerate(_entries(file)):
        try:
            interaction = _interaction(entry, catalogue, paths)
        except RecordingError as error:
            raise RecordingError(f"{file}: log.entries[{number}].{error}") from None
        if interaction is not None:
            # In order: a token that one response grants is masked in all later entries.
            found.append(redactor.interaction(interaction))
    return found


def _entries(file: Path) -> list[Any]:
    try:
        entries = json.loads(file.read_bytes().decode("utf-8-sig"))["log"]["entries"]
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise RecordingError(f"{file}: a HAR file is JSON in UTF-8; this file is not") from None
    except (TypeError, KeyError, IndexError):
        entries = None
    if not isinstance(entries, list):
        raise RecordingError(f"{file}: is not a HAR file: it has no list log.entries")
    return entries


def _interaction(entry: Any, catalogue: Catalogue, paths: frozenset[str]) -> Interaction | None:
    request, response = field(entry, "request", dict), field(entry, "response", dict)
    with within("request"):
        url = field(request, "url", str)
        parts = split_url("url", url)
        if parts.hostname != _HOST and parts.path not in paths:
            return None
        method = field(request, "method", str).upper()
        headers, body = _headers(request), _request_body(request)
    with within("response"):
        status = field(response, "status", int)
        if not status:
            # The browser received no response: the request was blocked, or the connection broke.
            return None
        response_body, response_headers = _received(response)
    return Interaction(
        api=api_of(catalogue, method, parts.path),
        method=method,
        uri=url,
        request_headers=headers,
        request_body=body,
        status=status,
        reason=str(response.get("statusText") or ""),
        response_headers=response_headers,
        response_body=response_body,
        recorded_at=moment("startedDateTime", entry.get("startedDateTime")),
        origin=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
    )


def _request_body(request: Mapping[str, Any]) -> bytes:
    if request.get("postData") is None:
        return b""
    data = field(request, "postData", dict)
    text = data.get("text")
    if text is None and isinstance(data.get("params"), list):
        pairs = [(one.get("name", ""), one.get("value", "")) for one in data["params"]]
        return urlencode(pairs).encode()
    return _content("postData.text", text, data.get("encoding"))


def _received(response: Mapping[str, Any]) -> tuple[bytes, Headers]:
    content = field(response, "content", dict)
    headers = _headers(response)
    body = _content("content.text", content.get("text"), content.get("encoding"))
    # A HAR file has the decoded body and the headers as sent. Some programs save the encoded body.
    if body.startswith(GZIP):
        body, headers = decoded(body, headers)
    return body, {k: v for k, v in headers.items() if k.lower() not in _OF_TRANSFER}


def _content(name: str, text: Any, encoding: Any) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise RecordingError(f"{name}: must be a string")
    if encoding == "base64":
        return from_base64(name, text)
    return text.encode("utf-8", "surrogatepass")


def _headers(message: Mapping[str, Any]) -> Headers:
    found: dict[str, list[str]] = {}
    for header in message.get("headers") or []:
        if not isinstance(header, dict) or "name" not in header:
            raise RecordingError("headers: must be a list of objects with name and value")
        # HTTP/2 has pseudo-headers such as ":path".
        if not str(header["name"]).startswith(":"):
            found.setdefault(str(header["name"]), []).append(str(header.get("value", "")))
    return found
