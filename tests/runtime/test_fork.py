"""Processes that are forked: by a program that runs functions, and by a function."""

import json
import os
import signal
import subprocess
import sys

import pytest
from support.processes import WAIT, is_alive, until
from support.serving import Served

FUNCTION = """
import os, time
def main(event, context):
    while event == "loop":
        time.sleep(0.01)
    return os.getpid()
"""
PROGRAM = """
import atexit, datetime, json, multiprocessing, os, pathlib, sys, threading, time, warnings
warnings.simplefilter("ignore")
from cloud_openapi.runtime import Functions
functions = Functions(pathlib.Path(sys.argv[1]), {}, timeout=60)
def run(event=None):
    return functions.invoke("hello", event, datetime.datetime.now()).result
def tell(*values):
    os.write(1, (json.dumps(values) + "\\n").encode())
"""
# A child that uses the functions, and ends in the way of its library.
CHILDREN = {
    "multiprocessing": """
child = multiprocessing.get_context("fork").Process(target=lambda: tell(run(), run()))
child.start(); child.join()
""",
    "os.fork, which closes them": """
if os.fork() == 0:
    tell(run(), run()); functions.close(); os._exit(0)
os.wait()
""",
    "os.fork, which exits": """
if os.fork() == 0:
    tell(run(), run()); sys.exit()
os.wait()
""",
}


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a program, which has the function of its folder."""
    path = tmp_path / "hello" / "index.py"
    path.parent.mkdir()
    path.write_text(FUNCTION)
    started = []

    def start(program):
        command = [sys.executable, "-c", PROGRAM + program, str(tmp_path)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=WAIT)


def told(process):
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("case", CHILDREN)
def test_a_forked_child_has_workers_of_its_own(start, case):
    process = start(f"tell(run())\n{CHILDREN[case]}\ntell(run())\nfunctions.close()")
    [worker], [first, second] = told(process), told(process)
    assert first == second != worker
    assert told(process) == [worker]
    assert process.wait(WAIT) == 0
    for pid in (worker, first):
        assert until(lambda pid=pid: not is_alive(pid))


def test_a_child_forked_during_an_invocation_does_not_disturb_it(start):
    process = start("""
results = []
thread = threading.Thread(target=lambda: results.append(run("loop")))
thread.start()
while not functions._pool._busy: time.sleep(0.01)
worker = next(iter(functions._pool._busy))._process.pid
if os.fork() == 0:
    tell(run()); functions.close(); os._exit(0)
os.wait()
tell(worker, thread.is_alive())
functions.close()
thread.join()
""")
    theirs, (worker, running) = told(process), told(process)
    assert theirs != [worker]
    assert running
    assert process.wait(WAIT) == 0


def test_workers_end_with_the_process_that_started_them_although_a_child_lives(start):
    process = start("""
tell(run())
child = os.fork()
if child:
    tell(child)
time.sleep(60)
""")
    [worker], [child] = told(process), told(process)
    process.kill()
    try:
        assert until(lambda: not is_alive(worker))
        assert is_alive(child)
    finally:
        os.kill(child, signal.SIGKILL)


POOL = """
import multiprocessing
def square(number):
    return number * number
def main(event, context):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(square, event["numbers"])
"""
CALLS = """
import multiprocessing
from cloud_openapi import cloud
cloud.init()
def ref_date(day):
    return cloud.openapi.analysis.getDailyRetain(beginDate=day, endDate=day)["refDate"]
def main(event, context):
    ref_date("20260301")
    with multiprocessing.get_context("fork").Pool(4) as pool:
        return pool.map(ref_date, event["days"], chunksize=1)
"""


def test_a_function_may_use_a_pool_of_processes(tmp_path, monkeypatch):
    with Served(tmp_path, monkeypatch) as served:
        served.write("pool", POOL, file="index.py")
        for numbers in ([1, 2, 3], [4, 5, 6]):
            assert served.call("pool", {"numbers": numbers}) == [n * n for n in numbers]


def test_forked_children_of_a_function_get_their_own_answers(tmp_path, monkeypatch):
    days = [f"202602{day:02}" for day in range(1, 29)]
    with Served(tmp_path, monkeypatch) as served:
        served.write("calls", CALLS, ["analysis.getDailyRetain"], file="index.py")
        assert served.call("calls", {"days": days}) == days
