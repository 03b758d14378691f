"""Facts of an API for documentation: fields in both forms, and the gaps of WeChat's page."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from cloud_openapi.catalogue._operation import Operation
from cloud_openapi.json_schema.fields import resolved
from cloud_openapi.naming import snake_to_camel

LACKS_IN_CHINESE: Final = {
    "page": "页面",
    "fields": "字段",
    "request example": "请求示例",
    "response example": "响应示例",
    "cloud example": "云调用示例",
    "errors": "错误码",
}
_DEEPEST: Final = 4


class Row(NamedTuple):
    """A field of a request or of a response."""

    name: str
    """The name in the HTTPS form."""
    depth: int
    """1 for a field of the body, 2 for one within it, and so on."""
    kind: str
    """The type in words: ``string``, ``array of object``, ``file image/*``."""
    required: bool
    in_url: bool
    """Whether HTTPS takes it in the URL, unlike others of the request."""
    about: str
    schema: Mapping[str, Any]
    """The schema of the field, references resolved."""
    items: Mapping[str, Any]
    """The schema of its items, empty for a field that is not an array."""

    @property
    def cloud_name(self) -> str:
        """Return the name in the cloud-call form."""
        return snake_to_camel(self.name)

    @property
    def is_file(self) -> bool:
        """Return whether the value is a file."""
        return "contentMediaType" in self.schema


def request_rows(operation: Operation) -> list[Row]:
    """Return the parameters of an API, and the fields within them."""
    schema = operation.schema("https", "request")
    # Every parameter of GET is in the URL.
    in_url = () if operation.method == "GET" else operation.query
    return [row._replace(in_url=row.depth == 1 and row.name in in_url) for row in _rows(schema)]


def response_rows(operation: Operation) -> list[Row]:
    """Return the fields of an answer, and those within them; a file has none."""
    return [] if operation.binary else list(_rows(operation.schema("https", "response")))


def namespace_of(name: str) -> str:
    """Return the namespace of an API: ``analysis`` of analysis.getDailyRetain."""
    return name.rpartition(".")[0]


def matches(text: str, name: str, operation: Operation | None) -> bool:
    """Return whether the name, the path or the summary of an API contains a text."""
    about = "" if operation is None else f"{operation.path} {operation.summary}"
    return text.lower() in f"{name} {about}".lower()


def _rows(
    schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, depth: int = 1
) -> Iterator[Row]:
    root = schema if root is None else root
    for name, field in schema.get("properties", {}).items():
        inner = resolved(field, root)
        items = resolved(inner.get("items", {}), root)
        yield Row(
            name=name,
            depth=depth,
            kind=_kind(inner, items),
            required=name in schema.get("required", ()),
            in_url=False,
            about=field.get("description") or inner.get("description") or "",
            schema=inner,
            items=items,
        )
        if depth < _DEEPEST:
            yield from _rows(inner if "properties" in inner else items, root, depth + 1)


def _kind(field: Mapping[str, Any], items: Mapping[str, Any]) -> str:
    if "contentMediaType" in field:
        return f"file {field['contentMediaType']}"
    kind = field.get("type", "any")
    kinds = [kind] if isinstance(kind, str) else kind
    of = f" of {_kind(items, {})}" if kinds == ["array"] and items else ""
    return f"{' or '.join(kinds)}{of}"
