"""Errors with pymongo's names and MongoDB's codes.

PyMongoError
├── InvalidOperation          misuse of a cursor or session
└── OperationFailure          refused by the database, with a code
    ├── ExecutionTimeout      the query took too long
    ├── BulkWriteError        documents of insert_many that were refused
    └── WriteError            a document that cannot be written
        └── DuplicateKeyError a value of a unique index that exists already
"""

from enum import IntEnum
from typing import Any


class Code(IntEnum):
    """MongoDB's error codes that have a name; others stand as numbers where they are raised.

    https://github.com/mongodb/mongo/blob/v4.2/src/mongo/base/error_codes.err
    """

    BAD_VALUE = 2
    FAILED_TO_PARSE = 9
    TYPE_MISMATCH = 14
    OVERFLOW = 15
    ILLEGAL_OPERATION = 20
    LOCK_BUSY = 46
    NAMESPACE_NOT_FOUND = 26
    INDEX_NOT_FOUND = 27
    PATH_NOT_VIABLE = 28
    CONFLICTING_UPDATE_OPERATORS = 40
    NAMESPACE_EXISTS = 48
    MAX_TIME_EXPIRED = 50
    DOLLAR_PREFIXED_FIELD_NAME = 52
    EMPTY_FIELD_NAME = 56
    IMMUTABLE_FIELD = 66
    CANNOT_CREATE_INDEX = 67
    INVALID_NAMESPACE = 73
    WRITE_CONFLICT = 112
    INVALID_PIPELINE_OPERATOR = 168
    NO_SUCH_TRANSACTION = 251
    DOCUMENT_TOO_LARGE = 10334
    DUPLICATE_KEY = 11000
    EXCEEDED_MEMORY_LIMIT = 16819
    REGULAR_EXPRESSION = 51091


class PyMongoError(Exception):
    """Base of all errors."""


class InvalidOperation(PyMongoError):  # noqa: N818 - pymongo's name
    """A cursor or a session was used in a way that it does not allow."""


class OperationFailure(PyMongoError):  # noqa: N818 - pymongo's name
    """The database refused an operation; ``code`` is MongoDB's."""

    def __init__(
        self, error: str, code: int = Code.BAD_VALUE, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(error)
        self.code = int(code)
        self.details = details or {"code": self.code, "errmsg": error}

    def has_error_label(self, label: str) -> bool:
        """Return whether the error has a label such as ``TransientTransactionError``."""
        return label == "TransientTransactionError" and self.code in {
            Code.WRITE_CONFLICT,
            Code.NO_SUCH_TRANSACTION,
        }


class ExecutionTimeout(OperationFailure):
    """A query took longer than the limit of the client."""


class BulkWriteError(OperationFailure):
    """`insert_many` stopped; ``details`` has ``writeErrors`` and ``nInserted``."""


class WriteError(OperationFailure):
    """A document cannot be written."""


class DuplicateKeyError(WriteError):
    """A value of a unique index exists already."""


def type_mismatch(error: str) -> OperationFailure:
    """Return the error for an operand of another type than the operator takes."""
    return OperationFailure(error, Code.TYPE_MISMATCH)


def unparsable(error: str) -> OperationFailure:
    """Return the error for an operand that cannot be read."""
    return OperationFailure(error, Code.FAILED_TO_PARSE)
