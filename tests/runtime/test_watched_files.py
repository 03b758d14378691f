"""The watch of a function's folder, which lists its files only when it must."""

import os

import pytest

from cloud_openapi.runtime import _files
from cloud_openapi.runtime._files import WatchedFolder


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "hello"
    (folder / "lib").mkdir(parents=True)
    (folder / "index.py").write_text("1")
    (folder / "lib" / "deep.py").write_text("1")
    return folder


@pytest.fixture
def settled(monkeypatch):
    """Let the folders' last changes count as long ago."""
    monkeypatch.setattr(_files, "_COARSEST_SECONDS", -3600)


@pytest.fixture
def listed(monkeypatch):
    """Return the folders that were listed."""
    found, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (found.append(path), scandir(path))[1])
    return found


def edit(folder):
    (folder / "index.py").write_text("2")


def edit_deep(folder):
    (folder / "lib" / "deep.py").write_text("12")


def add(folder):
    (folder / "new.py").write_text("1")


def add_deep(folder):
    (folder / "lib" / "new.py").write_text("1")


def add_folder(folder):
    (folder / "more").mkdir()
    (folder / "more" / "new.py").write_text("1")


def remove(folder):
    (folder / "lib" / "deep.py").unlink()


def remove_folder(folder):
    remove(folder)
    (folder / "lib").rmdir()


def replace(folder):
    (folder / "other").write_text("1")
    (folder / "other").replace(folder / "index.py")


def mend_link(folder):
    (folder.parent / "elsewhere").write_text("1")


CHANGES = (edit, edit_deep, add, add_deep, add_folder, remove, remove_folder, replace, mend_link)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed_in_folders_that_changed_long_ago(settled, folder, change):
    (folder / "link.py").symlink_to("../elsewhere")
    watched = WatchedFolder(folder)
    before = watched.fingerprint()
    assert watched.fingerprint() == before
    change(folder)
    after = watched.fingerprint()
    assert after != before
    assert after == WatchedFolder(folder).fingerprint()


def test_unchanged_folders_are_listed_once(settled, folder, listed):
    watched = WatchedFolder(folder)
    watched.fingerprint()
    edit(folder)
    watched.fingerprint()
    assert listed == [str(folder), str(folder / "lib")]


def test_a_folder_that_changed_just_now_is_listed_again(folder, listed, monkeypatch):
    """It may change again at the same time of its file system's clock."""
    same = _files.stamp(folder)
    monkeypatch.setattr(_files, "stamp", lambda _path: same)
    watched = WatchedFolder(folder)
    before = watched.fingerprint()
    add(folder)
    assert len(watched.fingerprint()) == len(before) + 1
    assert listed.count(str(folder)) == 2


def test_a_missing_folder_has_no_files(settled, folder):
    watched = WatchedFolder(folder / "missing")
    assert watched.fingerprint() == ()
    (folder / "missing").mkdir()
    (folder / "missing" / "index.py").write_text("1")
    assert len(watched.fingerprint()) == 1
