from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cloud_openapi.database._collection import CollectionReference
from cloud_openapi.database._command import Command
from cloud_openapi.database._geo import Geo
from cloud_openapi.database._requests import Requests
from cloud_openapi.database._results import CreateResult
from cloud_openapi.database._transaction import Transaction, named_collection, run_transaction
from cloud_openapi.database._values import RegExp
from cloud_openapi.sdk_options import options_of
from cloud_openapi.transports import Transport
from cloud_openapi.transports.actions import by_gateway
from cloud_openapi.wire.extended_json import ServerDate

_Result = TypeVar("_Result")


class Database:
    """The database of an environment."""

    def __init__(
        self,
        transport: Transport,
        options: Mapping[str, Any] | None = None,
        /,
        **keywords: Any,
    ) -> None:
        """Take ``env`` and ``throwOnNotFound`` as options. Raises CloudSDKError, TypeError."""
        given = options_of("database", options, keywords, ("env", "throwOnNotFound"))
        gateway = by_gateway(transport, "database", "The cloud database is reached")
        if given.get("env") is not None:
            gateway = gateway.in_environment(given["env"])
        throw = bool(given.get("throwOnNotFound", True))
        self._requests = Requests(gateway, throw_on_not_found=throw)
        self.command = Command()
        self.Geo = Geo

    def __repr__(self) -> str:
        return f"<Database of {self._requests}>"

    def collection(self, name: str) -> CollectionReference:
        """Return a collection, which must exist when it is used."""
        return named_collection(self._requests, name)

    def createCollection(self, name: str) -> CreateResult:
        """Create a collection. Returns ``{"errMsg", "requestId"}``. Raises CloudSDKError."""
        api = "createCollection"
        fields = {"collectionName": name}
        answer = self._requests.send(api, "addCollection", fields, coded=False)
        return {"errMsg": f"{api}:ok", "requestId": answer.get("requestId", "")}

    @staticmethod
    def serverDate(options: Mapping[str, Any] | None = None, /, **keywords: Any) -> ServerDate:
        """Return the server's time, plus ``offset`` milliseconds, for a field of add or update."""
        given = options_of("serverDate", options, keywords, ("offset",))
        return ServerDate(given.get("offset", 0))

    @staticmethod
    def RegExp(options: Mapping[str, Any] | None = None, /, **keywords: Any) -> RegExp:
        """Return a regular expression: ``regexp``, ``options``."""
        given = options_of("RegExp", options, keywords, ("regexp", "options"))
        return RegExp(given.get("regexp", ""), given.get("options") or "")

    def startTransaction(self) -> Transaction:
        """Start a transaction. Raises CloudSDKError."""
        return Transaction(self._requests)

    def runTransaction(self, callback: Callable[[Transaction], _Result], times: int = 3) -> _Result:
        """Return the callback's result after the commit, and repeat it after a conflict.

        ``times`` is the number of repetitions. Other errors roll back and are raised.
        """
        return run_transaction(self._requests, callback, times)
