"""Servers in their own processes: the emulator, and a minimal Flask app."""

import importlib
import importlib.util
import json
import multiprocessing
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler, make_server

from cloud_openapi.emulator import Server, create_app, listen
from scripts.bench.calls import documented_call
from scripts.bench.load import load
from scripts.bench.measuring import ROOT, Effort, Samples, in_seconds, per_second, print_row

_THREADS = 32
_SPAWN = multiprocessing.get_context("spawn")


@contextmanager
def emulator(*options: str) -> Iterator[tuple[str, int]]:
    """Run `cloud-openapi serve` in its own process; yield its URL and PID."""
    program = Path(sysconfig.get_path("scripts"), "cloud-openapi")
    command = [str(program), "serve", "--port", "0", "--json", *options]
    # Its lines go to a file, since the table goes to the terminal.
    with (
        tempfile.TemporaryFile() as lines,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=lines) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else b""
            if not line:
                lines.seek(0)
                raise RuntimeError(lines.read().decode())
            yield json.loads(line)["url"], process.pid
        finally:
            process.terminate()


@contextmanager
def serving(server: str, answers: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """Serve the emulator, or a bare app with ``answers``, in its own process; yield its URL."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=serve, args=(theirs, server, answers), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve(ready: Connection, server: str, answers: Mapping[str, bytes] | None) -> None:
    """Send the URL, then serve until the process ends."""
    url, run = SERVERS[server](create_app() if answers is None else bare_app(answers))
    ready.send(url)
    run()


def bare_app(answers: Mapping[str, bytes]) -> Flask:
    """Return a minimal Flask app: it reads JSON and returns the path's constant answer."""
    app = Flask(__name__, static_folder=None)

    @app.post("/<path:path>")
    def view(path: str) -> Response:
        request.get_json(silent=True)
        return Response(answers[f"/{path}"], content_type="application/json")

    return app


def waitress_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of the emulator's own server."""
    server = Server(app, listen("127.0.0.1", 0))
    return server.url, server.run


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write no log line, like the other servers."""


def werkzeug_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of Flask's development server."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    return f"http://127.0.0.1:{server.port}", server.serve_forever


def cheroot_server(app: Flask) -> tuple[str, Callable[[], None]]:
    """Return the URL and the loop of cheroot, CherryPy's server."""
    module = importlib.import_module("cheroot.wsgi")
    server = module.Server(("127.0.0.1", 0), app, numthreads=_THREADS, request_queue_size=1024)
    server.prepare()
    return f"http://127.0.0.1:{server.bind_addr[1]}", server.serve


SERVERS = {"waitress": waitress_server, "werkzeug": werkzeug_server, "cheroot": cheroot_server}


def compare_servers(effort: Effort) -> None:
    """Print the calls per second and the start time of each server, in alternating rounds."""
    names = [name for name in SERVERS if name != "cheroot" or importlib.util.find_spec(name)]
    rates: dict[str, list[float]] = {name: [] for name in names}
    starts: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(effort.rounds):
        for name in names:
            begun = time.perf_counter()
            with serving(name) as url:
                call = documented_call(url)
                starts[name].append(time.perf_counter() - begun)
                rates[name].append(load(url, [call], effort.seconds))
    print()
    print_row("server", "ratio", "calls", "start")
    print_row("---", "---", "---", "---")
    for name in names:
        ratio = Samples(rates[name], rates["waitress"]).measured
        rate, start = median(rates[name]), median(starts[name])
        print_row(name, f"{ratio:.2f}", per_second(rate), in_seconds(start))
