"""Answers by example: those that an entry writes down, with some made values."""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.errors import RefusalError, text_of
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.overrides.pins import RequestTable
from cloud_openapi.emulator.raw_response import RawResponse
from cloud_openapi.emulator.simulation.made_values import NotKeptError, Source, Writer, writer
from cloud_openapi.emulator.weixin.request_check import Matcher, inner_value, matcher, request_check
from cloud_openapi.emulator.weixin.respond import Answer, Call, Rename
from cloud_openapi.known_names import shortened

_SNAKE: Final = re.compile(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b")
_FILE_IS: Final = (
    "a cloud call sends a file as {contentType, value: Buffer}, HTTPS as a part of a "
    "multipart/form-data body"
)
_LONGEST_KEY: Final = 40


class _Refusal(NamedTuple):
    when: Mapping[str, Any]
    matches: Matcher
    code: int
    because: str


class _Case(NamedTuple):
    matches: Matcher
    write: Writer


class ByExample:
    """Answers an API as its entry says: errors, WeChat's examples, written answers."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        schema = operation.schema("https", "request")
        self._require_valid = request_check(schema)
        self._refusals: list[_Refusal] = []
        self._cases: list[_Case] = []
        for answer in operation.answers:
            when: dict[str, Any] | None = answer.get("when")
            if "errcode" in answer:
                given = answer["when"], matcher(answer["when"]), answer["errcode"]
                self._refusals.append(_Refusal(*given, answer["because"]))
            else:
                matches = _always if when is None else matcher(when)
                self._cases.append(_Case(matches, writer(answer["response"])))
        # One test instead of many: each hands the whole request to another language.
        fits = [{"not": refusal.when} for refusal in self._refusals]
        self._passes = matcher({**schema, "allOf": [*schema.get("allOf", [{}]), *fits]})
        self._documented = RequestTable[dict[str, Any]]()
        for example in operation.examples:
            # An empty request would match every other.
            if example["request"] and "response" in example:
                self._documented.put(example["request"], example["response"])

    def __call__(
        self, call: Call, params: dict[str, Any], program: MiniProgram, now: datetime
    ) -> Answer:
        """Answer a call. Raises RefusalError."""
        self._require_files(call, params)
        if not self._passes(params):
            self._refuse(call, params)
        for example in self._documented.find(_by_filename(params, call.files)):
            return Answer(example, "documented example")
        for case in self._cases:
            if case.matches(params):
                return self._written(case, self._source(call, params, program, now))
        return Answer(self._operation.examples[0]["response"], "documented example")

    def _refuse(self, call: Call, params: dict[str, Any]) -> None:
        """Raise the RefusalError of the first condition that matches, or of the schema."""
        for refusal in self._refusals:
            if refusal.matches(params):
                because = _renamed(refusal.because, call.rename)
                value = inner_value(refusal.when, params, call.rename)
                because = f"{value}: {because}" if value else because
                raise self._error(refusal.code, "answers", because)
        self._require_valid(params, call.rename)

    def _require_files(self, call: Call, params: Mapping[str, Any]) -> None:
        """Raise RefusalError if a file came as JSON or is empty."""
        for name in filter(params.__contains__, self._operation.files):
            shown = call.rename(name)
            if name not in call.files:
                raise RefusalError(
                    47001, "files", reason=_no_file(shown, params[name], call.rename)
                )
            if not call.files[name]:
                raise RefusalError(44001, "files", reason=f"the file {shown} has no bytes")

    def _source(
        self, call: Call, params: Mapping[str, Any], program: MiniProgram, now: datetime
    ) -> Source:
        return Source(
            api=self._operation.name,
            streams=program.streams,
            kept_files=program.kept_files,
            now=now,
            appid=program.appid or "",
            params=params,
            files=call.files,
        )

    def _written(self, case: _Case, source: Source) -> Answer:
        try:
            written = case.write(source)
        except NotKeptError as error:
            raise self._error(error.code, "answers", "no file is kept under this id") from None
        if isinstance(written, dict):
            return Answer(written, "example")
        raw = RawResponse(HTTPStatus.OK, "OK", written.content_type, written.content)
        return Answer({}, "example", raw=raw)

    def _error(self, code: int, check: str, because: str) -> RefusalError:
        return RefusalError(code, check, text_of(code, self._operation.errors), because)


def _no_file(name: str, value: Any, rename: Rename) -> str:
    """Return why a parameter is not a file; a misspelt key of one is seen among the others."""
    keys = (
        shortened([rename(key[:_LONGEST_KEY]) for key in value]) if isinstance(value, dict) else ""
    )
    return f"{name} is not a file{keys and f', it has {keys}'}: {_FILE_IS}"


def _always(_params: Mapping[str, Any]) -> bool:
    return True


def _by_filename(params: dict[str, Any], files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return parameters with files as WeChat's examples have them: by their names alone."""
    if not files:
        return params
    return {**params, **{name: {"filename": params[name]["filename"]} for name in files}}


def _renamed(because: str, rename: Rename) -> str:
    """Return a reason with the caller's names of the parameters."""
    return _SNAKE.sub(lambda found: rename(found[0]), because)
