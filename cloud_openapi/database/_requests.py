"""The database's actions by the gateway: their answers and errors."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cloud_openapi.database._geo import with_geometries
from cloud_openapi.errors import CloudSDKError
from cloud_openapi.transports.actions import FOREIGN, ActionError, ActionTransport
from cloud_openapi.wire.extended_json import Decoder

_DECODER: Final = Decoder()


class Requests:
    """Sends the actions of one database, or of one of its transactions."""

    def __init__(
        self,
        transport: ActionTransport,
        *,
        throw_on_not_found: bool,
        transaction: str | None = None,
    ) -> None:
        self._transport = transport
        self.throw_on_not_found = throw_on_not_found
        self.transaction = transaction

    def __repr__(self) -> str:
        return repr(self._transport)

    def within(self, transaction: str) -> "Requests":
        """Return the sender of the actions of a transaction."""
        throw = self.throw_on_not_found
        return Requests(self._transport, throw_on_not_found=throw, transaction=transaction)

    def send(
        self, api: str, action: str, fields: Mapping[str, Any], *, coded: bool = True
    ) -> dict[str, Any]:
        """Return the answer to an action; fields that are None are left out.

        Raises the CloudSDKError of ``api``: with the number of the gateway's code, or without
        ``coded`` -1.
        """
        given = {name: value for name, value in fields.items() if value is not None}
        try:
            return self._transport.act(f"database.{action}", given)
        except ActionError as error:
            failure = error.failure(api, coded=coded)
        raise failure

    def of_document(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return fields with the transaction, in which single documents are read and written."""
        return {**fields, "transactionId": self.transaction}

    def outside(self, api: str) -> None:
        """Raise CloudSDKError in a transaction: the SDK would send the action outside of it."""
        if self.transaction is not None:
            raise CloudSDKError(
                -1,
                f"{api}:fail not in a transaction",
                "A transaction reads and writes single documents: collection(…).doc(id) and add.",
            )


def data_of(api: str, answer: Mapping[str, Any], *names: str) -> list[Any]:
    """Return values in the data of an answer. Raises CloudSDKError if one is missing."""
    data = answer.get("data")
    if not isinstance(data, dict) or not all(name in data for name in names):
        raise unknown_response(api)
    return [data[name] for name in names]


def read_documents(api: str, texts: Any, *, geometries: bool = True) -> list[Any]:
    """Return the documents of Extended JSON. Raises CloudSDKError."""
    if not isinstance(texts, list):
        raise unknown_response(api)
    try:
        documents: Iterable[Any] = [_DECODER.read(text) for text in texts]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise unknown_response(api, str(error)) from None
    return [with_geometries(each) for each in documents] if geometries else list(documents)


def unknown_response(api: str, what: str = "unknown response") -> CloudSDKError:
    """Return the error for an answer that is not the gateway's."""
    return CloudSDKError(-1, f"{api}:fail {what}", FOREIGN)
