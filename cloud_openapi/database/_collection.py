"""A collection of the cloud database."""

from collections.abc import Mapping
from typing import Any

from cloud_openapi.database._document import DocumentReference
from cloud_openapi.database._pipeline import Pipeline
from cloud_openapi.database._query import Query
from cloud_openapi.database._requests import Requests, data_of, read_documents, unknown_response
from cloud_openapi.database._results import AddResult, AggregateResult
from cloud_openapi.database._values import to_text
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.sdk_options import options_of


class CollectionReference(Query):
    """A collection; as a query it finds all of its documents."""

    def __repr__(self) -> str:
        return f"<CollectionReference {self._collection}>"

    def doc(self, id_: str | float) -> DocumentReference:
        """Return a document by its ``_id``, a text or a number."""
        if isinstance(id_, bool) or not isinstance(id_, str | int | float):
            raise CloudSDKError(-1, "docId必须为字符串或数字")
        return DocumentReference(self._requests, self._collection, id_)

    def add(self, options: Mapping[str, Any] | None = None, /, **keywords: Any) -> AddResult:
        """Add a document, or a list of documents: ``{"data": {…}}``.

        Returns ``{"_id", "errMsg"}``, for a list ``{"_ids", "errMsg"}``. Raises CloudSDKError.
        """
        api = "collection.add"
        data = options_of(api, options, keywords, ("data",)).get("data")
        many = isinstance(data, list | tuple)
        documents: list[Any] = list(data) if isinstance(data, list | tuple) else [data]
        if not all(isinstance(each, Mapping) for each in documents):
            raise CloudSDKError(-1, f"{api}:fail data is an object, or a list of objects")
        fields = {
            "collectionName": self._collection,
            "data": [to_text(each) for each in documents],
        }
        answer = self._requests.send(api, "insertDocument", self._requests.of_document(fields))
        (ids,) = data_of(api, answer, "insertedIds")
        if many:
            return {"_ids": ids, "errMsg": f"{api}:ok"}  # type: ignore[typeddict-item]
        if not isinstance(ids, list) or not ids:
            raise unknown_response(api)
        return {"_id": ids[0], "errMsg": f"{api}:ok"}

    def aggregate(self) -> "Aggregate":
        """Return an aggregation without stages; ``end()`` runs it."""
        return Aggregate(self._requests, self._collection)


class Aggregate(Pipeline):
    """An aggregation of a collection. Without ``limit`` the platform returns 20 documents."""

    def __init__(self, requests: Requests, collection: str) -> None:
        super().__init__()
        self._requests = requests
        self._collection = collection

    def __repr__(self) -> str:
        return f"<Aggregate of {self._collection} {self._stages}>"

    def end(self) -> AggregateResult:
        """Run the stages. Returns ``{"list": […], "errMsg"}``. Raises CloudSDKError."""
        api = "collection.aggregate"
        self._requests.outside(api)
        fields = {"collectionName": self._collection, "stages": self._stages}
        answer = self._requests.send(api, "aggregateDocuments", fields, coded=False)
        (texts,) = data_of(api, answer, "list")
        # The SDK makes no geometries here.
        return {"list": read_documents(api, texts, geometries=False), "errMsg": f"{api}:ok"}
