"""Explain why a schema refuses a body: the place, the expectation and the value there."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from jsonschema import Draft202012Validator, ValidationError

from cloud_openapi.catalogue import Form
from cloud_openapi.json_schema.paths import member, path_of
from cloud_openapi.json_schema.values import shown, type_of
from cloud_openapi.known_names import nearest

Part = Literal["request", "response", "error"]


class Violation(NamedTuple):
    """A value in a body that violates the contract of an API."""

    api: str
    form: Form
    side: Part
    path: str
    """A JSON path, such as ``$.visitUv[0].key``."""
    expected: str
    got: str
    nearest: str | None = None
    """A similar name: the documented one of an unknown field, the sent one of a missing field."""

    def __str__(self) -> str:
        return f"{self.api}, {self.form} form, {self.side}: {self.path}: {self.text}"

    @property
    def text(self) -> str:
        """Return the violation without its place."""
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"expected {self.expected}, got {self.got}{hint}"


class Mismatch(NamedTuple):
    """A value in a body that does not match its schema."""

    path: str
    expected: str
    got: str
    nearest: str | None = None


def mismatches_of(validator: Draft202012Validator, body: Any) -> list[Mismatch]:
    """Return the mismatches of a body with a JSON Schema, in the order of the paths."""
    errors = sorted(
        validator.iter_errors(body),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    # Several keywords may find the same mismatch.
    return list(dict.fromkeys(mismatch for error in errors for mismatch in _mismatches(error)))


def _mismatches(error: ValidationError) -> Iterator[Mismatch]:
    path = path_of(error.absolute_path)
    if error.validator == "required":
        yield from _missing(path, error)
    elif error.validator == "additionalProperties":
        yield from _unknown(path, error)
    else:
        yield Mismatch(path, _expected(error), shown(error.instance))


def _missing(path: str, error: ValidationError) -> Iterator[Mismatch]:
    instance: Any = error.instance
    names: Any = error.validator_value
    strangers = instance.keys() - _documented(error)
    for name in names:
        if name not in instance:
            meant = nearest(name, sorted(strangers))
            yield Mismatch(path + member(name), f"the field {name}", "nothing", meant)


def _unknown(path: str, error: ValidationError) -> Iterator[Mismatch]:
    documented = _documented(error)
    instance: Any = error.instance
    for name, value in instance.items():
        if name not in documented:
            expected = f"no field of this name (there are {', '.join(documented)})"
            # Do not show the value: an unknown field may contain a secret.
            got = f"one of type {type_of(value)}"
            yield Mismatch(path + member(name), expected, got, nearest(name, sorted(documented)))


def _documented(error: ValidationError) -> dict[str, Any]:
    schema = error.schema
    found: dict[str, Any] = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    return found


def _expected(error: ValidationError) -> str:
    value: Any = error.validator_value
    keyword = str(error.validator)
    if keyword == "type":
        return value if isinstance(value, str) else " or ".join(value)
    if keyword == "enum":
        return f"one of {', '.join(map(shown, value))}"
    if keyword in {"anyOf", "oneOf"}:
        return _alternatives(value)
    words = {
        "const": "{}",
        "pattern": "text like {}",
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minLength": "at least {} characters",
        "maxItems": "at most {} items",
        "not": "anything but {}",
    }
    return words.get(keyword, keyword + " {}").format(value)


def _alternatives(schemas: list[Mapping[str, Any]]) -> str:
    if all("const" in schema for schema in schemas):
        return f"one of {', '.join(shown(schema['const']) for schema in schemas)}"
    return " or ".join(str(schema.get("title", dict(schema))) for schema in schemas)
