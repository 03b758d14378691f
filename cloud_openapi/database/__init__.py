"""``cloud.database()``: the cloud database with the names and results of wx-server-sdk 4.0.2.

Requests are those of @cloudbase/database 1.4.3. Differences from the SDK: names that are words of
Python have an underscore, calls return instead of promising, and what the SDK would lose without a
word is an error. docs/reference/database-in-python.md lists them.
"""

from cloud_openapi.database._collection import Aggregate, CollectionReference
from cloud_openapi.database._command import Command
from cloud_openapi.database._conditions import Condition
from cloud_openapi.database._database import Database
from cloud_openapi.database._document import DocumentReference
from cloud_openapi.database._geo import Geo, Geometry
from cloud_openapi.database._query import Query
from cloud_openapi.database._transaction import RolledBackError, Transaction
from cloud_openapi.database._updates import UpdateCommand
from cloud_openapi.database._values import RegExp

__all__ = [
    "Aggregate",
    "CollectionReference",
    "Command",
    "Condition",
    "Database",
    "DocumentReference",
    "Geo",
    "Geometry",
    "Query",
    "RegExp",
    "RolledBackError",
    "Transaction",
    "UpdateCommand",
]
