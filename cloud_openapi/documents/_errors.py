"""Errors with pymongo's names and MongoDB's codes.

https://github.com/mongodb/mongo/blob/v4.2/src/mongo/base/error_codes.err
"""

from typing import Any, Final

BAD_VALUE: Final = 2
PARSE, TYPE, OVERFLOW, TOO_LARGE, TOO_MANY = 9, 14, 15, 10334, 16819
_CONFLICT, _ABORTED = 112, 251


class PyMongoError(Exception):
    """Base of all errors."""


class InvalidOperation(PyMongoError):  # noqa: N818 - pymongo's name
    """A cursor or a session was used in a way that it does not allow."""


class OperationFailure(PyMongoError):  # noqa: N818 - pymongo's name
    """The database refused an operation; ``code`` is MongoDB's."""

    def __init__(self, error: str, code: int = BAD_VALUE, details: Any = None) -> None:
        super().__init__(error)
        self.code = code
        self.details: dict[str, Any] = details or {"code": code, "errmsg": error}

    def has_error_label(self, label: str) -> bool:
        """Return whether the error has a label such as ``TransientTransactionError``."""
        return label == "TransientTransactionError" and self.code in {_CONFLICT, _ABORTED}


class ExecutionTimeout(OperationFailure):
    """An operation took longer than the client's limit, code 50."""


class BulkWriteError(OperationFailure):
    """`insert_many` stopped; ``details`` has ``writeErrors`` and ``nInserted``."""


class DuplicateKeyError(OperationFailure):
    """A value of a unique index exists already, code 11000."""


def check(holds: object, error: str, code: int = BAD_VALUE) -> None:
    """Raise OperationFailure unless a condition holds."""
    if not holds:
        raise OperationFailure(error, code)
