"""The two forms of a call in the journal: as HTTPS carries it, and as a function writes it."""

import base64
import binascii
import json
import mimetypes
import re
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.errors import CREDENTIAL_PATHS, InvalidInputError
from cloud_openapi.emulator.overrides.broken_responses import REPLACING
from cloud_openapi.emulator.state.journal import BODY_LIMIT, Entry
from cloud_openapi.errors import system_error
from cloud_openapi.json_text import json_text, read_json_body
from cloud_openapi.masking import MASK
from cloud_openapi.naming import to_camel_case, to_snake_case
from cloud_openapi.wire import https_form
from cloud_openapi.wire.multipart import Part

_NO_FILES: Final[Mapping[str, Part]] = MappingProxyType({})
_FILE: Final = frozenset({"filename", "base64"})
_FAULT: Final = re.compile(r"fault \d+: (\w+)$")
_ENVELOPE: Final = frozenset({"errcode", "errmsg"})
# The images that browsers show and that cannot hold a script, by their first bytes.
_IMAGES: Final = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_MUCH_LONGER: Final = 4
_DEEPEST_IN_LINES: Final = 10


class Params(NamedTuple):
    """The parameters of a call in WeChat's spelling, its files apart."""

    values: dict[str, Any]
    files: Mapping[str, Part] = _NO_FILES


class HTTPSForm(NamedTuple):
    """A request over HTTPS, without its token; ``files`` are the parts of a form."""

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    body: bytes = b""
    files: Mapping[str, Part] = _NO_FILES

    @property
    def has_token(self) -> bool:
        """Return whether the request has an access token; one for a token has a secret."""
        return self.path not in CREDENTIAL_PATHS

    @property
    def target(self) -> str:
        """Return the path and the query, with ``***`` for the token."""
        token = f"access_token={MASK}" if self.has_token else ""
        query = "&".join(filter(None, (token, self.query)))
        return quote(self.path) + (f"?{query}" if query else "")

    @property
    def text(self) -> str:
        """Return the body as text: JSON in lines, and nothing for a form of files."""
        if self.files:
            return ""
        value = json_of(self.body)
        return self.body.decode("utf-8", "replace") if value is None else pretty(value[0])


class CloudForm(NamedTuple):
    """A cloud call; without ``convert`` its names are WeChat's."""

    api: str
    values: dict[str, Any]
    files: Mapping[str, Part] = _NO_FILES
    convert: bool = True


class AnswerForm(NamedTuple):
    """An answer in one form: a JSON value or another text as ``text``, else a file."""

    text: str = ""
    content_type: str = ""
    size: int = 0

    @property
    def is_file(self) -> bool:
        """Return whether the answer is a file."""
        return bool(self.content_type)


def is_cut(body: bytes) -> bool:
    """Return whether the journal has only the beginning of a body."""
    return len(body) >= BODY_LIMIT


def read_params(body: bytes | str, operation: Operation | None, *, gateway: bool) -> Params:
    """Return the parameters that the journal shows, or that a form of the console has.

    A file is ``{"filename", "base64"}``: of a parameter that is a file, and by the gateway of any.
    Raises InvalidInputError.
    """
    try:
        given = read_json_body(body)
    except ValueError as error:
        raise InvalidInputError(
            t(f"the parameters are not JSON: {error}", f"参数不是合法的 JSON：{error}")
        ) from None
    if not isinstance(given, dict):
        raise InvalidInputError(
            t(
                'the parameters are a JSON object, such as {"name": "value"}',
                '参数应为 JSON 对象，例如 {"name": "value"}',
            )
        )
    names: Collection[str] = given if gateway else () if operation is None else operation.files
    files = {name: _part(name, given[name]) for name in names if _is_file(given.get(name))}
    return Params({name: given[name] for name in given if name not in files}, files)


def params_of(entry: Entry, operation: Operation | None) -> Params | None:
    """Return the parameters of a call in the journal, None if they cannot be read."""
    if not entry.body and operation is not None and not operation.takes_json:
        return Params({})
    try:
        return read_params(entry.body, operation, gateway=entry.via == "gateway")
    except InvalidInputError:
        return None


def operation_of(entry: Entry, catalogue: Catalogue) -> Operation | None:
    """Return the API of a call, None if the catalogue lacks it."""
    return None if entry.api is None else catalogue.get(entry.api)


def https_request(
    entry: Entry, operation: Operation | None, params: Params | None
) -> HTTPSForm | None:
    """Return a call as a request over HTTPS, None if it has no such form."""
    if operation is None or entry.method != operation.method or params is None:
        # The gateway's own requests have no other form.
        return None if entry.via == "gateway" else _as_sent(entry)
    return _as_sent(entry) if _is_raw(entry, operation) else _written(operation, params)


def cloud_request(entry: Entry, params: Params | None) -> CloudForm | None:
    """Return a call as a function writes it, None if it has no such form."""
    if entry.api is None or params is None:
        return None
    values = to_camel_case(params.values)
    if to_snake_case(values) != params.values:
        return CloudForm(entry.api, params.values, params.files, convert=False)
    files = {to_camel_case(name): part for name, part in params.files.items()}
    return CloudForm(entry.api, values, files)


def https_answer(
    entry: Entry, operation: Operation | None, secrets: Iterable[bytes]
) -> AnswerForm | None:
    """Return the answer over HTTPS, None if there is none of WeChat's."""
    found = _FAULT.search(entry.check)
    if found is not None and found[1] in REPLACING:
        return None
    replaced = entry.status != HTTPStatus.OK and entry.answer == b"{}"
    if replaced or _platform_code(entry) or not entry.answer:
        return None
    if operation is not None and operation.binary and json_of(entry.answer) is None:
        return AnswerForm("", answer_type(entry.answer, operation), len(entry.answer))
    data = entry.shown_answer(secrets)
    value = json_of(data)
    return AnswerForm(data.decode("utf-8", "replace") if value is None else pretty(value[0]))


def cloud_answer(
    entry: Entry, form: CloudForm, operation: Operation | None, secrets: Iterable[bytes]
) -> AnswerForm | None:
    """Return the result or the error that a function gets, None if it is not known."""
    code = _platform_code(entry)
    if code:
        return AnswerForm(pretty(system_error(code).to_dict()))
    over_https = https_answer(entry, operation, secrets)
    if over_https is None or over_https.is_file:
        return over_https
    value = json_of(entry.shown_answer(secrets))
    if value is None or not isinstance(value[0], dict | list) or entry.status != HTTPStatus.OK:
        return None
    # As in the SDK, a list becomes an object of its indices.
    (answer,) = value
    answer = answer if isinstance(answer, dict) else {str(n): one for n, one in enumerate(answer)}
    return AnswerForm(pretty(_result(form, answer)))


def image_type(data: bytes) -> str:
    """Return the type of an image that a browser may show, empty for anything else."""
    return next((kind for begin, kind in _IMAGES if begin.match(data)), "")


def pretty(value: Any) -> str:
    """Return a value as JSON in lines, or in one line if its levels would fill the page."""
    compact = json_text(value)
    if _is_deep(value):
        return compact
    lines = json_text(value, indent=2)
    return lines if len(lines) <= _MUCH_LONGER * len(compact) else compact


def with_files(params: Params) -> dict[str, Any]:
    """Return parameters with their files as the journal shows them."""
    files = {
        name: {"filename": part.filename, "base64": base64.b64encode(part.content).decode()}
        for name, part in params.files.items()
    }
    return {**params.values, **files}


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST_IN_LINES):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _is_raw(entry: Entry, operation: Operation) -> bool:
    """Return whether the journal has the body as it was sent."""
    return entry.via == "https" and operation.takes_json


def _as_sent(entry: Entry) -> HTTPSForm:
    kind = https_form.JSON_TYPE if entry.body else ""
    return HTTPSForm(entry.method, entry.path, "", kind, entry.body)


def _written(operation: Operation, params: Params) -> HTTPSForm | None:
    given = {**params.values, **params.files}
    method, path = operation.method, operation.path
    try:
        if operation.takes_json and not params.files:
            body = json_text(params.values).encode()
            return HTTPSForm(method, path, "", https_form.JSON_TYPE, body)
        made = https_form.write(given, method, operation.query)
    except ValueError:
        return None  # half of a surrogate pair, which no URL can have
    return HTTPSForm(method, path, made.query, made.content_type, made.body or b"", params.files)


def _result(form: CloudForm, answer: dict[str, Any]) -> dict[str, Any]:
    """Return what the SDK makes of WeChat's answer: `errMsg` in place of errcode and errmsg."""
    code = answer.get("errcode")
    if code:
        return {"errCode": code, "errMsg": f"openapi.{form.api}:fail {answer.get('errmsg', '')}"}
    body = {name: value for name, value in answer.items() if name not in _ENVELOPE}
    result: dict[str, Any] = to_camel_case(body) if form.convert else body
    return {**result, "errMsg": f"openapi.{form.api}:ok"}


def _platform_code(entry: Entry) -> int:
    """Return the code of a call that the gateway refused before WeChat, 0 for any other."""
    return entry.errcode if entry.via == "gateway" and entry.answer in (b"", b"{}") else 0


def json_of(data: bytes) -> tuple[Any] | None:
    """Return the value of a JSON body in a tuple, None for any other body."""
    try:
        return (json.loads(data),)
    except (ValueError, RecursionError):
        return None


def answer_type(data: bytes, operation: Operation) -> str:
    """Return the type of a file: that of its first bytes, else the one of the catalogue."""
    documented: str = operation.schema("https", "response")["contentMediaType"]
    return image_type(data) or documented


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == _FILE


def _part(name: str, file: Mapping[str, Any]) -> Part:
    filename, content = file["filename"], file["base64"]
    try:
        data = base64.b64decode(content, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InvalidInputError(
            t(
                f"{name}.base64 is the content of the file: {error}",
                f"{name}.base64 应为文件的内容：{error}",
            )
        ) from None
    if not isinstance(filename, str) or not filename:
        raise InvalidInputError(
            t(
                f'{name}.filename is the name of the file, such as "a.png"',
                f'{name}.filename 应为文件名，例如 "a.png"',
            )
        )
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return Part(data, filename, kind)
