"""The cloud database: collections, documents by pages and by queries, and edits of both."""

import json
from collections.abc import Callable
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from flask import Flask, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi.emulator.console.programs import chosen_appid, chosen_program, own_appid
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from cloud_openapi.emulator.database.database import Database

# The engine is loaded when somebody looks at the database, and so are the modules that need it.
_PAGE: Final = 50
_MOST_PAGES: Final = 1_000_000
_LONGEST_LINE: Final = 300
_LONGEST_EDITED: Final = 1024 * 1024


class Line(NamedTuple):
    """A document in the list: its ``_id`` as JSON, and the beginning of its other fields."""

    id: str
    text: str


def add_database(app: Flask, tools: Tools) -> None:
    """Add the pages of the cloud database to the console."""
    _add_pages(app, tools)
    _add_collections(app, tools)
    _add_documents(app, tools)
    _add_snapshots(app, tools)


def _add_pages(app: Flask, tools: Tools) -> None:
    @app.get("/database")
    def collections() -> str:
        return _overview(tools)

    @app.get("/database/collection")
    def collection() -> tuple[str, int]:
        return _collection(tools, _name())

    @app.get("/database/document")
    def document() -> str:
        return _document(tools, _name(), request.args.get("id", ""))

    @app.get("/database/export")
    def export_collection() -> Response:
        from cloud_openapi.emulator.database.files import FORMATS  # noqa: PLC0415
        from cloud_openapi.emulator.database.transfer import export_text  # noqa: PLC0415

        name = _name()
        database = _database(tools, name)
        form = _one_of("format", FORMATS)
        text = _done(lambda: export_text(database, name, form))
        file = f"attachment; filename*=UTF-8''{quote(f'{name}.{form}', safe='')}"
        kind = "text/csv" if form == "csv" else "application/json"
        headers = {"Content-Disposition": file}
        return Response(text, content_type=f"{kind}; charset=utf-8", headers=headers)

    @app.get("/database/reset")
    def ask_reset_database() -> str:
        return _page("database_reset.html", tools)

    @app.get("/database/drop")
    def ask_drop_collection() -> str:
        name = _name()
        documents = _database(tools, name).count(name, {})
        return _page("collection_drop.html", tools, name=name, documents=documents)


def _add_collections(app: Flask, tools: Tools) -> None:
    @app.post("/database/create")
    def create_collection() -> AnyResponse | tuple[str, int]:
        name = request.form.get("name", "").strip()
        try:
            _done(lambda: chosen_program(tools).database.create_collection(name))
        except InvalidInputError as error:
            return _overview(tools, str(error)), HTTPStatus.BAD_REQUEST
        flash(t(f"Created: {name}", f"已创建：{name}"))
        return _to("collection", name=name)

    @app.post("/database/drop")
    def drop_collection() -> AnyResponse:
        name = _name()
        database = _database(tools, name)
        _done(lambda: database.drop_collection(name))
        flash(t(f"Deleted: {name}", f"已删除：{name}"))
        return _to("collections")

    @app.post("/database/reset")
    def reset_database() -> AnyResponse:
        tools.emulator.reset_database(chosen_appid(tools))
        flash(t("The data are those of the start again.", "数据已恢复为启动时的状态。"))
        return _to("collections")

    @app.post("/database/import")
    def import_collection() -> AnyResponse | tuple[str, int]:
        from cloud_openapi.emulator.database.transfer import MODES, import_text  # noqa: PLC0415

        name = _name()
        try:
            mode = _one_of("mode", MODES)
            text, form = _imported()
            database = chosen_program(tools).database
            imported = _done(lambda: import_text(database, name, text, form, mode))
        except InvalidInputError as error:
            return _collection(tools, name, str(error))
        flash(
            t(
                f"Imported: {imported.inserted} new, {imported.replaced} replaced.",
                f"已导入：新增 {imported.inserted} 条，替换 {imported.replaced} 条。",
            )
        )
        return _to("collection", name=name)


def _add_documents(app: Flask, tools: Tools) -> None:
    @app.post("/database/add")
    def add_document() -> AnyResponse | tuple[str, int]:
        name = _name()
        database, text = _database(tools, name), request.form.get("document", "")
        try:
            made = _read(t("the document", "文档"), text)
            (identity,) = _done(lambda: database.insert(name, [made]))
        except InvalidInputError as error:
            return _collection(tools, name, str(error), text)
        flash(t(f"Added: {identity}", f"已新增：{identity}"))
        return _to("collection", name=name)

    @app.post("/database/document")
    def save_document() -> AnyResponse | tuple[str, int]:
        name = _name()
        database, given = _database(tools, name), request.form.get("id", "")
        text = request.form.get("document", "")
        query = _of(given)
        try:
            changed = _with_id(_read(t("the document", "文档"), text), query["_id"])
            found = _done(lambda: database.update(name, query, changed, replace=True)).documents
        except InvalidInputError as error:
            return _document(tools, name, given, str(error), text), HTTPStatus.BAD_REQUEST
        if not found:
            raise NotFoundError(given)
        flash(t("Saved.", "已保存。"))
        return _to("document", name=name, id=given)

    @app.post("/database/delete")
    def delete_document() -> AnyResponse:
        name = _name()
        database, given = _database(tools, name), request.form.get("id", "")
        query = _of(given)
        if not _done(lambda: database.delete(name, query)):
            raise NotFoundError(given)
        flash(t(f"Deleted: {given}", f"已删除：{given}"))
        return _to("collection", name=name)


def _add_snapshots(app: Flask, tools: Tools) -> None:
    @app.post("/database/snapshots")
    def snapshot() -> AnyResponse | tuple[str, int]:
        database, name = chosen_program(tools).database, request.form.get("name", "").strip()
        done = {
            "save": (database.save, t(f"Saved: {name}", f"已保存：{name}")),
            "restore": (database.restore, t(f"Restored: {name}", f"已恢复：{name}")),
            "forget": (database.forget, t(f"Removed: {name}", f"已移除：{name}")),
        }
        act, message = done[_one_of("action", tuple(done))]
        try:
            _done(lambda: act(name))
        except InvalidInputError as error:
            return _overview(tools, str(error)), HTTPStatus.BAD_REQUEST
        flash(message)
        return _to("collections")


def _overview(tools: Tools, error: str = "") -> str:
    database = chosen_program(tools).database
    return _page(
        "collections.html",
        tools,
        error=error,
        collections=_done(database.describe),
        snapshots=sorted(database.snapshots),
        unread=database.unread,
        server=tools.emulator.databases.server is not None,
    )


def _collection(tools: Tools, name: str, error: str = "", written: str = "") -> tuple[str, int]:
    """Return the page of a collection with the documents of a query, or with a mistake."""
    from cloud_openapi.emulator.database.transfer import MODES  # noqa: PLC0415

    database = _database(tools, name)
    page = min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)
    query, order = request.args.get("query", "").strip(), request.args.get("order", "").strip()
    lines: list[Line] = []
    total = 0
    try:
        conditions = _read(t("the query", "查询条件"), query or "{}")
        pairs = list(_read(t("the order", "排序"), order or "{}").items())
        skip = (page - 1) * _PAGE
        found = _done(lambda: database.find(name, conditions, order=pairs, skip=skip, limit=_PAGE))
        lines = [_line(each) for each in found]
        total = _done(lambda: database.count(name, conditions))
    except InvalidInputError as mistake:
        error = error or str(mistake)
    shown = _page(
        "collection.html",
        tools,
        name=name,
        error=error,
        written=written,
        query=query,
        order=order,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // _PAGE),
        modes=MODES,
    )
    return shown, HTTPStatus.BAD_REQUEST if error else HTTPStatus.OK


def _document(tools: Tools, name: str, given: str, error: str = "", written: str = "") -> str:
    from cloud_openapi.wire.extended_json import encode  # noqa: PLC0415

    database = _database(tools, name)
    found = _done(lambda: database.find(name, _of(given), limit=1))
    if not found:
        raise NotFoundError(given)
    text = json.dumps(encode(found[0]), ensure_ascii=False, indent=2)
    return _page(
        "document.html",
        tools,
        name=name,
        id=given,
        error=error,
        text=written or text,
        is_long=len(text) > _LONGEST_EDITED,
    )


def _page(template: str, tools: Tools, **values: Any) -> str:
    program = chosen_program(tools)
    return render_template(
        template,
        current="collections",
        appid=program.appid,
        appids=list(tools.emulator.programs),
        own=own_appid(tools, program),
        **values,
    )


def _line(document: Any) -> Line:
    from cloud_openapi.wire.extended_json import encode, write  # noqa: PLC0415

    # A document may have a megabyte, of which the list shows the beginning.
    others = {name: document[name] for name in document if name != "_id"}
    pieces = json.JSONEncoder(ensure_ascii=False).iterencode(encode(others))
    text = "".join(islice(pieces, _LONGEST_LINE))
    cut = len(text) > _LONGEST_LINE
    return Line(write(document["_id"]), f"{text[:_LONGEST_LINE]}…" if cut else text)


def _name() -> str:
    return request.args.get("name", "")


def _database(tools: Tools, name: str) -> "Database":
    """Return the database that has a collection. Raises NotFoundError."""
    database = chosen_program(tools).database
    if name not in _done(database.names):
        raise NotFoundError(t(f"collection {name}", f"集合 {name}"))
    return database


def _done(action: Callable[[], Any]) -> Any:
    """Return the result of an action of the database. Raises InvalidInputError."""
    from cloud_openapi.emulator.database.failures import DatabaseError  # noqa: PLC0415

    try:
        return action()
    except DatabaseError as error:
        raise InvalidInputError(error.reason) from None


def _with_id(document: dict[str, Any], identity: Any) -> dict[str, Any]:
    """Return a document with its ``_id``, which may be left out. Raises InvalidInputError."""
    if document.setdefault("_id", identity) != identity:
        raise InvalidInputError(
            t("_id cannot be changed: add a new document", "_id 不能修改：请新增文档")
        )
    return document


def _read(what: str, text: str) -> Any:
    from cloud_openapi.emulator.database.transfer import read_object  # noqa: PLC0415

    return _done(lambda: read_object(what, text))


def _of(identity: str) -> dict[str, Any]:
    """Return the query of an ``_id`` as JSON. Raises NotFoundError."""
    from cloud_openapi.wire.extended_json import Decoder  # noqa: PLC0415

    try:
        return {"_id": Decoder().read(identity)}
    except ValueError:
        raise NotFoundError(identity) from None


def _imported() -> tuple[str, Any]:
    """Return the text of the form's file and its format. Raises InvalidInputError."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise InvalidInputError(t("choose a file first", "请先选择文件"))
    try:
        text = file.read().decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        place = error.start + 1
        raise InvalidInputError(
            t(
                f"{file.filename} is not UTF-8 from byte {place} on; save it as UTF-8",
                f"{file.filename} 从第 {place} 个字节起不是 UTF-8，请另存为 UTF-8",
            )
        ) from None
    return text, "csv" if file.filename.lower().endswith(".csv") else "json"


def _one_of(field: str, known: tuple[Any, ...]) -> Any:
    value = request.values.get(field, known[0])
    if value not in known:
        listed = ", ".join(known)
        raise InvalidInputError(t(f"{field} is one of {listed}", f"{field} 应为 {listed} 之一"))
    return value


def _to(endpoint: str, **values: Any) -> AnyResponse:
    appid = request.form.get("appid") or None
    return redirect(url_for(endpoint, appid=appid, **values), HTTPStatus.SEE_OTHER)
