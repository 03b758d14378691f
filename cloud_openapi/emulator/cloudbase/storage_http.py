"""The files of cloud storage over HTTP: uploads as COS takes them, and downloads.

Uploads are COS's PUT Object and POST Object, and errors are its XML:
https://cloud.tencent.com/document/product/436/7749, …/14690 and …/7730.
"""

import re
from collections.abc import Iterator
from html import escape
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import IO, Final
from urllib.parse import unquote

from flask import Response, g, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable, RequestEntityTooLarge
from werkzeug.http import parse_range_header
from werkzeug.utils import send_file
from werkzeug.wrappers import Response as AnyResponse
from werkzeug.wsgi import get_input_stream

from cloud_openapi import clocks
from cloud_openapi.emulator.cloudbase.storage_form import PIECE, FormError, read_form
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.emulator.storage.files import LARGEST, ResetError, TooLargeError
from cloud_openapi.emulator.storage.names import content_type
from cloud_openapi.emulator.storage.storage import Sender
from cloud_openapi.emulator.storage.stored_file import StoredFile
from cloud_openapi.emulator.storage.urls import RefusedError, Ticket
from cloud_openapi.runtime import new_request_id

_STATUS: Final = {
    "EntityTooLarge": HTTPStatus.BAD_REQUEST,
    "InternalError": HTTPStatus.INTERNAL_SERVER_ERROR,
    "InvalidRange": HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    "MalformedPOSTRequest": HTTPStatus.BAD_REQUEST,
    "MethodNotAllowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "NoSuchBucket": HTTPStatus.NOT_FOUND,
    "NoSuchKey": HTTPStatus.NOT_FOUND,
}
# The code that SDKs make of an upload or a download which fails.
_FAILED: Final = -503001
# A page or a drawing could run scripts, and they would have the console's origin.
_HARMLESS: Final = ("application/json", "application/octet-stream", "application/pdf", "text/plain")
_LONGEST: Final = 200
_TOO_LARGE: Final = f"a file has at most {LARGEST >> 30} GiB"
_BEYOND: Final = "InvalidRange", "The requested range is not satisfiable"
_ALLOWED: Final = "GET, HEAD, POST, PUT"
_NO_BYTES: Final = re.compile(r"\s*bytes\s*=\s*-0+\s*", re.IGNORECASE)
# What a form may have besides its file.
_FORM_BYTES: Final = 1024 * 1024


def answer(emulator: Emulator, mark: str, path: str) -> AnyResponse:
    """Return the response to a request for a file of the mini program with a mark."""
    began = clocks.monotonic()
    program = emulator.program_of_mark(mark)
    refused = None
    try:
        response = _answer(program, path)
    except RefusedError as error:
        response, refused = _xml(error), error
    response.headers["x-cos-request-id"] = new_request_id()
    owner = program or emulator.common
    sender: Sender = g.pop("sender", None) or Sender()
    entry = Entry(
        time=owner.clock.now(),
        method=request.method,
        path=request.path,
        appid=owner.appid,
        body=b"",
        errcode=0 if refused is None else _FAILED,
        check="cloud storage" if refused is None else refused.code,
        status=response.status_code,
        reason="" if refused is None else refused.reason,
        milliseconds=(clocks.monotonic() - began) * 1000,
        function=sender.function,
        invocation=sender.invocation,
        begun=began,
    )
    emulator.keep(owner, entry)
    return response


def _answer(program: MiniProgram | None, path: str) -> AnyResponse:
    if program is None:
        raise RefusedError("NoSuchBucket", "The specified bucket does not exist.")
    try:
        if request.method == "PUT":
            return _put(program, path)
        if request.method == "POST":
            return _post(program, path)
        if request.method in ("GET", "HEAD"):
            return _download(program, path)
    except FormError as error:
        message = "The body of your POST request is not well-formed multipart/form-data."
        raise RefusedError("MalformedPOSTRequest", message, f"the upload's form: {error}") from None
    except (TooLargeError, RequestEntityTooLarge):
        message = "Your proposed upload exceeds the maximum allowed object size."
        raise RefusedError("EntityTooLarge", message, _TOO_LARGE) from None
    except ResetError as error:
        raise RefusedError("InternalError", str(error)) from None
    except OSError as error:
        raise RefusedError("InternalError", f"cloud storage: {error.strerror}") from None
    if request.method == "OPTIONS":
        reason = "OPTIONS is for the preflight of a page at another port of this machine"
        message = "CORSResponse: This CORS request is not allowed."
        raise RefusedError("AccessForbidden", message, reason)
    reason = f"a URL of cloud storage takes {_ALLOWED}; cloud.deleteFile removes a file"
    raise RefusedError("MethodNotAllowed", "The specified method is not allowed.", reason)


def send_stored(path: str, found: StoredFile) -> AnyResponse | None:
    """Return the response with a file's content, None if the content is gone.

    It honours one range, and conditions. Raises RefusedError for a range beyond the end.
    """
    kind, name = content_type(path), PurePosixPath(path).name
    environ = dict(request.environ)
    if part := _range_of(found.size):
        environ["HTTP_RANGE"] = part
    else:
        environ.pop("HTTP_RANGE", None)
    try:
        response = send_file(
            found.content, environ, kind, download_name=name, last_modified=found.modified
        )
    except FileNotFoundError:
        return None
    except RequestedRangeNotSatisfiable:
        raise RefusedError(*_BEYOND) from None
    response.headers["X-Content-Type-Options"] = "nosniff"
    media = kind.startswith(("image/", "audio/", "video/")) and kind != "image/svg+xml"
    if not media and kind not in _HARMLESS:
        response.headers["Content-Security-Policy"] = "sandbox"
    return response


def _range_of(size: int) -> str:
    """Return the one range of bytes that the request is for, empty if it is for all.

    COS takes the ranges of RFC 2616, one at a time. An invalid Range is ignored, as RFC 2616 says,
    and one of another unit, as RFC 9110 says; werkzeug would refuse both. It would also refuse the
    last bytes of a shorter file, which are the whole file. Raises RefusedError for no last bytes,
    which werkzeug takes for an invalid Range.
    """
    given = request.headers.get("Range", "")
    if _NO_BYTES.fullmatch(given):
        raise RefusedError(*_BEYOND)
    found = parse_range_header(given)
    if found is None or found.units != "bytes" or len(found.ranges) != 1:
        return ""
    ((begin, _end),) = found.ranges
    return f"bytes={-size}" if begin < -size else found.to_header()


def body_pieces() -> Iterator[bytes]:
    """Yield the body of the request, a file. Raises TooLargeError."""
    try:
        stream = _body(LARGEST)
    except RequestEntityTooLarge:
        raise TooLargeError(_TOO_LARGE) from None
    while piece := stream.read(PIECE):
        yield piece


def _download(program: MiniProgram, path: str) -> AnyResponse:
    path = _signed_path(program, path)
    found = program.storage.files.get(path)
    response = None if found is None else send_stored(path, found)
    if response is None:
        reason = f"{path[:_LONGEST]}: the file was removed after its URL was made"
        raise RefusedError("NoSuchKey", "The specified key does not exist.", reason)
    return response


def _signed_path(program: MiniProgram, path: str) -> str:
    """Return the path that the query of the URL opens. Raises RefusedError."""
    signer, args, now = program.storage.signer, request.args, program.clock.now()
    given = args.get("sign", ""), args.get("t", ""), now
    try:
        signer.check_download(path, *given)
    except RefusedError:
        # SDKs encode the URL, of which special characters are encoded already.
        once_more = unquote(path)
        if once_more == path:
            raise
        signer.check_download(once_more, *given)
        return once_more
    return path


def _put(program: MiniProgram, path: str) -> AnyResponse:
    headers = request.headers
    token = headers.get("x-cos-security-token", "")
    _check_upload(program, path, Ticket(headers.get("Authorization", ""), token))
    program.storage.files.write(path, body_pieces(), program.clock.now())
    return Response(status=HTTPStatus.OK)


def _post(program: MiniProgram, path: str) -> AnyResponse:
    fields, content = read_form(_body(LARGEST + _FORM_BYTES), request.content_type or "")
    token = fields.get("x-cos-security-token", "")
    _check_upload(program, path, Ticket(fields.get("signature", ""), token))
    if fields.get("key") != path:
        reason = f"{path[:_LONGEST]}: the field key is another path than that of the url"
        raise RefusedError("AccessDenied", "Access Denied.", reason)
    program.storage.files.write(path, content, program.clock.now())
    return Response(status=HTTPStatus.NO_CONTENT)


def _check_upload(program: MiniProgram, path: str, ticket: Ticket) -> None:
    """Raise RefusedError unless a client may upload a file; keep who got the permission."""
    program.storage.signer.check_upload(path, ticket, program.clock.now())
    g.sender = program.storage.senders.get(ticket.token)


def _body(most: int) -> IO[bytes]:
    return get_input_stream(request.environ, max_content_length=most)


def _xml(refused: RefusedError) -> AnyResponse:
    """Return COS's error; newer SDKs need the ids at its end."""
    parts = {
        "Code": refused.code,
        "Message": refused.message,
        "Resource": request.path,
        "RequestId": new_request_id(),
        "TraceId": new_request_id(),
    }
    body = "".join(f"<{name}>{_escaped(text)}</{name}>" for name, text in parts.items())
    document = f"<?xml version='1.0' encoding='utf-8' ?>\n<Error>{body}</Error>"
    status = _STATUS.get(refused.code, HTTPStatus.FORBIDDEN)
    response = Response(document, status, content_type="application/xml")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = _ALLOWED
    return response


def _escaped(text: str) -> str:
    """Return a text for XML, which has no control characters."""
    return escape("".join(c if c.isprintable() else "?" for c in text))
