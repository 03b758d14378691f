"""A MongoDB server that has the data instead of this process, by pymongo."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from cloud_openapi.emulator.database.content import Collection, Content
from cloud_openapi.emulator.database.embedded import content_of
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.extras import install_command
from cloud_openapi.runtime import ENVIRONMENT
from cloud_openapi.wire.extended_json import ObjectId

try:
    import bson
    import pymongo
    from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
    from pymongo.errors import PyMongoError
except ModuleNotFoundError as error:
    raise InvalidInputError(
        f"{error.name} is not installed; a database on a server needs {install_command('mongodb')}"
    ) from None

_SCHEMES: Final = ("mongodb", "mongodb+srv")
_MILLISECONDS: Final = 10_000


class _ObjectIds(TypeDecoder):
    """Ids that MongoDB made, as texts of their own type."""

    bson_type = bson.ObjectId

    def transform_bson(self, value: Any) -> Any:
        return ObjectId(str(value))


class _Patterns(TypeDecoder):
    """Regular expressions of Python."""

    bson_type = bson.Regex

    def transform_bson(self, value: Any) -> Any:
        return value.try_compile()


class _Decimals(TypeDecoder):
    bson_type = bson.Decimal128

    def transform_bson(self, value: Any) -> Any:
        return float(value.to_decimal())


_OPTIONS: Final[CodecOptions[Any]] = CodecOptions(
    type_registry=TypeRegistry([_ObjectIds(), _Patterns(), _Decimals()])
)


class Server:
    """A server by its URL. Raises InvalidInputError if it does not answer."""

    def __init__(self, url: str) -> None:
        if urlsplit(url).scheme not in _SCHEMES:
            raise InvalidInputError("the URL of a server begins with mongodb://")
        host = urlsplit(url).hostname
        try:
            self.client: Any = pymongo.MongoClient(
                url, serverSelectionTimeoutMS=_MILLISECONDS, timeoutMS=_MILLISECONDS
            )
        except (PyMongoError, ValueError):
            # The message may have the password.
            raise InvalidInputError("the URL of the server is not valid") from None
        try:
            self.client.admin.command("ping")
        except PyMongoError as error:
            self.client.close()
            raise InvalidInputError(
                f"no MongoDB server answers at {host}: {_short(error)}"
            ) from None

    def open(self, appid: str, seed: Content) -> "OnServer":
        """Return the database of a mini program, with the collections of the seed that it lacks."""
        return OnServer(self.client, appid, seed)

    def replace(self, appid: str, content: Content) -> None:
        """Replace all data of a mini program."""
        OnServer(self.client, appid, {}).load(content)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


class OnServer:
    """The database of one mini program on a server, named by the environment and the appid."""

    object_id: Final = bson.ObjectId
    has_transactions: Final = False
    # The last one is for half of a surrogate pair.
    refused: Final[tuple[type[Exception], ...]] = (
        PyMongoError,
        bson.errors.BSONError,
        UnicodeEncodeError,
    )

    def __init__(self, client: Any, appid: str, seed: Content) -> None:
        self.client = client
        name = f"{ENVIRONMENT}-{appid}"
        self.database: Any = self.client.get_database(name, codec_options=_OPTIONS)
        self._names: set[str] = set()
        there = self._listed()
        self._add({name: each for name, each in seed.items() if name not in there})

    def has(self, name: str) -> bool:
        """Return whether a collection exists; one that was seen is not looked up again."""
        return name in self._names or name in self._listed()

    def is_locked(self, _error: Exception) -> bool:
        """Return False: the server itself waits for transactions."""
        return False

    def create(self, name: str) -> None:
        """Add an empty collection."""
        self.database.create_collection(name)

    def drop(self, name: str) -> None:
        """Remove a collection with its documents."""
        self._names.discard(name)
        self.database.drop_collection(name)

    def save(self) -> Any:
        """Return all data, for `load`."""
        return content_of(self.database)

    def load(self, saved: Any) -> None:
        """Replace all data."""
        for name in list(self._listed()):
            self.drop(name)
        self._add(saved)

    def detach(self) -> None:
        """Do nothing: the data stay on the server."""

    def _listed(self) -> set[str]:
        self._names = set(self.database.list_collection_names())
        return self._names

    def _add(self, content: Mapping[str, Collection]) -> None:
        for name, each in content.items():
            collection = self.database.create_collection(name)
            for index in each.indexes:
                pairs = [(field, 1) for field in index.fields]
                collection.create_index(pairs, unique=index.unique)
            if each.documents:
                collection.insert_many(map(_with_ids, each.documents))


def _with_ids(value: Any) -> Any:
    """Return a value with pymongo's class of ids, whose class of texts would lose theirs."""
    if isinstance(value, dict):
        return {name: _with_ids(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_ids(each) for each in value]
    return bson.ObjectId(str(value)) if isinstance(value, ObjectId) else value


def _short(error: Exception) -> str:
    return str(error).partition(", Timeout:")[0][:200]
