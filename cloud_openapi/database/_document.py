"""A document of a collection by its id."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.database._query import invalid, projected, refuse_id, update_data
from cloud_openapi.database._requests import Requests, data_of, read_documents
from cloud_openapi.database._results import (
    GetOneResult,
    RemoveResult,
    SetResult,
    UpdateResult,
)
from cloud_openapi.database._updates import has_commands
from cloud_openapi.database._values import to_text
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import check_option, options_of


class DocumentReference:
    """A document, which may be missing."""

    def __init__(
        self,
        requests: Requests,
        collection: str,
        id_: str | float,
        projection: Mapping[str, Any] | None = None,
    ) -> None:
        self._requests = requests
        self._collection = collection
        self._id = id_
        self._projection = projection

    def __repr__(self) -> str:
        return f"<DocumentReference {self._collection} {self._id!r}>"

    def field(self, projection: Mapping[str, Any]) -> "DocumentReference":
        """Return the document for some fields: True keeps a field, False removes it."""
        return DocumentReference(self._requests, self._collection, self._id, projected(projection))

    def get(self) -> GetOneResult:
        """Return the document: ``{"data": {…}, "errMsg"}``.

        Raises CloudSDKError, also for a missing document: with ``throwOnNotFound: False`` of
        ``cloud.database`` its data are None instead.
        """
        api = "document.get"
        projection = None if self._projection is None else to_text(self._projection)
        answer = self._send(api, "getDocument", projection=projection, multi=False)
        (texts,) = data_of(api, answer, "list")
        found = read_documents(api, texts)
        if not found and self._requests.throw_on_not_found:
            raise CloudSDKError(-1, f"{api}:fail document with _id {self._id} does not exist")
        return {"data": found[0] if found else None, "errMsg": f"{api}:ok"}

    def set(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> SetResult:
        """Replace the document, or create it: ``{"data": {…}}``.

        Returns ``{"_id", "errMsg", "stats": {"updated", "created"}}``. Raises CloudSDKError.
        """
        api = "document.set"
        data = self._data(api, options, keywords)
        if not data:
            raise CloudSDKError(-1, "options.data must not be empty")
        if not self._id:
            raise invalid(api, "docId不能为空")
        refuse_id(api, data)
        if has_commands(data):
            text = f"{api}:fail -502001 database request fail. update operator complicit"
            raise CloudSDKError(-502001, text, "Commands change a document by update.")
        flags = {"multi": False, "merge": False, "upsert": True}
        answer = self._send(api, "modifyDocument", data=to_text(data), **flags)
        (updated,) = data_of(api, answer, "updated")
        created = int(bool(answer["data"].get("upsert_id")))
        stats = {"updated": updated, "created": created}
        return {"_id": self._id, "errMsg": f"{api}:ok", "stats": stats}  # type: ignore[typeddict-item]

    def update(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> UpdateResult:
        """Change fields of the document: ``{"data": {…}}``.

        Returns ``{"stats": {"updated"}, "errMsg"}``; 0 for a missing document and for one that
        already had the values. Raises CloudSDKError.
        """
        api = "document.update"
        data = update_data(api, self._data(api, options, keywords))
        flags = {"multi": False, "merge": True, "upsert": False}
        answer = self._send(api, "modifyDocument", data=data, **flags)
        (updated,) = data_of(api, answer, "updated")
        return {"stats": {"updated": updated}, "errMsg": f"{api}:ok"}

    def remove(self) -> RemoveResult:
        """Remove the document. Returns ``{"stats": {"removed"}, "errMsg"}``.

        Raises CloudSDKError.
        """
        api = "document.remove"
        answer = self._send(api, "removeDocument", multi=False)
        (removed,) = data_of(api, answer, "deleted")
        return {"stats": {"removed": removed or 0}, "errMsg": f"{api}:ok"}

    def _data(self, api: str, options: Any, keywords: Mapping[str, Any]) -> Mapping[str, Any]:
        given = options_of(api, options, keywords, ("data",))
        check_option(given, "data", "object")
        data: Mapping[str, Any] = given["data"]
        return data

    def _send(self, api: str, action: str, **fields: Any) -> dict[str, Any]:
        own = {
            "collectionName": self._collection,
            "queryType": "DOC",
            "query": to_text({"_id": self._id}),
        }
        return self._requests.send(api, action, self._requests.of_document(own | fields))
