"""The gateway's actions of cloud storage, as SDKs of every age send them."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from cloud_openapi.emulator.cloudbase.gateway_fields import GatewayError
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.storage.names import check_path, file_id, path_of
from cloud_openapi.emulator.storage.storage import Storage
from cloud_openapi.emulator.storage.urls import LONGEST_AGE
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.known_names import nearest

MISSING: Final = "STORAGE_FILE_NONEXIST"
MISSING_TEXT: Final = "storage file not exist"
"""The platform's message; it stands in errors of deleteFile that developers have posted."""

_MOST_FILES: Final = 50
_MOST_COMPARED: Final = 2000
# The platform's message: https://github.com/TencentCloud/tcb-sdk-php/issues/1
_INVALID: Final = "Invalid request param"
_SUCCESS: Final = "SUCCESS"
# encodeURI of the SDKs leaves these as they are, although they end a path.
_UNENCODED: Final = {ord(c): quote(c) for c in "%?#"}


class StorageRequest(NamedTuple):
    """An action's fields, and where, when and for which environment it was sent."""

    storage: Storage
    fields: Mapping[str, Any]
    url: str
    """The URL of the mini program's files."""
    now: datetime
    environment: str


class StorageAnswer(NamedTuple):
    """The data of an answer, and why files are missing, in one line; empty if none is."""

    data: dict[str, Any]
    reason: str = ""


def answer_action(action: str, request: StorageRequest) -> StorageAnswer | None:
    """Return the answer to an action, None for an unknown one. Raises GatewayError."""
    handler = _HANDLERS.get(action)
    try:
        return None if handler is None else handler(request)
    except InvalidInputError as error:
        raise GatewayError("INVALID_PARAM", str(error)) from None
    except OSError as error:
        raise GatewayError("STORAGE_REQUEST_FAIL", f"cloud storage: {error.strerror}") from None


def _upload_metadata(request: StorageRequest) -> StorageAnswer:
    path = check_path(_text(request.fields.get("path"), "path"))
    ticket = request.storage.signer.upload(path, request.now)
    fileid = file_id(path, request.environment)
    return StorageAnswer(
        {
            "url": f"{request.url}/{quote(path)}",
            "token": ticket.token,
            "authorization": ticket.authorization,
            "fileId": fileid,
            "cosFileId": fileid,
        }
    )


def _upload(request: StorageRequest) -> StorageAnswer:
    """Store a file that SDKs before 1.0 send in the action itself."""
    path = check_path(_text(request.fields.get("path"), "path"))
    content = request.fields.get("file")
    if not isinstance(content, bytes):
        raise GatewayError("INVALID_PARAM", _INVALID, "file is missing: send it as a part")
    request.storage.files.write(path, [content], request.now)
    return StorageAnswer({"fileID": file_id(path, request.environment)})


def _download_urls(request: StorageRequest) -> StorageAnswer:
    files, signer = request.storage.files, request.storage.signer
    items, missing = [], []
    for given in _listed(request.fields, "file_list"):
        item = given if isinstance(given, dict) else {}
        fileid, age = _text(item.get("fileid"), "fileid"), _age(item.get("max_age"))
        path = path_of(fileid)
        if path is None or files.get(path) is None:
            missing.append(fileid)
            items.append({**_failed("fileID", fileid), "tempFileURL": "", "maxAge": age})
            continue
        # SDKs encode the URL.
        url = f"{request.url}/{path.translate(_UNENCODED)}"
        url += f"?{signer.download(path, request.now, age)}"
        items.append({"fileID": fileid, "code": _SUCCESS, "tempFileURL": url, "maxAge": age})
    return StorageAnswer({"download_list": items}, _why_missing(request, missing))


def _delete(request: StorageRequest) -> StorageAnswer:
    items, missing = [], []
    for given in _listed(request.fields, "fileid_list"):
        fileid = _text(given, "fileid")
        path = path_of(fileid)
        if path is not None and request.storage.files.remove(path):
            items.append({"fileID": fileid, "code": _SUCCESS})
        else:
            missing.append(fileid)
            items.append(_failed("fileID", fileid))
    return StorageAnswer({"delete_list": items}, _why_missing(request, missing))


def _copy(request: StorageRequest) -> StorageAnswer:
    items, missing = [], []
    for given in _listed(request.fields, "file_list"):
        item = given if isinstance(given, dict) else {}
        source, target = (_text(item.get(name), name) for name in ("src_path", "dst_path"))
        fileid = file_id(target, request.environment)
        if item.get("overwrite") is False and request.storage.files.get(target) is not None:
            message = f"{target} exists, and overwrite is false"
            items.append({"fileId": fileid, "code": "STORAGE_FILE_PATH_CONFLICT"})
            items[-1]["message"] = message
        elif request.storage.files.copy(source, target, request.now):
            if item.get("remove_original") is True:
                request.storage.files.remove(source)
            items.append({"fileId": fileid, "code": _SUCCESS})
        else:
            missing.append(file_id(source, request.environment))
            items.append(_failed("fileId", fileid))
    return StorageAnswer({"copy_list": items}, _why_missing(request, missing))


_HANDLERS: Final[dict[str, Callable[[StorageRequest], StorageAnswer]]] = {
    "storage.getUploadMetadata": _upload_metadata,
    "storage.uploadFile": _upload,
    "storage.batchGetDownloadUrl": _download_urls,
    "storage.batchDeleteFile": _delete,
    "storage.batchCopyFile": _copy,
}


def _failed(key: str, fileid: str) -> dict[str, Any]:
    return {key: fileid, "code": MISSING, "message": MISSING_TEXT}


def _text(value: Any, name: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise GatewayError("INVALID_PARAM", _INVALID, f"{name} is a text, not {_shown(value)}")


def _listed(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if isinstance(value, list) and 0 < len(value) <= _MOST_FILES:
        return value
    count = f"{len(value)} files" if isinstance(value, list) else _shown(value)
    reason = f"{name} is a list of 1 to {_MOST_FILES} files, not {count}"
    raise GatewayError("INVALID_PARAM", _INVALID, reason)


def _age(value: Any) -> int:
    if value is None:
        return LONGEST_AGE
    if is_number(value) and value >= 1:
        return int(min(value, LONGEST_AGE))
    reason = f"maxAge is a number of seconds from 1 to {LONGEST_AGE}, not {_shown(value)}"
    raise GatewayError("INVALID_PARAM", _INVALID, reason)


def _shown(value: Any) -> str:
    return "missing" if value is None else json.dumps(value)[:100]


def _why_missing(request: StorageRequest, fileids: Iterable[str]) -> str:
    first, *others = [*fileids, ""][:3]
    if not first:
        return ""
    path = path_of(first)
    if path is None:
        return f"{first[:200]!r} is not a fileID: cloud://ENV.BUCKET/path"
    known = [each for each, _file in request.storage.files.listed()[:_MOST_COMPARED]]
    close = nearest(path, known)
    meant = f"; did you mean {close}?" if close else ""
    more = " (and others)" if any(others) else ""
    return (
        f"cloud storage has no file {path[:200]}{more}{meant} To add one: "
        f"cloud-openapi storage put FILE {path[:200]}"
    )
