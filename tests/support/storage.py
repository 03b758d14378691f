"""Cloud storage called by unmodified SDKs in Node.js, over a socket."""

import base64
import json
import os
import subprocess
from contextlib import contextmanager

from support.sdk import NODE, node

from cloud_openapi.emulator import Emulator, Server, create_app, gateway_variables, listen


def buffer(content):
    """Return a Buffer for the arguments of a call."""
    return {"base64": base64.b64encode(content).decode()}


def part(number, *path):
    """Return a part of an earlier result for the arguments of a call."""
    return {"of": [number, *path]}


class ServedStorage:
    """An emulator on a socket, and SDKs that call it."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.files = emulator.program(emulator.first_appid).storage.files

    def call(self, calls, sdk="wx-server-sdk", packages=None, **variables):
        """Return the results of calls of an SDK in one process of Node.js."""
        done = subprocess.run(
            [node(), "storage.js"],
            check=True,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=NODE,
            input=json.dumps(calls),
            env={
                "PATH": os.environ["PATH"],
                "PACKAGES": str(packages or ""),
                **gateway_variables(self.url),
                # SDKs before 2.1 call the platform's address.
                **({"http_proxy": self.url} if packages else {}),
                "no_proxy": "127.0.0.1",
                "SDK": sdk,
                **variables,
            },
            timeout=60,
        )
        return json.loads(done.stdout.rpartition("\n")[0].rpartition("\n")[2])


@contextmanager
def served_storage(**settings):
    """Serve an emulator until the end of the with block."""
    served = ServedStorage(Emulator(**settings))
    with Server(
        create_app(served.emulator), listen("127.0.0.1", 0), served.emulator.never_blocks
    ) as server:
        served.url = server.url
        yield served
