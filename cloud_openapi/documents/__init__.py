"""A document database in memory, with pymongo's names and MongoDB's behaviour.

It imports the standard library only, and nothing else of this package.
"""

from cloud_openapi.documents._collection import Collection, Cursor, UpdateResult
from cloud_openapi.documents._database import Client, Database
from cloud_openapi.documents._errors import (
    BulkWriteError,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
)
from cloud_openapi.documents._store import Change, ClientSession

__all__ = [
    "BulkWriteError",
    "Change",
    "Client",
    "ClientSession",
    "Collection",
    "Cursor",
    "Database",
    "DuplicateKeyError",
    "ExecutionTimeout",
    "InvalidOperation",
    "OperationFailure",
    "PyMongoError",
    "UpdateResult",
]
