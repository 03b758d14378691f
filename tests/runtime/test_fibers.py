"""Calls that wait in fibers of one thread, or in a thread each."""

import os
import select
import threading
from types import SimpleNamespace

import pytest

from cloud_openapi import fibers as fibers_module
from cloud_openapi.fibers import READ, WRITE, Fibers, wait


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def fibers():
    made = Fibers()
    yield made
    made.close()


def test_wait_in_a_thread_ends_when_a_descriptor_is_ready(pipe):
    reading, writing = pipe
    timer = threading.Timer(0.02, os.write, (writing, b"x"))
    timer.start()
    assert wait({reading: READ}, 30) == [reading]
    timer.join()


def test_a_thread_waits_no_longer_than_its_timeout(pipe):
    assert wait({pipe[0]: READ}, 0.01) == []


def test_other_fibers_run_while_one_waits(fibers, pipe):
    reading, writing = pipe
    seen = []

    def call():
        seen.append("waits")
        seen.append(wait({reading: READ}, 30))

    fibers.run(call)
    fibers.run(lambda: seen.append("another"))
    os.write(writing, b"x")
    assert select.select([fibers.fileno], [], [], 30)[0] == [fibers.fileno]
    fibers.resume()
    assert seen == ["waits", "another", [reading]]


def test_all_ready_descriptors_are_returned_at_once(fibers, pipe):
    reading, writing = pipe
    seen = []
    fibers.run(lambda: seen.extend(wait({reading: READ, writing: WRITE}, 30)))
    os.write(writing, b"x")
    fibers.resume()
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


def test_a_call_can_wait_again_for_another_descriptor(fibers, pipe):
    reading, writing = pipe
    seen = []

    def call():
        seen.append(wait({writing: WRITE}, 30))
        seen.append(wait({reading: READ}, 30))

    fibers.run(call)
    fibers.resume()
    fibers.resume()
    assert seen == [[writing]]
    os.write(writing, b"x")
    fibers.resume()
    assert seen == [[writing], [reading]]


def test_close_interrupts_waiting_calls(pipe):
    fibers = Fibers()
    seen = []

    def call():
        try:
            wait({pipe[0]: READ}, 30)
        finally:
            seen.append("tidied up")

    fibers.run(call)
    fibers.close()
    assert seen == ["tidied up"]
