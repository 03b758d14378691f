"""Propose entries of the catalogue that accept recorded responses."""

import copy
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator, ValidationError

from cloud_openapi.catalogue import FOLDER, Catalogue, entries, entry_schema
from cloud_openapi.contract._verify import read_recordings
from cloud_openapi.drafts import write_whole
from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.strict import loose, strict
from cloud_openapi.json_schema.values import error_code, type_of

_OK = 200
_DIGITS = re.compile(r"([0-9]+)")
_SEEN = "Open: seen in recordings, on no page."


def proposals(
    paths: Iterable[Path], catalogue: Catalogue, former: Mapping[str, Any] | None = None
) -> dict[str, dict[str, Any]]:
    """Return the changed entries, by API, that accept the responses of recordings.

    An entry cannot describe errors, responses that are not JSON, and a status other than 200: see
    `not_proposed`. ``former`` are the catalogue's entries as written. Raises RecordingError, and
    ConfigError for a response that no small change of an entry accepts.
    """
    former = entries() if former is None else former
    changed: dict[str, Any] = {}
    accepts: dict[str, jsonschema_rs.Draft202012Validator] = {}
    for place, interaction in read_recordings(paths, catalogue):
        answer, api = interaction.response_json, interaction.api
        if api is None or answer is None or error_code(answer) or interaction.status != _OK:
            # The schema of an API describes neither errors nor pages that are not JSON.
            continue
        if catalogue[api].binary:
            continue
        if api in accepts and accepts[api].is_valid(answer):
            continue
        schema = changed.get(api) or strict(former[api]["response"])
        changed[api] = _accepting(schema, answer, place)
        accepts[api] = jsonschema_rs.Draft202012Validator(changed[api])
    found = {api: {**former[api], "response": loose(schema)} for api, schema in changed.items()}
    found = {api: entry for api, entry in found.items() if entry != former[api]}
    for api, entry in found.items():
        for error in Draft202012Validator(entry_schema()).iter_errors(entry):
            raise ConfigError(
                f"{api}: the proposal is not a valid entry: {error.json_path}: {error.message}"
            )
    return found


def _accepting(schema: dict[str, Any], answer: Any, place: str) -> dict[str, Any]:
    """Return a copy of a schema, changed so that it accepts a response."""
    schema = copy.deepcopy(schema)
    former = None
    while schema != former:
        former = copy.deepcopy(schema)
        # One change at a time: it may resolve the next error too.
        error = next(Draft202012Validator(schema).iter_errors(answer), None)
        if error is None:
            return schema
        # error.schema is the failing part of the schema itself, not a copy.
        relax = _RELAX.get(str(error.validator))
        if relax is not None:
            relax(error.schema, error, schema)
    raise ConfigError(f"{place}: no small change of the entry accepts this response")


def _required(part: Any, error: ValidationError, _root: Any) -> None:
    instance: Any = error.instance
    part["required"] = [name for name in part["required"] if name in instance]


def _unknown(part: Any, error: ValidationError, root: Any) -> None:
    instance: Any = error.instance
    for name, value in instance.items():
        if name not in part["properties"]:
            part["properties"][name] = _described(value, name, root)


def _type(part: Any, error: ValidationError, _root: Any) -> None:
    types = [part["type"]] if isinstance(part["type"], str) else list(part["type"])
    new = type_of(error.instance)
    if new == "number" and "integer" in types:
        types.remove("integer")
    types.append(new)
    part["type"] = types[0] if len(types) == 1 else types


def _enum(part: Any, error: ValidationError, _root: Any) -> None:
    part["enum"].append(error.instance)


def _const(part: Any, error: ValidationError, _root: Any) -> None:
    part["enum"] = [part.pop("const"), error.instance]


def _pattern(part: Any, error: ValidationError, _root: Any) -> None:
    value: Any = error.instance
    like = "".join(
        f"[0-9]{{{len(word)}}}" if word.isascii() and word.isdigit() else re.escape(word)
        for word in _DIGITS.split(value)
    )
    part["pattern"] += f"|^{like}$"


def _limit(keyword: str, measure: Callable[[Any], Any]) -> Callable[..., None]:
    def relax(part: Any, error: ValidationError, _root: Any) -> None:
        part[keyword] = measure(error.instance)

    return relax


def _alternative(keyword: str) -> Callable[..., None]:
    def relax(part: Any, error: ValidationError, _root: Any) -> None:
        if type_of(error.instance) not in {"object", "array"}:
            part[keyword].append({"const": error.instance})

    return relax


_RELAX: Mapping[str, Callable[..., None]] = {
    "required": _required,
    "additionalProperties": _unknown,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _limit("minimum", lambda value: value),
    "maximum": _limit("maximum", lambda value: value),
    "minItems": _limit("minItems", len),
    "maxItems": _limit("maxItems", len),
    "minLength": _limit("minLength", len),
    "maxLength": _limit("maxLength", len),
    "anyOf": _alternative("anyOf"),
    "oneOf": _alternative("oneOf"),
}


def _described(value: Any, name: str, root: Any) -> dict[str, Any]:
    """Return a schema of an undocumented value; an object gets a name in $defs."""
    kind = type_of(value)
    if kind == "array":
        items = {"items": _described(value[0], f"{name}_item", root)} if value else {}
        return {"type": kind, **items}
    if kind != "object":
        return {"type": kind}
    definitions = root.setdefault("$defs", {})
    while name in definitions:
        name += "_"
    definitions[name] = definition = strict(
        {
            "type": kind,
            "additionalProperties": True,
            "$comment": _SEEN,
            "required": [],
            "properties": {},
        }
    )
    for inner, member in value.items():
        definition["properties"][inner] = _described(member, inner, root)
    return {"$ref": f"#/$defs/{name}"}


def write_proposals(
    found: Mapping[str, Any], folder: Path | None, echo: Callable[[str], None]
) -> None:
    """Write entries below a folder in the catalogue's layout, or pass each to ``echo``.

    Raises OSError, and ConfigError for the catalogue's own folder, which is edited by hand.
    """
    if folder is not None and folder.resolve() == FOLDER.resolve():
        raise ConfigError(f"{folder}: is the catalogue itself; choose another folder")
    for api, entry in found.items():
        text = json.dumps(entry, ensure_ascii=False, indent=2)
        if folder is None:
            echo(text)
            continue
        namespace, _, method = api.rpartition(".")
        path = folder / namespace / f"{method}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, f"{text}\n".encode())
        echo(str(path))
