"""Queries of a collection: ``where`` and what follows it."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from cloud_openapi.database._conditions import query_text
from cloud_openapi.database._requests import Requests, data_of, read_documents
from cloud_openapi.database._results import (
    CountResult,
    GetResult,
    RemoveResult,
    UpdateResult,
)
from cloud_openapi.database._updates import update_text
from cloud_openapi.database._values import to_text
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import kind_of, options_of

_DEFAULT_LIMIT, _MOST = 100, 1000
# Compiled by re when it is first used, which in most processes is never.
_FIELD_PATH: Final = r"[a-zA-Z0-9\-_.]"


class Query:
    """A query of a collection; each method returns a new one.

    ``get`` returns at most 100 documents, after ``limit`` up to 1000.
    """

    def __init__(self, requests: Requests, collection: str, **options: Any) -> None:
        self._requests = requests
        self._collection = collection
        self._options = options

    def __repr__(self) -> str:
        return f"<Query of {self._collection} {self._options}>"

    def where(self, condition: Any) -> "Query":
        """Return the query with a condition: an object or a command, which replaces another."""
        return self._with(query=query_text(condition))

    def orderBy(self, field: str, order: Literal["asc", "desc"]) -> "Query":
        """Return the query sorted by one more field."""
        if not isinstance(field, str) or not re.match(_FIELD_PATH, field):
            hint = f"orderBy: {field!r} does not begin with a letter, a digit or one of - _ ."
            raise CloudSDKError(-1, "", hint)
        if order not in ("asc", "desc"):
            raise CloudSDKError(-1, "排序字符不合法", 'The order is "asc" or "desc".')
        before = self._options.get("order", {})
        return self._with(order={**before, field: -1 if order == "desc" else 1})

    def limit(self, most: int) -> "Query":
        """Return the query for at most so many documents."""
        return self._with(limit=_whole("limit", most))

    def skip(self, number: int) -> "Query":
        """Return the query without its first documents."""
        return self._with(offset=_whole("offset", number))

    def field(self, projection: Mapping[str, Any]) -> "Query":
        """Return the query for some fields: True keeps a field, False removes it."""
        return self._with(projection=projected(projection))

    def get(self) -> GetResult:
        """Return the documents: ``{"data": […], "errMsg"}``. Raises CloudSDKError."""
        api, options = "collection.get", self._options
        fields = {
            "collectionName": self._collection,
            "queryType": "WHERE",
            "query": options.get("query"),
            "order": to_text(options["order"]) if "order" in options else None,
            "offset": options.get("offset") or None,
            "limit": min(options.get("limit") or _DEFAULT_LIMIT, _MOST),
            "projection": to_text(options["projection"]) if "projection" in options else None,
        }
        answer = self._requests.send(api, "getDocument", self._requests.of_document(fields))
        (texts,) = data_of(api, answer, "list")
        return {"data": read_documents(api, texts), "errMsg": f"{api}:ok"}

    def count(self) -> CountResult:
        """Return the number of documents: ``{"total", "errMsg"}``. Raises CloudSDKError."""
        api = "collection.count"
        self._requests.outside(api)
        fields = {
            "collectionName": self._collection,
            "queryType": "WHERE",
            "query": self._options.get("query"),
        }
        (total,) = data_of(api, self._requests.send(api, "calculateDocument", fields), "total")
        return {"total": total, "errMsg": f"{api}:ok"}

    def update(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> UpdateResult:
        """Change all documents: ``{"data": {…}}``, with ``"multi": False`` one.

        Returns ``{"stats": {"updated"}, "errMsg"}``; documents that already had the values do not
        count. Raises CloudSDKError.
        """
        api = "collection.update"
        self._requests.outside(api)
        data, multi = _update_options(api, options, keywords)
        fields = {
            "collectionName": self._collection,
            "queryType": "WHERE",
            "query": self._options.get("query"),
            "multi": multi,
            "merge": True,
            "upsert": False,
            "data": update_data(api, data),
        }
        (updated,) = data_of(api, self._requests.send(api, "modifyDocument", fields), "updated")
        return {"stats": {"updated": updated}, "errMsg": f"{api}:ok"}

    def remove(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> RemoveResult:
        """Remove all documents of the query, with ``"multi": False`` one.

        Returns ``{"stats": {"removed"}, "errMsg"}``. Raises CloudSDKError.
        """
        api = "collection.remove"
        self._requests.outside(api)
        given = options_of(api, options, keywords, ("multi",))
        fields = {
            "collectionName": self._collection,
            "query": self._options.get("query", ""),
            "queryType": "WHERE",
            "multi": given.get("multi") is not False,
        }
        (removed,) = data_of(api, self._requests.send(api, "removeDocument", fields), "deleted")
        return {"stats": {"removed": removed}, "errMsg": f"{api}:ok"}

    def _with(self, **options: Any) -> "Query":
        return Query(self._requests, self._collection, **{**self._options, **options})


def projected(projection: Any) -> dict[str, Any]:
    """Return the text of a projection. Raises CloudSDKError."""
    if projection is None:
        raise CloudSDKError(-1, "parameter object of function field must be provided")
    if not isinstance(projection, Mapping):
        raise CloudSDKError(-1, f"field should be object instead of {kind_of(projection)};")
    # As in the SDK, texts and lists are left out.
    return {
        name: int(value > 0) if isinstance(value, int | float) else value
        for name, value in projection.items()
        if isinstance(value, int | float | Mapping)
    }


def update_data(api: str, data: Mapping[str, Any]) -> str:
    """Return the text of the data of an update. Raises CloudSDKError, TypeError, ValueError."""
    if not data:
        raise CloudSDKError(-1, "options.data must not be empty")
    refuse_id(api, data)
    return update_text(data)


def refuse_id(api: str, data: Mapping[str, Any]) -> None:
    """Raise CloudSDKError for data with an ``_id``, which no update can change."""
    if "_id" in data:
        raise invalid(api, "不能更新_id的值")


def invalid(api: str, text: str) -> CloudSDKError:
    """Return the SDK's error for an invalid parameter of the database."""
    return CloudSDKError(-501007, f"{api}:fail -501007 invalid parameters. {text}")


def _update_options(api: str, options: Any, keywords: Mapping[str, Any]) -> tuple[Any, bool]:
    given = options_of(api, options, keywords, ("data", "multi"))
    data = given.get("data")
    if not isinstance(data, Mapping):
        kind = kind_of(data) if "data" in given else "undefined"
        raise CloudSDKError(-1, f"parameter should be object instead of {kind};")
    return data, given.get("multi") is not False


def _whole(name: str, number: Any) -> int:
    if isinstance(number, float) and number.is_integer():
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise CloudSDKError(-1, f"{name}must be integer")
    return number
