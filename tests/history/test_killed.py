"""Syncs that are killed, and workers that are killed under a sync: nothing is lost or doubled."""

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import closing

import pytest
from support.history import DAILY, World
from support.processes import until

from cloud_openapi.emulator import Server, create_app, listen
from cloud_openapi.emulator.server.server import url_of
from cloud_openapi.history import stored, sync

pytestmark = pytest.mark.slow
KILLS = 200
# A process that has loaded everything forks for each sync.
FORKER = f"""
import json, os, sys
from cloud_openapi.history import sync
for line in sys.stdin:
    if pid := os.fork():
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)
        continue
    options = json.loads(line)
    sync({DAILY!r}, "20250601", **options)
    os._exit(0)
"""


@pytest.fixture
def served(tmp_path):
    """Serve thirty mini programs, and give their world with the URL."""
    world = World(tmp_path, 30)
    listening = listen("127.0.0.1", 0)
    world.address = url_of(listening)
    with Server(create_app(world.emulator), listening, world.emulator.never_blocks):
        yield world


def options_of(world):
    return {"store": world.url, "apps": world.apps, "base_url": world.address}


def calls(world):
    return sum(entry.path.startswith("/datacube") for entry in world.emulator.journal)


def newest(world):
    """Return the number of the newest request."""
    return world.emulator.journal_page(limit=1)["last"]


def checked(path):
    """Return the number of stored windows of a whole database, 0 without one."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'history_windows'")
        if not exists.fetchone():
            return 0
        wrong = (
            "SELECT count(*) FROM history_windows "
            "WHERE json_extract(answer, '$.ref_date') != ref_date"
        )
        assert connection.execute(wrong).fetchone() == (0,)
        return connection.execute("SELECT count(*) FROM history_windows").fetchone()[0]


def test_a_sync_that_is_killed_again_and_again_stores_each_window_once(
    served, tmp_path, record_property
):
    chance = random.Random(7)
    environment = {**os.environ, "CLOUD_OPENAPI_NOW": "2026-03-11T12:00"}
    command = json.dumps(options_of(served)) + "\n"
    killed = stored_before = 0
    with subprocess.Popen(
        [sys.executable, "-c", FORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as forker:
        while True:
            forker.stdin.write(command)
            forker.stdin.flush()
            pid = int(forker.stdout.readline())
            if killed < KILLS:
                if killed % 4:
                    before = newest(served)
                    assert until(lambda before=before: newest(served) > before)
                time.sleep(chance.uniform(0, 0.1))
                os.kill(pid, signal.SIGKILL)
            status = int(forker.stdout.readline())
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
            killed += 1
            number = checked(served.url)
            assert number >= stored_before
            stored_before = number
        forker.stdin.close()
    total = checked(served.url)
    assert (killed, total) == (KILLS, 30 * 283)
    made = calls(served)
    record_property("summary", f"{killed} kills, {made:,} calls for {total:,} windows")
    # Sixteen in flight, and sixteen that were being committed.
    assert made - total <= 32 * killed
    windows = list(stored(DAILY, store=served.url))
    assert len({(window.appid, window.ref) for window in windows}) == total


def test_a_dead_worker_process_ends_the_sync_and_the_next_one_goes_on(served):
    kill = []

    def progress(state):
        if state.stored > 50 and not kill:
            kill.append(next(iter(pool._processes)))
            os.kill(kill[0], signal.SIGKILL)

    context = multiprocessing.get_context("spawn")
    options = {**options_of(served), "clock": served.clock.standing()}
    with (
        ProcessPoolExecutor(2, mp_context=context) as pool,
        pytest.raises(BrokenExecutor),
    ):
        sync(DAILY, "20260201", executor=pool, on_progress=progress, **options)
    assert checked(served.url) > 50
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        done = sync(DAILY, "20260201", executor=pool, **options)
    assert done.remaining == 0
    assert checked(served.url) == 30 * 38


@pytest.mark.filterwarnings("ignore")  # of dask's own code
def test_dasks_workers_carry_a_sync_though_one_is_killed(served, record_property):
    distributed = pytest.importorskip("distributed", reason="the package distributed is missing")
    killed = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=4, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def progress(state):
            if state.stored > 100 and not killed:
                killed.append(cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        done = sync(
            DAILY,
            "20260201",
            executor=client.get_executor(),
            on_progress=progress,
            patience=120,
            clock=served.clock.standing(),
            **options_of(served),
        )
    record_property("summary", f"{calls(served):,} calls for {done.stored:,} windows")
    assert killed
    assert (done.remaining, done.failures) == (0, ())
    assert checked(served.url) == 30 * 38
    # The tasks that the dead worker had are made again.
    assert calls(served) <= 30 * 38 + 2 * 16
