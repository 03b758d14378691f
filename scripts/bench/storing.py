"""The cost of cloud storage: an action at the gateway, and the memory of a large upload."""

import io
import json
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from cloud_openapi.emulator import Emulator, create_app
from scripts.bench.measuring import Effort, Samples, alternate, timed
from scripts.bench.wsgi import send

_MIB = 2**20
_LARGE = 256 * _MIB
_FILE = {"fileid": "cloud://local.6c6f-local-1250000000/a.png"}
_DAY = '{"begin_date": "20170313", "end_date": "20170313"}'
_SPAWN = multiprocessing.get_context("spawn")


class _Zeros(io.RawIOBase):
    """A body that has no memory of its own."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        taken = min(len(buffer), self._left)
        buffer[:taken] = bytes(taken)
        self._left -= taken
        return taken


def action_against_call(effort: Effort) -> Samples:
    """Measure the CPU seconds of a storage action, and of a call of an API by the gateway."""
    emulator = Emulator()
    app = create_app(emulator)
    _upload(app.test_client(), 1)
    action = {"action": "storage.batchGetDownloadUrl", "file_list": [_FILE]}
    call = {"action": "wx.api", "apiName": "analysis.getDailyRetain", "requestData": _DAY}
    return alternate(
        effort.rounds,
        timed(lambda: _act(app, action), effort.calls, time.process_time),
        timed(lambda: _act(app, call), effort.calls, time.process_time),
    )


def upload_memory(_effort: Effort) -> Samples:
    """Measure by how many MiB the peak of memory grows in an upload of 256 MiB."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_grow, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    grown = ours.recv()
    process.join()
    return Samples([grown], [])


def _grow(results: Connection) -> None:
    client = create_app(Emulator()).test_client()
    _upload(client, _MIB)
    before = _peak()
    _upload(client, _LARGE)
    results.send(_peak() - before)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _act(app: Flask, fields: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        send(app, "POST", "/admin", "", json.dumps(fields).encode())
    )
    if "code" in answer:
        raise RuntimeError(f"The measured action returns an error: {answer}")
    return answer


def _upload(client: FlaskClient, size: int) -> None:
    fields = {"action": "storage.getUploadMetadata", "path": "a.png"}
    granted = client.post("/admin", json=fields).get_json()["data"]
    stored = client.put(
        urlsplit(granted["url"]).path,
        environ_overrides={"wsgi.input": _Zeros(size), "CONTENT_LENGTH": str(size)},
        headers={
            "Authorization": granted["authorization"],
            "x-cos-security-token": granted["token"],
        },
    )
    if stored.status_code != 200:  # noqa: PLR2004
        raise RuntimeError(f"The measured upload returns an error: {stored.text}")
