"""The stream of new rows, over a socket."""

import http.client
import re
import threading
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.emulator.console import live
from cloud_openapi.emulator.server.dispatch import CLOSING
from cloud_openapi.runtime import Ended, Functions

UNKNOWN_PATH = "/datacube/nothing"


class Event(NamedTuple):
    name: str
    id: str
    data: str

    @property
    def names(self):
        return re.findall(r'class="open"[^>]*>([^<]*)</a>', self.data)


class Served:
    def __init__(self, emulator=None, functions=None):
        self.emulator = emulator or Emulator()
        self._app = create_app(self.emulator, functions)
        self.client = self._app.test_client()
        listening = listen("127.0.0.1", 0)
        self.address = listening.getsockname()
        self.server = Server(self._app, listening, self.emulator.never_blocks)

    def call(self, *paths):
        for path in paths:
            self.client.get(path)

    @contextmanager
    def stream(self, query="", **headers):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", f"/_console/events?{query}", headers=headers)
            with connection.getresponse() as answer:
                yield answer
        finally:
            connection.close()

    @contextmanager
    def stream_opened(self):
        """Ask for a stream, without waiting for its turn."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request("GET", "/_console/events")
            yield
        finally:
            connection.close()

    def get(self, path):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def served():
    served = Served()
    with served.server:
        yield served


def events(answer):
    """Yield each event; comments and blocks without data are none."""
    name, number, data = "", "", []
    for line in answer:
        field, _, value = line.decode().rstrip("\n").partition(": ")
        if field == "event":
            name = value
        elif field == "id":
            number = value
        elif field == "data":
            data.append(value)
        elif not field and data:
            yield Event(name, number, "\n".join(data))
            name, data = "", []


def place_of(event):
    """Return an event's place without the name of the process."""
    return ".".join(event.id.split(".")[:2])


def first(answer):
    return next(events(answer))


def test_stream_says_when_to_come_again(served):
    with served.stream() as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.readline() == b"retry: 300\n"


def test_new_rows_come_the_newest_first(served):
    served.call("/old")
    with served.stream("after=1.0") as answer:
        assert answer.readline()
        served.call("/a", "/b")
        found = []
        for event in events(answer):
            assert event.name == "rows"
            found = event.names + found
            if len(found) == 2:
                break
        assert (found, place_of(event)) == (["/b", "/a"], "3.0")


def test_rows_have_the_filters_and_the_language_of_the_page(served):
    served.call("/keep", *["/drop"] * 60, "/keep")
    with served.stream("api=keep&after=0.0") as answer:
        assert first(answer).names == ["/keep", "/keep"]
    with served.stream("after=0.0", Accept_Language="zh") as answer:
        assert "另有 12 条未显示" in first(answer).data


def test_browser_that_comes_again_gets_what_it_has_not_seen(served):
    served.call("/a", "/b", "/c")
    with served.stream("after=0.0", Last_Event_ID="2.0") as answer:
        assert first(answer).names == ["/c"]


def test_many_new_rows_are_counted(served):
    served.call(*(f"/{number}" for number in range(130)))
    with served.stream("after=10.0") as answer:
        event = first(answer)
    assert event.names == [f"/{number}" for number in range(129, 79, -1)]
    assert 'data-more="70"' in event.data
    assert "70 more not shown" in event.data


def test_invocations_come_too(tmp_path):
    functions = Functions(tmp_path, {}, config=tmp_path / "config.json")
    served = Served(functions=functions)
    with served.server, served.stream("after=0.0&via=function") as answer:
        functions._report(Ended("report", 200, 1.0, "", "", 0, "wx_client", "42", ""))
        event = first(answer)
        assert (event.names, place_of(event)) == (["report"], "0.1")
    functions.close()


@pytest.mark.parametrize("after", ["3.0", "9.9"], ids=["reset", "restart"])
def test_rows_that_are_gone_are_taken_away(served, after):
    served.call("/a", "/b", "/c")
    served.emulator.reset()
    with served.stream(f"after={after}") as answer:
        found = events(answer)
        assert next(found)[:2] == ("gone", "0.0")
        served.call("/d")
        event = next(found)
        assert (event.name, event.names, place_of(event)) == ("rows", ["/d"], "4.0")


def test_restart_is_noticed_when_the_new_emulator_has_as_many_requests(served):
    served.call("/a")
    with served.stream("after=5000.7") as answer:
        found = events(answer)
        assert next(found).name == "gone"
        assert next(found).names == ["/a"]


def test_page_of_another_process_is_emptied_first_and_goes_on_from_the_place_it_is_given(served):
    served.call("/a", "/b", "/c")
    with served.stream("after=2.0.00000000") as answer:
        found = events(answer)
        assert next(found).name == "gone"
        rows = next(found)
        assert rows.names == ["/c", "/b", "/a"]
    served.call("/d")
    with served.stream("after=2.0.00000000", Last_Event_ID=rows.id) as answer:
        assert first(answer).names == ["/d"]


def test_line_ends_stay_within_an_event():
    for end in ("\n", "\r", "\r\n"):
        event = live._event("rows", (1, 2), f"a{end}id: 9{end}{end}b")
        assert event == "event: rows\nid: (1, 2)\ndata: a\ndata: id: 9\ndata: \ndata: b\n\n"


@pytest.mark.parametrize("query", ["after=x", "via=ftp"])
def test_wrong_query_is_refused(served, query):
    with served.stream(query) as answer:
        assert answer.status == 400


def test_stream_ends_after_a_while(served, monkeypatch):
    monkeypatch.setattr(live, "_STREAM_SECONDS", 0.0)
    with served.stream() as answer:
        assert answer.read() == b"retry: 300\n\n:\n\n"


def test_stream_ends_when_the_server_stops(served):
    with served.stream() as answer:
        answer.readline()
        served.server.close()
        rest = answer.read()
    assert set(rest.split()) <= {b":"}


def test_stream_that_waits_is_woken_by_the_server_s_end(monkeypatch):
    monkeypatch.setattr(live, "_PAUSE_SECONDS", 3600.0)
    closing = threading.Event()
    client = create_app(Emulator()).test_client()
    chunks = iter(client.get("/_console/events", environ_overrides={CLOSING: closing}).response)
    assert next(chunks) == b"retry: 300\n\n"
    assert next(chunks) == b":\n\n"
    threading.Timer(0.1, closing.set).start()
    assert list(chunks) == []


def test_streams_hold_up_neither_calls_nor_pages(served):
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(served.stream_opened())
        assert served.get("/_console/") == 200
        assert served.get("/_emulator/state") == 200
        assert served.get(UNKNOWN_PATH) == 200


@pytest.mark.slow
def test_place_of_a_browser_that_has_gone_is_free(served, monkeypatch):
    monkeypatch.setattr(live, "_STREAM_SECONDS", 3600.0)
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(8):
                assert stack.enter_context(served.stream()).readline() == b"retry: 300\n"


def test_more_browsers_than_places_take_turns(served, monkeypatch):
    monkeypatch.setattr(live, "_STREAM_SECONDS", 0.0)
    with ExitStack() as stack:
        for answer in [stack.enter_context(served.stream()) for _ in range(20)]:
            assert answer.readline() == b"retry: 300\n"


def test_poll_without_news_reads_no_entry(served, monkeypatch):
    served.call(*(f"/{number}" for number in range(50)))
    tested = []
    monkeypatch.setattr(
        type(served.emulator.journal),
        "numbered",
        lambda _self: pytest.fail("the whole journal was read"),
    )
    tests_of = live.Filters.for_entries
    monkeypatch.setattr(
        live.Filters,
        "for_entries",
        lambda self: [lambda entry: tested.append(entry.path) or True, *tests_of(self)],
    )
    with served.stream("after=50.0") as answer:
        served.call("/new")
        assert first(answer).names == ["/new"]
    assert tested == ["/new"]
