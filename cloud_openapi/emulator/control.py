"""Watch and steer a running emulator: the routes below ``/_emulator``, for this machine only."""

import json
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, request

from cloud_openapi.emulator.clock import read_moment
from cloud_openapi.emulator.control_input import (
    body,
    fields,
    filters,
    from_this_machine,
    query,
    seconds,
)
from cloud_openapi.emulator.state import Emulator

_LONGEST_MESSAGE = 2000


def add_control(app: Flask, emulator: Emulator) -> None:
    """Add the routes to the application; each is a method of the emulator and no more.

    Input that cannot be used is answered 400 with ``{"code", "message"}`` and changes nothing.
    """
    routes = Blueprint("control", __name__, url_prefix="/_emulator")
    routes.before_request(_only_this_machine)
    routes.register_error_handler(ValueError, _bad_request)
    routes.register_error_handler(KeyError, _not_found)
    _add_state(routes, emulator)
    _add_clock(routes, emulator)
    _add_faults(routes, emulator)
    _add_pins(routes, emulator)
    _add_apps(routes, emulator)

    @routes.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "DELETE"])
    @routes.route("/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])
    def unknown(rest: str) -> Response:
        return _refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"There is no /_emulator/{rest}.")

    app.register_blueprint(routes)


def _add_state(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/state")
    def state() -> Response:
        return _json(emulator.describe())

    @routes.post("/reset")
    def reset() -> Response:
        given = fields("appid", "all")
        if given.keys() == {"appid"}:
            emulator.reset_app(given["appid"])
        elif given == {"all": True}:
            emulator.reset()
        else:
            raise ValueError('give {"appid": "…"} to reset one mini program or {"all": true}')
        return _json(emulator.describe())

    @routes.put("/seed")
    def seed() -> Response:
        emulator.reseed(fields("seed")["seed"])
        return _json({"seed": emulator.seed})

    @routes.get("/journal")
    def journal() -> Response:
        return _json({"entries": emulator.journal_entries(**filters())})


def _add_clock(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/clock")
    def clock() -> Response:
        return _json(emulator.describe_clock())

    @routes.put("/clock")
    def set_clock() -> Response:
        given = fields("freeze", "advance", "run")
        if len(given) != 1:
            raise ValueError("give one of freeze, advance and run")
        (how, value) = next(iter(given.items()))
        if how == "advance":
            emulator.clock.advance(seconds(value))
        elif how == "freeze":
            emulator.clock.freeze(None if value is True else read_moment(how, value))
        else:
            emulator.clock.run(None if value is True else read_moment(how, value))
        return _json(emulator.describe_clock())


def _add_faults(routes: Blueprint, emulator: Emulator) -> None:
    def listed() -> Response:
        return _json({"faults": [fault.describe() for fault in emulator.faults.listed()]})

    routes.add_url_rule("/faults", "faults", listed, methods=["GET"])

    @routes.post("/faults")
    def add() -> Response:
        return _json(emulator.faults.add(body()).describe(), HTTPStatus.CREATED)

    @routes.delete("/faults")
    def clear() -> Response:
        appid = query("appid").get("appid")
        emulator.faults.clear(None if appid is None else emulator.known_appid(appid))
        return listed()

    @routes.delete("/faults/<int:number>")
    def remove(number: int) -> Response:
        emulator.faults.remove(number)
        return listed()


def _add_pins(routes: Blueprint, emulator: Emulator) -> None:
    def listed() -> Response:
        pins = [pin.describe() for pin in emulator.pins.listed()]
        return _json({"pins": pins, "documented": emulator.pins.documented()})

    routes.add_url_rule("/pins", "pins", listed, methods=["GET"])

    @routes.post("/pins")
    def pin() -> Response:
        return _json(emulator.pins.add(body()).describe(), HTTPStatus.CREATED)

    @routes.delete("/pins")
    def unpin_all() -> Response:
        appid = query("appid").get("appid")
        emulator.pins.clear(None if appid is None else emulator.known_appid(appid))
        return listed()

    @routes.delete("/pins/<int:number>")
    def unpin(number: int) -> Response:
        emulator.pins.remove(number)
        return listed()


def _add_apps(routes: Blueprint, emulator: Emulator) -> None:
    @routes.get("/apps/<appid>")
    def describe(appid: str) -> Response:
        return _json(emulator.describe_app(appid))

    @routes.put("/apps/<appid>")
    def configure(appid: str) -> Response:
        emulator.configure_app(appid, **fields(*emulator.APP_SETTINGS))
        return _json(emulator.describe_app(appid))


def _only_this_machine() -> Response | None:
    if from_this_machine(request):
        return None
    message = "/_emulator is for this machine: call it by localhost or 127.0.0.1."
    return _refusal(HTTPStatus.FORBIDDEN, "NOT_LOOPBACK", message)


def _bad_request(error: Exception) -> Response:
    return _refusal(HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", str(error))


def _not_found(error: Exception) -> Response:
    return _refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"There is no {error.args[0]} here.")


def _refusal(status: HTTPStatus, code: str, message: str) -> Response:
    # The message repeats what was sent, however long that was.
    return _json({"code": code, "message": message[:_LONGEST_MESSAGE]}, status)


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK) -> Response:
    # In ASCII, since a journal may hold half a surrogate pair.
    return Response(json.dumps(value), status, content_type="application/json; charset=utf-8")
