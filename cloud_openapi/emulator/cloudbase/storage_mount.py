"""The place of cloud storage's files in the emulator's application."""

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import Flask
from werkzeug.wrappers import Response

from cloud_openapi.emulator.state.tokens import mark_of_appid

if TYPE_CHECKING:
    from cloud_openapi.emulator.emulator import Emulator
    from cloud_openapi.emulator.mini_program import MiniProgram

PATH: Final = "/storage"

# encodeURI, which the SDKs call, leaves these as they are, although they end a path.
_ENCODED: Final = {ord(c): quote(c) for c in "%?#"}


def add_storage(app: Flask, emulator: "Emulator") -> None:
    """Add ``/storage/<mini program>/<path>`` to the application; each request needs a signature."""

    # COS answers OPTIONS, not Flask.
    @app.route(
        f"{PATH}/<mark>/<path:path>",
        methods=["GET", "PUT", "POST", "OPTIONS"],
        provide_automatic_options=False,
    )
    def file(mark: str, path: str) -> Response:
        # An emulator whose functions use no files does not pay for it.
        from cloud_openapi.emulator.cloudbase.storage_http import answer  # noqa: PLC0415

        return answer(emulator, mark, path)


def answer_other_method(emulator: "Emulator", url_path: str) -> Response:
    """Return the response to a request whose method is not one of the route's: COS's error."""
    from cloud_openapi.emulator.cloudbase.storage_http import answer  # noqa: PLC0415

    mark, path = url_path.removeprefix(f"{PATH}/").split("/", 1)
    return answer(emulator, mark, path)


def signed_url(base: str, program: "MiniProgram", path: str, age: int) -> str:
    """Return the URL that opens a file for ``age`` seconds; SDKs encode it.

    ``base`` is the emulator's URL.
    """
    query = program.storage.signer.download(path, program.clock.now(), age)
    return f"{base}{path_of_files(program)}/{path.translate(_ENCODED)}?{query}"


def path_of_files(program: "MiniProgram") -> str:
    """Return the path below which a mini program's files are."""
    return f"{PATH}/{mark_of_appid(program.appid or '')}"
