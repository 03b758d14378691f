"""Cloud storage: the files by folders, one file with its preview and URL, uploads."""

from collections.abc import Iterator
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from cloud_openapi.emulator.cloudbase.storage_form import PIECE
from cloud_openapi.emulator.cloudbase.storage_http import send_stored
from cloud_openapi.emulator.cloudbase.storage_mount import signed_url
from cloud_openapi.emulator.console.programs import chosen_program, own_appid
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.storage.names import check_path, content_type, file_id
from cloud_openapi.emulator.storage.stored_file import StoredFile
from cloud_openapi.emulator.storage.urls import LONGEST_AGE, RefusedError
from cloud_openapi.errors import message_of
from cloud_openapi.runtime import ENVIRONMENT

UPLOAD: Final = "/storage"
"""The path of the form that may send files of any size."""

_PAGE: Final = 100
_MOST_PAGES: Final = 100_000
_LONGEST: Final = 64 * 1024
_UNITS: Final = ("bytes", "KiB", "MiB", "GiB")
_STEP: Final = 1024


class Folder(NamedTuple):
    """A folder below the one that is shown: its path with a slash, its files and their size."""

    path: str
    files: int
    size: int


class Line(NamedTuple):
    """A file in the list."""

    path: str
    name: str
    stored: StoredFile


def add_files(app: Flask, tools: Tools) -> None:
    """Add the pages of cloud storage to the console."""
    app.jinja_env.filters["size"] = _size
    _add_pages(app, tools)
    _add_actions(app, tools)


def _add_pages(app: Flask, tools: Tools) -> None:
    @app.get("/storage")
    def files() -> str:
        return _list(tools)

    @app.get("/storage/files/<path:path>")
    def file(path: str) -> str:
        program = chosen_program(tools)
        return _one(tools, program, path, _stored(program, path))

    @app.get("/storage/content/<path:path>")
    def file_content(path: str) -> Response:
        try:
            response = send_stored(path, _stored(chosen_program(tools), path))
        except RefusedError as error:
            raise InvalidInputError(error.message) from None
        if response is None:
            raise NotFoundError(path)
        # Nothing of a file runs in the console.
        response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
        return response

    @app.get("/storage/reset")
    def ask_reset_files() -> str:
        program = chosen_program(tools)
        return render_template(
            "files_reset.html", appid=program.appid, own=own_appid(tools, program)
        )


def _add_actions(app: Flask, tools: Tools) -> None:
    @app.post(UPLOAD)
    def upload() -> Response | tuple[str, int]:
        try:
            paths = _upload(chosen_program(tools))
        except (InvalidInputError, OSError) as error:
            return _list(tools, message_of(error)), HTTPStatus.BAD_REQUEST
        first, more = paths[0], len(paths) - 1
        further = t(f" and {more} more", f" 等 {len(paths)} 个文件") if more else ""
        flash(t(f"Uploaded: {first}{further}", f"已上传：{first}{further}"))
        return _to_folder(request.form.get("folder", ""))

    @app.post("/storage/remove")
    def remove_file() -> Response:
        path = request.form.get("path", "")
        if not chosen_program(tools).storage.files.remove(path):
            raise NotFoundError(path)
        flash(t(f"Deleted: {path}", f"已删除：{path}"))
        return _to_folder(path.rpartition("/")[0])

    @app.post("/storage/reset")
    def reset_files() -> Response:
        chosen_program(tools).storage.files.reset()
        flash(t("The files are those of the start again.", "文件已恢复为启动时的状态。"))
        return _to_folder("")


def _stored(program: MiniProgram, path: str) -> StoredFile:
    found = program.storage.files.get(path)
    if found is None:
        raise NotFoundError(path)
    return found


def _to_folder(folder: str) -> Response:
    appid = request.form.get("appid") or None
    place = url_for("files", folder=folder.strip("/") or None, appid=appid)
    return redirect(place, HTTPStatus.SEE_OTHER)


def _upload(program: MiniProgram) -> list[str]:
    """Write the files of the form, and return their paths. Raises InvalidInputError, OSError."""
    folder = request.form.get("folder", "").strip("/")
    given = [each for each in request.files.getlist("file") if each.filename]
    if not given:
        raise InvalidInputError(t("choose a file first", "请先选择文件"))
    # A browser may send a folder's files with their paths.
    paths = ["/".join(filter(None, (folder, each.filename))) for each in given]
    for path in paths:
        check_path(path)
    for path, each in zip(paths, given, strict=True):
        pieces = iter(lambda file=each: file.read(PIECE), b"")  # type: ignore[misc]
        program.storage.files.write(path, pieces, program.clock.now())
    return paths


def _list(tools: Tools, error: str = "") -> str:
    program = chosen_program(tools)
    folder = request.values.get("folder", "").strip("/")
    text = request.args.get("q", "").strip()
    page = min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)
    prefix = f"{folder}/" if folder else ""
    found = program.storage.files.listed(prefix)
    folders: list[Folder] = []
    if text:
        lines = [Line(path, path, stored) for path, stored in found if _matches(path, text)]
    else:
        folders = list(_folders(found, prefix))
        lines = [
            Line(path, path.removeprefix(prefix), stored)
            for path, stored in found
            if "/" not in path.removeprefix(prefix)
        ]
    rows: list[Folder | Line] = [*folders, *lines]
    return render_template(
        "files.html",
        error=error,
        appid=program.appid,
        appids=list(tools.emulator.programs),
        own=own_appid(tools, program),
        folder=folder,
        crumbs=list(_crumbs(folder)),
        rows=rows[(page - 1) * _PAGE : page * _PAGE],
        count=len(found),
        total=sum(stored.size for _path, stored in found),
        text=text,
        page=page,
        pages=-(-len(rows) // _PAGE),
    )


def _one(tools: Tools, program: MiniProgram, path: str, stored: StoredFile) -> str:
    kind = content_type(path)
    base = request.root_url.removesuffix(request.script_root + "/")
    return render_template(
        "file.html",
        path=path,
        own=own_appid(tools, program),
        crumbs=list(_crumbs(path.rpartition("/")[0])),
        name=PurePosixPath(path).name,
        stored=stored,
        kind=kind,
        family=kind.partition("/")[0],
        text=_text(stored) if _is_text(kind, stored) else None,
        fileid=file_id(path, ENVIRONMENT),
        url=signed_url(base, program, path, LONGEST_AGE),
    )


def _folders(found: list[tuple[str, StoredFile]], prefix: str) -> Iterator[Folder]:
    folders: dict[str, list[int]] = {}
    for path, stored in found:
        name, slash, _rest = path.removeprefix(prefix).partition("/")
        if slash:
            folders.setdefault(f"{prefix}{name}/", []).append(stored.size)
    for path, sizes in folders.items():
        yield Folder(path, len(sizes), sum(sizes))


def _crumbs(folder: str) -> Iterator[tuple[str, str]]:
    """Yield each folder on the way to a folder: its path and its name."""
    parts = folder.split("/") if folder else []
    for number, part in enumerate(parts, 1):
        yield "/".join(parts[:number]), part


def _matches(path: str, text: str) -> bool:
    return text.lower() in path.lower()


def _is_text(kind: str, stored: StoredFile) -> bool:
    if kind.startswith(("image/", "audio/", "video/")) or kind == "application/pdf":
        return False
    with stored.content.open("rb") as file:
        return b"\0" not in file.read(_LONGEST)


def _text(stored: StoredFile) -> str:
    with stored.content.open("rb") as file:
        return file.read(_LONGEST).decode("utf-8", "replace")


def _size(size: int) -> str:
    """Return a number of bytes for people."""
    value, unit = float(size), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{size:,} {_UNITS[0]}" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"
