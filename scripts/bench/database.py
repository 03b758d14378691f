"""The cloud database of the emulator: actions by the gateway, a reset, writes that are kept."""

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from cloud_openapi.emulator import Emulator, create_app
from scripts.bench.calls import DOCUMENTED
from scripts.bench.measuring import Effort, Samples, alternate, timed

_DOCUMENTS = 10_000
_CALL = {
    "action": "wx.api",
    "apiName": "analysis.getDailyRetain",
    "requestData": json.dumps({"begin_date": DOCUMENTED, "end_date": DOCUMENTED}),
}
_OF_DOCUMENT = {"collectionName": "c", "queryType": "DOC", "query": '{"_id":"5000"}'}
ACTIONS: dict[str, dict[str, Any]] = {
    "get": {"action": "database.getDocument", **_OF_DOCUMENT},
    "update": {
        "action": "database.modifyDocument",
        **_OF_DOCUMENT,
        "data": '{"$inc":{"n":{"$numberInt":"1"}}}',
        "multi": False,
        "merge": True,
        "upsert": False,
    },
}


def action(effort: Effort, name: str) -> Samples:
    """Measure the CPU seconds of an action by the gateway, and of a call of an API by it."""
    send = _sender(_emulator())
    measure = [partial(send, request) for request in (ACTIONS[name], _CALL)]
    ours, theirs = (timed(each, effort.calls, time.process_time) for each in measure)
    return alternate(effort.many, ours, theirs)


def reset(effort: Effort) -> Samples:
    """Measure the seconds of a reset of 10,000 documents, of which one is changed, and a read."""
    emulator = _emulator()
    send = _sender(emulator)

    def measure() -> float:
        send(ACTIONS["update"])
        begun = time.perf_counter()
        emulator.reset_database(emulator.first_appid)
        send(ACTIONS["get"])
        return time.perf_counter() - begun

    measure()
    return Samples([measure() for _ in range(effort.rounds)], [])


def kept_write(effort: Effort) -> Samples:
    """Measure the seconds of an update that is on disk when it is answered."""
    with tempfile.TemporaryDirectory() as folder:
        emulator = _emulator(data=folder)
        database = emulator.program(emulator.first_appid).database

        def update() -> dict[str, Any]:
            changed = database.update("c", {"_id": "5000"}, {"$inc": {"n": 1}})
            return changed._asdict()

        measure = timed(update, effort.calls, time.perf_counter)
        measure()
        samples = Samples([measure() for _ in range(effort.rounds)], [])
        emulator.databases.close()
    return samples


def _emulator(**settings: Any) -> Emulator:
    emulator = Emulator(**settings)
    emulator.databases.given = {
        "c": [
            {"_id": str(number), "n": number, "text": f"document {number}", "done": False}
            for number in range(_DOCUMENTS)
        ]
    }
    return emulator


def _sender(emulator: Emulator) -> Callable[[dict[str, Any]], dict[str, Any]]:
    client = create_app(emulator).test_client()

    def send(request: dict[str, Any]) -> dict[str, Any]:
        answer = client.post("/admin", data=json.dumps(request), content_type="application/json")
        found: dict[str, Any] = answer.get_json()
        if "code" in found:
            raise RuntimeError(f"The action to measure fails: {found}")
        return found

    return send
