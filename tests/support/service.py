"""A server in the place of WeChat."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from support.canaries import Canaries

RECORDED = {
    "ref_date": "20260301",
    "visit_uv_new": [{"key": 0, "value": 424242}],
    "visit_uv": [{"key": 0, "value": 434343}],
}


@contextmanager
def talkative_service():
    """Serve a stand-in for WeChat, which repeats tokens and secrets in its responses."""
    canary = Canaries()
    state = SimpleNamespace(
        asked=[],
        tokens=[],
        canary=canary,
        answer=RECORDED,
        status=200,
        headers={},
        granted=None,
        reason=None,
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append((self.path, body, dict(self.headers)))
            answer, status = state.answer, state.status
            headers = {"Content-Type": "application/json; encoding=utf-8"}
            if self.path == "/cgi-bin/stable_token":
                state.tokens.append(canary("granted"))
                answer, status = {"access_token": state.tokens[-1], "expires_in": 7200}, 200
                answer = state.granted or answer
            else:
                headers.update(state.headers)
                answer = answer(self.path) if callable(answer) else answer
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status, state.reason)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


# ---- replay --------------------------------------------------------------------------------
