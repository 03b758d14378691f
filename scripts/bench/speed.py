"""Calls per second over a socket: the emulator and other mock servers."""

import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.emulator import listen
from cloud_openapi.emulator.openapi.document import openapi_document
from scripts.bench.calls import Call, calls_of, documented_call, requests_of
from scripts.bench.load import CONNECTIONS, load
from scripts.bench.measuring import Effort, NotMeasuredError, Samples, alternate
from scripts.bench.servers import emulator, serving
from scripts.bench.starting import node_modules

PRISM = "@stoplight/prism-cli@5.16.0"
_LONGEST_START = 60.0


def against_flask(
    effort: Effort, api: str | None = None, connections: int = CONNECTIONS
) -> Samples:
    """Measure the calls per second of the emulator, and of an app with a constant answer.

    The calls are those of ``api`` for many days; None means the documented call. The app runs on
    the same server with one thread for each request, as its users would run it.
    """
    with emulator() as (url, _):
        if api is None:
            calls = [documented_call(url)]
        else:
            operation = default_catalogue()[api]
            calls = calls_of(url, operation.path, *requests_of(operation))
        answer = max((call.answer or b"" for call in calls), key=len)
        path = calls[0].target.partition("?")[0]
        with serving("waitress", {path: answer}) as bare:
            constant = [call._replace(answer=answer) for call in calls]
            return compare(effort, url, calls, bare, constant, connections)


def live_lines(effort: Effort) -> Samples:
    """Measure the calls per second of `serve` that prints a line a call, and of a quiet one."""
    with emulator() as (url, _), emulator("--quiet") as (quiet, _):
        ours, theirs = [documented_call(url)], [documented_call(quiet)]
        return compare(effort, url, ours, quiet, theirs)


def against_prism(effort: Effort) -> Samples:
    """Measure the calls per second of the emulator, and of Prism with the same API document."""
    with (
        node_modules(PRISM, "PRISM_CLI") as folder,
        emulator() as (url, _),
        tempfile.TemporaryDirectory() as documents,
    ):
        document = Path(documents, "openapi.json")
        document.write_text(json.dumps(openapi_document(default_catalogue())), "utf-8")
        program = str(folder / "@stoplight" / "prism-cli" / "dist" / "index.js")
        call = documented_call(url)
        theirs = [call._replace(answer=None)]
        with started("node", program, "mock", str(document), "--port") as prism:
            ask(prism, theirs[0])
            return compare(effort, url, [call], prism, theirs)


def against_moto(effort: Effort) -> Samples:
    """Measure the calls per second of the emulator, and of moto's server with a small answer."""
    python = os.environ.get("MOTO_PYTHON", sys.executable)
    if python == sys.executable and importlib.util.find_spec("moto") is None:
        raise NotMeasuredError("moto[server] is missing; set MOTO_PYTHON to a Python that has it")
    credential = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/ssm/aws4_request, Signature=x"
    headers = f"Authorization: {credential}\r\nX-Amz-Target: AmazonSSM."
    json_1_1 = "application/x-amz-json-1.1"
    put = Call(
        "/", b'{"Name": "n", "Value": "v", "Type": "String"}', None, f"{headers}PutParameter\r\n"
    )
    get = Call("/", b'{"Name": "n"}', None, f"{headers}GetParameter\r\n", json_1_1)
    with (
        emulator() as (url, _),
        started(python, "-m", "moto.server", "--port") as moto,
    ):
        ask(moto, put._replace(content_type=json_1_1))
        return compare(effort, url, [documented_call(url)], moto, [get])


def compare(  # noqa: PLR0913 - two servers and their calls
    effort: Effort,
    url: str,
    calls: Sequence[Call],
    other: str,
    others: Sequence[Call],
    connections: int = CONNECTIONS,
) -> Samples:
    """Load two servers in turn."""
    return alternate(
        effort.rounds,
        partial(load, url, calls, effort.seconds, connections),
        partial(load, other, others, effort.seconds, connections),
    )


@contextmanager
def started(*command: str) -> Iterator[str]:
    """Run a server in a temporary folder, with its port as last argument; yield its URL."""
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [*command, str(port)],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            await_server(url, process)
            yield url
        finally:
            process.terminate()


def await_server(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server accepts connections. Raises NotMeasuredError."""
    port = urlsplit(url).port
    deadline = time.monotonic() + _LONGEST_START
    with socket.socket() as connection:
        while connection.connect_ex(("127.0.0.1", port)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotMeasuredError(f"{process.args!r} did not start")
            time.sleep(0.1)


def ask(url: str, call: Call) -> None:
    """Make a call and ignore its answer. Raises NotMeasuredError if it is refused."""
    headers = dict(re.findall(r"([^:\r\n]+): ([^\r\n]+)", call.headers))
    headers["Content-Type"] = call.content_type
    try:
        urlopen(Request(url + call.target, call.body, headers), timeout=30).close()  # noqa: S310
    except URLError as error:
        raise NotMeasuredError(f"{url} refuses the call: {error}") from error
