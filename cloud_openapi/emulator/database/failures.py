"""Failures of database actions, with the platform's codes and texts.

Sources: error codes of https://docs.cloudbase.net/error-code/ and reports of developers.
"""

from collections.abc import Collection, Mapping
from shlex import quote
from typing import Any, Final

from cloud_openapi.known_names import nearest, shortened

COLLECTION_MISSING: Final = "DATABASE_COLLECTION_NOT_EXIST"
CONFLICT: Final = "DATABASE_TRANSACTION_CONFLICT"
FAILED: Final = "DATABASE_REQUEST_FAILED"
INVALID: Final = "INVALID_PARAM"
TRANSACTION_FAILED: Final = "DATABASE_TRANSACTION_FAIL"
# wx-server-sdk knows no code for it, and makes -501001 of any text.
_BUSY: Final = "DATABASE_TRANSACTION_BUSY"
_CHECK: Final = "Please check your request, but if the problem cannot be solved, contact us."
_MISSING, _DUPLICATE, _WRITE_CONFLICT, _NO_TRANSACTION = 26, 11000, 112, 251
_ONLY_REPLICA_SETS: Final = 20


class DatabaseError(Exception):
    """A failed action: the gateway's code and message, and a reason that says what to do.

    ``index`` is the place of the refused document among several, from 0. ``command`` ends the
    reason with a command to a running emulator.
    """

    def __init__(
        self,
        code: str,
        message: str,
        reason: str = "",
        *,
        index: int | None = None,
        command: str = "",
    ) -> None:
        super().__init__(code, message, reason)
        self.code = code
        self.message = message
        self.reason = f"{reason or message}{command}"
        self.index = index
        self._command = command

    def of_record(self, index: int) -> "DatabaseError":
        """Return the failure of a file's record, with its number in the reason."""
        return DatabaseError(
            self.code,
            self.message,
            f"record {index + 1}: {self.reason_with(None)}",
            index=index,
            command=self._command,
        )

    def reason_with(self, options: str | None) -> str:
        """Return the reason, whose command has options such as ``--url``; None omits it."""
        if options is None:
            return self.reason.removesuffix(self._command)
        return f"{self.reason}{options}" if self._command else self.reason


def invalid(message: str, reason: str = "") -> DatabaseError:
    """Return the failure of a request that the database cannot read."""
    return DatabaseError(INVALID, message, reason)


def missing_collection(name: str, known: Collection[str], unread: str = "") -> DatabaseError:
    """Return the failure of an action on a collection that does not exist.

    ``unread`` says why a file that may have it could not be read.
    """
    close = nearest(name, known)
    meant = f"did you mean {close}? " if close else ""
    there = shortened(sorted(known)) or "none"
    advice = (
        f"{meant}the collections are {there}; to declare it, list it in database/collections.json "
        "beside the functions"
    )
    command = f", or: cloud-openapi database create {quote(name)}"
    if unread:
        advice, command = f"{unread}; correct it", ", then: cloud-openapi database reset"
    return DatabaseError(
        COLLECTION_MISSING,
        f"[ResourceNotFound] Db or Table not exist: {name}. {_CHECK}",
        f"there is no collection {name}: {advice}",
        command=command,
    )


def conflict() -> DatabaseError:
    """Return the failure of a transaction that touches what another one has changed."""
    return DatabaseError(
        CONFLICT,
        "[ResourceUnavailable.TransactionConflict] Transaction is conflict, maybe resource "
        f"operated by others. {_CHECK}",
        "another transaction or write has changed the document since this transaction began: "
        "begin it again, as runTransaction does",
    )


def busy() -> DatabaseError:
    """Return the failure of a write to a document that an open transaction has changed."""
    return DatabaseError(
        _BUSY,
        f"[ResourceUnavailable.TransactionBusy] Transaction is busy. {_CHECK}",
        "an open transaction has changed the document: commit it or roll it back",
    )


def ended_transaction(why: str) -> DatabaseError:
    """Return the failure of an action in a transaction that is not open."""
    return DatabaseError(
        TRANSACTION_FAILED,
        f"[FailedOperation] Transaction is not open. {_CHECK}",
        f"the transaction {why}: start another one",
    )


def refused(error: Exception, *, write: bool = False, insert: bool = False) -> DatabaseError:
    """Return the failure for an error of the engine or of pymongo, by its code.

    ``write`` and ``insert`` are the kinds of operations whose errors the platform wraps.
    """
    code, text = code_of(error), str(_first(error).get("errmsg") or error)
    if code == _WRITE_CONFLICT:
        return conflict()
    if code == _NO_TRANSACTION:
        return ended_transaction("has ended")
    if code == _ONLY_REPLICA_SETS and "replica set" in text:
        return DatabaseError(FAILED, f"[FailedOperation] {text}", _replica_set_advice())
    if not write and not insert:
        return DatabaseError(FAILED, f"[FailedOperation] {text}")
    head = "[FailedOperation.Insert]" if insert else "[FailedOperation]"
    message = f"{head} multiple write errors: [{{write errors: [{{{text}}}]}}, {{<nil>}}]"
    return DatabaseError(FAILED, message, text, index=_first(error).get("index"))


def code_of(error: Exception) -> Any:
    """Return MongoDB's code of an error of the engine or of pymongo, None without one."""
    return _first(error).get("code", getattr(error, "code", None))


def _first(error: Exception) -> Mapping[str, Any]:
    """Return the details of an error, of the first one for several documents."""
    details = getattr(error, "details", None) or {}
    found: Mapping[str, Any] = next(iter(details.get("writeErrors") or ()), details)
    return found


def _replica_set_advice() -> str:
    return (
        "transactions need a replica set: start the server with mongod --replSet rs0, and once "
        "rs.initiate() in its shell; or leave out --database, which needs no server"
    )


def shown(value: Any) -> str:
    """Return the beginning of a value for a message."""
    return repr(value)[:80]
