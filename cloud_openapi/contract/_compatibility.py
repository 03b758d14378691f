"""Compare a catalogue with an earlier one, and find the differences that break callers."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cloud_openapi.catalogue import SAME_AS
from cloud_openapi.errors import ConfigError
from cloud_openapi.json_schema.fields import Field, fields_of
from cloud_openapi.json_schema.paths import parent_of
from cloud_openapi.json_schema.values import one_of, shown
from cloud_openapi.json_text import read_json

Entries = Mapping[str, Mapping[str, Any]]
Effect = Literal["wider", "narrower", "neither", "other"]
_NEEDED = ("name", "method", "path", "request", "response")
_LOWER = frozenset({"minimum", "minLength", "minItems"})


class Break(NamedTuple):
    """A difference between two catalogues."""

    api: str
    side: str
    path: str
    text: str
    breaking: bool

    def __str__(self) -> str:
        where = " ".join(part for part in (self.api, self.side, self.path) if part)
        return f"{where}: {self.text}"


def compare(old: Entries, new: Entries) -> list[Break]:
    """Return every difference of two catalogues that a caller can notice.

    A change breaks callers if a request allows less, or a response may be more.
    """
    found = []
    for api in sorted(old.keys() | new.keys()):
        if api not in new:
            found.append(Break(api, "", "", "the API is removed", breaking=True))
        elif api not in old:
            found.append(Break(api, "", "", "a new API", breaking=False))
        else:
            found += _differences(api, old[api], new[api])
    return found


def _differences(api: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
    for key in ("method", "path", "rules"):
        if old.get(key) != new.get(key):
            text = f"{key} was {_short(old.get(key))} and is {_short(new.get(key))}"
            yield Break(api, "", "", text, breaking=True)
    for side in ("request", "response"):
        harmless = "wider" if side == "request" else "narrower"
        for path, text, effect in _effects(fields_of(old[side]), fields_of(new[side])):
            yield Break(api, side, path, text, breaking=effect not in {harmless, "neither"})


def _effects(old: dict[str, Field], new: dict[str, Field]) -> Iterator[tuple[str, str, Effect]]:
    for path in sorted(old.keys() | new.keys()):
        if path in old and path in new:
            for text, effect in _changes(old[path], new[path]):
                yield path, text, effect
        elif parent_of(path) in old and parent_of(path) in new:
            came = path in new
            yield (path, *_one_sided((new if came else old)[path], came=came))


def _one_sided(field: Field, *, came: bool) -> tuple[str, Effect]:
    # Another required field narrows a request and a response. A removed field breaks both: its
    # value is ignored in a request and missing in a response.
    if came:
        return (
            ("a new required field", "narrower") if field.required else ("a new field", "neither")
        )
    return "the field is removed", "other"


def _changes(old: Field, new: Field) -> Iterator[tuple[str, Effect]]:
    if old.required != new.required:
        yield (
            ("the field is required now", "narrower")
            if new.required
            else ("the field may be missing now", "wider")
        )
    if old.types != new.types:
        text = f"the type was {_or(old.types)} and is {_or(new.types)}"
        yield text, _effect(set(old.types), set(new.types))
    if old.values != new.values:
        yield from _listed(old.values, new.values)
    if old.is_open != new.is_open:
        # Callers read fields by name: closing an object narrows only a request.
        yield (
            ("further fields are allowed now", "neither")
            if new.is_open
            else ("further fields are refused now", "narrower")
        )
    for keyword in sorted(old.limits.keys() | new.limits.keys()):
        yield from _limited(keyword, old.limits.get(keyword), new.limits.get(keyword))
    if old.conditions != new.conditions:
        yield "the conditions changed", _condition_effect(old, new)


def _condition_effect(old: Field, new: Field) -> Effect:
    if all(new.conditions.get(name) == value for name, value in old.conditions.items()):
        return "narrower"
    if all(old.conditions.get(name) == value for name, value in new.conditions.items()):
        return "wider"
    return "other"


def _listed(old: Any, new: Any) -> Iterator[tuple[str, Effect]]:
    if new is None:
        yield "any value is allowed now", "wider"
    elif old is None:
        yield f"the value is one of {', '.join(map(shown, new))} now", "narrower"
    else:
        for value in new:
            if value not in old:
                yield f"the value {shown(value)} is new", "wider"
        for value in old:
            if value not in new:
                yield f"the value {shown(value)} is removed", "narrower"


def _limited(keyword: str, old: Any, new: Any) -> Iterator[tuple[str, Effect]]:
    if old == new:
        return
    text = f"{keyword} was {_short(old)} and is {_short(new)}"
    if old is None or new is None:
        yield text, "narrower" if old is None else "wider"
    elif keyword == "pattern":
        yield text, "other"
    else:
        yield text, "wider" if (new < old) == (keyword in _LOWER) else "narrower"


def _effect(old: set[Any], new: set[Any]) -> Effect:
    return "wider" if old < new else "narrower" if new < old else "other"


def _or(types: frozenset[str]) -> str:
    return one_of(types - {"integer"} if "number" in types else types) or "anything"


def _short(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def earlier_catalogue(where: str, folder: Path) -> dict[str, Any]:
    """Return the entries of a folder, or of ``folder`` at a git revision, by API.

    Raises ConfigError.
    """
    if Path(where).is_dir():
        paths = (path for path in Path(where).glob("*/*.json") if path.is_file())
        texts = {str(path): path.read_bytes() for path in paths}
    else:
        texts = _texts_of_revision(where, folder)
    if not texts:
        raise ConfigError(f"{where}: it has no entries <namespace>/<method>.json")
    written = {place: _json(place, text) for place, text in texts.items()}
    named = {str(entry.get("name")): entry for entry in written.values()}
    found = (
        _entry(place, {**named.get(str(entry.get(SAME_AS)), {}), **entry})
        for place, entry in written.items()
    )
    return {entry["name"]: entry for entry in found}


def _json(place: str, text: bytes) -> dict[str, Any]:
    try:
        entry = read_json(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: not JSON: {error}") from None
    return entry if isinstance(entry, dict) else {}


def _entry(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    # Only this comparison needs it.
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415

    missing = [key for key in _NEEDED if key not in entry]
    if missing:
        raise ConfigError(f"{name}: is not an entry: it has no {', '.join(missing)}")
    if not isinstance(entry["name"], str):
        raise ConfigError(f"{name}: is not an entry: its name must be a string")
    try:
        for schema in (entry["request"], entry["response"]):
            Draft202012Validator.check_schema(schema)
            fields_of(schema)
    except (SchemaError, AttributeError, KeyError, RecursionError, TypeError) as error:
        # A schema that is true or false, for example, or a $ref that leads nowhere.
        reason = error.message if isinstance(error, SchemaError) else type(error).__name__
        raise ConfigError(f"{name}: request or response is not a schema: {reason}") from None
    return entry


def _texts_of_revision(revision: str, folder: Path) -> dict[str, bytes]:
    if revision.startswith("-"):
        raise ConfigError(f"{revision}: is neither a folder nor a git revision")
    listed = _git(folder, revision, "ls-tree", "-r", "--name-only", revision, ".")
    names = listed.decode("utf-8", "replace").splitlines()
    return {
        f"{revision}:{name}": _git(folder, revision, "show", f"{revision}:./{name}")
        for name in names
        if name.count("/") == 1 and name.endswith(".json")
    }


def _git(folder: Path, revision: str, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except FileNotFoundError:
        raise ConfigError(f"{revision}: is not a folder, and git is not installed") from None
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode("utf-8", "replace").strip()
        raise ConfigError(
            f"{revision}: is neither a folder nor a git revision of the catalogue: {reason}"
        ) from None
    return done.stdout
