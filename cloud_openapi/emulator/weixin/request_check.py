"""The check of a request against the schema of its API."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from jsonschema_rs import Draft202012Validator

from cloud_openapi.emulator.errors import RefusalError
from cloud_openapi.emulator.weixin.respond import Rename

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
    # Loaded on demand: jsonschema_rs validates faster, jsonschema explains better.
    from jsonschema import Draft202012Validator, exceptions  # noqa: PLC0415

    from cloud_openapi.emulator.weixin.parameters import explain_schema  # noqa: PLC0415

    errors = Draft202012Validator(schema).iter_errors(params)
    error = exceptions.best_match(islice(errors, _MOST_ERRORS))
    if error is None:
        return RefusalError(47001, "schema")
    check = f"{error.json_path}: {error.validator}"
    return RefusalError(47001, check, reason=explain_schema(error, rename))
