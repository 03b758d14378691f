"""Faults and pins: those in force with the requests that they struck, and forms for new ones.

The forms follow from control_schemas.json: its fields, their types and English texts.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from cloud_openapi.catalogue import Operation
from cloud_openapi.catalogue.cloud_calls import cloud_calls
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.control_schemas import control_schemas
from cloud_openapi.emulator.emulator import Emulator
from cloud_openapi.emulator.errors import TEXTS, InvalidInputError, NotFoundError
from cloud_openapi.emulator.overrides.fault import KINDS, Fault
from cloud_openapi.emulator.overrides.pin import Pin
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.errors import SDK_TEXTS
from cloud_openapi.json_text import json_text, read_json

_MOST_STRUCK: Final = 5
_LONGEST_NUMBER: Final = 9
_NAME: Final = re.compile(r"fault \d+: \w+|^pin \d+")
_FIRST_WORD: Final = re.compile(r"\w+")
_TARGETS: Final = ("api", "path", "appid")
_NOT_ITS_OWN: Final = ("id", "kind", "struck", *_TARGETS, "times", "rate", "until")
_JSON_TYPES: Final = frozenset({"object", "array"})
# The codes by which the gateway refuses a call.
_GATEWAY_CODES: Final = (-604100, -604101, -604102, -604103, -604104)
_AN_HOUR: Final = timedelta(hours=1)
# What most people want, so that a form can be sent at once.
_SUGGESTED: Final = {"seconds": "2", "status": "503", "content_type": "text/plain", "times": "1"}
# What each kind does: English, Chinese.
KIND_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "error": (
        "WeChat answers an errcode, with WeChat's text or yours.",
        "微信返回 errcode，错误信息为微信原文或你给出的文本。",
    ),
    "status": (
        "A proxy answers an HTML page with an HTTP status such as 503.",
        "代理返回 HTML 页面，HTTP 状态码如 503。",
    ),
    "latency": ("The answer is slow: it comes later.", "响应变慢：延迟一段时间才返回。"),
    "drop": ("The connection is closed before the answer.", "在响应之前断开连接。"),
    "drop_in_body": (
        "The connection is closed in the middle of the body.",
        "响应体只发出一半就断开连接。",
    ),
    "truncate": ("Half of the JSON comes, as if it were all.", "只返回一半的 JSON。"),
    "html": (
        "An HTML page with status 200, as of a network's sign-in page.",
        "返回状态码 200 的 HTML 页面，如网络的登录页。",
    ),
    "empty": ("The body is empty.", "响应体为空。"),
    "content_type": (
        "The answer is right, its Content-Type is another one.",
        "响应内容正常，Content-Type 不同。",
    ),
    "revoke_token": (
        "The caller's access token becomes invalid: 40001.",
        "调用者的 access_token 失效：40001。",
    ),
    "quota": ("The calls of the day are used up: 45009.", "当天的调用次数已用完：45009。"),
    "not_ready": (
        "The data are not ready until a time: 61503.",
        "在指定时间之前数据未就绪：61503。",
    ),
    "gateway_error": (
        "The gateway refuses a cloud call with a code of its own.",
        "网关以自己的错误码拒绝云调用。",
    ),
}
# The Chinese of the schemas' descriptions.
FIELD_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "fault": {
        "errcode": "错误码，用于 error 和 gateway_error。",
        "errmsg": "错误信息，代替微信原文。",
        "status": "HTTP 状态码，用于 status。",
        "seconds": "延迟的秒数，用于 latency：0 到 60 的数，"
        '{"uniform": [最小, 最大]} 或 {"lognormal": [中位数, sigma]}。',
        "content_type": "响应头的值，用于 content_type。",
        "api": "只对这个接口生效。",
        "path": "只对这个路径生效。",
        "appid": "只对这个小程序生效。",
        "times": "生效这么多次后结束。",
        "rate": "只对这一比例的请求生效。",
        "until": "到这个时间结束，如 2026-03-11T12:00。",
    },
    "pin": {
        "api": "接口，如 analysis.getDailyRetain。",
        "request": "请求必须带有的参数。",
        "response": '响应；文件接口为 {"contentType", "base64"}。',
        "responses": "多个响应，依次返回。",
        "appid": "只对这个小程序生效。",
        "times": "返回这么多次后结束。",
        "force": "允许任何接口，以及不符合接口 Schema 的请求或响应。",
    },
}


class Field(NamedTuple):
    """A field of a form, from its JSON Schema."""

    name: str
    help: str
    types: tuple[str, ...]
    required: bool
    least: float | None
    most: float | None
    value: str
    options: Sequence[tuple[str, str]] = ()
    """Proposed values with their texts; others are possible."""

    @property
    def input_type(self) -> str:
        """Return the type of its input: number, checkbox, text, or json for a larger text."""
        if self.types == ("boolean",):
            return "checkbox"
        if not self.types or _JSON_TYPES & {self.types[0]}:
            return "json"
        return "number" if set(self.types) <= {"integer", "number"} else "text"


class Struck(NamedTuple):
    """A fault or pin with the requests that it applied to, the newest ones with their numbers."""

    id: int
    name: str
    kind: str
    hits: int
    newest: Sequence[tuple[int, Entry]]
    target: Mapping[str, str]
    details: Sequence[tuple[str, str]] = ()
    times: int | None = None
    rate: float | None = None
    until: str = ""
    over: bool = False


def add_overrides(app: Flask, tools: Tools) -> None:
    """Add the page to the console."""
    app.add_template_filter(json_text, "json_line")
    changes: dict[str, Callable[[Mapping[str, str]], None]] = {
        "add_fault": lambda form: _add_fault(tools.emulator, form),
        "add_pin": lambda form: _add_pin(tools.emulator, form),
        "remove_fault": lambda form: _remove("fault", tools.emulator.faults.remove, form),
        "remove_pin": lambda form: _remove("pin", tools.emulator.pins.remove, form),
        "clear_faults": lambda _form: _clear("faults", tools.emulator.faults.clear),
        "clear_pins": lambda _form: _clear("pins", tools.emulator.pins.clear),
    }

    @app.get("/overrides")
    def overrides() -> str:
        return _page(tools.emulator, request.args)

    @app.post("/overrides")
    def change_overrides() -> Response | tuple[str, int]:
        """Add or take back a fault or pin; a form with a mistake comes back as it was filled."""
        change = changes.get(request.form.get("do", ""), _nothing_chosen)
        try:
            change(request.form)
        except InvalidInputError as error:
            given = {**request.args, **request.form}
            return _page(tools.emulator, given, str(error)), HTTPStatus.BAD_REQUEST
        # A browser keeps the fragment of the form's address, which would hide the message.
        return redirect(url_for("overrides", _anchor="content"), HTTPStatus.SEE_OTHER)


def _page(emulator: Emulator, given: Mapping[str, str], wrong: str = "") -> str:
    notes = _notes(emulator.journal.numbered())
    faults = [_struck_fault(fault, notes) for fault in emulator.faults.listed()]
    pins = [_struck_pin(pin, notes) for pin in emulator.pins.listed()]
    api, kind = given.get("api", "").strip(), given.get("kind", "")
    word = _FIRST_WORD.match(wrong)
    new_pin = given.get("new") == "pin"
    form = _pin_form(emulator, api, given) if new_pin else {}
    return render_template(
        "overrides.html",
        faults=faults,
        pins=pins,
        ended=list(_ended(notes, {each.name for each in (*faults, *pins)})),
        new="pin" if new_pin else "fault",
        kinds=[(each, t(*KIND_TEXTS[each])) for each in KINDS],
        kind=kind if kind in KINDS else KINDS[0],
        fields=[] if new_pin else fault_fields(emulator, kind, given),
        apis=[(name, emulator.catalogue.outlines[name].path) for name in emulator.catalogue],
        wrong=wrong,
        wrong_field=word[0] if word else "",
        **form,
    )


def _nothing_chosen(_form: Mapping[str, str]) -> None:
    raise InvalidInputError(t("choose what to change", "请选择要更改的内容"))


# ---- those in force ------------------------------------------------------------------------


def described_fault(fault: Fault) -> Struck:
    """Return a fault as the pages show it, without the requests that it struck."""
    return _struck_fault(fault, {})


def described_pin(pin: Pin) -> Struck:
    """Return a pin as the pages show it, without the requests that it answered."""
    return _struck_pin(pin, {})


_Notes = Mapping[str, Sequence[tuple[int, Entry]]]


def _notes(numbered: Iterable[tuple[int, Entry]]) -> _Notes:
    """Return the requests by the faults and pins that the journal names, the oldest first."""
    found: dict[str, list[tuple[int, Entry]]] = {}
    for number, entry in numbered:
        for name in _NAME.findall(entry.check):
            found.setdefault(name, []).append((number, entry))
    return found


def _struck_fault(fault: Fault, notes: _Notes) -> Struck:
    given = fault.describe()
    details = [name for name in given if name not in _NOT_ITS_OWN]
    return _struck(fault.name, fault.kind, given, details, notes)


def _struck_pin(pin: Pin, notes: _Notes) -> Struck:
    details = ("request", "response", "responses")
    found = _struck(f"pin {pin.id}", "", pin.describe(), details, notes)
    return found._replace(over=pin.over)


def _struck(
    name: str, kind: str, given: Mapping[str, Any], details: Iterable[str], notes: _Notes
) -> Struck:
    hits: int = given["given" if "given" in given else "struck"]
    # Earlier ones are those of a former fault with the same number.
    newest = notes.get(name, ())[-min(hits, _MOST_STRUCK) :] if hits else ()
    return Struck(
        id=given["id"],
        name=name,
        kind=kind,
        hits=hits,
        newest=newest[::-1],
        target={each: given[each] for each in _TARGETS if each in given},
        details=[(each, _text(given[each])) for each in details if each in given],
        times=given.get("times"),
        rate=given.get("rate"),
        until=given.get("until", ""),
    )


def _ended(notes: _Notes, in_force: Iterable[str]) -> Iterator[Struck]:
    """Yield the faults and pins that the journal alone still names, the newest first."""
    names = notes.keys() - set(in_force)
    for name in sorted(names, key=lambda each: notes[each][-1][0], reverse=True):
        found, kind = notes[name], name.partition(": ")[2]
        yield Struck(0, name, kind, len(found), found[-_MOST_STRUCK:][::-1], {}, over=True)


def _remove(kind: str, remove: Callable[[int], None], form: Mapping[str, str]) -> None:
    number = _whole(form.get("id", ""))
    what = t(f"{kind.capitalize()} {number}", f"{_CHINESE[kind]} {number} ")
    try:
        remove(number)
    except NotFoundError:
        flash(t(f"{what} had ended already.", f"{what}已经结束。"))
    else:
        flash(t(f"{what} is taken back.", f"{what}已移除。"))


def _clear(what: str, clear: Callable[[], None]) -> None:
    clear()
    chinese = _CHINESE[what.removesuffix("s")]
    flash(t(f"All {what} are taken back.", f"所有{chinese}已移除。"))


_CHINESE: Final = {"fault": "故障", "pin": "固定响应"}


# ---- new faults ----------------------------------------------------------------------------


@cache
def fields_of_kind(kind: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names of the fields that a kind of fault has, and the required ones."""
    schema = control_schemas()["fault"]
    names, required = list(schema["properties"]), set()
    for rule in schema["allOf"]:
        condition = rule["if"]["properties"]["kind"]
        if kind in condition.get("enum", (condition.get("const"),)):
            names = rule["then"].get("propertyNames", {}).get("enum", names)
            required |= set(rule["then"].get("required", ()))
    return tuple(name for name in names if name != "kind"), frozenset(required)


def fault_fields(emulator: Emulator, kind: str, given: Mapping[str, str]) -> list[Field]:
    """Return the fields of the form for a kind of fault, filled with what was given."""
    kind = kind if kind in KINDS else KINDS[0]
    names, required = fields_of_kind(kind)
    suggested = dict(_SUGGESTED)
    if "until" in required:
        suggested["until"] = (emulator.clock.now() + _AN_HOUR).strftime("%Y-%m-%dT%H:%M")
    sent = "do" in given
    found = []
    for name in names:
        value = given.get(name, "" if sent else suggested.get(name, ""))
        options = _options(emulator, kind, name, given)
        found.append(_field("fault", name, value, required=name in required, options=options))
    return found


def _field(
    schema: str, name: str, value: str, *, required: bool, options: Sequence[tuple[str, str]] = ()
) -> Field:
    field = control_schemas()[schema]["properties"][name]
    types = field.get("type", ())
    types = (types,) if isinstance(types, str) else tuple(types)
    english = field["description"]
    if len(types) > 1:
        english += f" It is {field['title']}."
    return Field(
        name,
        t(english, FIELD_TEXTS[schema][name]),
        types,
        required,
        field.get("minimum", field.get("exclusiveMinimum")),
        field.get("maximum"),
        value,
        options,
    )


def _options(
    emulator: Emulator, kind: str, name: str, given: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the values that a field proposes."""
    if name == "errcode":
        if kind == "gateway_error":
            return [(str(code), SDK_TEXTS[code]) for code in _GATEWAY_CODES]
        operation = emulator.catalogue.get(_full_name(emulator, given.get("api", "")))
        return [(str(code), text) for code, text in _codes(operation).items()]
    if name == "path":
        return [(path, "") for path in sorted(emulator.paths)]
    if name == "appid":
        return [(appid, "") for appid in emulator.programs.copy()]
    return []


def _codes(operation: Operation | None) -> dict[int, str]:
    """Return the texts of error codes: first those of an API, then the common ones."""
    own = {} if operation is None else operation.errors
    return {**dict(sorted(own.items())), **TEXTS}


def _add_fault(emulator: Emulator, form: Mapping[str, str]) -> None:
    properties = control_schemas()["fault"]["properties"]
    names, _required = fields_of_kind(form.get("kind", ""))
    given = {
        name: _value(name, properties[name], form[name])
        for name in names
        if form.get(name, "").strip()
    }
    if "api" in given:
        given["api"] = _full_name(emulator, given["api"])
    fault = emulator.faults.add({"kind": form.get("kind"), **given})
    flash(t(f"Fault {fault.id} is in force.", f"故障 {fault.id} 已生效。"))


def _full_name(emulator: Emulator, name: str) -> str:
    """Return the name of the only API that ends so, such as getDailyRetain, else the name."""
    name = name.strip()
    if name in emulator.catalogue or not name:
        return name
    found = [each for each in emulator.catalogue if each.endswith(f".{name}")]
    return found[0] if len(found) == 1 else name


# ---- new pins ------------------------------------------------------------------------------


def _pin_form(emulator: Emulator, api: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables of the form for a pin; without an API, it asks for one."""
    name = _full_name(emulator, api)
    operation = emulator.catalogue.get(name)
    known = operation is not None or bool(api)
    examples = () if operation is None else operation.examples
    number = _whole(given.get("example", "0"))
    chosen = examples[number] if number < len(examples) else None
    response = {} if chosen is None else chosen.get("response", {})
    suggested = {
        "request": _lines(chosen["request"]) if chosen and "example" in given else "{}",
        "response": _lines(response),
        "times": "",
    }
    sent = "do" in given
    fields = {
        field: _field(
            "pin",
            field,
            given.get(field, "" if sent else suggested.get(field, "")),
            required=False,
            options=_options(emulator, "", field, {}),
        )
        for field in control_schemas()["pin"]["properties"]
    }
    return {
        "api": name,
        "known": known,
        "operation": operation,
        "examples": examples,
        "pin_fields": fields,
        "answer": given.get("answer", "response"),
        "own_codes": {} if operation is None else dict(sorted(operation.errors.items())),
        "common_codes": TEXTS,
        "documented": [] if known else _documented(emulator),
        "further": [] if known else sorted(cloud_calls() - set(emulator.catalogue)),
    }


def _documented(emulator: Emulator) -> list[tuple[str, list[str]]]:
    """Return the APIs with the requests of their documented examples."""
    found: dict[str, list[str]] = {}
    for pin in emulator.pins.documented():
        found.setdefault(pin["api"], []).append(json_text(pin["request"]))
    return sorted(found.items())


def _add_pin(emulator: Emulator, form: Mapping[str, str]) -> None:
    properties = control_schemas()["pin"]["properties"]
    answer = form.get("answer", "response")
    given: dict[str, Any] = {
        name: _value(name, properties[name], form[name])
        for name in ("api", "request", "appid", "times", "force")
        if form.get(name, "").strip()
    }
    if answer in ("response", "responses"):
        given[answer] = _json("response", form.get("response", ""))
    else:
        given["response"] = {"errcode": _number(answer)}
    pin = emulator.pins.add(given)
    flash(t(f"Pin {pin.id} answers from now on.", f"固定响应 {pin.id} 已生效。"))


# ---- values of a form ----------------------------------------------------------------------


def _value(name: str, schema: Mapping[str, Any], text: str) -> Any:
    """Return the JSON value of an input. A text that does not fit is left: the check says why."""
    types = schema.get("type", ())
    types = (types,) if isinstance(types, str) else types
    text = text.strip()
    if "boolean" in types:
        return True
    if not types or (_JSON_TYPES & set(types) and (text.startswith(("{", "[")) or len(types) == 1)):
        return _json(name, text)
    return _number(text) if {"integer", "number"} & set(types) else text


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return text


def _whole(text: str) -> int:
    """Return a number that a page has written, 0 for anything else."""
    return int(text) if text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0


def _json(name: str, text: str) -> Any:
    """Return the value of a JSON text. Raises InvalidInputError with line and column."""
    try:
        return read_json(text)
    except json.JSONDecodeError as error:
        line, column, mistake = error.lineno, error.colno, error.msg
        raise InvalidInputError(
            t(
                f"{name}: line {line}, column {column}: {mistake}",
                f"{name}：第 {line} 行第 {column} 列：{mistake}",
            )
        ) from None
    except RecursionError:
        raise InvalidInputError(t(f"{name}: too deep", f"{name}：嵌套过深")) from None
    except ValueError as error:
        raise InvalidInputError(f"{name}: {error}") from None


def _lines(value: Any) -> str:
    return json_text(value, indent=2)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
