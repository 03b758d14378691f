"""One request of the journal: why it was answered so, in both forms, and what to do with it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from flask import Flask, Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from cloud_openapi.catalogue import Operation
from cloud_openapi.emulator.console import snippets
from cloud_openapi.emulator.console.forms import (
    AnswerForm,
    CloudForm,
    HTTPSForm,
    Params,
    cloud_answer,
    cloud_request,
    https_answer,
    https_request,
    image_type,
    is_cut,
    operation_of,
    params_of,
    pretty,
    read_params,
    with_files,
)
from cloud_openapi.emulator.console.keeping import default_place, pin_of, save
from cloud_openapi.emulator.console.rows import local_time
from cloud_openapi.emulator.console.sending import send_as_written, send_cloud, send_https
from cloud_openapi.emulator.console.stored import StoredForm, stored_form, subject_of
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.console.why import Why, why
from cloud_openapi.emulator.environment import gateway_variables
from cloud_openapi.emulator.errors import CREDENTIAL_PATHS, InvalidInputError, NotFoundError, meant
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_text import read_json
from cloud_openapi.naming import camel_to_snake, to_camel_case
from cloud_openapi.runtime import UnknownFunctionError
from cloud_openapi.wire import https_form

METHODS: Final = ("GET", "POST")
_INPUT_ERRORS: Final = (InvalidInputError, RecordingError)


class Detail(NamedTuple):
    """The content of the page of one request."""

    number: int
    entry: Entry
    operation: Operation | None
    params: Params | None
    https: HTTPSForm | None
    cloud: CloudForm | None
    stored: StoredForm | None
    https_answer: AnswerForm | None
    cloud_answer: AnswerForm | None
    why: Why
    pin: Mapping[str, Any] | None
    image: str
    """The type of the answer, if it is an image that the page may show."""

    @property
    def snippets(self) -> dict[str, tuple[str, str]]:
        """Return the title and the text of each snippet by its id."""
        cloud = self.cloud
        made = {
            "curl": ("curl", snippets.curl(self.https) if self.https else ""),
            "python": ("Python", snippets.python(cloud) if cloud else ""),
            "javascript": ("JavaScript", snippets.javascript(cloud) if cloud else ""),
        }
        whole = not is_cut(self.entry.body)
        return {name: pair for name, pair in made.items() if pair[1] and whole}

    @property
    def answered(self) -> str:
        """Return the moment of the answer by this machine's clock, as the list shows it."""
        return local_time(self.entry.answered)[:19].replace("T", " ")

    @property
    def subject(self) -> str:
        """Return the collection or the file that the request is about, if it has one."""
        return subject_of(self.entry)

    @property
    def is_secret(self) -> bool:
        """Return whether the request holds a secret, so that its body is not kept."""
        return self.entry.path in CREDENTIAL_PATHS

    @property
    def is_unread(self) -> bool:
        """Return whether the parameters in the URL were not read, and so are not kept."""
        operation = self.operation
        return operation is not None and not operation.takes_json and not self.entry.body


def add_request(app: Flask, tools: Tools) -> None:
    """Add the page of one request, and the actions on it."""
    for name, action in (
        ("send", _send),
        ("pin", _pin),
        ("record", _record),
        ("remove", _remove_override),
    ):
        _add_action(app, tools, name, action)

    @app.get("/requests/<int:number>", endpoint="request")
    def page(number: int) -> str:
        return _page(tools, number, request.args)

    @app.get("/requests/<int:number>/answer")
    def request_answer(number: int) -> Response:
        """Return an image that was answered."""
        entry = _entry(tools, number)
        kind = image_type(entry.answer)
        if not kind:
            raise NotFoundError(t(f"image of request {number}", f"请求 {number} 的图片"))
        return Response(entry.answer, content_type=kind)


def detail_of(tools: Tools, number: int) -> Detail:
    """Return what the page of a request shows. Raises NotFoundError."""
    entry, secrets = _entry(tools, number), tools.emulator.secrets
    operation = operation_of(entry, tools.emulator.catalogue)
    params = params_of(entry, operation)
    cloud = cloud_request(entry, params)
    answered = https_answer(entry, operation, secrets)
    return Detail(
        number=number,
        entry=entry,
        operation=operation,
        params=params,
        https=https_request(entry, operation, params),
        cloud=cloud,
        stored=stored_form(tools, entry, secrets),
        https_answer=answered,
        cloud_answer=cloud and cloud_answer(entry, cloud, operation, secrets),
        why=why(tools, entry, operation, params),
        pin=answered and pin_of(entry, operation, params, secrets),
        image=image_type(entry.answer),
    )


def detail_context(
    tools: Tools, number: int, given: Mapping[str, str], wrong: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the variables of the template ``request_detail.html``. Raises NotFoundError.

    ``given`` are values of its forms, ``wrong`` the errors by the name of the form.
    """
    detail = detail_of(tools, number)
    emulator, entry = tools.emulator, detail.entry
    appid = entry.appid or emulator.first_appid
    return {
        "detail": detail,
        "wrong": wrong or {},
        "values": {**_values(detail, appid, default_place(tools)), **given},
        "dates": _texts_with_dates(detail),
        "methods": [(name, name) for name in METHODS],
        "functions": sorted(tools.functions or ()),
        "appids": [(name, name) for name in sorted({*emulator.programs, appid})],
        "call": detail.cloud and snippets.shown_call(detail.cloud),
        "variables": _variables(appid),
        "cut": is_cut(entry.answer),
        "body_cut": is_cut(entry.body),
    }


def _add_action(app: Flask, tools: Tools, name: str, action: Any) -> None:
    """Add a POST that leads to the page of a request, or shows it with the error."""

    def view(number: int) -> AnyResponse | tuple[str, int]:
        detail = detail_of(tools, number)
        try:
            target = action(tools, detail, request.form)
        except _INPUT_ERRORS as error:
            page = _page(tools, number, request.form, {name: str(error)})
            return page, HTTPStatus.BAD_REQUEST
        return redirect(url_for("request", number=target), HTTPStatus.SEE_OTHER)

    app.add_url_rule(f"/requests/<int:number>/{name}", f"{name}_request", view, methods=["POST"])


def _page(
    tools: Tools, number: int, given: Mapping[str, str], wrong: Mapping[str, str] | None = None
) -> str:
    return render_template("request.html", **detail_context(tools, number, given, wrong))


def _entry(tools: Tools, number: int) -> Entry:
    entry = tools.emulator.journal_entry(number)
    if entry is None:
        raise NotFoundError(t(f"request {number}", f"请求 {number}"))
    return entry


def _values(detail: Detail, appid: str, place: str) -> dict[str, str]:
    """Return the values that the forms of the page have at first."""
    entry, params, cloud = detail.entry, detail.params, detail.cloud
    body = pretty(with_files(params)) if params else entry.body.decode("utf-8", "replace")
    return {
        "form": "cloud" if entry.via == "gateway" and cloud else "https",
        "method": entry.method,
        "path": detail.https.path if detail.https else entry.path,
        "appid": appid,
        "body": body,
        "api": entry.api or "",
        "function": entry.function or "",
        "convert": "yes" if cloud is None or cloud.convert else "no",
        "params": pretty(with_files(Params(cloud.values, cloud.files))) if cloud else "",
        "definition": pretty(detail.pin) if detail.pin else "",
        "place": place,
    }


def _texts_with_dates(detail: Detail) -> dict[str, str] | None:
    """Return the parameters with right dates as either form writes them."""
    dates, params, cloud = detail.why.dates, detail.params, detail.cloud
    if dates is None or params is None:
        return None
    in_cloud = to_camel_case(dates.values) if cloud and cloud.convert else dates.values
    return {
        "shown": f"{dates.begin} – {dates.end}",
        "body": pretty(with_files(Params(dates.values, params.files))),
        "params": pretty(with_files(Params(in_cloud, params.files))),
    }


def _variables(appid: str) -> str:
    """Return the lines of a shell that set what the snippets need, without a secret."""
    url = request.host_url.rstrip("/")
    https = {"CLOUD_OPENAPI_BASE_URL": url, "CLOUD_OPENAPI_APPID": appid}
    return snippets.exports({**https, "CLOUD_OPENAPI_SECRET": None, **gateway_variables(url)})


def _send(tools: Tools, detail: Detail, form: Mapping[str, str]) -> int:
    """Send the request of a form; return the number of its entry."""
    appid = form.get("appid") or tools.emulator.first_appid
    tools.emulator.program(appid)
    if form.get("form") == "cloud":
        return _send_cloud(tools, appid, form)
    return _send_https(tools, appid, detail, form)


def _send_cloud(tools: Tools, appid: str, form: Mapping[str, str]) -> int:
    params = read_params(form.get("params") or "{}", None, gateway=True)
    convert = form.get("convert") != "no"
    files = {camel_to_snake(name) if convert else name: part for name, part in params.files.items()}
    api, function = form.get("api", "").strip(), form.get("function")
    own = "" if appid == tools.emulator.first_appid else appid
    if not api:
        raise InvalidInputError(t("give the name of an API", "请填写接口名"))
    try:
        return send_cloud(
            tools, function or None, api, params.values, files, appid=own, convert=convert
        )
    except UnknownFunctionError:
        known = list(tools.functions or ())
        raise InvalidInputError(
            t(
                f"there is no function {function}{meant(function, known)}",
                f"没有云函数 {function}{meant(function, known)}",
            )
        ) from None


def _send_https(tools: Tools, appid: str, detail: Detail, form: Mapping[str, str]) -> int:
    method, path, body = form.get("method", ""), form.get("path", ""), form.get("body", "")
    _check_path(tools, detail, method, path)
    operation = _operation_at(tools, detail, path)
    if operation is None or operation.takes_json or method != operation.method:
        # As typed: a body that is not JSON is a request, too.
        data = body.encode("utf-8", "replace") if method != "GET" else b""
        written = https_form.Written("", https_form.JSON_TYPE if data else "", data)
        return send_as_written(tools, appid, method, path, written)
    params = read_params(body or "{}", operation, gateway=False)
    return send_https(tools, appid, operation, params.values, params.files)


def _check_path(tools: Tools, detail: Detail, method: str, path: str) -> None:
    """Raise InvalidInputError for a request that is not one of WeChat's."""
    if method not in METHODS:
        raise InvalidInputError(t("the method is GET or POST", "请求方法为 GET 或 POST"))
    if path in CREDENTIAL_PATHS:
        raise InvalidInputError(
            t(
                "a request for a token holds a secret, which the console does not have",
                "获取 token 的请求带有密钥，控制台没有密钥",
            )
        )
    known = tools.emulator.paths
    if path not in known and (path != detail.entry.path or detail.entry.via == "gateway"):
        raise InvalidInputError(
            t(
                f"{path} is not a path of WeChat's APIs{meant(path, known)}",
                f"{path} 不是微信接口的路径{meant(path, known)}",
            )
        )


def _operation_at(tools: Tools, detail: Detail, path: str) -> Operation | None:
    """Return the API at a path: that of the request, if it is one of several."""
    if detail.operation is not None and detail.operation.path == path:
        return detail.operation
    names = tools.emulator.apis_at.get(path, ())
    return tools.emulator.catalogue[names[0]] if names else None


def _pin(tools: Tools, detail: Detail, form: Mapping[str, str]) -> int:
    try:
        definition = read_json(form.get("definition", ""))
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"JSON: {error}") from None
    pin = tools.emulator.pins.add(definition)
    flash(
        t(
            f"Pin {pin.id} answers such requests from now on.",
            f"此后的同类请求由固定响应 {pin.id} 返回。",
        )
    )
    return detail.number


def _record(tools: Tools, detail: Detail, form: Mapping[str, str]) -> int:
    if detail.https is None or detail.operation is None or detail.https_answer is None:
        raise InvalidInputError(
            t("only answers of WeChat's APIs can be recorded", "只能录制微信接口的响应")
        )
    file = save(tools, detail.entry, detail.https, detail.operation, form.get("place", ""))
    flash(t(f"Written to {file}", f"已写入 {file}"))
    return detail.number


def _remove_override(tools: Tools, detail: Detail, _form: Mapping[str, str]) -> int:
    found = detail.why.override
    if found is None:
        raise NotFoundError(t("fault or pin of this request", "此请求的故障或固定响应"))
    if found.kind == "fault":
        tools.emulator.faults.remove(found.number)
    else:
        tools.emulator.pins.remove(found.number)
    flash(
        t(
            f"Removed {found.kind} {found.number}: send the request again.",
            f"已移除{'故障' if found.kind == 'fault' else '固定响应'} {found.number}：请重新发送。",
        )
    )
    return detail.number
