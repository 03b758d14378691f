"""The routes below ``/_emulator/database``: look at the cloud database, change and reset it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response

from cloud_openapi.emulator.control.input import fields, query, text_body, whole
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import InvalidInputError
from cloud_openapi.emulator.json_response import json_answer

_LARGEST_FILE: Final = 64 * 1024 * 1024
_USUAL, _MOST = 20, 1000
_COLLECTION: Final = "/database/collections/<path:collection>"


def add_database(routes: Blueprint, emulator: Emulator) -> None:
    """Add the routes; each takes the query ``appid``, by default the first mini program."""
    _add_collections(routes, emulator)
    _add_documents(routes, emulator)
    _add_snapshots(routes, emulator)


def _add_collections(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/database")
    def described() -> Response:
        return _described(emulator, query("appid"))

    @routes.post("/database/reset")
    def reset_database() -> Response:
        given = query("appid")
        emulator.reset_database(_appid(emulator, given))
        return _described(emulator, given)

    @routes.post("/database/collections")
    def create_collection() -> Response:
        given = query("appid")
        _database(emulator, given).create_collection(fields("name")["name"])
        return _described(emulator, given, HTTPStatus.CREATED)

    @routes.delete(_COLLECTION)
    def drop_collection(collection: str) -> Response:
        given = query("appid")
        _database(emulator, given).drop_collection(collection)
        return _described(emulator, given)


def _add_documents(routes: Blueprint, emulator: Emulator) -> None:
    # The engine is loaded on demand, and so are the modules that need it.
    @routes.get(f"{_COLLECTION}/documents")
    def find(collection: str) -> Response:
        from cloud_openapi.emulator.database.transfer import find_page  # noqa: PLC0415

        given = query("appid", "query", "order", "skip", "limit")
        conditions, order = given.get("query", "{}"), given.get("order", "{}")
        skip, limit = whole(given, "skip", 0), min(whole(given, "limit", _USUAL), _MOST)
        database = _database(emulator, given)
        page = find_page(database, collection, conditions, order, skip=skip, limit=limit)
        return json_answer(page)

    @routes.post(f"{_COLLECTION}/documents")
    def import_documents(collection: str) -> Response:
        from cloud_openapi.emulator.database.files import FORMATS  # noqa: PLC0415
        from cloud_openapi.emulator.database.transfer import MODES, import_text  # noqa: PLC0415

        given = query("appid", "format", "mode")
        form, mode = _one_of(given, "format", FORMATS), _one_of(given, "mode", MODES)
        text = text_body(_LARGEST_FILE)
        imported = import_text(_database(emulator, given), collection, text, form, mode)
        return json_answer(imported._asdict(), HTTPStatus.CREATED)

    @routes.delete(f"{_COLLECTION}/documents")
    def delete(collection: str) -> Response:
        from cloud_openapi.emulator.database.transfer import read_object  # noqa: PLC0415

        given = query("appid", "query")
        if "query" not in given:
            raise InvalidInputError(
                'query is missing; {} deletes all documents: query={"_id": "…"}'
            )
        conditions = read_object("query", given["query"])
        deleted = _database(emulator, given).delete(collection, conditions, many=True)
        return json_answer({"deleted": deleted})

    @routes.get(f"{_COLLECTION}/export")
    def export(collection: str) -> Response:
        from cloud_openapi.emulator.database.files import FORMATS  # noqa: PLC0415
        from cloud_openapi.emulator.database.transfer import export_text  # noqa: PLC0415

        given = query("appid", "format")
        form = _one_of(given, "format", FORMATS)
        text = export_text(_database(emulator, given), collection, form)
        return Response(text, content_type="text/plain; charset=utf-8")


def _add_snapshots(routes: Blueprint, emulator: Emulator) -> None:
    @routes.post("/database/snapshots")
    def save() -> Response:
        given = query("appid")
        _database(emulator, given).save(fields("name")["name"])
        return _described(emulator, given, HTTPStatus.CREATED)

    @routes.post("/database/snapshots/<name>/restore")
    def restore(name: str) -> Response:
        given = query("appid")
        _database(emulator, given).restore(name)
        return _described(emulator, given)

    @routes.delete("/database/snapshots/<name>")
    def forget(name: str) -> Response:
        given = query("appid")
        _database(emulator, given).forget(name)
        return _described(emulator, given)


def _described(emulator: Emulator, given: Mapping[str, str], status: int = 200) -> Response:
    database = _database(emulator, given)
    shown = {"collections": database.describe(), "snapshots": sorted(database.snapshots)}
    unread = {"unread": dict(database.unread)} if database.unread else {}
    return json_answer({**shown, **unread}, status)


def _appid(emulator: Emulator, given: Mapping[str, str]) -> str:
    return given.get("appid", emulator.first_appid)


def _database(emulator: Emulator, given: Mapping[str, str]) -> Any:
    return emulator.program(_appid(emulator, given)).database


def _one_of(given: Mapping[str, str], name: str, known: tuple[Any, ...]) -> Any:
    value = given.get(name, known[0])
    if value not in known:
        raise InvalidInputError(f"{name} is {' or '.join(known)}, not {value!r:.80}")
    return value
