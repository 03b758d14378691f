"""The store: a database with one row for each window."""

import json
import os
import shlex
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from cloud_openapi.clocks import monotonic
from cloud_openapi.errors import CloudOpenAPIError, CloudSDKError, ConfigError, one_line
from cloud_openapi.history._schema import FAILURES, METADATA, PAUSES, WINDOWS
from cloud_openapi.history._series import Series, span_of
from cloud_openapi.history._views import views_for
from cloud_openapi.history._windows import Window
from cloud_openapi.json_text import json_text
from cloud_openapi.periods import BEIJING, Period

DEFAULT_STORE: Final = "history.sqlite"
_KEY: Final = [column.name for column in WINDOWS.primary_key]
_ATTEMPTS: Final = 5
_PAUSE: Final = 0.1
# Seconds for which a program that writes to the same database is waited for.
_LONGEST_WAIT: Final = 30.0
_CLOSED: Final = "unable to open database file"
# What SQLite's messages leave open.
_MEANINGS: Final = {
    "database is locked": "another program has had it open for writing for too long",
    "database disk image is malformed": "the file is damaged: restore a copy of it, "
    "or move it away, and the next sync asks for all windows again",
    "file is not a database": "the file is damaged, or of another program: move it away",
    "attempt to write a readonly database": "this user may not write to the file, or its folder",
}
_MOST_NAMED: Final = 500
_READ_AT_ONCE: Final = 200
_DAY: Final = timedelta(days=1)
# The modules of drivers whose packages have other names.
_PACKAGES: Final = {
    "psycopg": "psycopg[binary]",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
}


class StoreError(CloudOpenAPIError):
    """A store that does not answer or refuses; the message has no password."""


class State(NamedTuple):
    """A stored window without its answer; ``is_due`` is whether to ask for it again."""

    appid: str
    first_day: date
    is_due: bool


class Group(NamedTuple):
    """The stored windows of one mini program and series, in numbers."""

    appid: str
    api: str
    params: str
    span: str
    first_day: date
    last_day: date
    windows: int
    complete: int
    due: int

    @property
    def series(self) -> tuple[str, str, str]:
        """Return API, parameters and length of the windows."""
        return self.api, self.params, self.span


class Store:
    """The database at a URL of SQLAlchemy's, or the SQLite file at a path.

    Tables and views are made unless ``create`` is False; then a folder in which this process may
    not write is enough. Safe to share between threads. Raises
    ConfigError for an unusable URL; every method raises StoreError if the database fails.
    """

    def __init__(self, url: str = DEFAULT_STORE, *, create: bool = True) -> None:
        self._url = _url_of(url)
        self.name = _name_of(self._url)
        """The URL without its password and its query."""
        if not create and self._is_missing_file():
            raise self._empty()
        self._engine = _engine(self._url if create else _readable(self._url), create=create)
        with self._told():
            if create:
                self._create()
            elif not self._inspect().has_table(WINDOWS.name):
                raise self._empty()

    def __repr__(self) -> str:
        return f"<Store {self.name}>"

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def write(self, windows: Sequence[Window]) -> None:
        """Store answers and errors in one transaction; an answer replaces the former one."""
        answered = [_row(each) for each in windows if each.answer is not None]
        failed = [_failure(each, each.error) for each in windows if each.error is not None]
        self._commit(lambda connection: _write(connection, answered, failed))

    def pause(self, appid: str, api: str, until: date) -> None:
        """Remember that the day's quota is used up until a day, which is tomorrow."""
        row = {"appid": appid, "api": api, "until": until}
        self._commit(lambda connection: _put(connection, PAUSES, [row]))

    def paused(self, today: date) -> set[tuple[str, str]]:
        """Return the mini programs and APIs whose quota is used up today."""
        asked = sa.select(PAUSES).where(PAUSES.c.until > today)
        with self._told(), self._engine.connect() as connection:
            # A pause ends tomorrow, unless it is of a clock that was ahead.
            return {
                (row.appid, row.api)
                for row in connection.execute(asked)
                if row.until - today <= _DAY
            }

    def forget_failures_after(self, today: date) -> None:
        """Remove the failures of a clock that was ahead: they would outlast later answers."""
        ahead = FAILURES.c.asked > _end_of(today)
        with self._told(), self._engine.connect() as connection:
            found = connection.execute(sa.select(FAILURES.c.api).where(ahead).limit(1)).first()
        # A sync without news must not wait for another one that writes.
        if found is not None:
            self._commit(lambda connection: connection.execute(sa.delete(FAILURES).where(ahead)))

    def states(
        self, series: Series, first: date, last: date, appids: Collection[str], today: date
    ) -> Iterator[State]:
        """Yield the stored windows that begin between two days."""
        columns = (WINDOWS.c.appid, WINDOWS.c.first_day, _is_due(today))
        for row in self._rows(sa.select(*columns).where(*_within(series, first, last)), appids):
            yield State(*row)

    def count_known(
        self, series: Series, first: date, last: date, appids: Collection[str], today: date
    ) -> int:
        """Return how many windows that begin between two days have all keys of today."""
        asked = sa.select(WINDOWS.c.appid, sa.func.count()).where(
            *_within(series, first, last), ~_is_due(today)
        )
        rows = self._rows(asked.group_by(WINDOWS.c.appid), appids)
        return sum(count for _appid, count in rows)

    def groups(self, today: date) -> list[Group]:
        """Return the numbers of windows, those that lack a key and those that may get one today."""
        table, is_due = WINDOWS.c, _is_due(today)
        key = (table.appid, table.api, table.params, table.span)
        asked = sa.select(
            *key,
            sa.func.min(table.first_day),
            sa.func.max(table.last_day),
            sa.func.count(),
            sa.func.count(sa.case((table.due.is_(None) & ~is_due, 1))),
            sa.func.count(sa.case((is_due, 1))),
        ).group_by(*key)
        return [Group(*row) for row in self._rows(asked, None)]

    def failed_groups(self) -> list[Group]:
        """Return the mini programs and series with a failure, without numbers."""
        failed = FAILURES.c
        key = (failed.appid, failed.api, failed.params, failed.span)
        days = sa.func.min(failed.first_day), sa.func.max(failed.last_day)
        none = [sa.literal(0)] * 3
        rows = self._rows(sa.select(*key, *days, *none).group_by(*key), None)
        return [Group(*row) for row in rows]

    def errors(self) -> dict[tuple[str, str, str, str], dict[int, int]]:
        """Return how many windows failed last with a code, by API, parameters, length and appid."""
        failed = FAILURES.c
        same = [failed[name] == WINDOWS.c[name] for name in _KEY]
        answered = sa.exists().where(*same, WINDOWS.c.asked >= failed.asked)
        key = (failed.api, failed.params, failed.span, failed.appid)
        asked = sa.select(*key, failed.errcode, sa.func.count()).where(~answered)
        found: dict[tuple[str, str, str, str], dict[int, int]] = {}
        for *place, code, number in self._rows(asked.group_by(*key, failed.errcode), None):
            api, params, span, appid = place
            found.setdefault((api, params, span, appid), {})[code] = number
        return found

    def windows(
        self,
        series: Series,
        first: date,
        last: date,
        appids: Collection[str] | None = None,
        *,
        newest_first: bool = False,
    ) -> Iterator[Window]:
        """Yield the stored windows that begin between two days, the oldest first."""
        order = WINDOWS.c.first_day.desc() if newest_first else WINDOWS.c.first_day
        asked = sa.select(WINDOWS).where(*_within(series, first, last))
        return map(_window, self._rows(asked.order_by(order, WINDOWS.c.appid), appids))

    def asked_since(self, series: Series, moment: datetime | None) -> Iterator[Window]:
        """Yield the windows whose answers came at a moment in Beijing or later, in that order."""
        asked = sa.select(WINDOWS).where(*_of(series)).order_by(WINDOWS.c.asked)
        if moment is not None:
            asked = asked.where(WINDOWS.c.asked >= _naive(moment))
        return map(_window, self._rows(asked, None))

    def _rows(self, asked: sa.Select[Any], appids: Collection[str] | None) -> Iterator[Any]:
        """Yield the rows of a query for some mini programs, a part at a time."""
        named = appids is not None and len(appids) <= _MOST_NAMED
        if named:
            asked = asked.where(sa.column("appid").in_(appids or ()))
        with (
            self._told(),
            self._engine.connect() as connection,
            # If a reader stops early, PyMySQL expects that they are closed before the connection.
            connection.execution_options(yield_per=_READ_AT_ONCE).execute(asked) as rows,
        ):
            for row in self._readable_rows(rows):
                if named or appids is None or row.appid in appids:
                    yield row

    def _readable_rows(self, rows: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from rows
        except ValueError as error:
            # A program other than this one can write a row whose answer is not JSON or whose day is
            # not a date.
            raise StoreError(f"{self.name}: a row is damaged: {one_line(str(error))}") from None

    def _commit(self, change: Callable[[sa.Connection], object]) -> None:
        """Make a change in one transaction, again if another process was in its way."""
        ends = monotonic() + _LONGEST_WAIT
        with self._told():
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    with self._engine.begin() as connection:
                        change(connection)
                except DBAPIError:  # noqa: PERF203 - another process was in its way
                    if attempt == _ATTEMPTS or monotonic() >= ends:
                        raise
                    Event().wait(_PAUSE * attempt)
                else:
                    return

    def _inspect(self) -> sa.Inspector:
        """Connect. Raises ConfigError for options that the driver does not have."""
        try:
            return sa.inspect(self._engine)
        except TypeError:
            raise _invalid() from None

    def _create(self) -> None:
        self._inspect()
        METADATA.create_all(self._engine)
        known = sa.inspect(self._engine).get_view_names()
        missing = {n: s for n, s in views_for(self._engine.dialect).items() if n not in known}
        if missing:
            with self._engine.begin() as connection:
                for name, select in missing.items():
                    connection.exec_driver_sql(f"CREATE VIEW {name} AS {select}")

    def _is_missing_file(self) -> bool:
        if self._url.get_backend_name() != "sqlite":
            return False
        file = self._url.database or ""
        # SQLite's own URIs have options of their own.
        return not file.startswith("file:") and not (file and Path(file).exists())

    def _why_closed(self) -> str:
        """Return why SQLite cannot open a file; its own message says nothing about it."""
        path = Path(self._url.database or "")
        if path.is_dir():
            return "it is a folder"
        if not path.parent.is_dir():
            return f"the folder {path.parent} is missing"
        return "this user may not open the file, or not write to its folder"

    def _empty(self) -> ConfigError:
        return ConfigError(f"{self.name} has no windows: run cloud-openapi history sync first")

    @contextmanager
    def _told(self) -> Iterator[None]:
        failure = None
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            text = one_line(str(cause))
            for secret in _secrets_of(self._url):
                text = text.replace(secret, "***")
            meaning = self._why_closed() if text == _CLOSED else _MEANINGS.get(text)
            text = f"{text}: {meaning}" if meaning else text
            failure = StoreError(f"{self.name}: {text}")
        if failure is not None:
            raise failure


def _url_of(text: str) -> URL:
    """Return the URL of a store; a path is that of a SQLite file. Raises ConfigError."""
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        raise _invalid() from None


def _invalid() -> ConfigError:
    # SQLAlchemy's error repeats the text, which may hold a password.
    return ConfigError(
        "store is a path or a URL such as postgresql+psycopg2://USER:PASSWORD@HOST/DATABASE; "
        "this URL is invalid"
    )


def _name_of(url: URL) -> str:
    # Some drivers take the password from the query. SQLAlchemy would write Chinese in %XX.
    database = url.database or ""
    server = url.set(query={}, database="" if database else None)
    return server.render_as_string(hide_password=True) + database


def _secrets_of(url: URL) -> list[str]:
    named = [
        value
        for key, values in url.normalized_query.items()
        if "pass" in key.lower()
        for value in values
    ]
    return [secret for secret in (str(url.password or ""), *named) if secret]


def _readable(url: URL) -> URL:
    """Return the URL by which a SQLite file is read where this process may not write."""
    file = Path(url.database or "")
    is_file = url.get_backend_name() == "sqlite" and not str(file).startswith("file:")
    if not is_file or os.access(file.parent, os.W_OK):
        return url
    query = {"uri": "true", "mode": "ro"}
    if not file.with_name(f"{file.name}-shm").exists():
        # SQLite cannot create its -shm file in this folder. With immutable it needs none: it then
        # expects that no process writes the database.
        query["immutable"] = "1"
    return URL.create("sqlite", database=f"file:{quote(str(file))}", query=query)


def _engine(url: URL, *, create: bool) -> sa.Engine:
    options: dict[str, Any] = {"json_serializer": _compact}
    backend = url.get_backend_name()
    if backend in ("mysql", "mariadb"):
        options["json_serializer"] = _whole
        # Otherwise two processes that write neighbouring rows wait for each other.
        options["isolation_level"] = "READ COMMITTED"
    if backend != "sqlite":
        options["pool_pre_ping"] = True
    try:
        engine = sa.create_engine(url, hide_parameters=True, **options)
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(error.name or "", error.name or "")
        raise ConfigError(
            f"A store of {url.drivername} needs the package {error.name}, which is missing: "
            f"pip install {shlex.quote(package)}"
        ) from None
    except NoSuchModuleError:
        raise ConfigError(
            f"A store of {url.drivername} needs its dialect, which is missing. Known: sqlite, "
            "postgresql, mysql and those that SQLAlchemy's documentation lists."
        ) from None
    except (ArgumentError, ValueError):
        raise _invalid() from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _settle_sqlite if create else _wait_in_sqlite)
    return engine


def _settle_sqlite(connection: Any, _record: Any) -> None:
    """Let readers and other writers work meanwhile; a killed process leaves whole transactions."""
    _wait_in_sqlite(connection, _record)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _wait_in_sqlite(connection: Any, _record: Any) -> None:
    """Wait while another process writes, half a minute at most."""
    connection.execute(f"PRAGMA busy_timeout={_LONGEST_WAIT * 1000:.0f}")


def _compact(value: Any) -> str:
    return json_text(value, compact=True)


def _whole(value: Any) -> str:
    """Return JSON in which half a surrogate pair, which MariaDB refuses, is a question mark."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _of(series: Series) -> list[sa.ColumnElement[bool]]:
    return [
        WINDOWS.c.api == series.api,
        WINDOWS.c.params == series.params,
        WINDOWS.c.span == series.span,
    ]


def _within(series: Series, first: date, last: date) -> list[sa.ColumnElement[bool]]:
    return [*_of(series), WINDOWS.c.first_day.between(first, last)]


def _is_due(today: date) -> sa.ColumnElement[bool]:
    """Return whether a window may get a key on a day.

    An answer of a later day is of a clock that was ahead: it was asked for too early.
    """
    due, asked = WINDOWS.c.due, WINDOWS.c.asked
    return (due.is_not(None) & (due <= today)) | (asked > _end_of(today))


def _end_of(today: date) -> datetime:
    return datetime.combine(today, time.max)


def _window(row: Any) -> Window:
    span: Any = "window" if " " in row.span else row.span
    return Window(
        appid=row.appid,
        api=row.api,
        period=Period(span, row.first_day, row.last_day),
        answer=row.answer,
        asked=row.asked.replace(tzinfo=BEIJING),
        params=row.params,
        due=row.due,
    )


def _key(window: Window) -> dict[str, Any]:
    return {
        "appid": window.appid,
        "api": window.api,
        "params": window.params,
        "span": span_of(window.period),
        "first_day": window.period.begin,
        "last_day": window.period.end,
        "asked": _naive(window.asked),
    }


def _row(window: Window) -> dict[str, Any]:
    return {
        **_key(window),
        "ref_date": window.period.ref,
        "due": window.due,
        "answer": window.answer,
    }


def _failure(window: Window, error: CloudSDKError) -> dict[str, Any]:
    return {**_key(window), "errcode": error.errCode, "errmsg": error.errMsg}


def _naive(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("a window without a request is not stored")
    return moment.astimezone(BEIJING).replace(tzinfo=None, microsecond=0)


def _write(
    connection: sa.Connection, answered: list[dict[str, Any]], failed: list[dict[str, Any]]
) -> None:
    if answered:
        _put(connection, WINDOWS, answered)
    if failed:
        _put(connection, FAILURES, failed)


def _put(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, in place of those with the same key."""
    upsert = _upsert(connection.dialect.name, table)
    if upsert is not None:
        connection.execute(upsert, rows)
        return
    key = [column == sa.bindparam(f"old_{column.name}") for column in table.primary_key]
    old = [{f"old_{c.name}": row[c.name] for c in table.primary_key} for row in rows]
    connection.execute(sa.delete(table).where(*key), old)
    connection.execute(sa.insert(table), rows)


@lru_cache(maxsize=16)
def _upsert(dialect: str, table: sa.Table) -> Any:
    """Return the statement of a database that replaces rows, None if it has none."""
    from sqlalchemy.dialects import mysql, postgresql, sqlite  # noqa: PLC0415 - they take a while

    rest = [column.name for column in table.columns if not column.primary_key]
    if dialect in ("mysql", "mariadb"):
        replaced = mysql.insert(table)
        return replaced.on_duplicate_key_update({name: replaced.inserted[name] for name in rest})
    if dialect not in ("sqlite", "postgresql"):
        return None
    insert: Any = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    values = {name: insert.excluded[name] for name in rest}
    key = list(table.primary_key.columns)
    return insert.on_conflict_do_update(index_elements=key, set_=values)
