"""Collections, with the methods and results of pymongo."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from cloud_openapi.documents._copies import check_limits, check_size, clean, fresh, measured, same
from cloud_openapi.documents._errors import (
    PARSE,
    BulkWriteError,
    InvalidOperation,
    OperationFailure,
    check,
)
from cloud_openapi.documents._operands import needs
from cloud_openapi.documents._paths import each_element, sorter, values_at
from cloud_openapi.documents._positions import Positions
from cloud_openapi.documents._projection import projection as projector
from cloud_openapi.documents._query import equalities, fixed_values, nearest, query
from cloud_openapi.documents._scope import Scope
from cloud_openapi.documents._stages import pipeline as compiled_pipeline
from cloud_openapi.documents._store import ClientSession, Store
from cloud_openapi.documents._table import Index, Tables, duplicate_key, own
from cloud_openapi.documents._update import Context, Update, check_names
from cloud_openapi.documents._values import MISSING, Document, distinct, shown, type_name
from cloud_openapi.documents._values import key as key_of

_MATCHED_TWICE = 54
_IMMUTABLE = "Performing an update on the path '_id' would modify the immutable field '_id'"

Session: TypeAlias = ClientSession | None
Sort: TypeAlias = str | Sequence[tuple[str, int]] | None
_Arrange: TypeAlias = Callable[[Iterable[Document]], list[Document]] | None
_Pairs: TypeAlias = list[tuple[Document | None, Document]]
"""Documents before and after a change; None before an insertion."""


class InsertOneResult(NamedTuple):
    """The ``_id`` of an inserted document."""

    inserted_id: Any


class InsertManyResult(NamedTuple):
    """The ``_id`` of each inserted document."""

    inserted_ids: list[Any]


class UpdateResult(NamedTuple):
    """Numbers of documents found and changed; the ``_id`` of one that was inserted."""

    matched_count: int
    modified_count: int
    upserted_id: Any = None


class DeleteResult(NamedTuple):
    """The number of removed documents."""

    deleted_count: int


class Cursor:
    """The documents that a query finds; it runs when the first one is read."""

    def __init__(self, run: Callable[..., list[Document]]) -> None:
        self._run = run
        self._found: Iterator[Document] | None = None

    def sort(self, sort: Sort, direction: int = 1) -> "Cursor":
        """Sort by a field, or by pairs of a field and 1 or -1. Raises OperationFailure."""
        return self._set(arrange=_arrangement(sort, direction))

    def skip(self, skip: int) -> "Cursor":
        """Leave out so many documents. Raises OperationFailure."""
        check(skip >= 0, "skip must be >= 0")
        return self._set(skip=skip)

    def limit(self, limit: int) -> "Cursor":
        """Return at most so many documents, all for 0."""
        return self._set(limit=abs(limit))

    def __iter__(self) -> "Cursor":
        return self

    def __next__(self) -> Document:
        if self._found is None:
            self._found = iter(self._run())
        return next(self._found)

    def _set(self, **options: Any) -> "Cursor":
        if self._found is not None:
            raise InvalidOperation("cannot set options after executing query")
        self._run = partial(self._run, **options)
        return self


class Collection:
    """One collection of documents. All methods raise OperationFailure for what they refuse."""

    def __init__(self, store: Store, database: str, name: str) -> None:
        self.name, self.full_name = name, f"{database}.{name}"
        if not name or "$" in name or "\0" in name or name[0] == "." or name[-1] == ".":
            raise OperationFailure(f"Invalid namespace specified '{self.full_name}'", 73)
        self._place = (database, name)
        self._store = store

    # Reading

    def find(self, filter: Any = None, projection: Any = None, session: Session = None) -> Cursor:
        """Return the documents that satisfy a query."""

        def run(arrange: _Arrange = None, skip: int = 0, limit: int = 0) -> list[Document]:
            scope = self._store.scope()
            conditions = _query(filter)
            project = projector(projection, scope, conditions)
            found = self._sorted(conditions, scope, session, arrange)
            chosen = islice(found, skip, skip + limit if limit else None)
            return [fresh(project(each)) for each in chosen]

        return Cursor(run)

    def find_one(
        self, filter: Any = None, projection: Any = None, session: Session = None
    ) -> Document | None:
        """Return the first document that satisfies a query, or None."""
        return next(self.find(filter, projection, session).limit(1), None)

    def count_documents(self, filter: Any, session: Session = None) -> int:
        """Return the number of documents that satisfy a query."""
        return sum(1 for _ in self._find(_query(filter), self._store.scope(), session))

    def distinct(self, key: str, filter: Any = None, session: Session = None) -> list[Any]:
        """Return the different values of a field, and of elements."""
        read, found = values_at(key), self._find(_query(filter), self._store.scope(), session)
        values = (value for document in found for value in each_element(read(document)))
        return [fresh(each) for each in distinct(each for each in values if each is not MISSING)]

    def aggregate(self, pipeline: Any, session: Session = None) -> Iterator[Document]:
        """Return the result of a pipeline."""
        scope, tables = self._store.scope(), self._tables(session)
        scope.documents = lambda name: tables[name].candidates({}) if name in tables else []
        stages, first = clean(pipeline), Document()
        match stages:
            case [{"$geoNear": dict(options)}, *_]:
                options.setdefault("key", self._geo_path(tables))
            case [{"$match": dict(conditions)} as stage, *rest] if len(stage) == 1:
                stages, first = rest, conditions
        try:
            found = compiled_pipeline(stages, scope)(self._sorted(first, scope, session))
            return iter([fresh(each) for each in found])
        except RecursionError:
            raise OperationFailure("The result is nested too deep", 15) from None

    def _tables(self, session: Session) -> Tables:
        return self._writer(session).tables(self._place[0])

    def _writer(self, session: Session) -> Store | ClientSession:
        return session if session is not None and session.in_transaction else self._store

    def _find(self, conditions: Document, scope: Scope, session: Session) -> Iterator[Document]:
        match = query(conditions, scope)
        with self._store.lock:
            table = self._tables(session).get(self.name)
            candidates = table.candidates(equalities(conditions)) if table else []
        return filter(match, scope.watch(candidates))

    def _sorted(
        self, conditions: Document, scope: Scope, session: Session, arrange: _Arrange = None
    ) -> Iterable[Document]:
        found, close = self._find(conditions, scope, session), nearest(conditions)
        if close:
            path, distance = close
            self._geo_path(self._tables(session), path)
            read = values_at(path)
            arrange = arrange or partial(sorted, key=lambda each: distance.closest(read(each))[0])
        return arrange(found) if arrange else found

    def _geo_path(self, tables: Tables, path: str | None = None) -> str:
        """Return the path of the only geographic index, or check that a path has one."""
        indexes = tables[self.name].indexes.values() if self.name in tables else ()
        paths = {index.paths[0] for index in indexes if index.kind}
        valid = path in paths or (path is None and len(paths) == 1)
        check(valid, "unable to find index for $geoNear query: create a 2dsphere index", 27)
        return path or paths.pop()

    # Writing

    def insert_one(self, document: Any, session: Session = None) -> InsertOneResult:
        """Insert a document. Raises DuplicateKeyError."""
        with self._store:
            return InsertOneResult(self._insert(document, session))

    def insert_many(self, documents: Iterable[Any], session: Session = None) -> InsertManyResult:
        """Insert documents up to the first that is refused. Raises BulkWriteError."""
        ids: list[Any] = []
        try:
            with self._store:
                ids.extend(self._insert(document, session) for document in documents)
        except OperationFailure as error:
            problem = {"index": len(ids), "code": error.code, "errmsg": str(error)}
            details = {"writeErrors": [problem], "nInserted": len(ids)}
            raise BulkWriteError("batch op errors occurred", 65, details) from error
        return InsertManyResult(ids)

    def update_one(
        self, filter: Any, update: Any, *, upsert: bool = False, session: Session = None
    ) -> UpdateResult:
        """Update the first document that satisfies a query."""
        return _counts(self._change(filter, update, limit=1, upsert=upsert, session=session))

    def update_many(
        self, filter: Any, update: Any, *, upsert: bool = False, session: Session = None
    ) -> UpdateResult:
        """Update all documents that satisfy a query."""
        return _counts(self._change(filter, update, limit=None, upsert=upsert, session=session))

    def replace_one(
        self, filter: Any, replacement: Any, *, upsert: bool = False, session: Session = None
    ) -> UpdateResult:
        """Replace the first document that satisfies a query."""
        new = _checked(replacement)
        return _counts(
            self._change(filter, new, limit=1, upsert=upsert, session=session, replace=True)
        )

    def find_one_and_update(  # noqa: PLR0913 - pymongo's
        self,
        filter: Any,
        update: Any,
        *,
        projection: Any = None,
        sort: Sort = None,
        upsert: bool = False,
        return_document: bool = False,
        session: Session = None,
    ) -> Document | None:
        """Update the first document, and return it as it was, or is if ``return_document``."""
        project = projector(projection, self._store.scope())
        pairs = self._change(filter, update, limit=1, upsert=upsert, session=session, sort=sort)
        found = pairs[0][return_document] if pairs else None
        return None if found is None else fresh(project(found))

    def delete_one(self, filter: Any, session: Session = None) -> DeleteResult:
        """Remove the first document that satisfies a query."""
        return self._delete(filter, session, 1)

    def delete_many(self, filter: Any, session: Session = None) -> DeleteResult:
        """Remove all documents that satisfy a query."""
        return self._delete(filter, session, None)

    def _delete(self, conditions: Any, session: Session, limit: int | None) -> DeleteResult:
        with self._store:
            found = self._find(_query(conditions), self._store.scope(), session)
            chosen = list(islice(found, limit))
            for each in chosen:
                self._writer(session).write(self._place, key_of(each["_id"]), None)
        return DeleteResult(len(chosen))

    def _insert(self, document: Any, session: Session) -> Any:
        new = _checked(document)
        if "_id" not in new:
            new["_id"] = self._store.new_id()
            check_limits(new)
        writer, identity = self._writer(session), key_of(new["_id"])
        table = writer.tables(self._place[0]).get(self.name)
        if table and table.get(identity):
            raise duplicate_key(self._place, "_id_", f"_id: {shown(new['_id'])}")
        writer.write(self._place, identity, {"_id": new["_id"], **new})
        return new["_id"]

    def _change(  # noqa: PLR0913 - of three methods
        self,
        filter: Any,
        update: Any,
        *,
        limit: int | None,
        upsert: bool,
        session: Session,
        sort: Sort = None,
        replace: bool = False,
    ) -> _Pairs:
        scope, conditions = self._store.scope(), _query(filter)
        change = partial(_replaced, update) if replace else Update(clean(update), scope).apply
        positions, pairs = Positions(conditions, scope), _Pairs()
        with self._store:
            now = self._store.now()
            found = self._sorted(conditions, scope, session, _arrangement(sort))
            for old in list(islice(found, limit)):
                new = change(Context(old, now, positions=positions))
                if new is not old:
                    check(same(old["_id"], new.get("_id", MISSING)), _IMMUTABLE, 66)
                    check_limits(new)
                    self._writer(session).write(self._place, key_of(old["_id"]), new)
                pairs.append((old, new))
            if upsert and not pairs:
                base = _inserted(conditions, scope, now, only_id=replace)
                new = change(Context(base, now, inserting=True))
                pairs.append((None, {"_id": self._insert(new, session), **new}))
        return pairs

    # Indexes

    def create_index(self, keys: Any, *, unique: bool = False, name: str = "") -> str:
        """Create an index and return its name. Raises DuplicateKeyError."""
        pairs = [(keys, 1)] if isinstance(keys, str) else list(keys)
        name = name or "_".join(f"{path}_{kind}" for path, kind in pairs)
        kind = next((kind for _, kind in pairs if isinstance(kind, str)), "")
        check(kind in {"", "2dsphere"} and pairs, f"Unknown index plugin '{kind}'", 67)
        with self._store.lock:
            table = own(self._store.tables(self._place[0]), self.name)
            if name not in table.indexes:
                index = Index(name, [path for path, _ in pairs], kind, unique=unique)
                table.add_index(index, self._place)
        return name

    def index_information(self) -> dict[str, Document]:
        """Return the indexes by name, with their fields in ``key``."""
        table = self._tables(None).get(self.name)
        found: dict[str, Document] = {"_id_": {"key": [("_id", 1)]}}
        for index in table.indexes.values() if table else ():
            found[index.name] = {"key": [(path, index.kind or 1) for path in index.paths]}
            found[index.name] |= {"unique": True} if index.unique else {}
        return found


def _query(conditions: Any) -> Document:
    return needs(dict, "A query", clean({} if conditions is None else conditions), PARSE)


def _arrangement(sort: Sort, direction: int = 1) -> _Arrange:
    pairs = [(sort, direction)] if isinstance(sort, str) else list(sort or ())
    return sorter(pairs) if pairs else None


def _checked(document: Any) -> Document:
    """Return a copy of a document that may be stored. Raises OperationFailure."""
    copy, size = measured(document)
    new = needs(dict, "The collection", copy, PARSE)
    check_names(new)
    if type(new.get("_id")) in {list, re.Pattern}:
        raise OperationFailure(f"can't use a value of type {type_name(new['_id'])} for _id")
    check_size(size)
    return new


def _replaced(document: Document, context: Context) -> Document:
    old = context.document
    new = {**({"_id": old["_id"]} if "_id" in old else {}), **document}
    return old if same(new, old) else new


def _inserted(conditions: Document, scope: Scope, now: datetime, *, only_id: bool) -> Document:
    """Return the document of an upsert before the update: the values that the query fixes."""
    fields: Document = {}
    for path, values in fixed_values(conditions):
        fixed = len(values) == 1 and type(values[0]) is not re.Pattern
        if fixed and (path == "_id" or not only_id):
            for other in fields:
                if f"{other}.".startswith(f"{path}.") or f"{path}.".startswith(f"{other}."):
                    both = f"both paths '{other}' and '{path}' are matched"
                    wrong = both if path != other else f"path '{path}' is matched twice"
                    error = f"cannot infer query fields to set, {wrong}"
                    raise OperationFailure(error, _MATCHED_TWICE)
            fields[path] = values[0]
    return Update({"$set": fields}, scope).apply(Context({}, now)) if fields else {}


def _counts(pairs: _Pairs) -> UpdateResult:
    if pairs and pairs[0][0] is None:
        return UpdateResult(0, 0, pairs[0][1]["_id"])
    return UpdateResult(len(pairs), sum(new is not old for old, new in pairs))
