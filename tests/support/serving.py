"""A served emulator with the functions of a folder in worker processes."""

import json
import urllib.error
import urllib.request
from typing import NamedTuple

from support.sdk import NODE, node

from cloud_openapi.emulator import Emulator, Server, Timers, create_app, listen
from cloud_openapi.emulator.server.server import url_of
from cloud_openapi.runtime import Functions


class Response(NamedTuple):
    status: int
    headers: dict
    body: bytes


class Served:
    """Serves a folder's functions while entered, with the Node.js packages of the tests."""

    def __init__(
        self,
        folder,
        monkeypatch,
        environment=None,
        node_path=NODE / "node_modules",
        database=None,
    ):
        node()
        monkeypatch.setenv("NODE_PATH", str(node_path))
        listening = listen("127.0.0.1", 0)
        self.url = url_of(listening)
        self.folder = folder
        self.emulator = Emulator(database=database)
        given = {"CLOUD_OPENAPI_BASE_URL": self.url, **(environment or {})}
        given = {name: value.format(url=self.url) for name, value in given.items()}
        self.functions = Functions(folder, given, timeout=60, config=folder / "config.json")
        app = create_app(self.emulator, self.functions, Timers(self.emulator, self.functions))
        self._server = Server(app, listening, self.emulator.never_blocks)

    def __enter__(self):
        self._server.__enter__()
        return self

    def __exit__(self, *error):
        self.functions.close()
        self._server.__exit__(*error)
        self.emulator.databases.close()

    def write(self, name, source, apis=(), file="index.js", **config):
        path = self.folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        config = {"permissions": {"openapi": list(apis)}, **config}
        (path.parent / "config.json").write_text(json.dumps(config), "utf-8")

    def call(self, name, event=None, source="wx_client"):
        """Invoke a function with POST, and return its result."""
        path = f"/v1/functions/{name}?source={source}"
        return json.loads(self.send("POST", path, json.dumps(event or {}).encode()).body)

    def send(self, method, path, body=None, **headers):
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with _OPENER.open(request, timeout=90) as answer:
                return Response(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, dict(error.headers.items()), error.read())

    @property
    def entries(self):
        return list(self.emulator.journal)


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
