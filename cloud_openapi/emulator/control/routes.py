"""Watch and control a running emulator: the routes below ``/_emulator``.

`foreign_requests` refuses the requests of those who may not.
"""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, request

from cloud_openapi.emulator.control.database import add_database
from cloud_openapi.emulator.control.input import (
    body,
    fields,
    filters,
    query,
    seconds,
)
from cloud_openapi.emulator.control.storage import add_storage_control
from cloud_openapi.emulator.database.failures import DatabaseError
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.json_response import json_answer, no_descriptors, refusal
from cloud_openapi.emulator.reasons import options_for
from cloud_openapi.emulator.state.clock import describe_clock, read_moment
from cloud_openapi.errors import RecordingError
from cloud_openapi.runtime import no_descriptor


def add_control(app: Flask, emulator: Emulator) -> None:
    """Add the routes to the application; each is a method of the emulator and no more.

    Invalid input returns 400 with ``{"code", "message"}`` and changes nothing.
    """
    routes = Blueprint("control", __name__, url_prefix="/_emulator")
    routes.register_error_handler(InvalidInputError, _bad_request)
    routes.register_error_handler(RecordingError, _bad_request)
    routes.register_error_handler(NotFoundError, _not_found)
    routes.register_error_handler(DatabaseError, _database_error)
    routes.register_error_handler(RecursionError, _too_deep)
    routes.register_error_handler(OSError, _disk_error)
    _add_state(routes, emulator)
    _add_clock(routes, emulator)
    _add_faults(routes, emulator)
    _add_pins(routes, emulator)
    _add_apps(routes, emulator)
    add_database(routes, emulator)
    add_storage_control(routes, emulator)

    app.register_blueprint(routes)


def unknown_route() -> Response:
    """Return the 404 response to an unknown path below /_emulator."""
    message = f"There is no {request.path}."
    return refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", message)


def _add_state(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/state")
    def state() -> Response:
        return json_answer(emulator.describe())

    @routes.post("/reset")
    def reset() -> Response:
        given = fields("appid", "all")
        if given.keys() == {"appid"}:
            emulator.reset_app(given["appid"])
            return json_answer(emulator.describe_app(given["appid"]))
        if given != {"all": True}:
            raise InvalidInputError(
                'give {"appid": "…"} to reset one mini program or {"all": true}'
            )
        emulator.reset()
        return json_answer(emulator.describe())

    @routes.put("/seed")
    def seed() -> Response:
        emulator.reseed(fields("seed")["seed"])
        return json_answer({"seed": emulator.seed})

    @routes.put("/mode")
    def mode() -> Response:
        emulator.modes.set(fields("mode")["mode"])
        return json_answer(emulator.modes.describe())

    @routes.get("/journal")
    def journal() -> Response:
        return json_answer(emulator.journal_page(**filters()))


def _add_clock(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/clock")
    def clock() -> Response:
        appid = query("appid").get("appid")
        return json_answer(
            describe_clock(emulator.clock if appid is None else emulator.clock_of(appid))
        )

    @routes.put("/clock")
    def set_clock() -> Response:
        given = fields("freeze", "advance", "run", "appid")
        own = "appid" in given
        clock = emulator.clock_of(given.pop("appid")) if own else emulator.clock
        if len(given) != 1:
            raise InvalidInputError("give one of freeze, advance and run")
        (how, value) = next(iter(given.items()))
        warnings = []
        if how == "advance":
            warnings = clock.advance(seconds(value))
        elif how == "freeze":
            warnings = clock.freeze(None if value is True else read_moment(how, value))
        else:
            clock.run(None if value is True else read_moment(how, value))
        told = {"warnings": warnings} if warnings else {}
        return json_answer({**describe_clock(clock), **told})


def _add_faults(routes: Blueprint, emulator: Emulator) -> None:
    def listed() -> Response:
        return json_answer({"faults": [fault.describe() for fault in emulator.faults.listed()]})

    routes.add_url_rule("/faults", "faults", listed, methods=["GET"])

    @routes.post("/faults")
    def add() -> Response:
        return json_answer(emulator.faults.add(body()).describe(), HTTPStatus.CREATED)

    @routes.delete("/faults")
    def clear() -> Response:
        appid = query("appid").get("appid")
        if appid is None:
            emulator.faults.clear()
        else:
            emulator.faults.clear_of(emulator.program(appid))
        return listed()

    @routes.delete("/faults/<int:number>")
    def remove(number: int) -> Response:
        emulator.faults.remove(number)
        return listed()


def _add_pins(routes: Blueprint, emulator: Emulator) -> None:
    def listed() -> Response:
        pins = [pin.describe() for pin in emulator.pins.listed()]
        return json_answer({"pins": pins, "documented": emulator.pins.documented()})

    routes.add_url_rule("/pins", "pins", listed, methods=["GET"])

    @routes.post("/pins")
    def pin() -> Response:
        return json_answer(emulator.pins.add(body()).describe(), HTTPStatus.CREATED)

    @routes.delete("/pins")
    def unpin_all() -> Response:
        appid = query("appid").get("appid")
        if appid is None:
            emulator.pins.clear()
        else:
            emulator.pins.clear_of(emulator.program(appid))
        return listed()

    @routes.delete("/pins/<int:number>")
    def unpin(number: int) -> Response:
        emulator.pins.remove(number)
        return listed()


def _add_apps(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/apps/<appid>")
    def describe(appid: str) -> Response:
        return json_answer(emulator.describe_app(appid))

    @routes.put("/apps/<appid>")
    def configure(appid: str) -> Response:
        given = fields(*emulator.APP_SETTINGS)
        nothing = [name for name, value in given.items() if value is None]
        if nothing:
            raise InvalidInputError(f"{', '.join(nothing)}: null changes nothing; leave it out")
        emulator.configure_app(appid, **given)
        return json_answer(emulator.describe_app(appid))

    @routes.get("/apps/<appid>/cloudbase_access_token")
    def token_file(appid: str) -> Response:
        # Only the bytes of the file: a client reads the response as it reads Cloud Run's file.
        return Response(emulator.cloudbase_access_token(appid), content_type="text/plain")


def _bad_request(error: Exception) -> Response:
    return refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", str(error))


def _database_error(error: DatabaseError) -> Response:
    options = options_for(request.host_url.rstrip("/"), request.args.get("appid"))
    return refusal(HTTPStatus.BAD_REQUEST, error.code, error.reason_with(options))


def _disk_error(error: OSError) -> Response:
    if no_descriptor(error):
        return no_descriptors(error)
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "DISK_ERROR", f"disk: {error.strerror}")


def _too_deep(_error: Exception) -> Response:
    return refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", "the body is nested too deeply")


def _not_found(error: Exception) -> Response:
    return refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"There is no {error.args[0]} here.")
