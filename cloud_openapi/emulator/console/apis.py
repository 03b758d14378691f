"""The catalogue as documentation, and calls of an API from its page."""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final, NamedTuple, get_args

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from cloud_openapi.catalogue import Operation
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
from cloud_openapi.catalogue.documentation import (
    matches,
    namespace_of,
    request_rows,
    response_rows,
)
from cloud_openapi.catalogue.states import State, state_of
from cloud_openapi.emulator.console import api_docs
from cloud_openapi.emulator.console.call_form import (
    OTHERS,
    PERIOD,
    Choice,
    Given,
    first_texts,
    inputs_of,
    newest_day,
    periods_of,
    read_form,
    read_others,
    write_form,
)
from cloud_openapi.emulator.console.forms import (
    cloud_answer,
    cloud_request,
    https_answer,
    image_type,
    is_cut,
    params_of,
)
from cloud_openapi.emulator.console.sending import send_cloud, send_https
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.emulator.mini_program import MiniProgram
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.json_text import json_text
from cloud_openapi.naming import snake_to_camel
from cloud_openapi.runtime import Functions, UnknownFunctionError
from cloud_openapi.wire.multipart import Part

_STATES: Final = get_args(State)


class Shown(NamedTuple):
    """The answer to a call, as the page shows it."""

    number: int
    entry: Entry
    text: str
    """JSON or another text, empty for a file."""
    file: str
    """The type of a file, with its size, empty for a text."""
    picture: str
    """The address of a picture, a ``data:`` URL; empty for anything else."""


class Caller(NamedTuple):
    """A function to call as, and whether its config.json permits the API."""

    name: str
    permitted: bool


def add_apis(app: Flask, tools: Tools) -> None:
    """Add the list of all APIs, and the page of each, to the console."""

    @app.get("/apis")
    def apis() -> str:
        text, state = request.args.get("q", "").strip(), request.args.get("state", "")
        names = sorted(_names(tools), key=lambda name: (namespace_of(name), name))
        calls = {name: tools.emulator.catalogue.get(name) for name in names}
        found = [
            (name, operation, state_of(operation))
            for name, operation in calls.items()
            if matches(text, name, operation) and state in ("", state_of(operation))
        ]
        groups = groupby(found, key=lambda each: namespace_of(each[0]))
        return render_template(
            "apis.html",
            groups=[(namespace, list(group)) for namespace, group in groups],
            count=len(found),
            text=text,
            state=state,
            states=_STATES,
            in_words={each: api_docs.state_in_words(each) for each in _STATES},
            meant=None if found or not text else meant_call(text),
        )

    @app.get("/apis/<name>")
    def api(name: str) -> str:
        operation = _find(tools, name)
        shown = _answered(tools, name, operation)
        return _page(tools, name, operation, shown, _first(tools, name, operation, shown))

    @app.post("/apis/<name>")
    def call_api(name: str) -> Response | tuple[str, int]:
        operation = _find(tools, name)
        texts = request.form.to_dict()
        if texts.pop("days", None):
            # Nothing is sent: the form comes back with the days of the chosen mini program.
            texts.pop(PERIOD, None)
            return _page(tools, name, operation, None, texts), HTTPStatus.OK
        given, error = _given(tools, operation, texts), ""
        if not given.wrong:
            try:
                number = _send(tools, name, operation, given.params, texts)
                url = url_for("api", name=name, entry=number, _anchor="answer")
                return redirect(url, HTTPStatus.SEE_OTHER)
            except InvalidInputError as refused:
                error = str(refused)
            except UnknownFunctionError:
                error = t(
                    f"There is no function {texts.get('function')} any more.",
                    f"云函数 {texts.get('function')} 已不存在。",
                )
        page = _page(tools, name, operation, None, texts, given.wrong, error)
        return page, HTTPStatus.BAD_REQUEST


def _names(tools: Tools) -> frozenset[str]:
    return cloud_calls().union(tools.emulator.catalogue)


def _find(tools: Tools, name: str) -> Operation | None:
    """Return an API, None if only its name is known. Raises NotFoundError."""
    if name in _names(tools):
        return tools.emulator.catalogue.get(name)
    meant = meant_call(name)
    hint = t(f" (did you mean {meant}?)", f"（是否指 {meant}？）") if meant else ""
    raise NotFoundError(t(f"API {name}{hint}", f"接口 {name}{hint}"))


def _page(  # noqa: PLR0913 - each is a part of the page
    tools: Tools,
    name: str,
    operation: Operation | None,
    shown: Shown | None,
    texts: Mapping[str, str],
    wrong: Mapping[str, str] | None = None,
    error: str = "",
) -> str:
    program = _program(tools, texts)
    callers = _callers(tools.functions, name)
    docs = {} if operation is None else _docs(operation)
    return render_template(
        "api.html",
        name=name,
        operation=operation,
        state=state_of(operation),
        in_words=api_docs.state_in_words,
        permission=api_docs.permission_of(name),
        permitted=[caller.name for caller in callers if caller.permitted and caller.name],
        **docs,
        shown=shown,
        inputs=[] if operation is None else inputs_of(operation),
        texts=texts,
        wrong=wrong or {},
        error=error,
        appids=list(tools.emulator.programs),
        program=program,
        now=program.clock.now(),
        periods=_periods(operation, program),
        last_day=newest_day(operation.rules[0], program, program.clock.now())
        if operation is not None and operation.rules
        else None,
        callers=callers,
    )


def _docs(operation: Operation) -> dict[str, Any]:
    return {
        "lacks": api_docs.lacks_in_words(operation),
        "rules": [api_docs.rule_in_words(rule) for rule in operation.rules],
        "keeps_names": api_docs.keeps_names(operation),
        "request_rows": request_rows(operation),
        "response_rows": response_rows(operation),
        "file": operation.schema("https", "response").get("contentMediaType"),
        "limits": api_docs.limits_of,
        "own_errors": api_docs.own_errors(operation),
        "common_errors": api_docs.common_errors(operation),
        "conditions": api_docs.conditions_of(operation),
        "examples": list(api_docs.examples_of(operation)),
    }


def _program(tools: Tools, texts: Mapping[str, str]) -> MiniProgram:
    """Return the chosen mini program. Raises InvalidInputError."""
    emulator = tools.emulator
    return emulator.program(texts.get("appid") or request.args.get("appid") or emulator.first_appid)


def _periods(operation: Operation | None, program: MiniProgram) -> list[Choice]:
    if operation is None or not operation.rules:
        return []
    return periods_of(operation.rules[0], program, program.clock.now())


def _callers(functions: Functions | None, name: str) -> list[Caller]:
    """Return those that may make a cloud call, those first that are permitted to."""
    if functions is None:
        return []
    outside = Caller("", name in functions.root_permissions())
    found = [Caller(each, name in functions.permissions_of(each)) for each in functions]
    return sorted([*found, outside], key=lambda caller: not caller.permitted)


def _answered(tools: Tools, name: str, operation: Operation | None) -> Shown | None:
    """Return the answer to the call in the URL, None if the journal has it no more."""
    number = request.args.get("entry", type=int)
    entry = None if number is None else tools.emulator.journal_entry(number)
    if number is None or entry is None or name not in entry.apis:
        return None
    secrets = tools.emulator.secrets
    call = cloud_request(entry, params_of(entry, operation))
    if entry.via == "gateway" and call is not None:
        answer = cloud_answer(entry, call, operation, secrets)
    else:
        answer = https_answer(entry, operation, secrets)
    if answer is None:
        return Shown(number, entry, "", "", "")
    kind = image_type(entry.answer) if answer.is_file else ""
    data = base64.b64encode(entry.answer).decode() if kind else ""
    file = f"{answer.content_type}, {answer.size:,} B" if answer.is_file else ""
    if file and is_cut(entry.answer):
        file += t(": the journal has only the beginning", "：日志中只有开头")
    return Shown(number, entry, answer.text, file, f"data:{kind};base64,{data}" if kind else "")


def _first(
    tools: Tools, name: str, operation: Operation | None, shown: Shown | None
) -> dict[str, str]:
    """Return the texts of the form: those of the call in the URL, or of the documented example."""
    texts = {} if operation is None else first_texts(operation)
    if shown is None:
        permitted = [caller.name for caller in _callers(tools.functions, name) if caller.permitted]
        return {**texts, "function": permitted[0] if permitted else ""}
    entry = shown.entry
    params = params_of(entry, operation)
    if params is not None:
        periods = _periods(operation, _program(tools, {"appid": entry.appid or ""}))
        found = dict(params.values)
        texts = write_form(operation, found, periods) if operation else _as_others(found)
    cloud = entry.via == "gateway"
    form = {"way": "cloud" if cloud else "https", "function": entry.function or ""}
    return {**texts, **form, "appid": entry.appid or ""}


def _given(tools: Tools, operation: Operation | None, texts: Mapping[str, str]) -> Given:
    if operation is not None:
        return read_form(operation, texts, _program(tools, texts).clock.now().date())
    wrong: dict[str, str] = {}
    return Given(read_others(texts, wrong), wrong)


def _send(
    tools: Tools,
    name: str,
    operation: Operation | None,
    params: Mapping[str, Any],
    texts: Mapping[str, str],
) -> int:
    """Make the call in the chosen form; return the number of its entry in the journal.

    Raises InvalidInputError, UnknownFunctionError.
    """
    appid = str(_program(tools, texts).appid)
    files = {} if operation is None else _files(operation)
    if texts.get("way") == "https" and operation is not None:
        return send_https(tools, appid, operation, params, files)
    function = texts.get("function") or None
    convert = operation is None or not api_docs.keeps_names(operation)
    if convert:
        params = {snake_to_camel(key): value for key, value in params.items()}
    return send_cloud(tools, function, name, params, files, appid=appid, convert=convert)


def _files(operation: Operation) -> dict[str, Part]:
    found = {}
    for each in inputs_of(operation):
        file = request.files.get(each.field)
        if file is not None and file.filename:
            kind = file.mimetype or "application/octet-stream"
            found[each.row.name] = Part(file.read(), file.filename, kind)
    return found


def _as_others(params: Mapping[str, Any]) -> dict[str, str]:
    return {OTHERS: json_text(params, indent=2)} if params else {}
