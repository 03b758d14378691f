"""Keep an answer of the journal: as a pin, or as a recording on disk."""

import base64
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from cloud_openapi import clocks
from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.console.forms import (
    HTTPSForm,
    Params,
    answer_type,
    is_cut,
    json_of,
)
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, has_text
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.recordings import Interaction, Recorder, Redactor

_SERVICE: Final = "https://api.weixin.qq.com"
_DEFAULT: Final = "tests/recordings"
_SECRET: Final = 16


def pin_of(
    entry: Entry, operation: Operation | None, params: Params | None, secrets: Iterable[bytes]
) -> dict[str, Any] | None:
    """Return the pin that repeats an answer to requests like its own, None if there is none."""
    if entry.api is None or params is None or is_cut(entry.answer) or not entry.answer:
        return None
    response = _response(entry, operation, secrets)
    if response is None:
        return None
    files = {
        name: {
            "filename": part.filename,
            "contentType": part.content_type,
            "size": len(part.content),
        }
        for name, part in params.files.items()
    }
    request = {**params.values, **files}
    return {"api": entry.api, **({"request": request} if request else {}), "response": response}


def _response(entry: Entry, operation: Operation | None, secrets: Iterable[bytes]) -> Any:
    value = json_of(entry.shown_answer(secrets))
    if value is None:
        if operation is None or not operation.binary:
            return None
        kind = answer_type(entry.answer, operation)
        return {"contentType": kind, "base64": base64.b64encode(entry.answer).decode()}
    (answer,) = value
    code = answer.get("errcode") if isinstance(answer, dict) else None
    own = {} if operation is None else operation.errors
    # Without its text, the error gets a request id of its own for each request.
    return {"errcode": code} if code and has_text(code, own) else answer


def _place_of(tools: Tools) -> str:
    """Return where the emulator's recordings are, empty if it has none."""
    return tools.emulator.modes.describe()["recordings"] or ""


def default_place(tools: Tools) -> str:
    """Return the folder for recordings to begin with."""
    return _place_of(tools) or _DEFAULT


def save(tools: Tools, entry: Entry, form: HTTPSForm, operation: Operation, place: str) -> Path:
    """Write a request and its answer as a redacted recording; return its file.

    Raises InvalidInputError and RecordingError.
    """
    if is_cut(entry.answer) or is_cut(entry.body):
        raise InvalidInputError(
            t("the journal has only the beginning of it: 64 KiB", "日志只保留了开头的 64 KiB")
        )
    # Short secrets are made up, and other words contain them.
    long = [str(one, "utf-8", "replace") for one in tools.emulator.secrets if len(one) >= _SECRET]
    path, catalogue = _checked(tools, place), tools.emulator.catalogue
    recorder = Recorder(path, redactor=Redactor(long), catalogue=catalogue, replaces=False)
    try:
        return recorder.add(_interaction(entry, form, operation))
    except OSError as error:
        raise InvalidInputError(f"{place}: {error.strerror}") from None


def _interaction(entry: Entry, form: HTTPSForm, operation: Operation) -> Interaction:
    json_answer = json_of(entry.answer) is not None
    kind = "application/json" if json_answer else answer_type(entry.answer, operation)
    return Interaction(
        api=operation.name,
        method=form.method,
        uri=f"{_SERVICE}{form.target}",
        request_headers={"Content-Type": [form.content_type]} if form.content_type else {},
        request_body=form.body,
        status=entry.status,
        reason=_reason(entry.status),
        response_headers={"Content-Type": [kind]},
        response_body=entry.answer,
        recorded_at=clocks.moment(entry.answered).replace(microsecond=0),
        origin=f"cloud_openapi emulator, {entry.check}",
    )


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a fault may answer with any status
        return ""


def _checked(tools: Tools, place: str) -> Path:
    """Return a path below the working directory, or that of the emulator's recordings.

    Raises InvalidInputError.
    """
    own = _place_of(tools)
    if own and place == own:
        return Path(own)
    here = Path.cwd().resolve()
    try:
        path = (here / place).resolve()
    except (ValueError, OSError, RuntimeError):
        path = here.parent
    if not place.strip() or path == here or not path.is_relative_to(here):
        raise InvalidInputError(
            t(
                f"the folder is below {here}, such as {_DEFAULT}",
                f"文件夹须位于 {here} 之下，例如 {_DEFAULT}",
            )
        )
    return path
