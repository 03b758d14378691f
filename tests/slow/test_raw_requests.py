"""Bytes that no client's library would send: never a 500, a traceback or a dead server."""

import logging
import random
import socket
from contextlib import closing, suppress

import pytest
from support.processes import WAIT
from support.values import DAILY

from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, Server, Timers, create_app, listen
from cloud_openapi.runtime import Functions

pytestmark = pytest.mark.slow

ROUNDS = 300
HANDLER = "def main(event, context):\n    return event\n"
TIMER = '{"triggers": [{"name": "Daily", "type": "timer", "config": "0 0 2 * * * *"}]}'
METHODS = [
    "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND",
    "BREW", "get", "G\xe9T", "", "M-SEARCH", "X" * 300,
]  # fmt: skip
PATHS = [
    "/", "/healthz", "/openapi.json", "/schemas", "/schemas/x", "/cgi-bin/token", DAILY,
    "/cgi-bin/stable_token", "/cgi-bin/clear_quota", "/cgi-bin/clear_quota/v2",
    "/cgi-bin/openapi/rid/get", "/cgi-bin/openapi/quota/get", "/admin", "/http/echo",
    "/http/echo/a/b", "/http", "/http/", "/v1/functions/echo", "/v1/functions", "/v1/functions/",
    "/_emulator", "/_emulator/state", "/_emulator/clock", "/_emulator/faults",
    "/_emulator/faults/1", "/_emulator/pins", "/_emulator/journal", "/_emulator/apps/x",
    "/_emulator/timers", "/_emulator/timers/echo/Daily", "/_emulator/functions/echo/log",
    "/_emulator/reset", "/nowhere", "//x", "//x", "//cgi-bin/token", "//http/echo", "/nowhere/",
]  # fmt: skip
ODD = [
    "%00", "%ff", "%ED%A0%80", "%ud800", "%", "%%", "%2F", "%2e%2e", "..", "//", "\xff",
    "\xed\xa0\x80", "\0", "\t", ";", "#", "?", "&", "=", "+", "\\", "|", "{}", "[", "]", "@", ":",
    "%0d%0aX: y", "%F0%9F%98%80", "\u4e2d", "a" * 3000, "%41" * 1000, "/" * 500, "-1", "1e999",
    "9" * 5000, "\x7f", "\x1f", "'", '"',
]  # fmt: skip
BASES = ["http://localhost", "http://[", "HTTP://api.weixin.qq.com", "ftp:", "http://a:b", "*", "/"]
VERSIONS = [*[" HTTP/1.1"] * 6, " HTTP/1.0", " HTTP/2.0", " HTTP/9", "", " HTTP/1.1 x"]
KEYS = [
    "a", "access_token", "appid", "secret", "grant_type", "since", "after", "limit", "errcode",
    "path", "api", "source", "rid", "from_appid", "cloudbase_access_token",
]  # fmt: skip
NAMES = [
    "Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Origin", "Cookie", "Expect",
    "Authorization", "Connection", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Range",
    "Accept", "Accept-Encoding", "Content-Encoding", "Access-Control-Request-Method", "Upgrade",
    "Access-Control-Request-Headers", "Sec-Fetch-Site", "If-None-Match", "If-Modified-Since", "Te",
    "X-Timestamp", "X-Signature", "X-Sdk-Version", "Content-Disposition", "Date", "X_Under",
]  # fmt: skip
VALUES = [
    "localhost", "127.0.0.1", "[::1]:80", "api.weixin.qq.com", "[", "0", "1", "-1", "+5", "0x5",
    "5, 5", "5, 6", "", " ", "99999999999999999999", "chunked", "chunked, chunked", "identity",
    "gzip", "xchunked", "application/json", "application/json; charset=utf-16",
    "multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=",
    "application/x-www-form-urlencoded", "text/plain; charset=nonsense", "http://localhost:3000",
    "null", "100-continue", "keep-alive", "close", "bytes=0-", "cross-site", "POST", "\xff\xfe",
    "=?utf-8?q?x?=", "a" * 9000, "\x0b", "*", "a=b; c=\xff", '"', "\ud83d", "Mon, 99 Foo 2026",
    "Bearer x", "Basic \xff",
]  # fmt: skip
BODIES = [
    b"", b"{}", b"[]", b"null", b'"\\ud800"', b"\xff\xfe{\0}\0", b"[" * 100_000, b'{"a":' * 5000,
    b"9" * 5000, b'{"advance": 1e400}', b'{"freeze": "\\u0000"}', b"NaN", b"\0" * 100,
    b'{"a": 1, "a": 2}',
    b'{"appid": "\\ud800", "secret": "x", "grant_type": "client_credential"}', b"a=%ff&b=%00",
    b"\xef\xbb\xbf{}", b'{"begin_date": "20170313", "end_date": "20170313"}',
    b'{"api": "\\ud800"}', b'{"kind": "html"}',
    b'--x\r\nContent-Disposition: form-data; name="action"\r\n\r\nwx.openApi\r\n--x--\r\n',
    b"--x", b"--x--",
    b'--x\r\nContent-Disposition: form-data; name="a"; filename="\xff"\r\n\r\n\xff\r\n--x--\r\n',
]  # fmt: skip
CHUNKS = [
    b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\nx",
    b"5;x=\xff\r\nhello\r\n0\r\n\r\n", b"g\r\n", b"5\r\nhelloXX0\r\n\r\n", b"0\r\nA: b\r\n\r\n",
    b"0\r\n\xff\r\n\r\n", b"05\r\nhello\r\n00\r\n\r\n",
]  # fmt: skip

RESET = (
    b'POST /_emulator/reset HTTP/1.0\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"all": true}'
)


def line_of(chance):
    path = chance.choice(PATHS)
    for _ in range(chance.choice((0, 0, 1, 2))):
        at = chance.randrange(len(path) + 1)
        path = path[:at] + chance.choice(ODD) + path[at:]
    if chance.random() < 0.5:
        fields = [
            f"{chance.choice(KEYS)}={chance.choice(ODD)}" for _ in range(chance.randint(1, 3))
        ]
        path += "?" + "&".join(fields)
    if chance.random() < 0.2:
        base = [
            "http://localhost",
            "http://[",
            "HTTP://api.weixin.qq.com",
            "ftp:",
            "http://a:b",
            "*",
            "/",
        ]
        path = chance.choice(base) + path
    version = chance.choice(
        [" HTTP/1.1"] * 6 + [" HTTP/1.0", " HTTP/2.0", " HTTP/9", "", " HTTP/1.1 x"]
    )
    return f"{chance.choice(METHODS[:5] * 3 + METHODS)} {path}{version}"


def request_of(chance):
    """Return a request in which a few things are odd."""
    lines = [line_of(chance)]
    if chance.random() < 0.9:
        lines.append("Host: localhost")
    body, length = chance.choice(BODIES), True
    odd = range(chance.choice((0, 1, 2, 5)))
    lines += [f"{chance.choice(NAMES)}: {chance.choice(VALUES)}" for _ in odd]
    if chance.random() < 0.03:
        lines += [f"X-{number}: y" for number in range(10_000)]
    if chance.random() < 0.03:
        lines += ["A: b", *[" "] * 10_000]
    if chance.random() < 0.2:
        lines.append("Transfer-Encoding: chunked")
        body, length = chance.choice(CHUNKS), chance.random() < 0.1
    if length:
        lines.append(f"Content-Length: {len(body) + chance.choice((0, 0, 0, 0, 1, -1))}")
    text = chance.choice(["\r\n"] * 20 + ["\n"]).join([*lines, "", ""])
    data = (
        text.encode("utf-8", "surrogatepass")
        if chance.random() < 0.5
        else text.encode("latin-1", "replace")
    )
    data += body
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        at = chance.randrange(len(data))
        data = data[:at] + chance.randbytes(1) + data[at + chance.randint(0, 1) :]
    return data


def answer_to(port, data, pieces):
    """Send bytes in pieces, say that nothing follows, and return what comes back."""
    with closing(socket.create_connection(("127.0.0.1", port), WAIT)) as connection:
        connection.settimeout(WAIT)
        with suppress(OSError):
            for start in range(0, len(data), pieces):
                connection.sendall(data[start : start + pieces])
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("functions")
    (folder / "echo").mkdir()
    (folder / "echo" / "index.py").write_text(HANDLER)
    (folder / "echo" / "config.json").write_text(TIMER)
    emulator = Emulator(apps={DEMO_APPID: DEMO_SECRET})
    with closing(Functions(folder, {})) as functions:
        app = create_app(emulator, functions, Timers(emulator, functions))
        with Server(app, listen("127.0.0.1", 0), emulator.never_blocks) as server:
            yield int(server.url.rpartition(":")[2])


@pytest.mark.parametrize("seed", range(20))
def test_raw_bytes_are_answered_without_a_traceback(port, seed, caplog):
    caplog.set_level(logging.WARNING)
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        data = request_of(chance)
        pieces = chance.choice((1 << 20, 1 << 20, 1000, len(data) // 3 + 1))
        answer = answer_to(port, data, pieces)
        assert b" 500 " not in answer[:20], data[:2000]
        shown = [
            record
            for record in caplog.records
            if record.exc_info or record.levelno > logging.WARNING
        ]
        assert not shown, (data[:2000], shown[0].getMessage())
    assert b" 200 " in answer_to(port, RESET, 1000)[:15]
