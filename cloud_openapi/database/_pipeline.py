"""The stages of an aggregation, as @cloudbase/database 1.4.3 writes them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from cloud_openapi.database._conditions import encode_query
from cloud_openapi.database._geo import Point
from cloud_openapi.database._values import encode, to_text
from cloud_openapi.wire import extended_json

if TYPE_CHECKING:
    from typing_extensions import Self


class Stage(TypedDict):
    """A stage in a request."""

    stageKey: str
    stageValue: str


class Pipeline:
    """Stages of an aggregation; each method adds one to this object and returns it."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []

    def addFields(self, fields: Mapping[str, Any]) -> "Self":
        """Add fields to each document."""
        return self._add("$addFields", fields)

    def bucket(self, options: Mapping[str, Any]) -> "Self":
        """Group documents by given boundaries: groupBy, boundaries, default, output."""
        return self._add("$bucket", options)

    def bucketAuto(self, options: Mapping[str, Any]) -> "Self":
        """Group documents into a number of buckets: groupBy, buckets, granularity, output."""
        return self._add("$bucketAuto", options)

    def count(self, name: str) -> "Self":
        """Replace the documents by one with their number in a field."""
        return self._add("$count", name)

    def geoNear(self, options: Mapping[str, Any]) -> "Self":
        """Sort documents by their distance from ``near``, a Point; the first stage only."""
        given = dict(options)
        if "query" in given:
            given["query"] = encode_query(given["query"])
        near = given.get("near")
        if isinstance(near, Mapping):
            given["near"] = Point(near["longitude"], near["latitude"])
        return self._add("$geoNear", given)

    def group(self, fields: Mapping[str, Any]) -> "Self":
        """Make one document of all with the same ``_id``."""
        return self._add("$group", fields)

    def limit(self, most: int) -> "Self":
        """Keep the first documents. Without this stage the platform returns at most 20."""
        return self._add("$limit", most)

    def lookup(self, options: Mapping[str, Any]) -> "Self":
        """Join another collection: from, localField and foreignField or let and pipeline, as."""
        return self._add("$lookup", options)

    def match(self, query: Any) -> "Self":
        """Keep the documents that match a query, as ``where`` takes it."""
        return self._add("$match", encode_query(query))

    def project(self, fields: Mapping[str, Any]) -> "Self":
        """Keep, remove or compute fields."""
        return self._add("$project", fields)

    def replaceRoot(self, options: Mapping[str, Any]) -> "Self":
        """Replace each document by an object in it: newRoot."""
        return self._add("$replaceRoot", options)

    def sample(self, options: Mapping[str, Any]) -> "Self":
        """Take documents at random: size."""
        return self._add("$sample", options)

    def skip(self, number: int) -> "Self":
        """Leave out the first documents."""
        return self._add("$skip", number)

    def sort(self, order: Mapping[str, Any]) -> "Self":
        """Sort documents: 1 ascending, -1 descending."""
        return self._add("$sort", order)

    def sortByCount(self, expression: Any) -> "Self":
        """Count documents by the value of an expression, the most frequent first."""
        return self._add("$sortByCount", expression)

    def unwind(self, path: Any) -> "Self":
        """Make a document of each element of a list."""
        return self._add("$unwind", path)

    def done(self) -> list[dict[str, Any]]:
        """Return the stages as a pipeline of ``lookup``."""
        return [{stage["stageKey"]: json.loads(stage["stageValue"])} for stage in self._stages]

    def _add(self, name: str, content: Any) -> "Self":
        if isinstance(content, Mapping):
            text = to_text(content)
        else:
            text = extended_json.write(encode(content), "plain")
        self._stages.append({"stageKey": name, "stageValue": text})
        return self
