"""The implementation of the fixtures in pytest_cloud_openapi.py."""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cloud_openapi._cloud import Cloud
from cloud_openapi.demo import secret_for
from cloud_openapi.emulator import (
    Emulator,
    Server,
    create_app,
    emulator_variables,
    listen,
    url_of,
)
from cloud_openapi.emulator.cloudbase.function_time import moved_clock
from cloud_openapi.emulator.database.databases import NOTHING
from cloud_openapi.emulator.sources.modes import Modes
from cloud_openapi.emulator.sources.source import SourceSettings
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.mode import Mode
from cloud_openapi.periods import NOW_VARIABLE, parse_now
from cloud_openapi.runtime import Functions, MovedClock, find_project, nothing_found
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

if TYPE_CHECKING:
    from cloud_openapi.documents import Collection
    from cloud_openapi.emulator.database.database import Database
    from cloud_openapi.emulator.database.opening import Given
    from cloud_openapi.emulator.mini_program import MiniProgram
    from cloud_openapi.emulator.storage.files import Files

_MARKS = ("now", "seed", "faults", "pins", "recording", "function_time", "database")
_FUNCTION_TIMES = ("machine", "emulator")
_GOOD = 200
_NAME = re.compile(r"[^\w.-]+")
_UNSAFE = re.compile(r"[^\w.\[\]-]+")
# Bytes; most disks allow 255, and a file is written under a longer name first.
_LONGEST_NAME = 160


class FunctionFailedError(CloudOpenAPIError, AssertionError):
    """A function failed or could not be run; the message is the platform's."""


class Session:
    """An emulator with the functions of a project, on a free port.

    A process that a test forks has a copy of the emulator, and serves it on another port.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.first_config = config.rootpath / config.getini("cloud_openapi_config")
        self.emulator = Emulator(seeds=_folder(config).absolute().parent)
        # Commands in the reasons of failures are pasted after the run.
        self.emulator.lasting = False
        self.emulator.open_data()
        self._function_time = "machine"
        self._serve()

    def _serve(self) -> None:
        self._process = os.getpid()
        self._listening = listen("127.0.0.1", 0)
        self._url = url_of(self._listening)
        self._functions = Functions(
            _folder(self._config),
            emulator_variables(self._url, self.emulator),
            config=self.first_config,
            clock=self._clock,
        )
        self.app: Any = create_app(self.emulator, self._functions)
        self._server = Server(self.app, self._listening, self.emulator.never_blocks)
        self._server.__enter__()

    def _clock(self) -> MovedClock | None:
        return moved_clock(self.emulator) if self._function_time == "emulator" else None

    def _serve_here(self) -> None:
        if self._process != os.getpid():
            self._serve()

    @property
    def url(self) -> str:
        """Return the emulator's address in this process."""
        self._serve_here()
        return self._url

    @property
    def functions(self) -> Functions:
        """Return the functions, which call the emulator of this process."""
        self._serve_here()
        return self._functions

    def close(self) -> None:
        """Stop the server and the functions."""
        self.emulator.faults.clear()
        self._functions.close()
        self._server.close()
        # A request may have started another worker meanwhile.
        self._functions.close()
        self._listening.close()

    def client(self) -> Any:
        """Return a Flask test client of the emulator, which needs no socket."""
        return self.app.test_client()

    def begin(self, node: pytest.Item) -> "CloudEmulator":
        """Reset the emulator and apply the test's marker.

        Appid and numbers of the mini program depend only on the test's name, not on the order or
        the process of the tests.
        """
        marks = marks_of(node)
        emulator = self.emulator
        emulator.modes = _modes(emulator)
        emulator.databases.given = _collections(node, marks.get("database", NOTHING))
        emulator.reset()
        appid = "wx" + sha256(node.nodeid.encode()).hexdigest()[:16]
        emulator.configure_app(appid, secret=secret_for(appid))
        # Functions call with the first appid.
        emulator.first_appid = appid
        self._function_time = marks.get("function_time", "machine")
        if self._function_time not in _FUNCTION_TIMES:
            raise pytest.UsageError(
                f"{node.nodeid}: function_time is {' or '.join(_FUNCTION_TIMES)}"
            )
        if "seed" in marks:
            emulator.reseed(marks["seed"])
        if "now" in marks:
            _freeze(emulator, marks["now"])
        for fault in marks.get("faults", ()):
            emulator.faults.add(fault)
        for pin in marks.get("pins", ()):
            emulator.pins.add(pin)
        return CloudEmulator(self, appid)

    def use_recording(self, node: pytest.Item) -> Path:
        """Answer from the test's recordings, or make them with --record; return their file."""
        given = marks_of(node).get("recording")
        folder = node.path.parent / "recordings" / node.path.stem
        place = node.path.parent / given if given else folder / f"{cassette_name(node)}.yaml"
        former = folder / f"{_NAME.sub('-', node.name).strip('-')}.yaml"
        mode: Mode = "replay"
        if self._config.getoption("cloud_openapi_record"):
            mode = "record"
            place.unlink(missing_ok=True)
        elif not (given or place.exists() or _is_of_module(former.stem, node)) and _is_file(former):
            # Formerly a file had the test's name alone, without its class.
            place = former
        self.emulator.modes = _modes(self.emulator, mode, place)
        return place


class CloudEmulator:
    """The emulator of one test. ``appid`` is the test's own mini program.

    ``clock``, ``faults`` and ``pins`` are those of ``emulator``, the `Emulator`.
    """

    def __init__(self, session: Session, appid: str) -> None:
        self.emulator = session.emulator
        self.appid = appid
        self.secret = secret_for(appid)
        self.clock = self.emulator.clock
        self.faults = self.emulator.faults
        self.pins = self.emulator.pins
        self._session = session

    def __repr__(self) -> str:
        return f"<CloudEmulator {self.url}, {self.appid}>"

    @property
    def url(self) -> str:
        """Return the emulator's address."""
        return self._session.url

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables for another program that calls the emulator."""
        return emulator_variables(self.url, self.emulator)

    def journal(self, **filters: Any) -> list[dict[str, Any]]:
        """Return the requests of this test, as `Emulator.journal_entries` does."""
        return self.emulator.journal_entries(**filters)

    def transcript(self) -> str:
        """Return the journal as text, a line for each request."""
        lines = [
            f"{entry['time'][11:19]} {entry['via']:7} {entry['api'] or entry['path']} "
            f"{entry['body']} -> {entry['errcode']}, {entry['check']}"
            for entry in self.journal()
        ]
        return "\n".join(lines) or "There were no requests."

    @property
    def database(self) -> "Database":
        """Return the database of the test's mini program."""
        return self.emulator.program(self.appid).database

    def replay(self, path: str | Path) -> None:
        """Answer only from recordings, a file or a folder.

        Raises RecordingError for invalid recordings.
        """
        self.emulator.modes = _modes(self.emulator, "replay", Path(path))

    def facade(self) -> Cloud:
        """Return a facade for the test's mini program, which needs no socket."""
        cloud = Cloud()
        transport = HTTPSTransport(WSGIExchange(self._session.app), self.appid, self.secret)
        cloud.init(transport=transport, config=self._session.first_config)
        return cloud

    def invoke(self, name: str, event: Any = None, *, source: str = "wx_client") -> Any:
        """Invoke a function of the project with an event, an empty object by default.

        Raises FunctionFailedError if the function fails, KeyError if it does not exist.
        """
        functions = self._session.functions
        if name not in functions:
            known = ", ".join(functions) or f"none. {nothing_found(functions.folder)}"
            raise KeyError(f"There is no function {name!r} in {functions.folder}: {known}")
        now = self.emulator.clock_of(self.appid).now()
        outcome = functions.invoke(name, {} if event is None else event, now, source)
        # pytest captures stderr, and shows it if the test fails.
        sys.stderr.write(outcome.log)
        if outcome.status != _GOOD:
            # The reason comes first: pytest's summary shows the beginning of the message.
            parts = (name, outcome.reason, json.dumps(outcome.result, ensure_ascii=False))
            raise FunctionFailedError(": ".join(filter(None, parts)))
        return outcome.result


def cassette_name(node: pytest.Item) -> str:
    """Return the file name of a test's recording, without suffix, unique within its module.

    ``Class.test[parameters]``; with a hash if that is no file name, or too long for one, or if the
    parameters have capitals, which some disks do not distinguish.
    """
    exact = ".".join(_names(node))
    name = _UNSAFE.sub("-", exact).strip("-.") or "test"
    if len(name.encode()) > _LONGEST_NAME:
        name = name.encode()[:_LONGEST_NAME].decode("utf-8", "ignore")
    parameters = node.name.partition("[")[2]
    if name == exact and parameters == parameters.lower():
        return name
    return f"{name}-{sha256(exact.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _is_of_module(name: str, node: pytest.Item) -> bool:
    """Return whether a test's module has a test of this name, collected or not."""
    return hasattr(getattr(node.getparent(pytest.Module), "obj", None), name)


def _names(node: pytest.Item) -> list[str]:
    """Return the names of a test and of its classes or blocks, from the outermost one."""
    chain = node.listchain()
    module = max(at for at, one in enumerate(chain) if isinstance(one, pytest.File))
    return [one.name for one in chain[module + 1 :]]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # The name is too long for a file.
        return False


def marks_of(node: pytest.Item) -> dict[str, Any]:
    """Return the keywords of a test's markers; the nearest marker wins. Raises UsageError."""
    found: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("cloud_openapi"))):
        if mark.args or mark.kwargs.keys() - set(_MARKS):
            raise pytest.UsageError(
                f"{node.nodeid}: @pytest.mark.cloud_openapi takes the keywords {', '.join(_MARKS)}"
            )
        found.update(mark.kwargs)
    if "now" in found:
        found["now"] = _moment(node, found["now"])
    return found


def environment_of(node: pytest.Item) -> Mapping[str, str]:
    """Return the environment variables that a test's markers require."""
    now = marks_of(node).get("now")
    return {} if now is None else {NOW_VARIABLE: now.isoformat()}


class CloudDatabase:
    """The cloud database of one test: ``cloud_database["todos"]`` is a collection.

    A collection has the methods of pymongo's; a name that does not exist yet is created.
    """

    def __init__(self, emulator: CloudEmulator) -> None:
        self._emulator = emulator

    def __repr__(self) -> str:
        return f"<CloudDatabase {', '.join(self.names()) or 'without collections'}>"

    def __getitem__(self, name: str) -> "Collection":
        """Return a collection.

        Raises DatabaseError for an invalid name, and if its file could not be read.
        """
        collection: Collection = self._emulator.database.collection(name)
        return collection

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def names(self) -> list[str]:
        """Return the names of the collections, sorted."""
        return self._emulator.database.names()

    def reset(self) -> None:
        """Go back to what the test began with."""
        self._emulator.emulator.reset_database(self._emulator.appid)


class CloudStorage(MutableMapping[str, bytes]):
    """The files of one test: the content of each by its path, such as ``images/a.png``.

    To set or delete one writes or removes the file; an invalid path raises ValueError.
    """

    def __init__(self, emulator: CloudEmulator) -> None:
        self._emulator = emulator

    def __repr__(self) -> str:
        return f"<CloudStorage {', '.join(self) or 'without files'}>"

    def __getitem__(self, path: str) -> bytes:
        found = self._files.get(path)
        if found is None:
            raise KeyError(path)
        return found.content.read_bytes()

    def __setitem__(self, path: str, content: bytes) -> None:
        self._files.write(path, [content], self._program.clock.now())

    def __delitem__(self, path: str) -> None:
        if not self._files.remove(path):
            raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        return iter([path for path, _file in self._files.listed()])

    def __len__(self) -> int:
        return len(self._files.listed())

    def reset(self) -> None:
        """Go back to the files of the project's folder storage."""
        self._files.reset()

    @property
    def _program(self) -> "MiniProgram":
        return self._emulator.emulator.program(self._emulator.appid)

    @property
    def _files(self) -> "Files":
        return self._program.storage.files


def _collections(node: pytest.Item, given: Any) -> "Given":
    """Return the collections of a marker, a mapping or a folder beside the test's module.

    Raises UsageError.
    """
    if not given and isinstance(given, Mapping):
        return NOTHING
    from cloud_openapi.emulator.database.opening import read_given  # noqa: PLC0415

    folder = node.path.parent / str(given)
    collections: Given = given if isinstance(given, Mapping) else Path(folder)
    wrong = [] if isinstance(given, Mapping) or folder.is_dir() else [f"{folder} is missing"]
    try:
        wrong = wrong or list(read_given(collections).unread.values())
    except ValueError as error:
        wrong = [str(error)]
    if wrong:
        raise pytest.UsageError(f"{node.nodeid}: database: {wrong[0]}")
    return collections


def _folder(config: pytest.Config) -> Path:
    given = config.getoption("cloud_openapi_functions") or config.getini("cloud_openapi_functions")
    return find_project(config.rootpath, config.rootpath / given if given else None).functions


def _modes(emulator: Emulator, mode: Mode = "simulate", place: Path | None = None) -> Modes:
    appid, secret = map(os.environ.get, ("CLOUD_OPENAPI_APPID", "CLOUD_OPENAPI_SECRET"))
    app = (appid, secret) if appid and secret else None
    upstream = os.environ.get("CLOUD_OPENAPI_UPSTREAM")
    return Modes(mode, SourceSettings(emulator.catalogue, place, upstream, app))


def _moment(node: pytest.Item, now: Any) -> datetime | None:
    if now is None or isinstance(now, datetime):
        return now
    try:
        moment = parse_now(now)
    except (TypeError, ValueError):
        moment = None
    if moment is None:
        raise pytest.UsageError(
            f"{node.nodeid}: now is a time such as '2026-03-11T10:00', not {now!r}"
        )
    return moment


def _freeze(emulator: Emulator, moment: datetime | None) -> None:
    # Run from there first, so that no timer of a function fires for the time in between.
    emulator.clock.run(moment)
    emulator.clock.freeze(moment)
