"""The frames of the package between a facade call and requests."""

import io
import json
import sys

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.paths import ROOT

from cloud_openapi import Cloud, CloudSDKError
from cloud_openapi.emulator import gateway_variables

URL = "http://127.0.0.1:1"
GRANTED = json.dumps({"access_token": "T" * 136, "expires_in": 7200}).encode()


def get_retain(facade):
    facade.openapi.analysis.getDailyRetain(beginDate="20170313", endDate="20170313")


def invoke(facade):
    facade.callFunction(name="getDailyRetain")


def own_frames():
    """Return the names of the package's functions on the stack, the innermost first."""
    names, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_globals["__name__"].startswith("cloud_openapi."):
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


@pytest.fixture
def frames(monkeypatch):
    """Replace the adapter of requests; return the frames of the last request."""
    found = []

    def send(adapter, request, **settings):
        found[:] = own_frames()
        response = requests.Response()
        response.status_code = 200 if request.path_url.startswith("/cgi-bin/") else 404
        response.raw = io.BytesIO(GRANTED)
        return response

    monkeypatch.setattr(HTTPAdapter, "send", send)
    for name, value in gateway_variables(URL).items():
        monkeypatch.setenv(name, value)
    return found


@pytest.mark.parametrize(
    ("transport", "call"),
    [("https", get_retain), ("gateway", get_retain), ("cloudrun", get_retain), ("gateway", invoke)],
)
def test_a_call_has_at_most_four_frames_above_requests(frames, transport, call):
    facade = Cloud()
    base_url = None if transport == "gateway" else URL
    facade.init(transport=transport, base_url=base_url, config=ROOT / "config.json")
    with pytest.raises(CloudSDKError):
        call(facade)
    assert 1 <= len(frames) <= 4, frames
