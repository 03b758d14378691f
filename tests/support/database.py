"""Programs that use the cloud database, run by the unmodified wx-server-sdk."""

import json
import os
import subprocess

from support.gateway import Gateway
from support.sdk import NODE, node

from cloud_openapi.emulator import Server, create_app, gateway_variables, listen


class DatabaseGateway(Gateway):
    """An emulator whose database begins with ``collections``, and a client of its gateway."""

    def __init__(self, collections=None, **settings):
        super().__init__(**settings)
        self.emulator.databases.given = collections or {}

    @property
    def appid(self):
        return self.emulator.first_appid

    @property
    def database(self):
        return self.emulator.program(self.appid).database

    def act(self, action, **fields):
        """Send an action as the function ``reader``."""
        return self.json(action=f"database.{action}", **fields)

    def data(self, action, **fields):
        answer = self.act(action, **fields)
        assert "code" not in answer, answer
        return answer["data"]

    def run(self, programs):
        """Run programs, bodies by collection, and return each result or error."""
        given = [{"collection": name, "body": body} for name, body in programs]
        app = create_app(self.emulator, self.functions)
        with Server(app, listen("127.0.0.1", 0)) as server:
            ended = subprocess.run(
                [node(), "database.js"],
                check=True,
                capture_output=True,
                text=True,
                encoding="utf-8",
                cwd=NODE,
                input=json.dumps(given),
                env={
                    "PATH": os.environ["PATH"],
                    **gateway_variables(server.url),
                    **self.functions.credentials.variables_for("reader"),
                    "WX_API_TOKEN": "token-a",
                    "WX_CONTEXT_KEYS": "WX_API_TOKEN",
                },
                timeout=60,
            )
        lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        assert len(lines) == len(given)
        return lines
