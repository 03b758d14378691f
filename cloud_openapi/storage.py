"""``cloud.uploadFile``, ``downloadFile``, ``getTempFileURL`` and ``deleteFile``.

Requests, results and errors are those of wx-server-sdk 4.0.2 over @cloudbase/node-sdk 3.17.2.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final, TypedDict, TypeVar
from urllib.parse import quote

from cloud_openapi.drafts import draft_of
from cloud_openapi.errors import SDK_TEXTS, CloudSDKError
from cloud_openapi.sdk_options import check_option, kind_of
from cloud_openapi.transports import Reply, Transport
from cloud_openapi.transports.actions import (
    FOREIGN,
    ActionError,
    ActionTransport,
    by_gateway,
    code_number,
)

_Read = TypeVar("_Read")
_MAX_AGE: Final = 600
_LARGEST_MIB: Final = 256
# JavaScript's encodeURI and encodeURIComponent leave these as they are.
_OF_URI: Final = "-_.!~*'();/?:@&=+$,#"
_OF_COMPONENT: Final = "-_.!~*'()"


class UploadFileResult(TypedDict):
    """The result of ``uploadFile``; ``statusCode`` is that of the storage."""

    fileID: str
    statusCode: int
    errMsg: str


class DownloadFileResult(TypedDict):
    """The result of ``downloadFile``; the content is None if it was written to a file."""

    fileContent: bytes | None
    statusCode: int
    errMsg: str


class TempFileURL(TypedDict):
    """A file with a URL that is good for ``maxAge`` seconds; ``status`` is 0 or an errCode."""

    fileID: str
    status: int
    errMsg: str
    maxAge: int | None
    tempFileURL: str


class GetTempFileURLResult(TypedDict):
    """The result of ``getTempFileURL``."""

    fileList: list[TempFileURL]
    errMsg: str


class DeletedFile(TypedDict):
    """A file of ``deleteFile``; ``status`` is 0 or an errCode."""

    fileID: str
    status: int
    errMsg: str


class DeleteFileResult(TypedDict):
    """The result of ``deleteFile``."""

    fileList: list[DeletedFile]
    errMsg: str


class Storage:
    """The file storage of an environment."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(self, options: Any) -> UploadFileResult:
        """Store a file: ``cloudPath`` and ``fileContent``, bytes or a file opened for reading.

        Raises CloudSDKError.
        """
        api = "uploadFile"
        given = _options(api, options, ("cloudPath", "fileContent"))
        check_option(given, "cloudPath", "string")
        content = _content(api, given.get("fileContent"))
        path = given["cloudPath"]
        fields = {"path": path, "method": "put"}
        data = self._data(api, "storage.getUploadMetadata", fields)
        names = ("url", "token", "authorization", "fileId", "cosFileId")
        if not all(isinstance(data.get(name), str) for name in names):
            raise _failure(api, "unknown response", FOREIGN)
        headers = {
            "Signature": data["authorization"],
            "x-cos-security-token": data["token"],
            "x-cos-meta-fileid": _header(data["cosFileId"]),
            "authorization": data["authorization"],
            "key": quote(path, safe=_OF_COMPONENT),
        }
        reply = self._transfer(api, "PUT", data["url"], headers, content)
        _check_upload(api, reply)
        return {"fileID": data["fileId"], "statusCode": reply.status, "errMsg": f"{api}:ok"}

    def download(self, options: Any) -> DownloadFileResult:
        """Return the content of the file ``fileID``, or write it to ``tempFilePath``.

        Raises CloudSDKError, and OSError for a file that cannot be written.
        """
        api = "downloadFile"
        given = _options(api, options, ("fileID", "tempFilePath"))
        check_option(given, "fileID", "string")
        asked = [{"fileid": given["fileID"], "max_age": _MAX_AGE}]
        found = self._list(api, "storage.batchGetDownloadUrl", "file_list", asked, "download_list")
        if not found:
            raise _failure(api, "unknown response", FOREIGN)
        code, url = found[0].get("code"), found[0].get("tempFileURL")
        if code != "SUCCESS" or not isinstance(url, str):
            # The SDK shows only the message, which the platform leaves out.
            number = code_number(code)
            hint = f"The gateway says {code}: {SDK_TEXTS[number]}."
            text = found[0].get("message", "undefined")
            raise CloudSDKError(-1, f"{api}:fail {text}", hint, str(code or ""))
        target = given.get("tempFilePath")
        with _sink(api, target) as (write, content):
            whole = quote(url, safe=_OF_URI)
            reply = self._transfer(api, "GET", whole, {}, None, write)
            if reply.status != HTTPStatus.OK:
                shown = f"下载文件失败: Status:{reply.status} Url:{whole.partition('?')[0]}"
                raise CloudSDKError(-1, f"{api}:fail {shown}", code="STORAGE_REQUEST_FAIL")
        file = None if target is not None else bytes(content)
        return {"fileContent": file, "statusCode": HTTPStatus.OK.value, "errMsg": f"{api}:ok"}

    def temp_file_url(self, options: Any) -> GetTempFileURLResult:
        """Return URLs of files: ``fileList`` of ids, or of ``{"fileID", "maxAge"}``.

        Raises CloudSDKError; a missing file has a status other than 0 instead.
        """
        api = "getTempFileURL"
        given = _options(api, options, ("fileList",))
        check_option(given, "fileList", "array")
        asked = [_asked(api, each) for each in given["fileList"]]
        found = self._list(api, "storage.batchGetDownloadUrl", "file_list", asked, "download_list")
        files: list[TempFileURL] = []
        for each in found:
            status, text = _status(each.get("code"))
            url = each.get("tempFileURL", "") if status == 0 else ""
            files.append(
                {
                    "fileID": each.get("fileID", ""),
                    "status": status,
                    "errMsg": text,
                    "maxAge": each.get("maxAge"),
                    "tempFileURL": url,
                }
            )
        return {"fileList": files, "errMsg": f"{api}:ok"}

    def delete(self, options: Any) -> DeleteFileResult:
        """Delete the files of ``fileList``. Raises CloudSDKError."""
        api = "deleteFile"
        given = _options(api, options, ("fileList",))
        check_option(given, "fileList", "array")
        for index, each in enumerate(given["fileList"]):
            if not isinstance(each, str):
                kind = _typeof(each)
                raise _failure(api, f"Type of fileList[{index}] must be string instead of {kind}")
            if not each:
                raise _failure(api, "fileList的元素必须是非空的字符串", code="INVALID_PARAM")
        asked = list(given["fileList"])
        found = self._list(api, "storage.batchDeleteFile", "fileid_list", asked, "delete_list")
        files: list[DeletedFile] = []
        for each in found:
            status, text = _status(each.get("code"))
            files.append({"fileID": each.get("fileID", ""), "status": status, "errMsg": text})
        return {"fileList": files, "errMsg": f"{api}:ok"}

    def _list(
        self, api: str, action: str, field: str, asked: list[Any], found: str
    ) -> list[dict[str, Any]]:
        """Return the list in the answer to an action for several files."""
        answer = self._data(api, action, {field: asked}).get(found) or []
        if not isinstance(answer, list):
            raise _failure(api, "unknown response", FOREIGN)
        return [each for each in answer if isinstance(each, dict)]

    def _data(self, api: str, action: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._send(api, lambda gateway: gateway.act(action, fields))
        data = answer.get("data")
        if not isinstance(data, dict):
            raise _failure(api, "unknown response", FOREIGN)
        return data

    def _transfer(self, api: str, *request: Any) -> Reply:
        return self._send(api, lambda gateway: gateway.transfer(*request))

    def _send(self, api: str, send: Callable[[ActionTransport], _Read]) -> _Read:
        gateway = by_gateway(self._transport, api, "The file storage is reached")
        try:
            return send(gateway)
        except ActionError as error:
            failure = error.failure(api, coded=False)
        raise failure


def _options(api: str, options: Any, known: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the options of a call. Raises CloudSDKError, TypeError for unknown ones."""
    if not options:
        kind = "undefined" if options is None else _typeof(options)
        text = f"undefined . Params for {api} must be an object instead of {kind}"
        raise _failure(api, text)
    if not isinstance(options, Mapping):
        raise CloudSDKError(-1, f"parameter should be object instead of {kind_of(options)}; ")
    unknown = [str(name) for name in options if name not in known]
    if unknown:
        raise TypeError(f"{api} has no option {', '.join(unknown)}; it has {', '.join(known)}.")
    return options


def _typeof(value: Any) -> str:
    """Return JavaScript's ``typeof``."""
    kind = kind_of(value)
    return kind if kind in {"string", "number", "boolean"} else "object"


def _failure(api: str, text: str, hint: str = "", code: str = "") -> CloudSDKError:
    return CloudSDKError(-1, f"{api}:fail {text}", hint, code)


def _content(api: str, content: Any) -> bytes | BinaryIO:
    if content is None:
        raise _failure(api, "Type of fileContent must be fs.ReadStream instead of undefined")
    if isinstance(content, bytearray | memoryview):
        return bytes(content)
    if isinstance(content, bytes) or _is_binary(content):
        file: bytes | BinaryIO = content
        return file
    raise _failure(
        api,
        "[node-sdk] fileContent should be instance of fs.ReadStream or Buffer",
        'fileContent is bytes, or a file that was opened by open(path, "rb").',
        "INVALID_PARAM",
    )


def _is_binary(content: Any) -> bool:
    """Return True for an open file whose content is bytes."""
    return hasattr(content, "read") and not hasattr(content, "encoding")


def _header(text: str) -> str:
    """Return a text for a header, in which other characters than ASCII are percent-encoded."""
    return text if text.isascii() else quote(text, safe=f"{_OF_URI}%")


def _check_upload(api: str, reply: Reply) -> None:
    """Raise CloudSDKError for an error of COS, which is XML, and for a status that says so."""
    text = reply.body.decode("utf-8", "replace")
    if "<Error>" in text:
        code, message = (_element(text, name) for name in ("Code", "Message"))
        known = "SYS_ERR" if code == "SignatureDoesNotMatch" else "STORAGE_REQUEST_FAIL"
        hint = f"The storage says {code}, request {_element(text, 'RequestId')}."
        raise _failure(api, f"[{code}]: {message}", hint, known)
    if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        # The SDK takes such a file for uploaded.
        text = f"the storage answered with status {reply.status}"
        raise _failure(api, text, code="STORAGE_REQUEST_FAIL")


def _element(xml: str, name: str) -> str:
    found = re.search(f"<{name}>([^<]*)</{name}>", xml)
    return unescape(found[1]) if found else "undefined"


def _asked(api: str, file: Any) -> dict[str, Any]:
    """Return a file in a request for URLs. Raises CloudSDKError."""
    if isinstance(file, str):
        return {"fileid": file}
    if not isinstance(file, Mapping):
        text = "fileList的元素如果不是对象，则必须是字符串"
        raise _failure(api, text, code="INVALID_PARAM")
    if "fileID" not in file or "maxAge" not in file:
        text = "fileList 的元素如果是对象，必须是包含 fileID 和 maxAge 的对象"
        raise _failure(api, text, code="INVALID_PARAM")
    asked = {"fileid": file["fileID"], "max_age": file["maxAge"]}
    return {**asked, "url_type": file["urlType"]} if "urlType" in file else asked


def _status(code: Any) -> tuple[int, str]:
    """Return the SDK's status and text for the code of a file."""
    if not code or code == "SUCCESS":
        return 0, "ok"
    number = code_number(code)
    return number, SDK_TEXTS[number]


@contextmanager
def _sink(api: str, path: Any) -> Iterator[tuple[Callable[[bytes], object], bytearray]]:
    """Give a function for the parts of a file, and the content in memory.

    A file at ``path`` appears when it is whole.
    """
    content = bytearray()
    if path is None:

        def keep(part: bytes) -> None:
            content.extend(part)
            if len(content) > _LARGEST_MIB * 1024 * 1024:
                text = f"the file is larger than {_LARGEST_MIB} MiB"
                raise _failure(api, text, "Write it to a file: tempFilePath=…")

        yield keep, content
        return
    with draft_of(Path(path)) as draft, draft.open("wb") as file:
        yield file.write, content
