"""The gateway's actions of cloud storage, as SDKs of every age send them."""

import json
import re
import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from cloud_openapi.emulator.cloudbase.gateway_fields import FailedActionError, GatewayFields
from cloud_openapi.emulator.cloudbase.storage_mount import path_of_files, signed_url
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.storage.names import check_path, file_id, path_of
from cloud_openapi.emulator.storage.storage import Sender, Storage
from cloud_openapi.emulator.storage.urls import LONGEST_AGE
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.json_text import json_text
from cloud_openapi.known_names import nearest
from cloud_openapi.runtime import ENVIRONMENT, is_gateway_host

_MISSING: Final = "STORAGE_FILE_NONEXIST"
# The platform's words, from errors that developers have posted.
_MISSING_TEXT: Final = "storage file not exist"
# https://github.com/TencentCloud/tcb-sdk-php/issues/1
_INVALID: Final = "Invalid request param"
_SUCCESS: Final = "SUCCESS"
_MOST_FILES: Final = 50
_LONGEST: Final = 200
_ENVIRONMENT: Final = re.compile(r"[\w-]{1,64}")
# The ends of Node.js's TypeErrors in SDKs from 2.1 to 3.0, which read the data of a refused upload.
_TYPE_ERRORS: Final = ("undefined (reading 'url')", "'url' of undefined")
_SIGN: Final = re.compile(r"\?sign=[^\"]*")


class Action(NamedTuple):
    """An action's fields, and where, when and for which environment it was sent."""

    program: MiniProgram
    fields: Mapping[str, Any]
    url: str
    """The emulator's URL for the sender."""
    now: datetime
    environment: str
    sender: Sender

    @property
    def storage(self) -> Storage:
        """Return the mini program's cloud storage."""
        return self.program.storage


class AnsweredAction(NamedTuple):
    """The data of an answer, the request for the journal, and why files are missing, if any are."""

    data: dict[str, Any]
    request: str
    reason: str

    @property
    def shown(self) -> bytes:
        """Return the answer for the journal, without what would open a file."""
        data = {name: self.data[name] for name in self.data if name not in _PERMISSIONS}
        return _SIGN.sub("", json_text(data)).encode()

    @property
    def missing(self) -> FailedActionError | None:
        """Return what the SDK makes of a missing file, None if all are there."""
        if not self.reason:
            return None
        return FailedActionError(_MISSING, _MISSING_TEXT, self.reason, self.request)


_PERMISSIONS: Final = ("token", "authorization")


def answer_action(  # noqa: PLR0913 - each is a part of the request
    program: MiniProgram,
    action: str,
    given: GatewayFields,
    environ: Mapping[str, Any],
    sender: Sender,
    options: str | None,
) -> AnsweredAction | None:
    """Answer an action, None if it is unknown. Raises FailedActionError.

    ``options`` are those of the commands in reasons, None omits them.
    """
    handler = _HANDLERS.get(action)
    if handler is None:
        return None
    fields = given.values or _of_form(given)
    request = json_text({name: fields[name] for name in _SHOWN if name in fields})
    environment = fields.get("envName")
    known = isinstance(environment, str) and _ENVIRONMENT.fullmatch(environment)
    marks = _TYPE_ERRORS if handler is _upload_metadata else ()
    try:
        data, missing = handler(
            Action(
                program,
                fields,
                _own_url(environ),
                program.clock.now(),
                str(environment) if known else ENVIRONMENT,
                sender,
            )
        )
        return AnsweredAction(data, request, _why_missing(program.storage, missing, options))
    except _InvalidError as error:
        reason = f"{action}: {error}"
        raise FailedActionError("INVALID_PARAM", _INVALID, reason, request, marks) from None
    except InvalidInputError as error:
        raise FailedActionError("INVALID_PARAM", str(error), "", request, marks) from None
    except OSError as error:
        message = f"cloud storage: {error.strerror}"
        raise FailedActionError("STORAGE_REQUEST_FAIL", message, "", request, marks) from None


_SHOWN: Final = ("path", "file_list", "fileid_list")
_FORM: Final = ("path", "envname")
Result = tuple[dict[str, Any], list[str]]
"""The data of an answer, and the fileIDs of missing files."""


class _InvalidError(Exception):
    """Fields that the platform refuses; the message says why."""


def _of_form(given: GatewayFields) -> dict[str, Any]:
    """Return the fields of a form, in which only the oldest SDKs send an action."""
    texts, content = given.texts, given.file
    if content is None and "file" in texts:
        content = iter([texts["file"]])
    path, environment = (texts.get(name, b"").decode("utf-8", "replace") for name in _FORM)
    return {"path": path, "envName": environment, "file": content}


def _own_url(environ: Mapping[str, Any]) -> str:
    """Return the emulator's URL for the client of a request to the gateway."""
    host = environ.get("HTTP_HOST", "")
    name = urlsplit(f"//{host}").hostname
    # A proxy led the client here, which called the gateway by Tencent's name.
    if not name or is_gateway_host(name):
        host = f"127.0.0.1:{environ['SERVER_PORT']}"
    return f"{environ['wsgi.url_scheme']}://{host}"


def _upload_metadata(action: Action) -> Result:
    path = check_path(_text(action.fields.get("path"), "path"))
    ticket = action.storage.signer.upload(path, action.now)
    action.storage.senders.add(ticket.token, action.sender)
    fileid = file_id(path, action.environment)
    url = f"{action.url}{path_of_files(action.program)}/{quote(path)}"
    # It becomes a header, which has no characters beyond Latin-1.
    ids = {"fileId": fileid, "cosFileId": b64encode(fileid.encode()).decode()}
    return {"url": url, "token": ticket.token, "authorization": ticket.authorization, **ids}, []


def _upload(action: Action) -> Result:
    """Store a file that the oldest SDKs send in the action itself."""
    path = _text(action.fields.get("path"), "path")
    content = action.fields.get("file")
    if not isinstance(content, Iterator):
        raise _InvalidError("file is a part of a form")
    action.storage.files.write(path, content, action.now)
    return {"fileID": file_id(path, action.environment)}, []


def _download_urls(action: Action) -> Result:
    items, missing = [], []
    wanted = [
        (_text(item.get("fileid"), "fileid"), _age(item.get("max_age")))
        for item in _objects(action.fields, "file_list")
    ]
    for fileid, age in wanted:
        path = path_of(fileid)
        if path is None or action.storage.files.get(path) is None:
            missing.append(fileid)
            items.append({**_failed("fileID", fileid), "tempFileURL": "", "maxAge": age})
        else:
            url = signed_url(action.url, action.program, path, age)
            items.append({"fileID": fileid, "code": _SUCCESS, "tempFileURL": url, "maxAge": age})
    return {"download_list": items}, missing


def _delete(action: Action) -> Result:
    items, missing = [], []
    for fileid in [_text(each, "fileid") for each in _listed(action.fields, "fileid_list")]:
        path = path_of(fileid)
        if path is not None and action.storage.files.remove(path):
            items.append({"fileID": fileid, "code": _SUCCESS})
        else:
            missing.append(fileid)
            items.append(_failed("fileID", fileid))
    return {"delete_list": items}, missing


def _copy(action: Action) -> Result:
    items, missing = [], []
    files = action.storage.files
    wanted = [
        (item, _text(item.get("src_path"), "src_path"), _target(item))
        for item in _objects(action.fields, "file_list")
    ]
    for item, source, target in wanted:
        fileid = file_id(target, action.environment)
        if item.get("overwrite") is False and files.get(target) is not None:
            message = f"{target} exists, and overwrite is false"
            conflict = {"code": "STORAGE_FILE_PATH_CONFLICT", "message": message}
            items.append({"fileId": fileid, **conflict})
        elif files.copy(source, target, action.now):
            if item.get("remove_original") is True:
                files.remove(source)
            items.append({"fileId": fileid, "code": _SUCCESS})
        else:
            missing.append(file_id(source, action.environment))
            items.append(_failed("fileId", fileid))
    return {"copy_list": items}, missing


_HANDLERS: Final[dict[str, Callable[[Action], Result]]] = {
    "storage.getUploadMetadata": _upload_metadata,
    "storage.uploadFile": _upload,
    "storage.batchGetDownloadUrl": _download_urls,
    "storage.batchDeleteFile": _delete,
    "storage.batchCopyFile": _copy,
}


def _failed(key: str, fileid: str) -> dict[str, Any]:
    return {key: fileid, "code": _MISSING, "message": _MISSING_TEXT}


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    raise _InvalidError(f"{name} is a text, not {_described(value)}")


def _listed(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if isinstance(value, list) and 0 < len(value) <= _MOST_FILES:
        return value
    given = f"{len(value)} files" if isinstance(value, list) else _described(value)
    raise _InvalidError(f"{name} is a list of 1 to {_MOST_FILES} files, not {given}")


def _objects(fields: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [each if isinstance(each, dict) else {} for each in _listed(fields, name)]


def _target(item: Mapping[str, Any]) -> str:
    return check_path(_text(item.get("dst_path"), "dst_path"))


def _age(value: Any) -> int:
    if value is None:
        return LONGEST_AGE
    if is_number(value) and value >= 1:
        return int(min(value, LONGEST_AGE))
    raise _InvalidError(f"maxAge is a number of seconds, at least 1, not {_described(value)}")


def _described(value: Any) -> str:
    return "missing" if value is None else json.dumps(value)[:_LONGEST]


def _why_missing(storage: Storage, fileids: list[str], options: str | None) -> str:
    """Return why the first of the missing files is missing, empty if none is."""
    if not fileids:
        return ""
    path = path_of(fileids[0])
    if path is None:
        shown = fileids[0][:_LONGEST]
        return f"{shown!r} is not a fileID such as cloud://ENV.BUCKET/images/a.png"
    try:
        check_path(path)
    except InvalidInputError as error:
        return f"cloud storage has no such file: {error}"
    close = nearest(path, (known for known, _file in storage.files.listed()))
    meant = f"; did you mean {close}?" if close else "."
    shown = path[:_LONGEST]
    if (unread := storage.files.unread) and not close:
        return f"cloud storage has no file {shown}: {unread}; correct it and start again"
    reason = (
        f"cloud storage has no file {shown}{meant} Save it as storage/{shown} beside the functions"
    )
    if options is None:
        return reason
    command = f"cloud-openapi storage put FILE {shlex.quote(shown)}{options}"
    return f"{reason} and start again, or run: {command}"
