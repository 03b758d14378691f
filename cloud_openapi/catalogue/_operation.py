"""One API: its requests and responses in both forms."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cloud_openapi.catalogue._rules import rule_from_entry
from cloud_openapi.naming import snake_to_camel

Form = Literal["https", "cloud"]
Side = Literal["request", "response"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# A group's settings for the simulation, not part of an answer.
_NOT_ANSWERED = frozenset({"weight", "each", "within"})
_LITERAL_KEYWORDS = frozenset({"enum", "const", "default", "examples"})
_PAGES = "https://developers.weixin.qq.com/miniprogram/dev/server/API/"
_ENVELOPE = {
    "errcode": {"type": "integer", "description": "Error code, 0 for success"},
    "errmsg": {"type": "string", "description": "Error text"},
}
# The keyword of JSON Schema that says that a value is the content of a file.
_MEDIA = "contentMediaType"


class Table(NamedTuple):
    """Groups that a number is split among, and the weight of each."""

    groups: list[dict[str, Any]]
    weights: list[float]
    each: list[int]
    """The weight of each group in the second number of a split; empty without one."""
    within: str
    """The table whose groups these are parts of; empty if they are not."""
    places: list[int]
    """Index of each group's outer group."""


class Operation:
    """An entry of the catalogue. It never changes after loading."""

    __slots__ = (
        "_keys",
        "_schemas",
        "answers",
        "binary",
        "docs",
        "errors",
        "examples",
        "files",
        "lacks",
        "method",
        "name",
        "path",
        "query",
        "report",
        "rules",
        "simulation",
        "summary",
        "tables",
        "takes_json",
    )

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        self.summary: str = entry["summary"]
        self.docs: str = entry["docs"] if ":" in entry["docs"] else _PAGES + entry["docs"]
        self.method: str = entry["method"]
        self.path: str = entry["path"]
        self.rules = tuple(map(rule_from_entry, entry.get("rules", ())))
        self.simulation: Mapping[str, Mapping[str, Any]] = entry.get("simulation", {})
        self.report: str = entry.get("report", "")
        """The report that shows the answers; empty without one."""
        tables = entry.get("tables", {})
        self.tables = {name: _table(groups, tables) for name, groups in tables.items()}
        self.examples: tuple[Mapping[str, Any], ...] = tuple(entry["examples"])
        self.answers: tuple[Mapping[str, Any], ...] = tuple(entry.get("answers", ()))
        self.errors = {int(code): text for code, text in entry.get("errors", {}).items()}
        """WeChat's texts of this API's error codes."""
        self.lacks: tuple[str, ...] = tuple(entry.get("lacks", ()))
        """The gaps of WeChat's page."""
        fields = entry["request"]["properties"]
        self.query = tuple(fields if self.method == "GET" else entry.get("query", ()))
        """The parameters that HTTPS takes in the URL."""
        self.files = tuple(name for name, field in fields.items() if _MEDIA in field)
        """The parameters that are files."""
        self.takes_json = self.method == "POST" and not self.query and not self.files
        """Whether HTTPS takes all parameters in a JSON body."""
        self.binary = _MEDIA in entry["response"]
        """Whether the answer is a file; errors are JSON even so."""
        response = _with_envelope({"required": [], "properties": {}, **entry["response"]})
        self._schemas = {"request": entry["request"], "response": response}
        self._keys = _documented_keys(response)

    def __repr__(self) -> str:
        return f"<Operation {self.name}>"

    def schema(self, form: Form, side: Side) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of one side in one form, a document of its own.

        The cloud form is derived: names in camelCase, and ``errMsg`` in the response. There a file
        is ``{contentType, value}`` as a parameter and ``{contentType, buffer}`` as an answer.
        """
        schema = {
            "$schema": DIALECT,
            "$id": f"urn:cloud-openapi:{self.name}:{form}:{side}",
            "title": f"{self.name}: {side}, {form} form",
            **self._schemas[side],
        }
        if side == "response":
            # A response with an error code other than 0 is an error, whatever else it has.
            code = "errcode" if form == "https" else "errCode"
            schema["dependentSchemas"] = {code: {"properties": {code: {"const": 0}}}}
        if form == "https":
            return schema
        cloud: dict[str, Any] = _rename_properties(schema, snake_to_camel)
        if side == "request":
            files = {snake_to_camel(name) for name in self.files}
            cloud["properties"] = {
                name: _file_parameter(field) if name in files else field
                for name, field in cloud["properties"].items()
            }
            return cloud
        if self.binary:
            content = {_MEDIA: cloud.pop(_MEDIA)}
            cloud.update(_object({"contentType": {"type": "string"}, "buffer": content}))
        for name in ("errcode", "errmsg"):
            if cloud["properties"].pop(name, None) and name in cloud["required"]:
                cloud["required"].remove(name)
        cloud["required"].append("errMsg")
        cloud["properties"]["errMsg"] = {"const": f"openapi.{self.name}:ok"}
        return cloud

    @property
    def keyed(self) -> Mapping[str, tuple[int, ...]]:
        """The response's lists of ``{key, value}`` with their documented keys."""
        return self._keys

    def keys(self, field: str) -> tuple[int, ...]:
        """Return the documented keys of a response's list of ``{key, value}``."""
        return self._keys[field]


def _with_envelope(response: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response's schema with the required fields that are the same in every response."""
    common = {name: _ENVELOPE[name] for name in _ENVELOPE if name in response["required"]}
    return {**response, "properties": {**common, **response["properties"]}}


def _file_parameter(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a file as a parameter of a cloud call."""
    others = {keyword: value for keyword, value in field.items() if keyword != _MEDIA}
    content = {_MEDIA: field[_MEDIA]}
    return {**others, **_object({"contentType": {"type": "string"}, "value": content})}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of these properties."""
    return {"type": "object", "required": list(properties), "properties": dict(properties)}


def _table(groups: Sequence[Mapping[str, Any]], tables: Mapping[str, Any]) -> Table:
    named = [{name: group[name] for name in group if name not in _NOT_ANSWERED} for group in groups]
    weights = [group["weight"] for group in groups]
    each = [group["each"] for group in groups if "each" in group]
    (within,) = {name for group in groups for name in group.get("within", ())} or {""}
    ids = [outer["id"] for outer in tables.get(within, ())]
    places = [ids.index(group["within"][within]) for group in groups] if within else []
    return Table(named, weights, each, within, places)


def _documented_keys(response: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    found = {}
    for name, field in response["properties"].items():
        reference = field.get("items", {}).get("$ref", "")
        item = response.get("$defs", {}).get(reference.removeprefix("#/$defs/"), {})
        key = item.get("properties", {}).get("key", {})
        if "enum" in key:
            found[name] = tuple(key["enum"])
    return found


def _rename_properties(schema: Any, rename: Callable[[str], str]) -> Any:
    """Copy a JSON Schema with other property names; values and definition names stay."""
    if isinstance(schema, list):
        return [_rename_properties(item, rename) for item in schema]
    if not isinstance(schema, dict):
        return schema
    renamed: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            renamed[keyword] = {rename(k): _rename_properties(v, rename) for k, v in value.items()}
        elif keyword == "required":
            renamed[keyword] = [rename(name) for name in value]
        elif keyword in _LITERAL_KEYWORDS:
            renamed[keyword] = value
        else:
            renamed[keyword] = _rename_properties(value, rename)
    return renamed
