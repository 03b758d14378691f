"""Files that appear when they are whole."""

import os
import threading
from pathlib import Path

import pytest

from cloud_openapi.drafts import draft_of, write_whole


def test_the_former_file_stays_until_the_end_and_after_an_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("former")
    with draft_of(path) as draft:
        draft.write_text("new")
        assert path.read_text() == "former"
    assert path.read_text() == "new"
    with pytest.raises(UnicodeEncodeError), draft_of(path) as draft:
        draft.write_text("new\ud800", "utf-8")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a.json"
    path.touch(0o600)
    with draft_of(path) as draft:
        draft.write_bytes(b"new")
        assert draft.stat().st_mode & 0o777 == 0o600
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    path.chmod(0o440)
    write_whole(path, b"newest")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"newest", 0o440)


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = tmp_path / ("a" * 255)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_text("former")
    (tmp_path / "link").symlink_to("real")
    with draft_of(tmp_path / "link") as draft:
        draft.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_without_a_name_in_a_folder_is_written_itself():
    reading, writing = os.pipe()
    with draft_of(Path(f"/dev/fd/{writing}")) as draft:
        draft.write_text("new")
    os.close(writing)
    assert os.read(reading, 9) == b"new"
    os.close(reading)


def test_an_error_names_the_file_and_not_its_draft(tmp_path):
    path = tmp_path / "missing" / "a.json"
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(path, b"new")
    assert caught.value.filename == str(path)
    write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"


def test_what_is_no_file_is_written_itself(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with draft_of(pipe) as draft:
        draft.write_text("new")
    reader.join()
    assert read == ["new"]
    assert pipe.is_fifo()
    with pytest.raises(IsADirectoryError), draft_of(tmp_path) as draft:
        draft.write_text("new")
    assert tmp_path.is_dir()
