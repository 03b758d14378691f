"""A served emulator in which something has happened, for tests and pictures of the console."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urldefrag, urlencode, urlsplit

from werkzeug.routing import Map

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import (
    Clock,
    Emulator,
    Server,
    Timers,
    create_app,
    emulator_variables,
    listen,
    url_of,
)
from cloud_openapi.emulator.console.application import make_console
from cloud_openapi.emulator.console.mount import PATH
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.periods import BEIJING
from cloud_openapi.runtime import Functions

SHOP = Path(__file__).parent.parent / "tests" / "samples" / "shop"
RECORDINGS = SHOP.parent / "cassettes"
DAY = {"begin_date": "20260308", "end_date": "20260308"}
_NOW = datetime(2026, 3, 9, 8, tzinfo=BEIJING)
# The addresses are on this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Served(NamedTuple):
    """An emulator on a socket, with functions."""

    url: str
    emulator: Emulator
    functions: Functions

    def send(self, method: str, path: str, body: Any = None) -> bytes:
        """Send a JSON value, as a program does, and return the body of the answer of any status."""
        return self.send_raw(method, path, None if body is None else json.dumps(body).encode())

    def send_raw(self, method: str, path: str, content: bytes | None) -> bytes:
        """Send any bytes."""
        request = urllib.request.Request(self.url + path, content, method=method)  # noqa: S310
        try:
            with _DIRECT.open(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.read()

    def invoke(self, name: str, event: Mapping[str, Any]) -> bytes:
        """Invoke a function for a user of the mini program."""
        return self.send("POST", f"/v1/functions/{name}?source=wx_client", event)


@contextmanager
def served(project: Path, port: int = 0, **settings: Any) -> Iterator[Served]:
    """Serve an emulator with the functions of a project; ``settings`` are those of `Emulator`."""
    listening = listen("127.0.0.1", port)
    emulator = Emulator(clock=Clock(_NOW), **settings)
    url = url_of(listening)
    functions = Functions(
        project / "cloudfunctions",
        emulator_variables(url, emulator),
        timeout=20,
        config=project / "config.json",
    )
    timers = Timers(emulator, functions)
    try:
        with Server(create_app(emulator, functions, timers), listening, emulator.never_blocks):
            yield Served(url, emulator, functions)
    finally:
        functions.close()


def url_map_of(served: Served) -> Map:
    """Return the routes of the console."""
    app = create_app(served.emulator, served.functions)
    return make_console(Tools(served.emulator, served.functions, None, app)).url_map


def linked_pages(served: Served, most: int = 2) -> dict[str, list[str]]:
    """Return the paths of pages by their endpoint, found by following links from the first page.

    Of the pages of an endpoint, such as those of all APIs, ``most`` are opened. An endpoint to
    which a link leads for a file, such as a table's CSV, has no pages.
    """
    adapter = url_map_of(served).bind("")
    found: dict[str, list[str]] = {}
    files: set[str] = set()
    left = [f"{PATH}/"]
    while left:
        path = left.pop(0)
        endpoint, _ = adapter.match(urlsplit(path).path.removeprefix(PATH), method="GET")
        paths = found.setdefault(endpoint, [])
        if path in files or path in paths or len(paths) == most:
            continue
        body = served.send("GET", path)
        if body.startswith(b"<!doctype html>"):
            paths.append(path)
            left += _Links(body.decode()).paths
        else:
            files.add(path)
    return found


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.paths: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        href = found.get("href") or ""
        # A link to a file to download leads to no page.
        if tag == "a" and href.startswith(PATH) and "download" not in found:
            self.paths.append(urldefrag(href).url)


def fill(served: Served) -> None:
    """Make good and failing calls and invocations, faults and pins, each by HTTP."""
    token_of = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    answer = json.loads(served.send("GET", f"/cgi-bin/token?{urlencode(token_of)}"))
    token = answer["access_token"]

    def call(path: str, body: Any) -> None:
        served.send("POST", f"{path}?access_token={token}", body)

    served.emulator.configure_app("wxshop0000000001", secret="0" * 32)
    for collection, documents in COLLECTIONS.items():
        lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in documents)
        path = f"/_emulator/database/collections/{collection}/documents"
        served.send_raw("POST", path, lines.encode())
    for path, content in FILES.items():
        served.send_raw("PUT", f"/_emulator/storage/files/{quote(path)}", content)
    served.send("POST", "/_emulator/pins", PIN)
    for fault in FAULTS:
        served.send("POST", "/_emulator/faults", fault)
    call("/datacube/getweanalysisappiddailyretaininfo", DAY)
    call("/datacube/getweanalysisappiddailyretaininfo", {**DAY, "end_date": "2026-03-08"})
    call("/datacube/getweanalysisappidweeklyretaininfo", DAY)
    call("/datacube/getweanalysisappidvisitpage", DAY)
    call("/datacube/getweanalysisappidvisitpage", DAY)
    call("/wxa/getwxacode", {"path": "pages/index"})
    call("/wxa/nothing", {})
    served.send("POST", "/datacube/getweanalysisappiddailysummarytrend?access_token=old", DAY)
    served.invoke("dailyReport", {})
    served.invoke("dailyReport", {"toUser": "oUser"})
    for action in ACTIONS:
        served.send("POST", "/admin", action)
    served.invoke("weeklyReport", {})


COLLECTIONS: dict[str, list[dict[str, Any]]] = {
    "orders": [
        {
            "_id": f"order-{number:03}",
            "_openid": f"oUser{number % 7}",
            "items": [{"name": "苹果", "count": 1 + number % 3}],
            "total": 12.5 + number,
            "paid": number % 4 > 0,
            "at": {"$date": f"2026-03-{1 + number % 8:02}T08:00:00Z"},
        }
        for number in range(60)
    ],
    "products": [
        {"_id": "apple", "name": "苹果", "price": 4.5},
        {"_id": 7, "name": "梨", "price": 3},
    ],
}
ACTIONS = [
    {
        "action": "storage.batchGetDownloadUrl",
        "file_list": [{"fileid": "cloud://local.6c6f-local-1250000000/images/2026/商品 一.svg"}],
    },
    {
        "action": "database.getDocument",
        "collectionName": "orders",
        "queryType": "WHERE",
        "query": '{"paid": true}',
        "limit": 3,
    },
]
PIN = {
    "api": "analysis.getDailySummary",
    "response": {
        "list": [{"ref_date": "20260308", "visit_total": 8391, "share_pv": 572, "share_uv": 383}]
    },
}
PICTURE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="320" height="200">
<rect width="320" height="200" fill="#e8f1ff"/><circle cx="160" cy="100" r="64" fill="#2563eb"/>
</svg>"""
FILES = {
    "images/logo.svg": PICTURE,
    "images/2026/商品 一.svg": PICTURE,
    "reports/2026-03-08.json": b'{"visit_uv_new": 572, "visit_uv": 8391}\n',
    "reports/readme.txt": "每日报告的说明\n".encode(),
    "cover.svg": PICTURE,
    "backup.bin": bytes(range(256)) * 64,
}
FAULTS = [
    {"kind": "quota", "api": "analysis.getVisitPage", "times": 1},
    {"kind": "latency", "api": "wxacode.get", "seconds": 0.05},
]
