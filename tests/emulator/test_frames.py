"""The number of our own frames on the way of a call: what a debugger steps through."""

import sys
from pathlib import Path

from support.values import DAILY

import cloud_openapi
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.weixin import simulated

PACKAGE = str(Path(cloud_openapi.__file__).parent)
DAY = {"begin_date": "20260101", "end_date": "20260101"}


def own_frames():
    """Return the functions of the package that are running, the outermost first."""
    frame, found = sys._getframe(1), []
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            found.append(
                frame.f_code.co_qualname if sys.version_info >= (3, 11) else frame.f_code.co_name
            )
        frame = frame.f_back
    return found[::-1]


def test_an_https_request_takes_at_most_five_frames_to_its_answer(monkeypatch):
    seen = []

    def simulate(*_arguments):
        seen.append(own_frames())
        return {}

    monkeypatch.setattr(simulated, "simulate", simulate)
    emulator = Emulator()
    token, _ = emulator.program(DEMO_APPID).tokens.grant()
    client = create_app(emulator).test_client()
    assert client.post(DAILY, query_string={"access_token": token}, json=DAY).json == {}
    assert len(seen[0]) <= 5, seen[0]
