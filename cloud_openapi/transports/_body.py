from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from cloud_openapi.catalogue import Operation, without_entry
from cloud_openapi.masking import mask_text
from cloud_openapi.transports._base import Reply, bad_body
from cloud_openapi.transports.javascript import field_text, read_json, whole
from cloud_openapi.wire import https_form

if TYPE_CHECKING:
    from cloud_openapi.wire.multipart import Part

_FILE: Final = 'a file is {"contentType": "image/png", "value": bytes}'
_LONGEST_SHOWN: Final = 2000


def encode(operation: Operation, params: Mapping[str, Any]) -> https_form.Written:
    """Return the parameters as HTTPS carries them.

    Raises TypeError for other values, UnknownAPIError for an operation without a path.
    """
    if not operation.path:
        raise without_entry(operation.name)
    if operation.files:
        params = {
            name: _part(operation, name, value) if name in operation.files else value
            for name, value in params.items()
            if name not in operation.files or value is not None
        }
    try:
        if operation.takes_json:
            return https_form.write_json(params)
        return https_form.write(params, operation.method, operation.query)
    except (TypeError, ValueError, RecursionError) as error:
        taken = ", ".join(sorted(operation.files)) or "no file"
        hint = f"; it takes {taken}, and {_FILE}" if "bytes" in str(error) else ""
        raise TypeError(
            f"{operation.name}: the parameters cannot be written as JSON: {error}{hint}"
        ) from error


def _part(operation: Operation, name: str, value: Any) -> "Part":
    """Return a file as the part of a form. Raises TypeError."""
    # Few APIs take files, and the start of a function counts.
    from cloud_openapi.transports._files import file_of  # noqa: PLC0415

    part = file_of(name, value)
    if part is not None and _is_printable(part.content_type):
        return part
    raise TypeError(f"{operation.name}: {name} {_mistake(value)}: {_FILE}")


def _is_printable(text: str) -> bool:
    return text != "" and text.isascii() and text.isprintable()


def _mistake(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"is {type(value).__name__}"
    for name, other in (("contentType", "content_type"), ("value", "value")):
        if not value.keys() & {name, other}:
            return f'has no "{name}"'
    if not isinstance(value.get("value"), bytes):
        return f'has a "value" that is {type(value.get("value")).__name__}'
    return "has no valid contentType"


def request_of(
    operation: Operation, written: https_form.Written, **token: str
) -> tuple[str, str, bytes | None, Mapping[str, str] | None]:
    """Return method, target, body and headers of a request, for `Exchange.send`."""
    query = urlencode(token) if token else ""
    if written.query:
        query = f"{query}&{written.query}" if query else written.query
    target = f"{operation.path}?{query}" if query else operation.path
    # An exchange sends a body as JSON by itself.
    kind = written.content_type
    headers = {"Content-Type": kind} if kind and kind != https_form.JSON_TYPE else None
    return operation.method, target, written.body, headers


def answer_of(
    operation: Operation, reply: Reply, body: bytes, secrets: Iterable[str | None]
) -> dict[str, Any]:
    """Return WeChat's response, a file as ``{"contentType": str, "buffer": bytes}``.

    Raises ExchangeError for a body that is neither a JSON object nor the file of an API.
    """
    # An API that answers with a file answers with JSON too: errors, and the URL of a video.
    may_be_json = not operation.binary or body.lstrip().startswith(b"{")
    answer = json_object(body) if may_be_json else None
    if answer is not None:
        return answer
    if operation.binary:
        return {"contentType": reply.content_type, "buffer": body}
    shown = mask_text(body.decode("utf-8", "replace"), secrets)
    raise bad_body(shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…")


def json_object(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a body, its errcode as a number; None for any other body."""
    value = read_json(body)
    if not isinstance(value, dict) or isinstance(value.get("errcode"), list | dict):
        return None
    if value.get("errcode"):
        try:
            # A numeric string is accepted as a code; any other string makes the body invalid.
            code = value["errcode"]
            value["errcode"] = int(code) if isinstance(code, str) else whole(code)
        except ValueError:
            return None
    return value


def masked(answer: Mapping[str, Any], *secrets: str | None) -> dict[str, Any]:
    """Return an error of WeChat's, its errmsg as JavaScript's text; secrets in it are masked."""
    return {**answer, "errmsg": mask_text(field_text(answer, "errmsg"), secrets)}
