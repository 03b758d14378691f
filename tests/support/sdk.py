"""wx-server-sdk in a long-running process of Node.js, and a gateway with canned responses."""

import base64
import json
import os
import re
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
from typing import NamedTuple

import pytest
from support.captured import Captured
from support.paths import ROOT

NODE = ROOT / "tests" / "node"
_CASE = re.compile(rb'"case (\d+)"')


def node():
    """Return the path of Node.js; skip the test if it or its packages are missing."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node.js is missing")
    packages()
    return program


def packages():
    """Return the folder of the tests' packages from npm; skip the test if they are missing."""
    folder = NODE / "node_modules"
    if not (folder / "wx-server-sdk").is_dir():
        pytest.skip("tests/node/node_modules is missing: npm ci --prefix tests/node")
    return folder


class SDK:
    """A process with the unmodified SDK that makes batches of calls."""

    def __init__(self, variables, script="long.js"):
        self._process = subprocess.Popen(
            [node(), script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            cwd=NODE,
            env={"PATH": os.environ["PATH"], **variables},
        )

    def call(self, calls):
        """Return the result or error of each call."""
        self._process.stdin.write(json.dumps(calls, default=_encode) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline(), object_hook=_decode)

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def for_node(value):
    """Return parameters for the process, with large integers as BigInt."""
    if isinstance(value, dict):
        return {key: for_node(item) for key, item in value.items()}
    if isinstance(value, list):
        return [for_node(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        return {"$": "bigint", "value": str(value)}
    return value


def _encode(value):
    return {"$": "bytes", "value": base64.b64encode(value).decode()}


def _decode(value):
    return base64.b64decode(value["value"]) if value.get("$") == "bytes" else value


class CannedResponse(NamedTuple):
    """A response of the gateway; ``drop`` is where it drops the connection."""

    body: bytes
    content_type: str = "application/octet-stream"
    status: int = 200
    drop: str = ""


class RawGateway(socketserver.ThreadingTCPServer):
    """Answers a request that contains ``"case N"`` with the Nth response, and records it.

    ``seen`` has the requests by the sending package, "node" or "python", and by N.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.responses = []
        self.seen = {"node": {}, "python": {}}
        self.url = f"http://127.0.0.1:{self.server_address[1]}/admin"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def set_responses(self, responses):
        """Replace the responses, and forget the recorded requests."""
        self.responses = responses
        self.seen = {"node": {}, "python": {}}

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        while raw := self._read():
            request = Captured(raw)
            number = int(_CASE.search(request.body)[1])
            sender = "node" if request.headers["x-sdk-version"].startswith("wx") else "python"
            self.server.seen[sender][number] = request
            if not self._answer(self.server.responses[number]):
                return

    def _read(self):
        lines = []
        try:
            while (line := self.rfile.readline()) not in (b"", b"\r\n"):
                lines.append(line)
        except ConnectionError:
            return b""
        head = b"".join(lines)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length:
            return head + b"\r\n" + self.rfile.read(int(length[1]))
        body = []
        while lines:
            size = self.rfile.readline()
            chunk = self.rfile.read(int(size, 16) + 2)
            body += [size, chunk]
            if int(size, 16) == 0:
                break
        # The empty line separates head and body.
        return head + b"\r\n" + b"".join(body) if lines else b""

    def _answer(self, response):
        head = f"HTTP/1.1 {response.status} \r\nContent-Type: {response.content_type}\r\n"
        whole = f"{head}Content-Length: {len(response.body)}\r\n\r\n".encode() + response.body
        if response.drop == "before":
            return False
        if response.drop == "in body":
            self.wfile.write(whole[: len(whole) - len(response.body) // 2 - 1])
            return False
        if response.drop == "reset":
            linger = struct.pack("ii", 1, 0)
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        self.wfile.write(whole)
        return True
