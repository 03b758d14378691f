"""The growth of memory over a million calls."""

import multiprocessing
import os
import random
from datetime import timedelta
from multiprocessing.connection import Connection

from flask import Flask

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.periods import LAUNCH, write_day
from scripts.bench.calls import requests_of
from scripts.bench.measuring import Effort, Samples
from scripts.bench.starting import memory
from scripts.bench.wsgi import post, send

_WARM, _CALLS = 100_000, 1_000_000
_APPIDS = 20
_SPAWN = multiprocessing.get_context("spawn")


def grown_memory(_effort: Effort) -> Samples:
    """Measure the memory of an emulator in MiB after a million calls, and before them."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    before, after = ours.recv(), ours.recv()
    process.join()
    return Samples([after], [before])


def work(results: Connection) -> None:
    """Make calls; send the memory in MiB before and after the measured million."""
    apps = {DEMO_APPID: DEMO_SECRET, **{f"wx{n:016d}": DEMO_SECRET for n in range(_APPIDS)}}
    emulator = Emulator(apps=apps)
    app = create_app(emulator)
    chance = random.Random(0)  # noqa: S311 - repeatable on purpose
    # Fill the bounded stores before measuring; the token store would fill last.
    for appid in [*emulator.apps] * 1000:
        emulator.program(appid).tokens.grant()
    for count in (_WARM, _CALLS):
        make_calls(emulator, app, chance, count)
        results.send(memory(os.getpid()))


def make_calls(emulator: Emulator, app: Flask, chance: random.Random, count: int) -> None:
    """Make valid and refused calls to every API for many appids, and grant new tokens."""
    simulated = [api for api in default_catalogue().values() if api.simulation]
    operations = [(api.path, requests_of(api)) for api in simulated]
    tokens = list(emulator.apps)
    for number in range(count):
        if number % 1000 == 0:
            tokens = [emulator.program(appid).tokens.grant()[0] for appid in emulator.apps]
        path, requests = chance.choice(operations)
        match chance.randrange(20):
            case 0:
                query = f"grant_type=client_credential&appid={DEMO_APPID}&secret={DEMO_SECRET}"
                send(app, "GET", "/cgi-bin/token", query)
            case 1:
                post(app, path, f"unknown{number}", chance.choice(requests))
            case 2:
                post(app, path, chance.choice(tokens), {"begin_date": str(number)})
            case 3:
                send(app, "GET", f"/unknown/{number}", "")
            case _:
                day = write_day(LAUNCH + timedelta(chance.randrange(3000)))
                days = {"begin_date": day, "end_date": day}
                params = {**chance.choice(requests), **chance.choice([{}, days])}
                post(app, path, chance.choice(tokens), params)
