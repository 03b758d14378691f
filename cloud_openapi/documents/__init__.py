"""A document database in memory, with pymongo's names and MongoDB's behaviour.

It imports the standard library only, and nothing else of this package.
"""

from cloud_openapi.documents._collection import (
    Collection,
    Cursor,
    DeleteResult,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from cloud_openapi.documents._database import Client, Database
from cloud_openapi.documents._errors import (
    BulkWriteError,
    Code,
    DuplicateKeyError,
    ExecutionTimeout,
    InvalidOperation,
    OperationFailure,
    PyMongoError,
    WriteError,
)
from cloud_openapi.documents._session import ClientSession
from cloud_openapi.documents._store import Change

__all__ = [
    "BulkWriteError",
    "Change",
    "Client",
    "ClientSession",
    "Code",
    "Collection",
    "Cursor",
    "Database",
    "DeleteResult",
    "DuplicateKeyError",
    "ExecutionTimeout",
    "InsertManyResult",
    "InsertOneResult",
    "InvalidOperation",
    "OperationFailure",
    "PyMongoError",
    "UpdateResult",
    "WriteError",
]
