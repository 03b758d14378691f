"""cloud.openapi.<namespace>.<method>: the catalogue as attributes."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from cloud_openapi.catalogue import Catalogue, Form, Operation, Side, documented_calls
from cloud_openapi.client import ENVELOPE, Client
from cloud_openapi.naming import snake_to_camel

Method = Callable[..., dict[str, Any]]
ClientOf = Callable[[str | None], Client]
"""Returns the client with the allowlist for the module of a file."""


class OpenAPI:
    """Every API of the catalogue, callable as in a cloud function.

    Written ``cloud.openapi.analysis.getDailyRetain(…)``, or by name:
    ``cloud.openapi["analysis.getDailyRetain"](…)``. ``cloud.openapi(convertCase=False)`` has the
    same APIs with WeChat's snake_case names in parameters and results.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        client: ClientOf,
        path: str = "",
        *,
        convert: bool = True,
    ) -> None:
        self._catalogue = catalogue
        self._client = client
        self._path = path
        self._convert = convert
        self._found: dict[str, Any] = {}
        self._unconverted: OpenAPI | None = None

    def __call__(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> "OpenAPI":
        """Return the same APIs with other options; the only option is ``convertCase``."""
        if self._path:
            self._catalogue.find(self._path.rstrip("."))
        if options is not None and not isinstance(options, Mapping):
            raise TypeError("an options object is expected")
        chosen = {**(options or {}), **keywords}
        convert = chosen.pop("convertCase", True)
        if chosen:
            raise TypeError(
                f"cloud.openapi has no option {', '.join(map(repr, chosen))}; it has convertCase."
            )
        if convert is not False:
            return self
        if self._unconverted is None:
            self._unconverted = OpenAPI(self._catalogue, self._client, convert=False)
        return self._unconverted

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found = self[name]
        # The next look-up finds the attribute and skips __getattr__.
        self.__dict__[name] = found
        return found

    def __getitem__(self, name: str) -> Any:
        """Return the API or the namespace of a name. Raises UnknownAPIError."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> Any:
        path = f"{self._path}{name}"
        prefix = f"{path}."
        # In a documented namespace, the name of the call tells more than that of the namespace.
        inner = {
            known.removeprefix(prefix).partition(".")[0]
            for names in (self._catalogue, documented_calls())
            for known in names
            if known.startswith(prefix)
        }
        if inner and path not in documented_calls():
            return OpenAPI(self._catalogue, self._client, prefix, convert=self._convert)
        method = _method(self._catalogue.find_call(path), self._client, convert=self._convert)
        # A call may have calls below it, as a namespace has.
        for each in inner:
            setattr(method, each, self._find(f"{name}.{each}"))
        return method

    def __dir__(self) -> list[str]:
        here = [name for name in self._catalogue if name.startswith(self._path)]
        return sorted({name[len(self._path) :].partition(".")[0] for name in here})

    def __repr__(self) -> str:
        return (
            f"<cloud.openapi{'.' + self._path[:-1] if self._path else ''}: {', '.join(dir(self))}>"
        )


def _method(operation: Operation, client: ClientOf, *, convert: bool) -> Method:
    def method(params: Mapping[str, Any] | None = None, /, **keywords: Any) -> dict[str, Any]:
        if params is not None:
            if keywords:
                raise TypeError(f"{operation.name} takes an object or keywords, not both")
            if not isinstance(params, Mapping):
                raise TypeError(
                    f"{operation.name} takes an object of parameters, not {type(params).__name__}"
                )
        caller = sys._getframe(1).f_globals.get("__file__")  # noqa: SLF001 - the way to know it
        return client(caller).call(operation, dict(params or keywords), convert=convert)

    method.__name__ = operation.name.rpartition(".")[2]
    method.__qualname__ = f"cloud.openapi.{operation.name}"
    method.__doc__ = _describe(operation, convert=convert)
    return method


def call_schema(operation: Operation, form: Form, side: Side) -> dict[str, Any]:
    """Return the JSON Schema of a call's parameters or result.

    With WeChat's names too, a file is an object, and a result has ``errMsg`` in place of errcode
    and errmsg.
    """
    cloud = operation.schema("cloud", side)
    if form == "cloud" or (side == "response" and operation.binary):
        return cloud
    schema = operation.schema("https", side)
    names = ["errMsg"] if side == "response" else operation.files
    changed = {name: cloud["properties"][snake_to_camel(name)] for name in names}
    left_out = ENVELOPE if side == "response" else frozenset()
    fields = {**schema["properties"], **changed}
    return {
        **schema,
        "properties": {name: fields[name] for name in fields if name not in left_out},
        "required": [
            *(name for name in schema["required"] if name not in left_out),
            *(["errMsg"] if side == "response" else []),
        ],
    }


def _describe(operation: Operation, *, convert: bool) -> str:
    form: Form = "cloud" if convert else "https"
    lines = [f"{operation.summary}.", ""]
    sides: dict[str, Side] = {"Parameters": "request", "Returns": "response"}
    for title, side in sides.items() if operation.path else ():
        schema = call_schema(operation, form, side)
        lines += [f"{title}:", *(_describe_fields(schema, schema, "    ") or ["    none"]), ""]
    for rule in operation.rules:
        lines += [rule.describe(snake_to_camel if convert else None), ""]
    if operation.lacks:
        lines += [f"WeChat's page lacks: {', '.join(operation.lacks)}.", ""]
    lines += [f"Raises CloudSDKError. Permission: {operation.name}", operation.docs]
    return "\n".join(lines)


def _describe_fields(schema: Mapping[str, Any], root: Mapping[str, Any], indent: str) -> list[str]:
    """Return a line for each field, and below it those of an object or of a list's items."""
    # Loaded with the first API: the start of a function that calls none should not pay for it.
    from cloud_openapi.json_schema.fields import resolved  # noqa: PLC0415

    lines = []
    for name, field in schema.get("properties", {}).items():
        inner = resolved(field, root)
        text = field.get("description", inner.get("description", ""))
        lines.append(f"{indent}{name}: {_kind(inner)}. {text}".rstrip())
        within = resolved(inner.get("items", inner), root)
        lines += _describe_fields(within, root, f"{indent}    ")
    return lines


def _kind(field: Mapping[str, Any]) -> str:
    if "contentMediaType" in field:
        return "bytes"
    kind = field.get("type", "string" if "const" in field else "any")
    return kind if isinstance(kind, str) else " or ".join(kind)
