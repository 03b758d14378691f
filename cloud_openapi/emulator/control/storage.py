"""The routes below ``/_emulator/storage``: look at the files of cloud storage and change them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi.emulator.control.input import query, whole
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import NotFoundError
from cloud_openapi.emulator.json_response import json_answer, refusal

if TYPE_CHECKING:
    from cloud_openapi.emulator.mini_program import MiniProgram

_USUAL: Final = 1000
_FILE: Final = "/storage/files/<path:path>"


def add_storage_control(routes: Blueprint, emulator: Emulator) -> None:
    """Add the routes; each takes the query ``appid``, by default the first mini program."""

    def program(given: Mapping[str, str]) -> "MiniProgram":
        return emulator.program(given.get("appid", emulator.first_appid))

    @routes.get("/storage")
    def list_files() -> Response:
        from cloud_openapi.emulator.storage.described import describe  # noqa: PLC0415

        given = query("appid", "prefix", "after", "limit")
        found = program(given).storage.files.listed(given.get("prefix", ""))
        later = [pair for pair in found if pair[0] > given.get("after", "")]
        shown = [describe(*pair) for pair in later[: whole(given, "limit", _USUAL)]]
        return json_answer({"files": shown, "total": len(found)})

    @routes.get(_FILE)
    def read_file(path: str) -> AnyResponse:
        from cloud_openapi.emulator.cloudbase.storage_http import send_stored  # noqa: PLC0415
        from cloud_openapi.emulator.storage.urls import RefusedError  # noqa: PLC0415

        found = program(query("appid")).storage.files.get(path)
        try:
            response = None if found is None else send_stored(path, found)
        except RefusedError as error:
            return refusal(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, error.code, error.message)
        if response is None:
            raise NotFoundError(f"file {path}")
        return response

    @routes.put(_FILE)
    def write_file(path: str) -> Response:
        from cloud_openapi.emulator.cloudbase.storage_http import body_pieces  # noqa: PLC0415
        from cloud_openapi.emulator.storage.described import describe  # noqa: PLC0415

        one = program(query("appid"))
        stored = one.storage.files.write(path, body_pieces(), one.clock.now())
        return json_answer(describe(path, stored), HTTPStatus.CREATED)

    @routes.delete(_FILE)
    def remove_file(path: str) -> Response:
        if not program(query("appid")).storage.files.remove(path):
            raise NotFoundError(f"file {path}")
        return json_answer({"removed": path})

    @routes.post("/storage/reset")
    def reset_storage() -> Response:
        files = program(query("appid")).storage.files
        files.reset()
        return json_answer({"total": len(files.listed())})
