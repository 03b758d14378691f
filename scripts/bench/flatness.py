"""The cost of a call: with little and with much state, and by example."""

import time
from datetime import datetime
from itertools import cycle

from cloud_openapi.catalogue import Operation, default_catalogue
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.periods import BEIJING
from scripts.bench.calls import DOCUMENTED_PATH, requests_of
from scripts.bench.measuring import Effort, Measure, Samples, alternate
from scripts.bench.wsgi import post

_OPERATION = default_catalogue()["analysis.getDailyRetain"]


def with_appids(effort: Effort, count: int) -> Samples:
    """Measure the CPU seconds of a call with ``count`` appids in turn, and with one."""
    return alternate(effort.many, _of_appids(effort, count), _of_appids(effort, 1))


def with_pins(effort: Effort, count: int, other: int) -> Samples:
    """Measure the CPU seconds of a call with ``count`` pins of its API, and with ``other``."""
    return alternate(effort.many, _of_pins(effort, count), _of_pins(effort, other))


def with_journal(effort: Effort, size: int, other: int) -> Samples:
    """Measure the CPU seconds of a call with a full journal of ``size``, and of ``other``."""
    return alternate(effort.many, _of_journal(effort, size), _of_journal(effort, other))


def by_example(effort: Effort) -> Samples:
    """Measure the CPU seconds of an API's call that is answered by example, and of a day."""
    checked = _documented(effort, default_catalogue()["security.msgSecCheck"])
    return alternate(effort.many, checked, _documented(effort, _OPERATION))


def _documented(effort: Effort, operation: Operation) -> Measure:
    """Return a measure of the CPU seconds of an API's documented call."""
    emulator = Emulator()
    app = create_app(emulator)
    token = emulator.program(emulator.first_appid).tokens.grant()[0]
    params = operation.examples[0]["request"]
    # The first call reads the entry.
    post(app, operation.path, token, params)

    def measure() -> float:
        begun = time.process_time()
        for _ in range(effort.calls):
            post(app, operation.path, token, params)
        return (time.process_time() - begun) / effort.calls

    return measure


def _of_appids(effort: Effort, count: int) -> Measure:
    apps = {f"wx{number:016d}": "secret" for number in range(count)}
    return _cost(effort, Emulator(apps=apps))


def _of_pins(effort: Effort, count: int) -> Measure:
    emulator = Emulator()
    for number in range(count):
        day = f"1{number:07}"
        request = {"begin_date": day, "end_date": day}
        emulator.pins.add(
            {"api": _OPERATION.name, "request": request, "response": {"errcode": 61504}}
        )
    return _cost(effort, emulator)


def _of_journal(effort: Effort, size: int) -> Measure:
    emulator = Emulator(journal_size=size)
    journal = emulator.program(emulator.first_appid).journal
    for second in range(size):
        time_of_it = datetime.fromtimestamp(second, BEIJING)
        body = b'{"begin_date": "20190101", "end_date": "%08d"}' % second
        journal.add(
            Entry(
                time=time_of_it,
                method="POST",
                path=DOCUMENTED_PATH,
                appid="wx",
                body=body,
                errcode=0,
                check="filled",
            )
        )
    return _cost(effort, emulator)


def _cost(effort: Effort, emulator: Emulator) -> Measure:
    """Return a measure of the CPU seconds of a call; appids and days alternate."""
    app = create_app(emulator)
    granted = [emulator.program(appid).tokens.grant()[0] for appid in emulator.apps]
    tokens, params = cycle(granted), cycle(requests_of(_OPERATION))
    # A mini program's first call also makes its simulated numbers.
    for token in granted:
        post(app, _OPERATION.path, token, next(params))

    def measure() -> float:
        begun = time.process_time()
        for _ in range(effort.calls):
            answer = post(app, _OPERATION.path, next(tokens), next(params))
        ended = time.process_time()
        if b"ref_date" not in answer:
            raise RuntimeError(f"The measured call returns an error: {answer!r}")
        return (ended - begun) / effort.calls

    return measure
