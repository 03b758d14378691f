"""The check of a request against the schema of its API."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jsonschema_rs import Draft202012Validator

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.weixin.respond import Rename

if TYPE_CHECKING:
    from jsonschema import ValidationError

# A long list may have an error in each item.
_MOST_ERRORS: Final = 100
Matcher = Callable[[Mapping[str, Any]], bool]
"""Returns whether parameters match a schema. Raises RefusalError for half a surrogate pair."""
RequestCheck = Callable[[dict[str, Any], Rename], None]
"""Raises RefusalError for parameters that do not match the schema."""


def request_check(schema: dict[str, Any]) -> RequestCheck:
    """Return the check of a request against a schema."""
    matches = matcher(schema)

    def require_valid(params: dict[str, Any], rename: Rename) -> None:
        if not matches(params):
            raise _refusal(schema, params, rename)

    return require_valid


def matcher(schema: dict[str, Any]) -> Matcher:
    """Return the test of parameters against a schema."""
    valid = Draft202012Validator(schema).is_valid

    def matches(params: Mapping[str, Any]) -> bool:
        try:
            return valid(params)
        except UnicodeEncodeError:
            raise RefusalError(47001, "half of a surrogate pair") from None

    return matches


def _refusal(schema: dict[str, Any], params: dict[str, Any], rename: Rename) -> RefusalError:
    """Return the refusal for the best match of the violations of a schema."""
    error = _violation(schema, params)
    if error is None:
        return RefusalError(47001, "schema")
    return RefusalError(47001, f"{error.json_path}: {error.validator}", reason=_why(error, rename))


def inner_value(when: Mapping[str, Any], params: Mapping[str, Any], rename: Rename) -> str:
    """Return which value in an object or list meets a condition that is one negated schema.

    Empty for other conditions, and for a parameter that is missing or wrong itself.
    """
    error = _violation(when["not"], params) if when.keys() - {"$comment"} == {"not"} else None
    if error is None or (len(error.absolute_path) <= 1 and error.validator != "type"):
        return ""
    return _why(error, rename)


def _violation(schema: dict[str, Any], params: Mapping[str, Any]) -> "ValidationError | None":
    # Loaded on demand: jsonschema_rs validates faster, jsonschema explains better.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    errors = Draft202012Validator(schema).iter_errors(params)
    found: ValidationError | None = exceptions.best_match(islice(errors, _MOST_ERRORS))
    return found


def _why(error: "ValidationError", rename: Rename) -> str:
    from cloud_openapi.emulator.weixin.parameters import explain_schema  # noqa: PLC0415

    return explain_schema(error, rename)
