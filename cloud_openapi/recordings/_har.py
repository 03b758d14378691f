"""Import HTTP traffic that a browser, Charles or mitmproxy saved as HAR 1.2.

http://www.softwareishard.com/blog/har-12-spec/
"""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cloud_openapi.catalogue import Catalogue, default_catalogue
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_mistake import JSONMistakeError
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.recordings._encoding import check_text, decoded
from cloud_openapi.recordings._fields import (
    field,
    from_base64,
    moment,
    read_text,
    split_url,
    status_of,
    within,
)
from cloud_openapi.recordings._interaction import Headers, Interaction, api_of
from cloud_openapi.recordings._redaction import Redactor

_LOG = logging.getLogger(__name__)
_HOST = "api.weixin.qq.com"
_LARGEST_FILE = 256 * 2**20
_MOST_DIGITS = 100
# Statuses of responses without a body.
_BODILESS = frozenset({204, 205, 304})


def read_har(
    path: str | Path,
    catalogue: Catalogue | None = None,
    redactor: Redactor | None = None,
    left_out: Callable[[str], object] = _LOG.warning,
) -> list[Interaction]:
    """Return the redacted requests to WeChat, or to any host at a path of the catalogue.

    ``left_out`` is called with entry, key and reason of each of them that cannot be recorded.
    Raises RecordingError for a file that is not HAR.
    """
    file, redactor = Path(path), redactor or Redactor()
    catalogue = default_catalogue() if catalogue is None else catalogue
    paths = frozenset(outline.path for outline in catalogue.outlines.values())
    found = []
    for number, entry in enumerate(_entries(file)):
        try:
            if _is_of_weixin(entry, paths):
                found.append(redactor.interaction(_interaction(entry, catalogue)))
        except RecordingError as error:  # noqa: PERF203 - each entry for itself
            left_out(f"log.entries[{number}].{error}")
    # A token that one response grants is masked in the entries before it, too.
    return [redactor.mask_known(each) for each in found]


def _entries(file: Path) -> list[Any]:
    try:
        content = json.loads(read_text(file, _LARGEST_FILE), parse_int=_number)
        entries = content["log"]["entries"]
    except RecordingError as error:
        raise RecordingError(f"{file}: {error}") from error
    except json.JSONDecodeError as error:
        reason = f"a HAR file is JSON in UTF-8; this file is not: {JSONMistakeError(error)}"
        raise RecordingError(f"{file}: {reason}") from None
    except (ValueError, RecursionError):
        raise RecordingError(f"{file}: a HAR file is JSON in UTF-8; this file is not") from None
    except (TypeError, KeyError, IndexError):
        entries = None
    if not isinstance(entries, list):
        raise RecordingError(f"{file}: is not a HAR file: it has no list log.entries")
    return entries


def _number(digits: str) -> int | str:
    """Return a whole number, or its text if Python refuses its length: it may be another host's."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _is_of_weixin(entry: Any, paths: frozenset[str]) -> bool:
    """Return whether an entry is a request to WeChat; other keys are not read.

    Raises RecordingError for an entry that does not say where its request went.
    """
    request = field(entry, "request", dict)
    with within("request"):
        parts = split_url("url", field(request, "url", str))
    return parts.hostname == _HOST or parts.path in paths


def _interaction(entry: Mapping[str, Any], catalogue: Catalogue) -> Interaction:
    request, response = entry["request"], field(entry, "response", dict)
    with within("request"):
        parts = split_url("url", request["url"])
        method = field(request, "method", str).upper()
        body, headers = _sent(request)
    with within("response"):
        if response.get("status") == 0:
            raise RecordingError("status: is 0: the program received no response")
        status = status_of("status", response.get("status"))
        response_body, response_headers = _received(response, status, method)
    return Interaction(
        api=api_of(catalogue, method, parts.path),
        method=method,
        uri=request["url"],
        request_headers=headers,
        request_body=body,
        status=status,
        reason=str(response.get("statusText") or ""),
        response_headers=response_headers,
        response_body=response_body,
        recorded_at=_started(entry),
        origin=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
    )


def _started(entry: Mapping[str, Any]) -> Any:
    try:
        return moment("startedDateTime", entry.get("startedDateTime"))
    except RecordingError:
        # A recording is as useful without its time.
        return None


def _sent(request: Mapping[str, Any]) -> tuple[bytes, Headers]:
    headers = _headers(request)
    data = request.get("postData")
    if data is None:
        _check_kept("postData", "", request.get("bodySize"))
        return b"", headers
    data = field(request, "postData", dict)
    text = data.get("text")
    if text is None and data.get("params"):
        return _form(data["params"]), headers
    _check_kept("postData.text", text or "", request.get("bodySize"))
    return decoded(_content("postData.text", text, data.get("encoding")), headers)


def _form(params: Any) -> bytes:
    if not isinstance(params, list) or not all(isinstance(one, dict) for one in params):
        raise RecordingError("postData.params: must be a list of objects with name and value")
    pairs = [(str(one.get("name", "")), str(one.get("value", ""))) for one in params]
    return urlencode(pairs, errors="surrogatepass").encode()


def _received(response: Mapping[str, Any], status: int, method: str) -> tuple[bytes, Headers]:
    content = field(response, "content", dict)
    text = content.get("text")
    if status not in _BODILESS and method != "HEAD":
        sizes = filter(is_number, (content.get("size"), response.get("bodySize")))
        _check_kept("content.text", text, max(sizes, default=None))
    body = _content("content.text", text, content.get("encoding"))
    # A HAR file has the decoded body and the headers as sent. Some programs save the encoded body.
    plain, headers = decoded(body, _headers(response))
    check_text(plain, headers)
    return plain, headers


def _check_kept(name: str, text: Any, size: Any) -> None:
    """Raise RecordingError for a body that the program saw and did not keep."""
    if not text and is_number(size) and size > 0:
        raise RecordingError(f"{name}: is missing; the program did not keep the {size} bytes")
    if text is None and size != 0:
        raise RecordingError(f"{name}: is missing; the program did not keep it")


def _content(name: str, text: Any, encoding: Any) -> bytes:
    if text is None:
        return b""
    if not isinstance(text, str):
        raise RecordingError(f"{name}: must be a string")
    if not encoding:
        return text.encode("utf-8", "surrogatepass")
    if str(encoding).lower() == "base64":
        return from_base64(name, text)
    raise RecordingError(f"{name}: its encoding must be base64")


def _headers(message: Mapping[str, Any]) -> Headers:
    found: dict[str, list[str]] = {}
    headers = message.get("headers") or []
    if not isinstance(headers, list):
        raise RecordingError("headers: must be a list of objects with name and value")
    for header in headers:
        if not isinstance(header, dict) or "name" not in header:
            raise RecordingError("headers: must be a list of objects with name and value")
        # HTTP/2 has pseudo-headers such as ":path".
        if not str(header["name"]).startswith(":"):
            found.setdefault(str(header["name"]), []).append(str(header.get("value", "")))
    return found
