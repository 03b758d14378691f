"""The results of the calls of ``cloud.database()``."""

from typing import Any, TypedDict


class Result(TypedDict):
    """The part of every result."""

    errMsg: str


class _AddedMany(TypedDict, total=False):
    _ids: list[Any]


class AddResult(Result, _AddedMany):
    """``_id`` of the added document; after a list of documents ``_ids`` instead."""

    _id: Any


class GetResult(Result):
    """The documents of a query."""

    data: list[dict[str, Any]]


class GetOneResult(Result):
    """A document; None if it is missing and ``throwOnNotFound`` is False."""

    data: Any


class CountResult(Result):
    """The number of documents."""

    total: int


class Updated(TypedDict):
    """The number of documents that changed."""

    updated: int


class Changed(Updated):
    """The number of documents that changed or were created."""

    created: int


class Removed(TypedDict):
    """The number of removed documents."""

    removed: int


class UpdateResult(Result):
    """The result of ``update``."""

    stats: Updated


class SetResult(Result):
    """The result of ``set``."""

    _id: str | int | float
    stats: Changed


class RemoveResult(Result):
    """The result of ``remove``."""

    stats: Removed


class AggregateResult(Result):
    """The documents of an aggregation."""

    list: list[dict[str, Any]]


class CreateResult(Result):
    """The result of ``createCollection``."""

    requestId: str
