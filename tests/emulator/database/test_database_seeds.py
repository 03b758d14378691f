"""What a database begins with, and goes back to: files beside the functions."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.database import DatabaseGateway

from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator import emulator as emulator_module
from cloud_openapi.emulator.database import opening
from cloud_openapi.emulator.database.failures import missing_collection
from cloud_openapi.emulator.database.seed import Seed
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.reasons import local_options, options_for


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "database").mkdir()
    return tmp_path / "database"


def database_of(folder):
    emulator = Emulator(seeds=folder.parent)
    return emulator.program(emulator.first_appid).database


def write(folder, **files):
    for name, content in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(content, "utf-8")


def test_files_beside_the_functions_are_collections(folder):
    write(
        folder,
        todos_json='{"_id": "a", "done": false}\n{"text": "b"}',
        users_csv="_id,name\nu,安",
        collections_json='{"logs": {}, "users": {"unique": ["name"]}}',
    )
    (folder / "README.md").write_text("not a collection")
    database = database_of(folder)
    assert database.names() == ["logs", "todos", "users"]
    assert database.find("users", {}) == [{"_id": "u", "name": "安"}]
    first, second = database.find("todos", {})
    assert first == {"_id": "a", "done": False}
    assert (len(second["_id"]), second["text"]) == (32, "b")
    # Ids that files do not have are the same in each run.
    assert database_of(folder).find("todos", {})[1] == second
    (users,) = [each for each in database.describe() if each["name"] == "users"]
    assert users["indexes"] == [{"fields": {"name": 1}, "unique": True}]


def test_other_endings_of_the_formats_are_read(folder):
    write(
        folder,
        todos_jsonl='{"_id": "a"}\n{"_id": "b"}\n',
        users_JSON='[{"_id": "u", "age": 1}]',
        cities_CSV="_id\nc",
        collections_JSON='{"logs": {}, "users": {"unique": ["name"]}}',
    )
    database = database_of(folder)
    assert database.unread == {}
    assert database.names() == ["cities", "logs", "todos", "users"]
    assert database.find("todos", {}) == [{"_id": "a"}, {"_id": "b"}]
    assert database.find("cities", {}) == [{"_id": "c"}]
    assert database.describe()[-1]["indexes"] == [{"fields": {"name": 1}, "unique": True}]
    write(folder, todos_json="{}")
    assert "a collection is one file" in database_of(folder).unread["todos"]


def test_documents_of_the_collection_collections_are_no_second_declaration(folder):
    write(folder, collections_JSON='[{"_id": "a"}]')
    if (folder / "collections.json").exists():
        pytest.skip("file names ignore case here")
    write(folder, collections_json='["two"]')
    assert database_of(folder).names() == ["collections", "two"]


def test_byte_that_is_not_utf_8_is_counted_with_the_mark_before_it(folder):
    (folder / "todos.json").write_bytes(b"\xef\xbb\xbf[\xd6")
    assert "byte 5 is not UTF-8" in database_of(folder).unread["todos"]


def test_declarations_are_one_file_whatever_the_case_of_its_ending(folder):
    # Where file names ignore case, the second one would replace the first.
    write(folder, collections_JSON='["one"]')
    if (folder / "collections.json").exists():
        pytest.skip("file names ignore case here")
    write(folder, collections_json='["two"]', todos_csv="_id\na")
    database = database_of(folder)
    assert database.names() == ["one", "todos"]
    why = "collections.json: another file declares collections: write all into one"
    assert why in database.unread["collections"]


def test_a_declared_index_is_unique_and_a_list_declares_names(folder):
    write(folder, collections_json='{"users": {"unique": ["phone", ["city", "name"]]}}')
    gateway = DatabaseGateway(seeds=folder.parent)
    gateway.data("addDocument", collectionName="users", data={"phone": "1"})
    answer = gateway.act("addDocument", collectionName="users", data={"phone": "1"})
    assert "E11000 duplicate key error collection: tnt-local.users" in answer["message"]
    write(folder, collections_json='["one", "two"]')
    assert database_of(folder).names() == ["one", "two"]


def test_records_in_the_file_of_declarations_are_a_collection(folder):
    write(folder, collections_json='{"_id": "a", "majorId": 1}\n{"_id": "b"}', users_json="[]")
    database = database_of(folder)
    assert database.names() == ["collections", "users"]
    assert [each["_id"] for each in database.find("collections", {})] == ["a", "b"]


UNREAD = {
    "todos_json": ('{"a": 1}\n{', "todos.json: line 2, column"),
    "todos_csv": ("a,a\n", "todos.csv: line 1: two fields"),
    "todo$s_json": ("{}", "is not the name of a collection"),
    "twice_json": ('{"_id": 1}{"_id": 1}', "twice: record 2: E11000 duplicate key"),
    "bad_json": ('{"$x": 1}', "bad: record 1: "),
    "collections_json": ('{"a": {"unique": 5}}', "a: an index is the name of a field"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_a_file_that_cannot_be_read_leaves_the_others(folder, name):
    content, message = UNREAD[name]
    write(folder, **{name: content}, good_json='{"_id": 1}')
    database = database_of(folder)
    assert "good" in database.names()
    (reason,) = database.unread.values()
    assert message in reason


@pytest.mark.parametrize("name", ["todos.json", "todos.csv", "collections.json"])
def test_a_file_in_another_encoding_names_the_byte(folder, name):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text('["商店"]', "gbk")
    (reason,) = database_of(folder).unread.values()
    assert reason == f"{folder / name}: byte 3 is not UTF-8; save it as UTF-8"


def test_the_reason_of_a_missing_collection_names_its_file(folder):
    write(folder, todos_json="{")
    gateway = DatabaseGateway(seeds=folder.parent)
    answer = gateway.act("getDocument", collectionName="todos")
    assert answer["code"] == "DATABASE_COLLECTION_NOT_EXIST"
    assert "todos.json: line 1, column 2" in gateway.last.reason


def test_the_reason_of_a_missing_collection_is_a_sentence_with_a_command(folder):
    write(folder, todos_json="[5]")
    gateway = DatabaseGateway(seeds=folder.parent)
    gateway.act("getDocument", collectionName="todos")
    assert gateway.last.reason == (
        f"there is no collection todos: {folder / 'todos.json'}: record 1: a record is an object, "
        "not 5; correct it, then: cloud-openapi database reset --url http://localhost:80"
    )
    gateway.act("getDocument", collectionName="it's new")
    command = """database create 'it'"'"'s new' --url http://localhost:80"""
    assert gateway.last.reason.endswith(command)
    # This emulator will have ended: a command to another one changes nothing.
    gateway.emulator.lasting = False
    gateway.act("getDocument", collectionName="new")
    assert gateway.last.reason == (
        "there is no collection new: the collections are none; to declare it, list it in "
        "database/collections.json beside the functions"
    )
    gateway.act("getDocument", collectionName="todos")
    assert gateway.last.reason.endswith("a record is an object, not 5; correct it")


def test_the_reason_of_a_record_keeps_its_command_for_options():
    of_record = missing_collection("new", []).of_record(1)
    assert of_record.reason.startswith("record 2: there is no collection new: ")
    assert of_record.reason_with(" --appid wx1").endswith(" database create new --appid wx1")


def test_an_emulator_at_the_default_url_needs_no_options():
    assert local_options({"SERVER_PORT": "7070"}, lasting=True) == ""
    assert options_for("http://127.0.0.1:7070") == ""
    # Shells take brackets for a pattern.
    assert options_for("http://[::1]:7070") == " --url 'http://[::1]:7070'"
    assert options_for("http://localhost:7070", "wx'other") == """ --appid 'wx'"'"'other'"""


def test_a_file_in_place_of_the_folder_is_the_reason_of_any_missing_collection(folder):
    folder.rmdir()
    folder.touch()
    gateway = DatabaseGateway(seeds=folder.parent)
    gateway.act("getDocument", collectionName="users")
    why = f"no collection users: {folder} cannot be read: Not a directory; correct it"
    assert why in gateway.last.reason
    folder.unlink()
    folder.mkdir()
    gateway.emulator.reset()
    gateway.act("getDocument", collectionName="users")
    assert "the collections are none" in gateway.last.reason


def test_declarations_that_cannot_be_read_are_the_reason_of_any_missing_collection(folder):
    write(folder, collections_json='["users"', todos_json="{}")
    gateway = DatabaseGateway(seeds=folder.parent)
    gateway.act("getDocument", collectionName="users")
    assert f"no collection users: {folder / 'collections.json'}: line 1" in gateway.last.reason


@pytest.mark.parametrize(("csv", "json"), [("a\n1", "{}"), ("a,a\n", "{}"), ("a\n1", "{")])
def test_two_files_of_one_collection_are_a_mistake(folder, csv, json):
    write(folder, todos_json=json, todos_csv=csv)
    database = database_of(folder)
    assert "todos" in database.unread
    assert database.names() == []


def test_two_files_are_named_as_the_mistake(folder):
    write(folder, todos_json="{}", todos_csv="a\n1")
    assert "a collection is one file" in database_of(folder).unread["todos"]


def test_the_mistakes_of_both_files_of_a_collection_are_named(folder):
    write(folder, todos_json="{", todos_csv="a,a\n")
    reason = database_of(folder).unread["todos"]
    assert f"{folder / 'todos.csv'}: line 1: two fields" in reason
    assert f"; {folder / 'todos.json'}: line 1, column 2" in reason


def test_hidden_files_and_links_to_nothing_are_left_out(folder):
    write(folder, todos_json='{"_id": 1}')
    # Emacs locks a file by such a link, and macOS keeps attributes in such files.
    (folder / ".#todos.json").symlink_to("user@host.1234:5678")
    (folder / "gone.json").symlink_to(folder / "missing")
    (folder / "._todos.json").write_bytes(b"\x00\x05\x16\x07")
    (folder / "other.json").mkdir()
    database = database_of(folder)
    assert (database.names(), database.unread) == (["todos"], {})


def test_a_given_collection_needs_no_file(folder):
    write(folder, todos_json="{")
    emulator = Emulator(seeds=folder.parent)
    emulator.databases.given = {"todos": [{"_id": 2}]}
    database = emulator.program(emulator.first_appid).database
    assert (database.names(), database.unread) == (["todos"], {})


def test_a_folder_that_may_not_be_read_is_a_reason(folder, monkeypatch):
    def denied(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    gateway = DatabaseGateway(seeds=folder.parent)
    gateway.act("getDocument", collectionName="users")
    assert f"{folder} cannot be read: Permission denied" in gateway.last.reason


def test_a_reset_reads_files_that_have_changed(folder):
    write(folder, todos_json='{"_id": 1}')
    emulator = Emulator(seeds=folder.parent)
    emulator.program(emulator.first_appid).database.insert("todos", [{"_id": 2}])
    write(folder, todos_json='{"_id": 1}{"_id": 3, "new": true}')
    emulator.reset()
    found = emulator.program(emulator.first_appid).database.find("todos", {})
    assert [each["_id"] for each in found] == [1, 3]


def test_a_given_collection_replaces_that_of_the_files(folder):
    write(folder, todos_json='{"_id": 1}', users_json='{"_id": "u"}')
    emulator = Emulator(seeds=folder.parent)
    emulator.databases.given = {"todos": [{"_id": 2, "at": {"$date": 0}}]}
    database = emulator.program(emulator.first_appid).database
    assert [each["_id"] for each in database.find("todos", {})] == [2]
    assert database.names() == ["todos", "users"]


def test_a_mapping_of_other_values_is_refused():
    for given in ({"a": {}}, {"a": "x"}, {"a": [5]}, {"a$": []}):
        emulator = Emulator()
        emulator.databases.given = given
        with pytest.raises(ValueError, match="a"):
            _ = emulator.program(emulator.first_appid).database


@pytest.mark.slow
def test_an_emulator_without_database_calls_does_not_load_the_engine():
    code = (
        "import sys; from cloud_openapi.emulator import Emulator, create_app;"
        "create_app(Emulator()); Emulator().reset();"
        "print([n for n in sys.modules if 'sqlite' in n or 'cloud_openapi.documents' in n])"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "[]\n"


def test_large_files_are_read_before_a_function_needs_them(folder, monkeypatch):
    # Else their reading would count as time of the function, which has a limit.
    read = []
    monkeypatch.setattr(opening, "read_folder", lambda path: read.append(path) or Seed({}, {}))
    write(folder, todos_json='{"text": "' + "x" * 1000 + '"}')
    (folder / "gone.json").symlink_to(folder / "missing")
    Emulator(seeds=folder.parent).open_data()
    assert read == []
    monkeypatch.setattr(emulator_module, "_LARGE_SEED", 1000)
    Emulator(seeds=folder.parent).open_data()
    assert read == [folder]
    Emulator(seeds=folder).open_data()
    Emulator().open_data()
    assert read == [folder]


def test_data_in_use_by_another_emulator_are_an_error(tmp_path):
    first = Emulator(data=tmp_path)
    first.open_data()
    with pytest.raises(InvalidInputError, match="another"):
        Emulator(data=tmp_path).open_data()
