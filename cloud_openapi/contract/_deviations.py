"""Find the differences between recordings and the catalogue."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from jsonschema import ValidationError

from cloud_openapi.catalogue import Catalogue, Operation
from cloud_openapi.contract._contract import Validators
from cloud_openapi.contract._drift import LONGEST_NAME, Change
from cloud_openapi.contract._observed import age, bare_text
from cloud_openapi.contract._verify import read_recordings
from cloud_openapi.emulator.errors import has_text, text_at
from cloud_openapi.json_schema.paths import anywhere, member, path_of
from cloud_openapi.json_schema.strict import strict
from cloud_openapi.json_schema.values import error_code, one_of, shown, type_of
from cloud_openapi.recordings import Interaction

_OK = 200
_ERRORS = "edit errors of the API's entry, or TEXTS in emulator/errors.py for a code of many APIs"
_ELSEWHERE = {
    "errcode": _ERRORS,
    "errmsg": _ERRORS,
    "status": "an entry cannot describe a status; WeChat is known to send 200 always",
    "body": "an entry cannot describe a body that is not JSON; it may not come from WeChat",
}


def changes_since(paths: Iterable[Path], catalogue: Catalogue, now: datetime) -> list[Change]:
    """Return the differences between recordings and the catalogue, each with its first place.

    Raises RecordingError.
    """
    count: Counter[tuple[str, str, str]] = Counter()
    first: dict[tuple[str, str, str], str] = {}
    validators: dict[str, Validators] = {}
    for place, interaction in read_recordings(paths, catalogue):
        api = interaction.api
        if api is None:
            continue
        if api not in validators:
            schema = strict(catalogue[api].schema("https", "response"))
            validators[api] = Validators.of(schema)
        for path, text in dict.fromkeys(_deviations(catalogue[api], interaction, validators[api])):
            moment = interaction.recorded_at
            when = f"recorded {age(moment, now)}" if moment else "of unknown age"
            count[api, path, text] += 1
            first.setdefault((api, path, text), f"{place}, {when}")
    return [
        Change(*key, first[key] + (f", and {number - 1} more" if number > 1 else ""))
        for key, number in sorted(count.items())
    ]


def _deviations(
    operation: Operation, interaction: Interaction, validators: Validators
) -> Iterator[tuple[str, str]]:
    if interaction.status != _OK:
        yield "status", f"HTTP status {interaction.status} instead of 200"
    answer = interaction.response_json
    code = error_code(answer)
    if operation.binary and not code:
        # The schema describes a file; any JSON in its place is described nowhere.
        return
    if answer is None:
        yield "body", "the response is not JSON"
    elif code:
        yield from _of_error(operation, code, bare_text(str(answer.get("errmsg", ""))))
    elif not validators.decides.is_valid(answer):
        for error in validators.explains.iter_errors(answer):
            yield from _worded(error)


def _of_error(operation: Operation, code: int, text: str) -> Iterator[tuple[str, str]]:
    if not has_text(code, operation.errors):
        yield "errcode", f"error {code}, {text!r}, is unknown"
        return
    known = bare_text(text_at(code, operation.path, "127.0.0.1", operation.errors))
    if text != known:
        yield "errmsg", f"the text of error {code} is {text!r}, the emulator has {known!r}"


def _worded(error: ValidationError) -> Iterator[tuple[str, str]]:
    path = anywhere(path_of(error.absolute_path))
    value: Any = error.instance
    expected: Any = error.validator_value
    if error.validator == "required":
        for name in expected:
            if name not in value:
                yield path + member(name), "the field is missing; the catalogue requires it"
    elif error.validator == "additionalProperties":
        documented = cast("dict[str, Any]", error.schema)["properties"]
        for name, inner in value.items():
            if name not in documented:
                yield path + member(name), f"a new field, {type_of(inner)}"
    elif error.validator == "type":
        known = expected if isinstance(expected, str) else one_of(expected)
        yield path, f"the type is {type_of(value)}, the catalogue says {known}"
    elif error.validator in {"enum", "const", "anyOf", "oneOf"}:
        yield path, f"the value {shown(value, LONGEST_NAME)} is new"
    else:
        yield path, f"{shown(value)} breaks {error.validator} {expected}"


def not_proposed(changes: Iterable[Change]) -> list[str]:
    """Return a line for each change that an entry cannot describe, with the place to edit."""
    return [
        f"{change.api}: {change.path}: {change.text} ({change.where}): {_ELSEWHERE[change.path]}"
        for change in changes
        if change.path in _ELSEWHERE
    ]
