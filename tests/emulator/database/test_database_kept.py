"""Documents that outlast the process: --data."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from types import SimpleNamespace

import pytest
from support.database import DatabaseGateway

from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.database.failures import DatabaseError
from cloud_openapi.emulator.database.kept import FILE
from cloud_openapi.emulator.database.kept import Kept as KeptFile
from cloud_openapi.emulator.database.transfer import import_records

DOCUMENTS = [{"_id": 1, "n": 1}, {"_id": 1.5, "f": 2.0}, {"_id": "a", "at": {"$date": 5}}]


class Kept:
    def __init__(self, tmp_path):
        self.seeds, self.data = tmp_path / "project", tmp_path / "data"
        (self.seeds / "database").mkdir(parents=True)
        self.seed(todos=DOCUMENTS)
        self.emulator = None

    def seed(self, **collections):
        for name, documents in collections.items():
            (self.seeds / "database" / f"{name}.json").write_text(json.dumps(documents))

    def run(self):
        """Begin another run, and return the database."""
        if self.emulator is not None:
            self.emulator.databases.close()
        self.emulator = Emulator(seeds=self.seeds, data=self.data)
        return self.database

    @property
    def database(self):
        return self.emulator.program(self.emulator.first_appid).database

    @property
    def file(self):
        return self.data / self.emulator.first_appid / "database" / FILE


@pytest.fixture
def kept(tmp_path):
    kept = Kept(tmp_path)
    yield kept
    if kept.emulator is not None:
        kept.emulator.databases.close()


def test_changes_are_there_in_the_next_run(kept):
    database = kept.run()
    database.create_collection("new")
    database.insert("new", [{"_id": "x", "o": {"l": [1, None, True, "中"]}}])
    database.update("todos", {"_id": 1}, {"$set": {"n": 2}})
    database.delete("todos", {"_id": "a"})
    before = {name: database.find(name, {}) for name in database.names()}
    database = kept.run()
    assert {name: database.find(name, {}) for name in database.names()} == before
    assert before["todos"] == [{"_id": 1, "n": 2}, {"_id": 1.5, "f": 2.0}]
    assert type(database.find("todos", {})[1]["f"]) is float
    database.drop_collection("new")
    assert kept.run().names() == ["todos"]


def test_a_transaction_is_kept_when_it_is_committed(kept):
    database = kept.run()
    rolled_back, committed = database.transactions.start(), database.transactions.start()
    database.insert("todos", [{"_id": "no"}], rolled_back)
    database.insert("todos", [{"_id": "yes"}], committed)
    database.transactions.abort(rolled_back)
    database.commit(committed)
    ids = [each["_id"] for each in kept.run().find("todos", {})]
    assert ids == [1, 1.5, "a", "yes"]


def test_a_reset_goes_back_to_the_seed_also_on_disk(kept):
    database = kept.run()
    database.delete("todos", {}, many=True)
    database.create_collection("new")
    kept.emulator.reset()
    assert kept.database.count("todos", {}) == 3
    # A request that the reset has overtaken writes into what was discarded.
    database.insert("todos", [{"_id": "late"}])
    assert kept.run().count("todos", {}) == 3
    kept.run()
    kept.emulator.reset_database(kept.emulator.first_appid)
    assert kept.run().names() == ["todos"]


def test_collections_that_are_new_in_the_seed_are_added(kept):
    kept.run().delete("todos", {}, many=True)
    kept.seed(users=[{"_id": "u"}])
    database = kept.run()
    assert (database.count("todos", {}), database.count("users", {})) == (0, 1)


def test_unique_indexes_are_kept(kept):
    (kept.seeds / "database" / "collections.json").write_text('{"users": {"unique": ["phone"]}}')
    kept.run()
    database = kept.run()
    database.insert("users", [{"phone": 1}])
    with pytest.raises(DatabaseError, match="E11000"):
        database.insert("users", [{"phone": 1}])


def test_ids_of_two_runs_differ(kept):
    ids = {kept.run().insert("todos", [{}])[0] for _ in range(3)}
    assert len(ids) == 3


def test_mini_programs_are_kept_apart(kept):
    kept.run().insert("todos", [{"_id": "own"}])
    kept.emulator.configure_app("wxother", secret="s")
    assert kept.emulator.program("wxother").database.count("todos", {"_id": "own"}) == 0


def test_a_write_that_fails_is_undone_and_named(kept, monkeypatch):
    database = kept.run()

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    backend = database._backend
    monkeypatch.setattr(backend._kept, "put", full)
    with pytest.raises(DatabaseError) as failure:
        database.update("todos", {}, {"$set": {"n": 9}}, many=True)
    assert "disk is full" in failure.value.reason
    assert [each.get("n") for each in database.find("todos", {})] == [1, None, None]


def test_a_failed_write_is_an_error_until_the_file_can_be_read(kept, monkeypatch):
    def unreadable(*_):
        raise sqlite3.OperationalError("disk I/O error")

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    gateway = DatabaseGateway(seeds=kept.seeds, data=kept.data)
    kept.emulator = gateway.emulator
    file = kept.database._backend._kept
    with monkeypatch.context() as patched:
        patched.setattr(file, "put", full)
        patched.setattr(file, "load", unreadable)
        new = {"collectionName": "todos", "data": {"_id": "new"}}
        for action, fields in [("addDocument", new), ("countDocument", new), ("addDocument", new)]:
            answer = gateway.act(action, **fields)
            assert answer["code"] == "DATABASE_REQUEST_FAILED"
            assert answer["message"] == "[FailedOperation] the data cannot be read"
            assert "(database or disk is full)" in gateway.last.reason
            assert f"from {kept.file} (disk I/O error)" in gateway.last.reason
        page = gateway.client.get("/_console/database")
        assert (page.status_code, "disk I/O error" in page.text) == (400, True)
        assert gateway.client.get("/_emulator/database").status_code == 400
    assert kept.database.count("todos", {}) == 3
    kept.database.insert("todos", [{"_id": "later"}])
    assert kept.run().find("todos", {})[-1] == {"_id": "later"}


def test_a_write_beside_a_late_undo_is_not_lost(kept, monkeypatch):
    def fail(*_):
        raise RecursionError  # its text is empty

    database = kept.run()
    file = database._backend._kept
    with monkeypatch.context() as patched:
        patched.setattr(file, "put", fail)
        patched.setattr(file, "load", fail)
        with pytest.raises(RecursionError):
            database.insert("todos", [{"_id": "new"}])
    read = file.load
    other = threading.Thread(target=lambda: database.insert("todos", [{"_id": "other"}]))

    def read_slowly():
        monkeypatch.setattr(file, "load", read)
        content = read()
        other.start()
        other.join(0.3)
        return content

    monkeypatch.setattr(file, "load", read_slowly)
    assert database.count("todos", {"_id": "new"}) == 0
    other.join()
    assert [each["_id"] for each in database.find("todos", {})] == [1, 1.5, "a", "other"]


@pytest.fixture
def full(kept):
    """Return functions that fill and empty the disk of an emulator, as SQLite sees it."""
    kept.run()
    connection = kept.emulator.databases._opener._kept_of(kept.emulator.first_appid)._db
    (pages,) = connection.execute("PRAGMA page_count").fetchone()

    def limit(most):
        connection.execute(f"PRAGMA max_page_count = {most}")

    return SimpleNamespace(fill=lambda: limit(pages), empty=lambda: limit(2**30))


LONG = {"_id": "long", "text": "x" * 100_000}


def test_a_reset_on_a_full_disk_loses_nothing_and_later_writes_are_kept(kept, full):
    kept.database.insert("todos", [{"_id": "own"}])
    kept.seed(todos=[LONG])
    full.fill()
    for reset in (kept.emulator.reset_database, kept.emulator.reset_app):
        with pytest.raises(OSError, match="disk is full") as failure:
            reset(kept.emulator.first_appid)
        assert failure.value.filename == str(kept.file.parent)
        assert kept.database.count("todos", {}) == 4
    full.empty()
    kept.database.insert("todos", [{"_id": "later"}])
    assert [each["_id"] for each in kept.run().find("todos", {})][3:] == ["own", "later"]
    kept.emulator.reset_database(kept.emulator.first_appid)
    assert kept.database.find("todos", {}) == [LONG]


def test_an_import_on_a_full_disk_names_the_disk_and_leaves_no_collection(kept, full):
    full.fill()
    with pytest.raises(DatabaseError) as failure:
        import_records(kept.database, "new", [LONG], "insert")
    assert "disk is full" in failure.value.reason
    assert kept.database.names() == ["todos"]
    full.empty()
    assert import_records(kept.database, "new", [LONG], "insert") == (1, 0)


def test_a_full_disk_is_told_to_a_function_that_opens_the_database(kept, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(KeptFile, "_next_run", full)
    gateway = DatabaseGateway(seeds=kept.seeds, data=kept.data)
    answer = gateway.act("getDocument", collectionName="todos")
    assert answer["code"] == "SYS_ERR"
    assert "database or disk is full" in answer["message"]


ODD = [
    # A text of JavaScript that was cut within an emoji.
    {"_id": "cut \ud83d", "text": "\udfff"},
    {"_id": 1e29},
    {"_id": -0.0},
    {"_id": 2.0**53},
    {"_id": float("inf"), "n": float("-inf")},
    {"_id": {"a": [1, "\0"]}},
    {"_id": "\0\u2028\x7f", "": {"": [[None]]}},
    {"_id": True},
]


def test_odd_values_are_kept(kept):
    kept.run().insert("todos", ODD)
    before = kept.database.find("todos", {})
    assert kept.run().find("todos", {}) == before
    for each in ODD:
        assert kept.database.delete("todos", {"_id": each["_id"]}) == 1
    kept.database.update("todos", {"_id": 0.0}, {"$set": {"n": 1}}, upsert=True)
    assert [each["_id"] for each in kept.run().find("todos", {})] == [1, 1.5, "a", 0]


def test_dates_of_the_engine_are_the_same_in_the_next_run(kept):
    kept.run().update("todos", {}, {"$currentDate": {"at": True}}, many=True)
    before = kept.database.find("todos", {})
    assert kept.run().find("todos", {}) == before


def test_a_write_that_fails_in_any_way_is_undone(kept, monkeypatch):
    database = kept.run()

    def fail(*_):
        raise RecursionError

    monkeypatch.setattr(database._backend._kept, "put", fail)
    with pytest.raises(RecursionError):
        database.insert("todos", [{"_id": "new"}])
    assert database.count("todos", {}) == 3


def test_a_file_of_something_else_is_an_error(kept):
    kept.run()
    kept.emulator.databases.close()
    kept.file.write_bytes(b"not a database" * 100)
    with pytest.raises(ValueError, match=r"documents\.sqlite cannot be used: .*: move it away"):
        kept.run()


def test_advice_for_a_folder_that_cannot_be_written_costs_no_data(kept):
    kept.run()
    kept.emulator.databases.close()
    kept.file.unlink()
    # A folder in its place is what any user gets refused, also one who may write everywhere.
    kept.file.mkdir()
    with pytest.raises(ValueError, match=r"documents\.sqlite cannot be .*: check that the folder"):
        kept.run()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET body = '{'",
        "UPDATE documents SET collection = 'none'",
        "UPDATE collections SET indexes = '5'",
    ],
)
def test_a_damaged_row_is_an_error_with_the_file(kept, change):
    kept.run()
    kept.emulator.databases.close()
    with closing(sqlite3.connect(kept.file)) as connection, connection:
        connection.execute(change)
    with pytest.raises(ValueError, match=r"documents\.sqlite is damaged: .*: move it away"):
        kept.run()


WRITER = """
import sys
from cloud_openapi.emulator import Emulator
emulator = Emulator(data=sys.argv[1])
database = emulator.program(emulator.first_appid).database
if "c" not in database.names():
    database.create_collection("c")
number = int(sys.argv[2])
while True:
    database.insert("c", [{"_id": number}])
    database.update("c", {"_id": number}, {"$set": {"done": True}})
    print(number, flush=True)
    number += 1
"""


def killed(folder, first, lines):
    """Write documents until a number of them is acknowledged, kill, and return the last one."""
    command = [sys.executable, "-c", WRITER, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        for _ in range(lines):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        return max([last, *map(int, writer.stdout.read().split("\n")[:-1])])


@pytest.mark.slow
def test_after_a_hundred_kills_all_that_was_acknowledged_is_there(tmp_path):
    last, unfinished = 0, set()
    for turn in range(100):
        last = killed(tmp_path, last + 2, 1 + turn % 7)
        emulator = Emulator(data=tmp_path)
        found = emulator.program(emulator.first_appid).database.find("c", {})
        emulator.databases.close()
        done = {each["_id"] for each in found if each.get("done")}
        assert last in done
        # A document may be written whose line was not.
        unfinished.add(last + 1)
        assert {each["_id"] for each in found} - done <= unfinished
