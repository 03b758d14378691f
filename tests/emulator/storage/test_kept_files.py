"""The files of cloud storage: seed, changes, reset, and what outlasts a run."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support.temporary import wait_for_removal

from cloud_openapi.emulator import Emulator
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.storage import files as files_module
from cloud_openapi.emulator.storage.files import Files, ResetError, TooLargeError
from cloud_openapi.emulator.storage.names import check_path, content_type, file_id, path_of
from cloud_openapi.emulator.storage.urls import RefusedError, Signer, Ticket
from cloud_openapi.periods import BEIJING

NOW = datetime(2026, 3, 11, 12, tzinfo=BEIJING)
ESCAPES = [
    "", "/a", "a//b", "..", "../a", "a/../../b", "a/..", "./a", "a/./b", "..\\a", "a\\..\\b",
    "%2e%2e/a", "%2E%2E%2Fa", "%252e%252e/a", "..%2fa", "..%5ca", "/etc/passwd", "a\0b", "a\nb",
    "a\x7f", "\x1b", "a" * 851, "图" * 284, "a\ud800",
]  # fmt: skip
GOOD = [
    "a", "a.png", "图/片 一.png", "a|b测试.jpeg", "..a/b..", "a\\b", "C:\\a", "a" * 850, "%",
    "a?b#c%d&e+f",
]  # fmt: skip

HOLDS_A_FILE = """
import sys
from datetime import datetime
from cloud_openapi.emulator.storage.files import Files
files = Files()
files.write("a", [b"a"], datetime(2026, 1, 1))
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def seed(tmp_path):
    folder = tmp_path / "storage"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(b"seeded")
    (folder / "图 片.txt").write_bytes(b"text")
    return folder


def content(files, path):
    return files.get(path).content.read_bytes()


def names(folder):
    return sorted(each.name for each in folder.iterdir())


def paths(files):
    return [path for path, _file in files.listed()]


def test_a_seed_that_is_a_file_is_told_from_a_missing_one(tmp_path):
    missing, wrong = Files(tmp_path / "missing"), Files(tmp_path / "wrong")
    (tmp_path / "wrong").touch()
    assert paths(missing) == paths(wrong) == []
    assert missing.unread == ""
    assert wrong.unread == f"{tmp_path / 'wrong'} cannot be read: Not a directory"


def test_paths_that_leave_the_storage_or_break_its_rules_are_refused():
    files = Files()
    for path in ESCAPES:
        with pytest.raises(InvalidInputError, match=r"the path"):
            check_path(path)
        with pytest.raises(InvalidInputError):
            files.write(path, [b"x"], NOW)
        assert files.get(path) is None
        assert files.remove(path) is False
    for path in GOOD:
        assert check_path(path) == path
        files.write(path, [path.encode()], NOW)
    assert paths(files) == sorted(GOOD)
    for path in GOOD:
        assert content(files, path) == path.encode()


def test_contents_have_names_of_their_own_in_one_folder():
    files = Files()
    written = [files.write(path, [b"x"], NOW).content for path in GOOD]
    assert {each.parent for each in written} == {written[0].parent}
    assert all(each.name.isalnum() and len(each.name) == 32 for each in written)
    assert sorted(each.name for each in written) == names(written[0].parent)


def test_seed_is_there_from_the_start_and_after_a_reset(seed):
    files = Files(seed)
    assert paths(files) == ["images/a.png", "图 片.txt"]
    files.write("images/a.png", [b"changed"], NOW)
    files.write("new", [b"n", b"ew"], NOW)
    files.remove("图 片.txt")
    assert paths(files) == ["images/a.png", "new"]
    assert (content(files, "images/a.png"), content(files, "new")) == (b"changed", b"new")
    assert files.get("new")[1:] == (3, NOW)
    folder = files.get("new").content.parent
    files.reset()
    assert paths(files) == ["images/a.png", "图 片.txt"]
    assert content(files, "images/a.png") == b"seeded"
    assert names(folder) == []
    assert (seed / "图 片.txt").exists()


def test_seed_leaves_out_links_and_hidden_files(seed, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    (seed / "link").symlink_to(tmp_path / "secret")
    (seed / "folder").symlink_to(tmp_path)
    (seed / ".DS_Store").write_bytes(b"")
    (seed / ".git").mkdir()
    (seed / ".git" / "config").write_bytes(b"")
    (seed / "a\nb").write_bytes(b"")
    # To read it would wait for ever.
    os.mkfifo(seed / "pipe")
    assert paths(Files(seed)) == ["images/a.png", "图 片.txt"]
    assert paths(Files(seed / "missing")) == []


def test_too_many_seeds_are_refused(seed, monkeypatch):
    monkeypatch.setattr(files_module, "MOST_SEEDS", 1)
    with pytest.raises(InvalidInputError, match="more than 1 files"):
        Files(seed).listed()


def test_copy_is_independent_of_its_source(seed):
    files = Files(seed)
    files.write("b", [b"own"], NOW)
    assert files.copy("images/a.png", "c", NOW)
    assert files.copy("b", "d", NOW)
    assert files.copy("b", "b", NOW)
    assert not files.copy("missing", "e", NOW)
    files.write("b", [b"other"], NOW)
    files.remove("images/a.png")
    assert [content(files, path) for path in ("b", "c", "d")] == [b"other", b"seeded", b"own"]
    with pytest.raises(InvalidInputError):
        files.copy("b", "../b", NOW)


def test_file_that_fails_while_it_is_written_changes_nothing(monkeypatch):
    files = Files()
    former = files.write("a", [b"former"], NOW)

    def failing():
        yield b"half"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write("a", failing(), NOW)
    monkeypatch.setattr(files_module, "LARGEST", 5)
    with pytest.raises(TooLargeError):
        files.write("a", [b"123", b"456"], NOW)
    assert files.get("a") == former
    assert names(former.content.parent) == [former.content.name]


def test_file_that_is_written_during_a_reset_is_refused():
    files = Files()

    def pieces():
        yield b"half"
        files.reset()
        yield b"other half"

    with pytest.raises(ResetError, match="repeat it"):
        files.write("a", pieces(), NOW)
    assert paths(files) == []


def test_threads_write_and_remove_the_same_files():
    files = Files()
    errors = []

    def work(number):
        try:
            for step in range(40):
                files.write(f"{step % 3}", [bytes([number]) * 100], NOW)
                files.remove(f"{(step + 1) % 3}")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    kept = [file.content for _path, file in files.listed()]
    assert all(len(set(each.read_bytes())) == 1 for each in kept)
    folder = files.write("last", [b""], NOW).content.parent
    assert len(names(folder)) == len(kept) + 1


def test_changes_outlast_a_run(seed, tmp_path):
    place = tmp_path / "data"
    files = Files(seed, place)
    files.write("new", [b"new"], NOW)
    files.write("new", [b"newer"], NOW + timedelta(seconds=1))
    files.write("gone", [b"gone"], NOW)
    files.remove("gone")
    files.remove("images/a.png")
    files.close()
    (place / "contents" / "orphan").write_bytes(b"of a process that was killed")
    (seed / "later").write_bytes(b"later")
    again = Files(seed, place)
    assert paths(again) == ["later", "new", "图 片.txt"]
    assert content(again, "new") == b"newer"
    assert again.get("new")[1:] == (5, NOW + timedelta(seconds=1))
    assert len(names(place / "contents")) == 1
    again.reset()
    assert paths(again) == ["images/a.png", "later", "图 片.txt"]
    again.close()
    assert paths(Files(seed, place)) == ["images/a.png", "later", "图 片.txt"]


def test_reset_forgets_what_an_earlier_run_kept(seed, tmp_path):
    files = Files(seed, tmp_path / "data")
    files.write("new", [b"new"], NOW)
    files.close()
    again = Files(seed, tmp_path / "data")
    again.reset()
    assert "new" not in paths(again)
    assert names(tmp_path / "data" / "contents") == []


def test_folder_is_used_by_one_process_at_a_time(tmp_path):
    files = Files(None, tmp_path)
    files.open()
    with pytest.raises(InvalidInputError, match="in use by another emulator"):
        Files(None, tmp_path).open()
    files.close()
    Files(None, tmp_path).open()


def test_damaged_folder_is_named(tmp_path):
    (tmp_path / "files.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(InvalidInputError, match=r"files\.sqlite: .*not a database: move it away"):
        Files(None, tmp_path).open()


def test_advice_for_a_folder_that_cannot_be_written_costs_no_data(tmp_path):
    # A folder in its place is what any user gets refused, also one who may write everywhere.
    (tmp_path / "files.sqlite").mkdir()
    with pytest.raises(InvalidInputError, match=r"files\.sqlite: .*: check that the folder"):
        Files(None, tmp_path).open()


def test_acknowledged_files_survive_kill_9(tmp_path):
    program = (
        "import sys; from pathlib import Path; from datetime import datetime\n"
        "from cloud_openapi.emulator.storage.files import Files\n"
        "files = Files(None, Path(sys.argv[1]))\n"
        "for number in range(10**6):\n"
        "    files.write(f'{number}', [b'x' * 1000], datetime(2026, 1, 1))\n"
        "    print(number, flush=True)\n"
    )
    command = [sys.executable, "-c", program, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(20):
            last = int(process.stdout.readline())
        process.kill()
        seen = [last, *map(int, process.stdout.read().splitlines()[:-1])]
    files = Files(None, tmp_path)
    assert {str(number) for number in range(max(seen) + 1)} <= set(paths(files))
    assert {file.size for _path, file in files.listed()} == {1000}
    assert {len(content(files, path)) for path in paths(files)} == {1000}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_child_does_not_touch_the_files_of_its_parent(tmp_path):
    files = Files(None, tmp_path)
    stored = files.write("a", [b"parent"], NOW)
    child = os.fork()
    if not child:
        files.write("a", [b"child"], NOW)
        files.write("b", [b"child"], NOW)
        good = content(files, "a") == b"child"
        files.reset()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert stored.content.read_bytes() == b"parent"
    files.write("c", [b"c"], NOW)
    files.close()
    assert paths(Files(None, tmp_path)) == ["a", "c"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the temporary folder of this process and of those that it starts, which is empty."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_temporary_folder_is_removed_at_the_end_or_by_the_next_process(temporary, how):
    command = [sys.executable, "-c", HOLDS_A_FILE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"written\n"
        [of_process] = names(temporary)
        files = Files()
        own = files.write("a", [b"a"], NOW).content.parent.name
        wait_for_removal()
        assert names(temporary) == sorted([of_process, own])
        if how is not None:
            process.send_signal(how)
    assert (of_process in names(temporary)) is (how is not None)
    other = Files()
    others = other.write("a", [b"a"], NOW).content.parent.name
    wait_for_removal()
    assert names(temporary) == sorted([own, others])
    assert content(files, "a") == b"a"


def test_folder_that_another_process_took_for_left_is_made_again(temporary, monkeypatch):
    def mkdtemp(prefix):
        made.append(usual(prefix=prefix))
        if len(made) == 1:
            Path(made[0]).rmdir()
        if len(made) == 2:
            locks.append(os.open(made[1], os.O_RDONLY))
            fcntl.flock(locks[0], fcntl.LOCK_EX)
        return made[-1]

    usual, made, locks = tempfile.mkdtemp, [], []
    monkeypatch.setattr("cloud_openapi.emulator.storage.temporary.mkdtemp", mkdtemp)
    assert str(Files().write("a", [b"a"], NOW).content.parent) == made[2]
    os.close(locks[0])


def test_reset_of_the_emulator_goes_back_to_the_seed(seed):
    emulator = Emulator(seeds=seed.parent)
    storage = emulator.program(emulator.first_appid).storage
    storage.files.write("new", [b"new"], NOW)
    emulator.configure_app("wx-other", secret="s")
    other = emulator.program("wx-other").storage.files
    other.write("other", [b"other"], NOW)
    assert "new" not in paths(other)
    emulator.reset_app(emulator.first_appid)
    assert paths(emulator.program(emulator.first_appid).storage.files) == paths(Files(seed))
    assert "other" in paths(other)
    emulator.reset()
    assert paths(other) == paths(Files(seed))


def test_mini_programs_keep_their_files_apart(tmp_path):
    apps = {"wx-1": "a", "wx_1": "b", "wx1": "c"}
    emulator = Emulator(apps=apps, data=tmp_path)
    emulator.open_data()
    for appid in apps:
        emulator.program(appid).storage.files.write("a", [appid.encode()], NOW)
        emulator.program(appid).storage.files.close()
    again = Emulator(apps=apps, data=tmp_path)
    assert [content(again.program(appid).storage.files, "a") for appid in apps] == [
        appid.encode() for appid in apps
    ]


def test_emulator_reads_nothing_before_the_first_use(seed, monkeypatch):
    monkeypatch.setattr(os, "walk", pytest.fail)
    emulator = Emulator(seeds=seed.parent)
    emulator.reset()
    assert not emulator.program(emulator.first_appid).uses_storage


def test_ids_and_types():
    assert file_id("图/a.png", "local") == "cloud://local.6c6f-local-1250000000/图/a.png"
    # The example of WeChat's page of batchDeleteFile.
    assert file_id("A.png", "test2-4a89da").startswith("cloud://test2-4a89da.7465-test2-4a89da")
    assert path_of("cloud://test2-4a89da.7465-test2-4a89da/A.png") == "A.png"
    assert path_of("cloud://e.b/a/b?c d") == "a/b?c d"
    assert [path_of(each) for each in ("a", "cloud://", "cloud://a.png", "https://e.b/a")] == [
        None
    ] * 4
    types = {
        "a.png": "image/png",
        "A.JPG": "image/jpeg",
        "a.webp": "image/webp",
        "a": None,
        "a.tar.gz": None,
    }
    for path, expected in types.items():
        assert content_type(path) == (expected or "application/octet-stream")


def test_signatures_belong_to_one_path_and_purpose_and_expire():
    signer, day = Signer(b"key"), timedelta(days=1)
    query = signer.download("a", NOW, 60)
    sign, until = (part.partition("=")[2] for part in query.split("&"))
    signer.check_download("a", sign, until, NOW)
    ticket = signer.upload("a", NOW)
    signer.check_upload("a", ticket, NOW)
    refused = [
        (signer.check_download, ("a", sign, until, NOW + day), "Request has expired."),
        (signer.check_download, ("b", sign, until, NOW), "The Signature"),
        (signer.check_download, ("a", sign, f"{int(until) + 1}", NOW), "The Signature"),
        (signer.check_download, ("a", sign, "9" * 30, NOW), "The Signature"),
        (signer.check_download, ("a", sign, "-1", NOW), "The Signature"),
        (signer.check_download, ("a", "é\udcff", until, NOW), "The Signature"),
        (signer.check_download, ("a", "", "", NOW), "Access Denied."),
        (signer.check_download, ("a", ticket.token, until, NOW), "The Signature"),
        (Signer(b"other").check_download, ("a", sign, until, NOW), "The Signature"),
        (signer.check_upload, ("b", ticket, NOW), "The Signature"),
        (signer.check_upload, ("a", ticket, NOW + day), "Request has expired."),
        (signer.check_upload, ("a", Ticket("", ticket.token), NOW), "Access Denied."),
        (signer.check_upload, ("a", Ticket("Bearer x", ticket.token), NOW), "The Signature"),
        (signer.check_upload, ("a", ticket._replace(token="x"), NOW), "The Access Key Id"),
        (signer.check_upload, ("a", ticket._replace(authorization=query), NOW), "The Signature"),
    ]  # fmt: skip
    for check, given, message in refused:
        with pytest.raises(RefusedError, match=message):
            check(*given)
