"""Transactions: reads and writes of documents that are done together or not at all."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from cloud_openapi.database._collection import CollectionReference
from cloud_openapi.database._requests import Requests, unknown_response
from cloud_openapi.errors import CloudSDKError

_Result = TypeVar("_Result")
_CONFLICT: Final = "DATABASE_TRANSACTION_CONFLICT"


class RolledBackError(CloudSDKError):
    """A transaction that its callback rolled back; ``reason`` is what it gave to ``rollback``."""

    def __init__(self, reason: Any) -> None:
        super().__init__(-1, f"runTransaction:fail rolled back: {reason!r}")
        self.reason = reason


class Transaction:
    """A transaction of 30 seconds at most. Within it there are ``doc`` and ``add`` only."""

    def __init__(self, requests: Requests) -> None:
        answer = requests.send("startTransaction", "startTransaction", {}, coded=False)
        found = answer.get("transactionId")
        if not isinstance(found, str):
            raise unknown_response("startTransaction")
        self._id = found
        self._requests = requests
        self.closed = False
        self.rolled_back: RolledBackError | None = None

    def __repr__(self) -> str:
        return f"<Transaction {self._id}>"

    def collection(self, name: str) -> CollectionReference:
        """Return a collection within the transaction."""
        return named_collection(self._requests.within(self._id), name)

    def commit(self) -> dict[str, Any]:
        """Make the changes lasting. Raises CloudSDKError.

        Its ``code`` is DATABASE_TRANSACTION_CONFLICT if another transaction came first.
        """
        self.closed = True
        return self._end("commit")

    def rollback(self, reason: Any = None) -> dict[str, Any]:
        """Undo the changes; ``runTransaction`` raises the reason. Raises CloudSDKError."""
        answer = self._end("rollback")
        self.rolled_back = RolledBackError(reason)
        return answer

    def release(self) -> None:
        """Roll back for the sake of others after an error, which is the one to report."""
        # Without it the transaction ends by itself after 30 seconds.
        with suppress(CloudSDKError):
            self._end("rollback")

    def _end(self, how: str) -> dict[str, Any]:
        action = {"commit": "commitTransaction", "rollback": "abortTransaction"}[how]
        fields = {"transactionId": self._id}
        return self._requests.send(f"transaction.{how}", action, fields, coded=False)


def named_collection(requests: Requests, name: str) -> CollectionReference:
    """Return a collection. Raises CloudSDKError without a name."""
    if not isinstance(name, str) or not name:
        raise CloudSDKError(-1, "Collection name is required")
    return CollectionReference(requests, name)


def run_transaction(
    requests: Requests, callback: Callable[[Transaction], _Result], retries: int
) -> _Result:
    """Return the callback's result after the commit.

    After a conflict the whole is repeated, ``retries`` times at most. Any other error rolls back
    and is raised. After a rollback by the callback its reason is raised if it is an exception,
    else RolledBackError.
    """
    while True:
        transaction = Transaction(requests)
        try:
            result = callback(transaction)
            if transaction.rolled_back is None:
                transaction.commit()
        except BaseException as error:
            if transaction.rolled_back is None:
                again = retries > 0 and getattr(error, "code", "") == _CONFLICT
                # As the SDK: a commit that is refused for a conflict ends the transaction.
                if not (again and transaction.closed):
                    transaction.release()
                if not again:
                    raise
                retries -= 1
                continue
        if transaction.rolled_back is None:
            return result
        reason = transaction.rolled_back.reason
        raise reason if isinstance(reason, BaseException) else transaction.rolled_back
