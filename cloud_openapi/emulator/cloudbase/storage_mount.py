"""The place of cloud storage's files in the emulator's application."""

from typing import TYPE_CHECKING, Final

from flask import Flask
from werkzeug.wrappers import Response

from cloud_openapi.emulator.state.tokens import mark_of_appid

if TYPE_CHECKING:
    from cloud_openapi.emulator.emulator import Emulator

PATH: Final = "/storage"


def add_storage(app: Flask, emulator: "Emulator") -> None:
    """Add ``/storage/<mini program>/<path>`` to the application; each request needs a signature."""

    @app.route(f"{PATH}/<mark>/<path:path>", methods=["GET", "PUT", "POST"])
    def file(mark: str, path: str) -> Response:
        # An emulator whose functions use no files does not pay for it.
        from cloud_openapi.emulator.cloudbase.storage_http import answer  # noqa: PLC0415

        return answer(emulator, mark, path)


def path_of_files(appid: str) -> str:
    """Return the path below which a mini program's files are."""
    return f"{PATH}/{mark_of_appid(appid)}"
