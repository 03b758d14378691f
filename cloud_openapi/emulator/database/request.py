"""The fields of a database action, as SDKs of both generations send them."""

from collections.abc import Mapping
from typing import Any, Final

from cloud_openapi.emulator.database.failures import invalid, shown
from cloud_openapi.emulator.database.names import LONGEST, wrong_name
from cloud_openapi.emulator.database.untranslated import TRACES, untranslated
from cloud_openapi.json_schema.values import is_number
from cloud_openapi.wire.extended_json import Decoder

Document = dict[str, Any]

MOST_DOCUMENTS: Final = 1000
_USUAL_LIMIT: Final = 100
_LARGEST_NUMBER: Final = 2**31 - 1
_DIRECTIONS: Final = {"asc": 1, "desc": -1}
# Operators and stages that the platform's engine has and this one does not, and what to use.
_REFUSED: Final = {
    "$where": "use commands of db.command, or _.expr",
    "$function": "use the operators of db.command.aggregate",
    "$accumulator": "use the accumulators of db.command.aggregate",
    "$text": "use db.RegExp",
    "$meta": "leave it out",
    "$out": "add the documents of the result",
    "$merge": "add the documents of the result",
    "$collStats": "use count()",
    "$indexStats": "leave it out",
}


class Fields:
    """The fields of one action; a method for each raises DatabaseError for a wrong type.

    SDKs from 2.1 send queries and documents as texts of Extended JSON, the older ones as objects.
    """

    def __init__(self, fields: Mapping[str, Any], decoder: Decoder) -> None:
        self.decoded: set[str] = set()
        """The names of the fields whose texts were read, and so are JSON."""
        self.untranslated = ""
        """What the SDK has sent otherwise than meant, and what to write; empty if nothing."""
        self._fields = fields
        self._decoder = decoder

    def check_database(self) -> None:
        """Raise DatabaseError for another database than the one of the mini program."""
        for name in ("instance", "database"):
            if self._fields.get(name):
                raise invalid(
                    f"{name} is not emulated: the emulator has one database for each mini program",
                    f"leave out {name} of app.database()",
                )

    @property
    def collection(self) -> str:
        """Return the name of the collection."""
        name = self._fields.get("collectionName")
        if not isinstance(name, str) or not name:
            raise invalid(f"collectionName is the name of a collection, not {shown(name)}")
        # Of a longer one, the message and the journal would be as long.
        if len(name) > LONGEST:
            raise invalid(wrong_name(name))
        return name

    @property
    def transaction(self) -> str | None:
        """Return the id of the transaction, None outside of one."""
        given = self._fields.get("transactionId")
        if given is not None and not isinstance(given, str):
            raise invalid(f"transactionId is a text, not {shown(given)}")
        return given or None

    @property
    def of_document(self) -> bool:
        """Return whether the action is that of a doc()."""
        return self._fields.get("queryType") == "DOC"

    @property
    def id(self) -> Any:
        """Return the id beside a document of an old SDK, None if absent."""
        return self._fields.get("_id")

    @property
    def query(self) -> Document:
        """Return the conditions, none if absent."""
        return checked(self._object("query"))

    @property
    def order(self) -> list[tuple[str, Any]]:
        """Return the fields to sort by, and their directions."""
        given = self.value("order", {})
        if isinstance(given, dict):
            return list(given.items())
        try:
            return [(each["field"], _DIRECTIONS[each["direction"]]) for each in given]
        except (KeyError, TypeError):
            raise invalid(f"order is a list of fields and directions, not {shown(given)}") from None

    @property
    def projection(self) -> Document | None:
        """Return the fields of the answer, None for all."""
        return checked(self._object("projection")) or None

    @property
    def offset(self) -> int:
        """Return the number of documents to skip."""
        return self._number("offset", 0)

    @property
    def limit(self) -> int:
        """Return the greatest number of documents."""
        return min(self._number("limit", 0) or _USUAL_LIMIT, MOST_DOCUMENTS)

    @property
    def update(self) -> Document:
        """Return the operators of an update, or a whole document."""
        given = self.value("data")
        if not isinstance(given, dict):
            raise invalid(f"data is an object, not {shown(given)}")
        return given

    @property
    def documents(self) -> list[Document]:
        """Return the documents to add."""
        given = self.value("data")
        if isinstance(given, dict):
            # One document of an old SDK, whose own id stands beside it.
            given = [given if self.id is None else {"_id": self.id, **given}]
        if given == [None]:
            # SDKs send it for add({name: "a"}).
            raise invalid("there is no document to add: write add({data: {…}})")
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
            raise invalid(f"data is a document or a list of documents, not {shown(given)}")
        if not given:
            raise invalid("data is empty: give at least one document")
        return given

    @property
    def pipeline(self) -> list[Document]:
        """Return the stages of an aggregation."""
        given = self._fields.get("stages")
        if not isinstance(given, list):
            raise invalid(f"stages is a list, not {shown(given)}")
        stages = [checked(self._stage(each)) for each in given]
        self.decoded.add("stages")
        return stages

    def flag(self, name: str, default: bool) -> bool:  # noqa: FBT001 - the value if absent
        """Return a boolean field."""
        given = self._fields.get(name, default)
        if not isinstance(given, bool):
            raise invalid(f"{name} is true or false, not {shown(given)}")
        return given

    def value(self, name: str, default: Any = None) -> Any:
        """Return a field with its values decoded; in a list, each text is Extended JSON."""
        given = self._fields.get(name)
        # An SDK sends an empty query for remove without where.
        if given is None or given == "":
            return default
        value = self._decoded(name, given)
        self.decoded.add(name)
        return value

    def _decoded(self, name: str, given: Any) -> Any:
        try:
            if isinstance(given, str):
                value = self._decoder.read(given)
            elif name == "data" and isinstance(given, list):
                return [self._decoded(name, each) for each in given]
            else:
                value = self._decoder.decode(given)
        except ValueError as error:
            raise invalid(f"{name or 'data'} is not Extended JSON: {error}") from None
        # A large text is searched faster than its value.
        if not isinstance(given, str) or TRACES.search(given):
            self.untranslated = self.untranslated or untranslated(name, value)
        return value

    def _object(self, name: str) -> Document:
        given = self.value(name, {})
        if not isinstance(given, dict):
            raise invalid(f"{name} is an object, not {shown(given)}")
        return given

    def _number(self, name: str, default: int) -> int:
        given = self._fields.get(name, default)
        if not is_number(given) or not 0 <= given <= _LARGEST_NUMBER:
            raise invalid(f"{name} is a whole number of at least 0, not {shown(given)}")
        return int(given)

    def _stage(self, given: Any) -> Document:
        name = given.get("stageKey") if isinstance(given, dict) else None
        if not isinstance(name, str) or "stageValue" not in given:
            raise invalid(f"a stage has a stageKey and a stageValue, not {shown(given)}")
        content = self._decoded(name, given.get("stageValue"))
        if name == "$geoNear" and isinstance(content, dict):
            content = {**content, "near": _point(content.get("near"))}
        return {name: content}


def _point(near: Any) -> Any:
    """Return GeoJSON; database 1.1 of wx-server-sdk 2.3 sends the Point of the SDK."""
    if isinstance(near, dict) and near.keys() == {"longitude", "latitude"}:
        return {"type": "Point", "coordinates": [near["longitude"], near["latitude"]]}
    return near


def checked(value: Document) -> Document:
    """Return a query, projection or stage. Raises DatabaseError for what is not emulated."""
    levels: list[Any] = [value]
    while levels:
        each = levels.pop()
        if isinstance(each, dict):
            _refuse(each)
            levels += each.values()
        elif isinstance(each, list):
            levels += each
    return value


def _refuse(operators: Document) -> None:
    name = next((each for each in operators if each in _REFUSED), None)
    if name is not None:
        raise invalid(f"{name} is not emulated: {_REFUSED[name]}")
