"""Measure the package side by side with what it is compared to, and print a table.

python scripts/bench.py [--rounds N] [--quick] [--servers]

Each figure alternates: one round of ours, one of theirs, and so on, so that a busy machine slows
down both. The ratio is the median of the rounds' ratios. A missed limit is marked and is no
failure: these are figures, not tests.
"""

import argparse
import http.client
import importlib.util
import json
import multiprocessing
import os
import platform
import re
import selectors
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from cloud_openapi import Cloud
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Server, create_app, listen
from cloud_openapi.transports.https import HTTPSTransport
from cloud_openapi.transports.wsgi import WSGIExchange

_ROOT = Path(__file__).resolve().parent.parent
_PATH = "/datacube/getweanalysisappiddailyretaininfo"
_DOCUMENTED, _SIMULATED = "20170313", "20190313"
_SDK = "wx-server-sdk@4.0.2"
_CONNECTIONS = 8
_THREADS = 32
_FEWEST_ROUNDS = 5
_SPAWN = multiprocessing.get_context("spawn")
# Variables that would change what is called, send a loopback call to a proxy, or compile this
# package, but not the installed ones, at each start.
_FOREIGN = re.compile(
    "CLOUD_OPENAPI_.*|http_proxy|all_proxy|PYTHONDONTWRITEBYTECODE", re.IGNORECASE
)
_LENGTH = re.compile(rb"\r\nContent-Length: *(\d+)", re.IGNORECASE)

Measure = Callable[[], float]


class NotMeasuredError(Exception):
    """Something that a figure needs is missing; the text says what."""


class Effort(NamedTuple):
    """How often and how long to measure."""

    rounds: int
    many: int
    """Rounds of what other programs disturb most: starts, and loads of many threads."""
    calls: int
    seconds: float


_USUAL = Effort(rounds=11, many=31, calls=300, seconds=0.4)
_QUICK = Effort(rounds=5, many=11, calls=40, seconds=0.2)


class Samples(NamedTuple):
    """What the rounds gave; a figure that is compared with nothing has no ``theirs``."""

    ours: list[float]
    theirs: list[float]

    @property
    def measured(self) -> float:
        """Return the median ratio, or the median where there is nothing to compare with."""
        if not self.theirs:
            return median(self.ours)
        return median(ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True))


class Limit(NamedTuple):
    """What is asked of a figure."""

    sign: Literal["<=", ">="]
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.value:g}{self.unit}"

    def judge(self, measured: float) -> str:
        """Return the measured value in words, with a mark if it misses the limit."""
        met = measured <= self.value if self.sign == "<=" else measured >= self.value
        return f"{measured:.3g}{self.unit}{'' if met else ' misses'}"


class Figure(NamedTuple):
    """One line of the table."""

    name: str
    limit: Limit
    show: Callable[[float], str]
    measure: Callable[[Effort], Samples]

    def cells(self, effort: Effort) -> list[str]:
        """Measure, and return the line's cells."""
        try:
            samples = self.measure(effort)
        except NotMeasuredError as missing:
            return [self.name, str(self.limit), f"not measured: {missing}", "", ""]
        medians = [self.show(median(side)) if side else "" for side in samples]
        return [self.name, str(self.limit), self.limit.judge(samples.measured), *medians]


def alternate(rounds: int, ours: Measure, theirs: Measure) -> Samples:
    """Measure A B A B …, after one round of each that does not count."""
    ours()
    theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Samples([first for first, _ in pairs], [second for _, second in pairs])


def timed(call: Callable[[], Any], calls: int, clock: Measure) -> Measure:
    """Return a measure of the seconds that one call takes."""

    def measure() -> float:
        begun = clock()
        for _ in range(calls):
            answer = call()
        ended = clock()
        if "errcode" in answer:
            raise RuntimeError(f"An error was measured: {answer}")
        return (ended - begun) / calls

    return measure


def fresh(*command: str) -> Measure:
    """Return a measure of the seconds that a program takes from its start to its end."""

    def measure() -> float:
        begun = time.perf_counter()
        subprocess.run(command, check=True, cwd=_ROOT, stdout=subprocess.DEVNULL)
        return time.perf_counter() - begun

    return measure


def facade(**settings: Any) -> Callable[[], Any]:
    """Return the call that is measured, as a function would write it."""
    cloud = Cloud()
    cloud.init(config=_ROOT / "config.json", **settings)
    return lambda: cloud.openapi.analysis.getDailyRetain(
        {"beginDate": _DOCUMENTED, "endDate": _DOCUMENTED}
    )


@contextmanager
def emulator() -> Iterator[tuple[str, int]]:
    """Run the command in a process of its own; yield its URL and process id."""
    program = Path(sysconfig.get_path("scripts"), "cloud-openapi")
    command = [str(program), "serve", "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline() if process.stdout else b""
            yield json.loads(line)["url"], process.pid
        finally:
            process.terminate()


class Call(NamedTuple):
    """A call in its HTTPS form, as clients other than ours make it, and its answer."""

    token: str
    day: str
    answer: bytes = b""

    @property
    def target(self) -> str:
        """Return the path and the query."""
        return f"{_PATH}?{urlencode({'access_token': self.token})}"

    @property
    def params(self) -> dict[str, str]:
        """Return the parameters."""
        return {"begin_date": self.day, "end_date": self.day}


def fetch(url: str, day: str = _DOCUMENTED) -> Call:
    """Get a new access token and make a call, with no client library at all."""
    secrets = {"grant_type": "client_credential", "appid": DEMO_APPID, "secret": DEMO_SECRET}
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.request("GET", f"/cgi-bin/token?{urlencode(secrets)}")
        call = Call(json.load(connection.getresponse())["access_token"], day)
        connection.request("POST", call.target, json.dumps(call.params))
        return call._replace(answer=connection.getresponse().read())


def against_requests(effort: Effort) -> Samples:
    """Measure the CPU seconds of a facade call, and of the same exchange by requests."""
    with emulator() as (url, _), requests.Session() as session:
        call = fetch(url)
        address, params = url + call.target, call.params
        return alternate(
            effort.rounds,
            timed(facade(base_url=url), effort.calls, time.process_time),
            timed(
                lambda: session.post(address, json=params).json(), effort.calls, time.process_time
            ),
        )


def against_wechatpy(effort: Effort) -> Samples:
    """Measure the CPU seconds of a facade call, and of the same exchange by wechatpy."""
    try:
        wechatpy = importlib.import_module("wechatpy")
    # It raises a plain Exception where cryptography is missing.
    except Exception as error:
        raise NotMeasuredError(f"wechatpy: {error}") from error
    with emulator() as (url, _):
        # With a token of its own the client asks nobody for one.
        call = fetch(url)
        client = wechatpy.WeChatClient(DEMO_APPID, DEMO_SECRET, access_token=call.token)
        params = call.params
        return alternate(
            effort.rounds,
            timed(facade(base_url=url), effort.calls, time.process_time),
            timed(
                lambda: client.post(_PATH, data=params, api_base_url=url),
                effort.calls,
                time.process_time,
            ),
        )


def in_process(effort: Effort) -> Samples:
    """Measure the wall seconds of a facade call without a socket, and with one."""
    transport = HTTPSTransport(WSGIExchange(create_app()), DEMO_APPID, DEMO_SECRET)
    with emulator() as (url, _):
        return alternate(
            effort.rounds,
            timed(facade(transport=transport), effort.calls, time.perf_counter),
            timed(facade(base_url=url), effort.calls, time.perf_counter),
        )


def initialised() -> Measure:
    """Return a measure of a fresh process that could make a call."""
    code = "from cloud_openapi import cloud; cloud.init(base_url='http://127.0.0.1:1')"
    return fresh(sys.executable, "-c", code)


def import_against_requests(effort: Effort) -> Samples:
    """Measure the wall seconds of a fresh process with this package, and with requests."""
    return alternate(effort.many, initialised(), fresh(sys.executable, "-c", "import requests"))


def import_against_node(effort: Effort) -> Samples:
    """Measure the wall seconds of a process with this package, and of Node.js with the SDK."""
    with node_modules() as folder:
        code = f"require({json.dumps(str(folder / 'wx-server-sdk'))})"
        return alternate(effort.many, initialised(), fresh("node", "-e", code))


@contextmanager
def node_modules() -> Iterator[Path]:
    """Yield a folder that holds the SDK: that of WX_SERVER_SDK, or a new one."""
    given = os.environ.get("WX_SERVER_SDK")
    for program in ("node",) if given else ("node", "npm"):
        if shutil.which(program) is None:
            raise NotMeasuredError(f"{program} is missing")
    if given:
        yield Path(given).resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, _SDK]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            raise NotMeasuredError(f"npm could not install {_SDK}")
        yield Path(folder, "node_modules")


@cache
def started(effort: Effort) -> tuple[list[float], list[float]]:
    """Return the command's seconds until the first answered call, and its MiB of memory then."""
    seconds, mebibytes = [], []
    # The first start does not count, as everywhere: it compiles, and reads from the disk.
    for _ in range(1 + effort.rounds):
        begun = time.perf_counter()
        with emulator() as (url, process):
            fetch(url)
            seconds.append(time.perf_counter() - begun)
            mebibytes.append(memory(process))
    return seconds[1:], mebibytes[1:]


def memory(process: int) -> float:
    """Return a process's resident memory in MiB, what it shares with others included."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text("utf-8")
    except FileNotFoundError as error:
        raise NotMeasuredError(f"{error.filename} is missing") from error
    (kibibytes,) = re.findall(r"^Rss: +(\d+) kB$", text, re.MULTILINE)
    return int(kibibytes) / 1024


def start_time(effort: Effort) -> Samples:
    """Measure the wall seconds from the command's start to the first answered call."""
    return Samples(started(effort)[0], [])


def idle_memory(effort: Effort) -> Samples:
    """Measure the MiB of the command's process after its first call."""
    return Samples(started(effort)[1], [])


def against_flask(effort: Effort, day: str) -> Samples:
    """Measure the calls a second of the emulator, and of an app that only returns the answer."""
    with emulator() as (url, _):
        call = fetch(url, day)
        with serving("waitress", call.answer) as bare:
            return alternate(
                effort.many,
                partial(load, url, call, effort.seconds),
                partial(load, bare, call, effort.seconds),
            )


class Channel:
    """One connection of the load: a request at a time, of bytes that are made once."""

    def __init__(self, selector: selectors.BaseSelector, url: str, call: Call) -> None:
        place = urlsplit(url)
        body = json.dumps(call.params)
        self._request = (
            f"POST {call.target} HTTP/1.1\r\nHost: {place.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self._answer = call.answer
        self._address = (place.hostname, place.port or http.client.HTTP_PORT)
        self._selector = selector
        self._received = b""
        self._is_last = False
        self._connect()

    def ask(self) -> None:
        """Send the request, by a new connection if the server gave up the last one."""
        if self._is_last:
            self.close()
            self._connect()
            self._is_last = False
        self._socket.sendall(self._request)

    def is_answered(self) -> bool:
        """Read what is there, and say whether the answer is complete. It must be the right one."""
        chunk = self._socket.recv(65536)
        self._received += chunk
        head, _, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if chunk and (length is None or len(body) < int(length[1])):
            return False
        if body != self._answer:
            raise RuntimeError(f"An error was measured: {self._received!r}")
        self._received = b""
        self._is_last = b"\r\nConnection: close" in head
        return True

    def close(self) -> None:
        """Close the connection."""
        self._selector.unregister(self._socket)
        self._socket.close()

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, timeout=10)
        self._selector.register(self._socket, selectors.EVENT_READ, self)


def load(url: str, call: Call, seconds: float) -> float:
    """Return how many calls a server answers in a second over eight connections.

    One thread that does next to nothing for a call, so that the server is what is measured.
    """
    done = 0
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        for _ in range(_CONNECTIONS):
            stack.enter_context(closing(Channel(selector, url, call))).ask()
        begun = now = time.perf_counter()
        while now < begun + seconds:
            for key, _ in selector.select(timeout=seconds):
                if key.data.is_answered():
                    done += 1
                    key.data.ask()
            now = time.perf_counter()
    return done / (now - begun)


@contextmanager
def serving(server: str, answer: bytes | None = None) -> Iterator[str]:
    """Serve in a process of its own the emulator, or else a bare application; yield its URL."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=serve, args=(theirs, server, answer), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve(ready: Connection, server: str, answer: bytes | None) -> None:
    """Serve until the process ends, having said where."""
    url, run = SERVERS[server](create_app() if answer is None else bare_app(answer))
    ready.send(url)
    run()


def bare_app(answer: bytes) -> Flask:
    """Return the least that Flask can do for such a call: read JSON, answer JSON."""
    app = Flask(__name__, static_folder=None)

    @app.post(_PATH)
    def view() -> Response:
        request.get_json()
        return Response(answer, content_type="application/json")

    return app


def waitress_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of the server that the emulator has."""
    server = Server(app, listen("127.0.0.1", 0))
    return server.url, server.run


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing, as the other servers do."""


def werkzeug_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of Flask's development server."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    return f"http://127.0.0.1:{server.port}", server.serve_forever


def cheroot_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of CherryPy's server."""
    module = importlib.import_module("cheroot.wsgi")
    server = module.Server(("127.0.0.1", 0), app, numthreads=_THREADS, request_queue_size=1024)
    server.prepare()
    return f"http://127.0.0.1:{server.bind_addr[1]}", server.serve


SERVERS = {"waitress": waitress_server, "werkzeug": werkzeug_server, "cheroot": cheroot_server}


def compare_servers(effort: Effort) -> None:
    """Print what each server makes of the emulator, in alternating rounds."""
    names = [name for name in SERVERS if name != "cheroot" or importlib.util.find_spec(name)]
    rates: dict[str, list[float]] = {name: [] for name in names}
    starts: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(effort.rounds):
        for name in names:
            begun = time.perf_counter()
            with serving(name) as url:
                call = fetch(url)
                starts[name].append(time.perf_counter() - begun)
                rates[name].append(load(url, call, effort.seconds))
    print()
    print_row("server", "to waitress", "calls", "start")
    print_row("---", "---", "---", "---")
    for name in names:
        ratio = Samples(rates[name], rates["waitress"]).measured
        rate, start = median(rates[name]), median(starts[name])
        print_row(name, f"{ratio:.2f}", per_second(rate), in_seconds(start))


def milliseconds(value: float) -> str:
    """Write seconds as milliseconds."""
    return f"{value * 1000:.3f} ms"


def in_seconds(value: float) -> str:
    """Write seconds."""
    return f"{value:.3f} s"


def per_second(value: float) -> str:
    """Write a rate."""
    return f"{value:.0f}/s"


def print_row(name: str, *cells: str) -> None:
    """Print a line of a Markdown table, at once: the next one takes a while."""
    print(f"| {name:<53} |", *(f"{cell:<12} |" for cell in cells), flush=True)


FIGURES = (
    Figure(
        "CPU of a call: ours, requests",
        Limit("<=", 0.65),
        milliseconds,
        against_requests,
    ),
    Figure(
        "CPU of a call: ours, wechatpy",
        Limit("<=", 0.65),
        milliseconds,
        against_wechatpy,
    ),
    Figure(
        "fresh process: cloud initialised, import requests",
        Limit("<=", 1.1),
        in_seconds,
        import_against_requests,
    ),
    Figure(
        f"fresh process: cloud initialised, {_SDK}",
        Limit("<=", 0.6),
        in_seconds,
        import_against_node,
    ),
    Figure(
        "cloud-openapi serve, start to first answered call",
        Limit("<=", 0.6, " s"),
        in_seconds,
        start_time,
    ),
    Figure(
        "cloud-openapi serve, memory after it",
        Limit("<=", 60, " MiB"),
        "{:.1f} MiB".format,
        idle_memory,
    ),
    Figure(
        "calls of a documented day: emulator, bare Flask",
        Limit(">=", 0.75),
        per_second,
        partial(against_flask, day=_DOCUMENTED),
    ),
    Figure(
        "calls of a simulated day: emulator, bare Flask",
        Limit(">=", 0.75),
        per_second,
        partial(against_flask, day=_SIMULATED),
    ),
    Figure(
        "time of a call: in this process, over a socket",
        Limit("<=", 0.4),
        milliseconds,
        in_process,
    ),
)


def rounds_option(text: str) -> int:
    """Read the number of rounds."""
    rounds = int(text)
    if rounds < _FEWEST_ROUNDS:
        raise argparse.ArgumentTypeError(f"a median needs at least {_FEWEST_ROUNDS} rounds")
    return rounds


def settle_environment(bytecode: str) -> None:
    """Give every process the same start: no settings of the user's, and compiled modules."""
    for name in filter(_FOREIGN.fullmatch, list(os.environ)):
        del os.environ[name]
    os.environ["PYTHONPYCACHEPREFIX"] = bytecode


def print_tables(effort: Effort, *, servers: bool) -> None:
    """Measure and print, a line at a time."""
    print(
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}\n"
    )
    print_row("figure", "asked", "measured", "first", "second")
    print_row("---", *["---"] * 4)
    for figure in FIGURES:
        print_row(*figure.cells(effort))
    if servers:
        compare_servers(effort)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Print the figures of docs/benchmarks.md.")
    parser.add_argument("--rounds", type=rounds_option, metavar="N", help="rounds of each figure")
    parser.add_argument("--quick", action="store_true", help="fewer calls, for trying")
    parser.add_argument("--servers", action="store_true", help="compare WSGI servers too")
    options = parser.parse_args()
    usual = _QUICK if options.quick else _USUAL
    rounds = options.rounds or usual.rounds
    with tempfile.TemporaryDirectory() as bytecode:
        settle_environment(bytecode)
        print_tables(
            usual._replace(rounds=rounds, many=max(rounds, usual.many)),
            servers=options.servers,
        )


if __name__ == "__main__":
    main()
