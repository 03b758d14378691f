"""A gateway with canned answers for JSON actions and files, which records what it is sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

_DOCUMENT = '{"_id":"x","n":1}'
ANSWERS = {
    "database.getDocument": {"data": {"list": [_DOCUMENT]}},
    "database.insertDocument": {"data": {"insertedIds": ["id1", "id2"]}},
    "database.modifyDocument": {"data": {"updated": 1}},
    "database.removeDocument": {"data": {"deleted": 1}},
    "database.calculateDocument": {"data": {"total": 3}},
    "database.aggregateDocuments": {"data": {"list": [_DOCUMENT]}},
    "database.addCollection": {"data": {}},
    "database.startTransaction": {"transactionId": "t1"},
    "database.commitTransaction": {},
    "database.abortTransaction": {},
    "storage.batchGetDownloadUrl": {"data": {"download_list": []}},
    "storage.batchDeleteFile": {"data": {"delete_list": []}},
}


class Recorded(NamedTuple):
    """A request."""

    method: str
    target: str
    headers: dict
    body: bytes


class Raw(NamedTuple):
    """An answer of any status and content; of a ``broken`` one the second half is missing."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    broken: bool = False


class RecordingGateway(ThreadingHTTPServer):
    """Answers each action by `ANSWERS`, or the expression's own answers one after another.

    ``GET /mark/N`` begins the Nth expression; ``seen`` has a list of requests for each.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.reset([])
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def variables(self):
        """Return the variables of a function that calls this gateway."""
        return {
            "TCB_CONTEXT_CNFG": json.dumps({"URL": f"{self.base}/admin"}),
            "TENCENTCLOUD_RUNENV": "SCF",
            "TENCENTCLOUD_SECRETID": "test-id",
            "TENCENTCLOUD_SECRETKEY": "test-key",
            "TENCENTCLOUD_SESSIONTOKEN": "test-session",
            "TENCENTCLOUD_REGION": "ap-shanghai",
            "TCB_ENV": "local",
            "SCF_NAMESPACE": "local",
            "TCB_SOURCE": "wx_client",
            "WX_API_TOKEN": "test-api-token",
            "WX_CONTEXT_KEYS": "WX_API_TOKEN",
            "TCB_CONTEXT_KEYS": "TCB_ENV,TCB_SOURCE",
            "MARK_URL": f"{self.base}/mark",
        }

    def reset(self, answers):
        """Forget the requests; ``answers`` has a list of answers for each expression."""
        self.answers = [list(each) for each in answers]
        self.seen = {}
        self.mark(0)

    def mark(self, number):
        """Begin an expression."""
        self._number = number
        self._left = list(self.answers[number]) if number < len(self.answers) else []
        self.seen.setdefault(number, [])

    def answer(self, request):
        """Record a request, and return its answer."""
        self.seen[self._number].append(request)
        if self._left:
            answer = self._left.pop(0)
            return answer(self, request) if callable(answer) else answer
        return ANSWERS[json.loads(request.body)["action"]]

    def close(self):
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_args):
        pass

    def do_GET(self):
        if self.path.startswith("/mark/"):
            self.server.mark(int(self.path.rpartition("/")[2]))
            return self._send(Raw())
        return self._exchange()

    def do_POST(self):
        self._exchange()

    def do_PUT(self):
        self._exchange()

    def _exchange(self):
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Recorded(self.command, self.path, headers, self._read(headers))
        answer = self.server.answer(request)
        if isinstance(answer, dict):
            answer = Raw(json.dumps({"requestId": "r1", **answer}).encode())
        self._send(answer)

    def _read(self, headers):
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, answer):
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.broken else answer.body)
        self.close_connection = self.close_connection or answer.broken
