"""The recordings: what there is, how old, whether it verifies, and the mode that uses them."""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, get_args

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from cloud_openapi.emulator.console.cassettes import Finding, Shelf, Summary
from cloud_openapi.emulator.console.forms import image_type, pretty
from cloud_openapi.emulator.console.texts import t
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.errors import InvalidInputError, NotFoundError
from cloud_openapi.errors import RecordingError
from cloud_openapi.json_schema.values import error_code, to_cloud
from cloud_openapi.json_text import read_json_body
from cloud_openapi.mode import Mode
from cloud_openapi.periods import BEIJING
from cloud_openapi.recordings import Interaction, Redactor

_PAGE: Final = 100
_MOST_PAGES: Final = 1_000_000
_LONGEST: Final = 64 * 1024
_MODES: Final[dict[Mode, tuple[str, str]]] = {
    "simulate": (
        "The emulator answers; recordings are not used.",
        "模拟器自己响应，不使用录制。",
    ),
    "replay": (
        "Only recordings answer; a request without one gets HTTP 501 with the reason.",
        "只用录制响应；没有录制的请求得到 HTTP 501 和原因。",
    ),
    "spy": (
        "Recordings answer where there are some, the emulator the rest.",
        "有录制时用录制响应，其余由模拟器响应。",
    ),
    "record": (
        "The real service answers, and its answers are recorded.",
        "由真实服务响应，并录制其响应。",
    ),
    "diff": (
        "The real service answers; the journal shows where the emulator would differ.",
        "由真实服务响应；日志显示模拟器的不同之处。",
    ),
}
_CHECKS: Final = {
    "https form": ("HTTPS form", "HTTPS 形式"),
    "cloud form": ("Cloud-call form", "云调用形式"),
    "emulator": ("The emulator answers otherwise", "模拟器的响应不同"),
}
_SIDES: Final = {"request": "请求", "response": "响应", "error": "错误"}
_EXPECTED: Final = re.compile(r"(?:(request|response|error): )?expected (.+), got (.+)", re.DOTALL)


class Line(NamedTuple):
    """One recording in the list of a cassette."""

    number: int
    interaction: Interaction
    code: int


class Body(NamedTuple):
    """A body as the page shows it."""

    text: str
    cut: bool
    size: int


def add_recordings(app: Flask, tools: Tools) -> None:
    """Add the list of cassettes, and the page of each, to the console."""
    place = tools.emulator.modes.describe()["recordings"]
    shelf = None if place is None else Shelf(Path(place), tools.emulator.catalogue)
    _add_pages(app, tools, shelf)
    _add_actions(app, tools, shelf)


def _add_pages(app: Flask, tools: Tools, shelf: Shelf | None) -> None:
    @app.get("/recordings")
    def recordings() -> str:
        return _list(tools, shelf)

    @app.get("/recordings/<path:name>")
    def recording(name: str) -> str:
        number = request.args.get("interaction", type=int)
        known = _having(shelf, name)
        return _cassette(known, name) if number is None else _interaction(known, name, number)


def _add_actions(app: Flask, tools: Tools, shelf: Shelf | None) -> None:
    @app.post("/recordings/mode")
    def change_mode() -> Response | tuple[str, int]:
        try:
            tools.emulator.modes.set(request.form.get("mode"))
        except (InvalidInputError, RecordingError) as error:
            return _list(tools, shelf, str(error)), HTTPStatus.BAD_REQUEST
        flash(t("The mode is changed.", "模式已更改。"))
        return redirect(url_for("recordings"), HTTPStatus.SEE_OTHER)

    @app.post("/recordings/check")
    def verify_all() -> Response | tuple[str, int]:
        if shelf is None:
            raise NotFoundError(t("folder of recordings", "录制文件夹"))
        try:
            shelf.check()
        except RecordingError as error:
            return _list(tools, shelf, str(error)), HTTPStatus.BAD_REQUEST
        return redirect(url_for("recordings", _anchor="cassettes"), HTTPStatus.SEE_OTHER)

    @app.post("/recordings/<path:name>")
    def verify(name: str) -> Response | tuple[str, int]:
        known = _having(shelf, name)
        try:
            known.check(name)
        except RecordingError as error:
            return _cassette(known, name, str(error)), HTTPStatus.BAD_REQUEST
        return redirect(url_for("recording", name=name), HTTPStatus.SEE_OTHER)


def _having(shelf: Shelf | None, name: str) -> Shelf:
    """Return the shelf that has a cassette. Raises NotFoundError."""
    if shelf is None or name not in shelf.names():
        raise NotFoundError(name)
    return shelf


def _list(tools: Tools, shelf: Shelf | None, error: str = "") -> str:
    state = tools.emulator.modes.describe()
    text, page = request.args.get("q", "").strip(), _page()
    found: list[Summary] = []
    count = 0
    try:
        names = [] if shelf is None else shelf.names()
    except RecordingError as unusable:
        names, error = [], error or str(unusable)
    if shelf is not None:
        # Only the page's cassettes are read, unless a text is searched for in all.
        chosen = [name for name in names if not text or _matches(shelf.summary(name), text)]
        count = len(chosen)
        found = [shelf.summary(name) for name in chosen[(page - 1) * _PAGE : page * _PAGE]]
    return render_template(
        "recordings.html",
        state=state,
        modes=[(each, t(*_MODES[each])) for each in get_args(Mode)],
        shelf=shelf,
        names=names,
        found=[(each, None if shelf is None else shelf.check_of(each.name)) for each in found],
        count=count,
        page=page,
        pages=-(-count // _PAGE),
        text=text,
        error=error,
        age=_age,
        commands=_commands(state["recordings"] or "recordings"),
    )


def _cassette(shelf: Shelf, name: str, error: str = "") -> str:
    summary, page = shelf.summary(name), _page()
    lines: list[Line] = []
    if not summary.error:
        start = (page - 1) * _PAGE
        found = islice(enumerate(shelf.interactions(name), 1), start, start + _PAGE)
        lines = [
            Line(number, _hidden(each), error_code(each.response_json)) for number, each in found
        ]
    check = shelf.check_of(name)
    return render_template(
        "recording.html",
        summary=summary,
        lines=lines,
        page=page,
        pages=-(-summary.size // _PAGE),
        check=check,
        findings=[] if check is None else [(each, _said(each)) for each in check.findings],
        drift=shelf.drift if shelf.checked == name else None,
        error=error,
        age=_age,
    )


def _interaction(shelf: Shelf, name: str, number: int) -> str:
    found = shelf.interactions(name)
    if not 1 <= number <= len(found):
        raise NotFoundError(f"{name}#{number}")
    one = _hidden(found[number - 1])
    answer = one.response_json
    cloud = None if one.api is None or answer is None else to_cloud(one.api, answer)
    check = shelf.check_of(name)
    of_this = [each for each in check.findings if each.number == number] if check else []
    return render_template(
        "interaction.html",
        name=name,
        number=number,
        count=len(found),
        one=one,
        code=error_code(answer),
        request_body=_body(one.request_body),
        response_body=_body(one.response_body),
        cloud="" if cloud is None else pretty(cloud)[:_LONGEST],
        picture=image_type(one.response_body),
        findings=[(each, _said(each)) for each in of_this],
        age=_age,
    )


def _page() -> int:
    return min(max(request.args.get("page", 1, type=int), 1), _MOST_PAGES)


def _matches(summary: Summary, text: str) -> bool:
    names = [summary.name, *(api for api, _ in summary.apis)]
    return any(text.lower() in name.lower() for name in names)


def _age(moment: datetime) -> str:
    """Return how long ago something was recorded, by the machine's time."""
    days = (datetime.now(BEIJING) - moment).days
    if days < 1:
        return t("today", "今天")
    return t(f"{days:,} day{'s' * (days != 1)} ago", f"{days:,} 天前")


def _hidden(interaction: Interaction) -> Interaction:
    """Return an interaction without secrets: a cassette of another program may hold some."""
    return Redactor().interaction(interaction)


def _body(data: bytes) -> Body:
    text = _text(data)
    return Body(text[:_LONGEST], len(text) > _LONGEST, len(data))


def _text(data: bytes) -> str:
    """Return a body as JSON in lines, or as its text."""
    try:
        return pretty(read_json_body(data))
    except ValueError:
        return data.decode("utf-8", "replace")


def _said(finding: Finding) -> tuple[str, str]:
    """Return the check that failed, and what it found."""
    check = t(*_CHECKS.get(finding.check, (finding.check, finding.check)))
    found = _EXPECTED.fullmatch(finding.message)
    if found is None:
        return check, finding.message
    side, expected, got = found.groups(default="")
    chinese = f"应为 {expected}，实际为 {got}"
    chinese = f"{_SIDES[side]}：{chinese}" if side else chinese
    return check, t(finding.message, chinese)


def _commands(place: str) -> Iterator[tuple[str, str, str]]:
    """Yield commands that make recordings and use them, each with a name and what it does."""
    today = datetime.now(BEIJING).date()
    first, last = today - timedelta(days=7), today - timedelta(days=1)
    folder = shlex.quote(place)
    credentials = "export CLOUD_OPENAPI_APPID=… CLOUD_OPENAPI_SECRET=…"
    record = "cloud-openapi record analysis.getDailyRetain"
    yield (
        "record",
        t(
            "Record the real service; set the mini program's appid and secret first:",
            "录制真实服务；请先设置小程序的 appid 和 secret：",
        ),
        f"{credentials}\n{record} --dates {first:%Y%m%d}..{last:%Y%m%d} --to {folder}",
    )
    yield (
        "import",
        t(
            "Or convert the HAR file of a browser, Charles or mitmproxy:",
            "或者转换浏览器、Charles、mitmproxy 的 HAR 文件：",
        ),
        f"cloud-openapi import traffic.har --to {folder}",
    )
    yield (
        "serve",
        t("Then answer with them:", "然后用它们响应："),
        f"cloud-openapi serve --mode replay --recordings {folder}",
    )
