"""Calls that wait in fibers of one thread, or in a thread each."""

import os
import threading
from types import SimpleNamespace

import pytest
from waitress import wasyncore

from cloud_openapi import fibers as fibers_module
from cloud_openapi.fibers import READ, WRITE, Fibers, wait


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def channels():
    return {}


@pytest.fixture
def fibers(channels):
    made = Fibers(channels)
    yield made
    made.close()
    assert (channels, made.watched) == ({}, 0)


@pytest.fixture
def turn(fibers, channels):
    """Return a turn of the loop, which waits for no longer than some seconds."""

    def turn(seconds=0):
        wasyncore.loop(seconds, map=channels, use_poll=True, count=1)
        fibers.resume()

    return turn


def test_wait_in_a_thread_ends_when_a_descriptor_is_ready(pipe):
    reading, writing = pipe
    timer = threading.Timer(0.02, os.write, (writing, b"x"))
    timer.start()
    assert wait({reading: READ}, 30) == [reading]
    timer.join()


def test_a_thread_waits_no_longer_than_its_timeout(pipe):
    assert wait({pipe[0]: READ}, 0.01) == []


def test_other_fibers_run_while_one_waits(fibers, turn, pipe):
    reading, writing = pipe
    seen = []

    def call():
        seen.append("waits")
        seen.append(wait({reading: READ}, 30))

    fibers.run(call)
    fibers.run(lambda: seen.append("another"))
    os.write(writing, b"x")
    turn(30)
    assert seen == ["waits", "another", [reading]]


def test_all_ready_descriptors_are_returned_at_once(fibers, turn, pipe):
    reading, writing = pipe
    seen = []
    fibers.run(lambda: seen.extend(wait({reading: READ, writing: WRITE}, 30)))
    os.write(writing, b"x")
    turn()
    assert sorted(seen) == sorted(pipe)


def test_a_fiber_resumes_after_its_timeout(fibers, pipe, monkeypatch):
    now = iter([0, 0, 0.004, 0.01])
    monkeypatch.setattr(fibers_module, "clocks", SimpleNamespace(monotonic=lambda: next(now)))
    seen = []
    fibers.run(lambda: seen.append(wait({pipe[0]: READ}, 0.01)))
    fibers.resume()
    assert seen == []
    assert fibers.timeout(1) == pytest.approx(0.006)
    fibers.resume()
    assert seen == [[]]
    assert fibers.timeout(1) == 1


def test_a_call_can_wait_again_for_another_descriptor(fibers, turn, pipe):
    reading, writing = pipe
    seen = []

    def call():
        seen.append(wait({writing: WRITE}, 30))
        seen.append(wait({reading: READ}, 30))

    fibers.run(call)
    turn()
    turn()
    assert seen == [[writing]]
    os.write(writing, b"x")
    turn()
    assert seen == [[writing], [reading]]


def test_a_closed_pipe_is_ready(fibers, turn):
    reading, writing = os.pipe()
    seen = []
    fibers.run(lambda: seen.append(wait({reading: READ}, 30)))
    os.close(writing)
    turn()
    os.close(reading)
    assert seen == [[reading]]


def test_close_interrupts_waiting_calls(fibers, pipe):
    seen = []

    def call():
        try:
            wait({pipe[0]: READ}, 30)
        finally:
            seen.append("tidied up")

    fibers.run(call)
    fibers.close()
    assert seen == ["tidied up"]
