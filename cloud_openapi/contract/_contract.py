"""Check bodies against the schemas of a catalogue."""

from functools import cache
from typing import Any, NamedTuple

import jsonschema_rs
from jsonschema import Draft202012Validator

from cloud_openapi.catalogue import Catalogue, Form, default_catalogue
from cloud_openapi.catalogue.error import error_schema
from cloud_openapi.contract._explain import Mismatch, Part, Violation, mismatches_of
from cloud_openapi.json_schema.paths import path_of
from cloud_openapi.json_schema.values import error_code, shown


class Validators(NamedTuple):
    """A schema in two libraries: the fast one decides, the other one explains."""

    decides: jsonschema_rs.Draft202012Validator
    explains: Draft202012Validator

    @classmethod
    def of(cls, schema: dict[str, Any]) -> "Validators":
        """Compile a schema for both libraries."""
        return cls(jsonschema_rs.Draft202012Validator(schema), Draft202012Validator(schema))


class Contract:
    """The contract of every API of a catalogue. A schema is compiled when it is first used."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._validators: dict[tuple[str, Form, Part], Validators] = {}

    def schema(self, api: str, form: Form, side: Part) -> dict[str, Any]:
        """Return the JSON Schema of one side of an API. Raises UnknownAPIError."""
        operation = self._catalogue.find(api)
        return error_schema(form) if side == "error" else operation.schema(form, side)

    def violations(self, body: Any, api: str, form: Form, side: Part) -> list[Violation]:
        """Return the violations of the contract in a body.

        ``side`` is ``request``, ``response`` (a success) or ``error``. Raises UnknownAPIError.
        """
        validators = self._validators.get((api, form, side))
        if validators is None:
            validators = Validators.of(self.schema(api, form, side))
            self._validators[api, form, side] = validators
        try:
            if validators.decides.is_valid(body):
                return []
        except ValueError:
            found = _mismatches_beside_files(validators, body)
        else:
            found = _mismatches(validators, body, side)
        return [
            Violation(api=api, form=form, side=side, **mismatch._asdict()) for mismatch in found
        ]


def _mismatches_beside_files(validators: Validators, body: Any) -> list[Mismatch]:
    """Return the mismatches of a body that is not JSON: only bytes may be: files."""
    try:
        validators.decides.is_valid(_without_files(body))
    except ValueError as error:
        # It contains a date, or a key that is a number.
        return [Mismatch("$", "JSON", str(error))]
    return mismatches_of(validators.explains, body)


def _without_files(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _without_files(value) for name, value in body.items()}
    if isinstance(body, list | tuple):
        return [_without_files(item) for item in body]
    return "" if isinstance(body, bytes) else body


def _mismatches(validators: Validators, body: Any, side: Part) -> list[Mismatch]:
    code = error_code(body)
    if side == "response" and code:
        return [Mismatch("$", "an answer", f"error {code}")]
    # If only the fast library refuses (a newline after a pattern's match), show its own reason.
    return mismatches_of(validators.explains, body) or [
        Mismatch(path_of(error.instance_path), error.message, shown(error.instance))
        for error in validators.decides.iter_errors(body)
    ]


def schema(api: str, form: Form, side: Part) -> dict[str, Any]:
    """Return the JSON Schema of one side of an API, by the shipped catalogue.

    Raises UnknownAPIError.
    """
    return _shipped().schema(api, form, side)


def violations(body: Any, api: str, form: Form, side: Part) -> list[Violation]:
    """Return the violations of an API's contract in a body, by the shipped catalogue.

    ``side`` is ``request``, ``response`` (a success) or ``error``. Raises UnknownAPIError.
    """
    return _shipped().violations(body, api, form, side)


def assert_contract(body: Any, api: str, form: Form = "cloud", side: Part = "response") -> None:
    """Raise AssertionError with a line for each violation of the contract in a body."""
    __tracebackhide__ = True  # pytest shows the line of the test
    found = violations(body, api, form, side)
    if found:
        raise AssertionError("\n".join(map(str, found)))


@cache
def _shipped() -> Contract:
    return Contract(default_catalogue())
