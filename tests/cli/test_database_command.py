"""cloud-openapi database: the routes below /_emulator/database as commands."""

import json
import shlex

import pytest
from click.testing import CliRunner

from cloud_openapi.cli import _group
from cloud_openapi.emulator import Emulator, Server, create_app, listen

TODOS = [{"_id": "a", "done": False}, {"_id": "b", "done": True}]


@pytest.fixture(scope="module")
def served():
    emulator = Emulator()
    emulator.databases.given = {"todos": TODOS}
    with listen("127.0.0.1", 0) as listening, Server(create_app(emulator), listening) as server:
        yield emulator, server.url


@pytest.fixture
def run(served):
    """Return a function that runs a command in this process and gives what it printed."""
    served[0].reset()

    def run(*arguments, code=0, **given):
        environment = {"CLOUD_OPENAPI_BASE_URL": served[1]}
        ran = CliRunner().invoke(_group.group, ["database", *arguments], env=environment, **given)
        assert ran.exit_code == code, ran.output
        if code == 1:
            return str(ran.exception)
        return ran.stdout if code == 0 else ran.stderr

    return run


def test_collections_are_listed_and_created(run):
    assert run("list") == "todos        2\n"
    assert run("create", "users").splitlines() == ["todos        2", "users        0"]
    assert "there is a collection users already" in run("create", "users", code=1)


def test_documents_are_found(run):
    lines = run("find", "todos", "--order", '{"_id": -1}').splitlines()
    assert [json.loads(line) for line in lines] == TODOS[::-1]
    assert json.loads(run("find", "todos", '{"done": true}')) == TODOS[1]
    assert "there is no collection todo: did you mean todos?" in run("find", "todo", code=1)


def test_the_command_of_a_hint_finds_the_same_data(run, served):
    served[0].configure_app("wxother", secret="s")
    given = ["--appid", "wxother", "--url", served[1]]
    hint = run("find", "todo", *given, code=1).partition(", or: ")[2]
    command, *words = shlex.split(hint.removeprefix("cloud-openapi database "))
    assert [command, *words] == ["create", "todo", "--url", served[1], "--appid", "wxother"]
    assert "todo " in run(command, *words)
    assert run("find", "todo", *given) == ""
    assert run("list") == "todos        2\n"


def test_a_file_is_imported_by_its_name_and_exported(run, tmp_path, monkeypatch):
    file = tmp_path / "users.json"
    file.write_text('{"_id": "u", "name": "安"}')
    assert json.loads(run("import", str(file))) == {"inserted": 1, "replaced": 0}
    assert "E11000" in run("import", str(file), code=1)
    assert json.loads(run("import", str(file), "--mode", "upsert"))["replaced"] == 1
    assert run("export", "users") == '{"_id":"u","name":"安"}\n'
    table = tmp_path / "users.csv"
    assert run("export", "users", "--to", str(table)) == ""
    assert table.read_text("utf-8") == "_id,name\nu,安\n"
    upper = table.rename(tmp_path / "people.CSV")
    assert json.loads(run("import", str(upper)))["inserted"] == 1
    assert run("export", "people", "--to", str(upper)) == ""
    assert upper.read_text("utf-8") == "_id,name\nu,安\n"
    piped = run("import", "-", "--collection", "more", input='{"_id": 1}{"_id": 2}')
    assert json.loads(piped)["inserted"] == 2
    assert "--collection NAME" in run("import", "-", code=2)
    (tmp_path / "-").write_text('{"_id": 3}')
    monkeypatch.chdir(tmp_path)
    assert json.loads(run("import", "./-", "--collection", "more"))["inserted"] == 1
    assert "No such file" in run("import", str(tmp_path / "none.json"), code=1)
    file.write_bytes('{"name": "安"}'.encode("gb18030"))
    assert "users.json: byte 11 is not UTF-8" in run("import", str(file), code=1)


def test_a_query_that_is_not_json_is_told_in_the_words_of_json(run):
    message = run("find", "todos", "{done: true}", code=1)
    assert message == (
        "query is not Extended JSON: line 1, column 2: a name in double quotes is missing"
    )


def test_a_file_that_is_too_large_is_named_as_such(run, tmp_path):
    file = tmp_path / "users.json"
    with file.open("wb") as large:
        large.truncate(64 * 1024 * 1024 + 1)
    assert "users.json: larger than 64 MB, the limit" in run("import", str(file), code=1)


def test_an_export_that_fails_keeps_the_former_file(run, tmp_path, monkeypatch):
    file = tmp_path / "todos.json"
    run("export", "todos", "--to", str(file))
    former = file.read_bytes()

    def full(path, content):
        with path.open("wb") as draft:
            draft.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(file), "write_bytes", full)
    assert "No space left" in run("export", "todos", "--to", str(file), code=1)
    assert (file.read_bytes(), len(list(tmp_path.iterdir()))) == (former, 1)


def test_the_seed_and_snapshots_come_back(run, served):
    run("snapshot", "before")
    emulator = served[0]
    database = emulator.program(emulator.first_appid).database
    database.delete("todos", {}, many=True)
    assert run("restore", "before").splitlines()[0] == "todos        2"
    database.delete("todos", {}, many=True)
    assert run("reset").splitlines()[0] == "todos        2"
    assert "snapshots" not in run("snapshot", "before", "--remove")
    assert "there is no snapshot 'before'" in run("restore", "before", code=1)
