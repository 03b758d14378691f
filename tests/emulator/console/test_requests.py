"""The list of requests: order, columns, filters, pages, and the work that a page costs."""

import re
from datetime import datetime, timedelta, timezone
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest

from cloud_openapi import clocks
from cloud_openapi.demo import DEMO_APPID
from cloud_openapi.emulator import Emulator, create_app
from cloud_openapi.emulator.console import rows
from cloud_openapi.emulator.console.filters import Filters
from cloud_openapi.emulator.console.tools import Tools
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended, Functions

NOW = datetime(2026, 3, 9, tzinfo=timezone.utc)
RETAIN = "analysis.getDailyRetain"
HOSTILE = "<script>alert(1)</script>\u202e\ud800\x00&\"'"


@pytest.fixture
def functions(tmp_path):
    functions = Functions(tmp_path / "functions", {}, config=tmp_path / "config.json")
    yield functions
    functions.close()


@pytest.fixture
def console(functions):
    return console_of(Emulator(apps={DEMO_APPID: "secret one", "wx2": "secret two"}), functions)


def console_of(emulator, functions=None):
    client = create_app(emulator, functions).test_client()
    return SimpleNamespace(emulator=emulator, functions=functions, client=client)


def keep(console, **fields):
    """Write an entry to the journal of its mini program."""
    defaults = {
        "time": NOW,
        "method": "POST",
        "path": "/datacube/x",
        "appid": DEMO_APPID,
        "body": b"",
        "errcode": 0,
        "check": "simulation",
        "begun": clocks.monotonic(),
    }
    fields = defaults | fields
    emulator = console.emulator
    emulator.keep(emulator.programs.get(fields["appid"], emulator.common), Entry(**fields))


def end(console, **fields):
    """Add an invocation that has ended."""
    defaults = {
        "function": "report",
        "status": 200,
        "milliseconds": 1.0,
        "message": "",
        "reason": "",
        "depth": 0,
        "source": "wx_client",
        "invocation": "id",
        "parent": "",
        "begun": clocks.monotonic(),
    }
    console.functions._report(Ended(**defaults | fields))


def shown(console, query="", **headers):
    answer = console.client.get(f"/_console/requests?{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def table(console, query="", **headers):
    """Return the texts of each row's cells."""
    body = re.search(r"<tbody>(.*?)</tbody>", shown(console, query, **headers), re.DOTALL)[1]
    return [
        [
            " ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def names(console, query=""):
    return [row[2] for row in table(console, query)]


def test_row_tells_what_was_called_and_why_it_failed(console):
    keep(console, apis=[RETAIN], milliseconds=12.34)
    keep(
        console,
        apis=[RETAIN],
        appid="wx2",
        via="gateway",
        function="report",
        errcode=-604101,
        reason="add it to config.json",
        milliseconds=1234.5,
    )
    failed, good = table(console)
    assert failed[1:] == [
        "-604101",
        f"{RETAIN} add it to config.json",
        "cloud call",
        "report",
        "wx2",
        "1,234 ms",
    ]
    assert good[1:] == ["OK", RETAIN, "HTTPS", "", DEMO_APPID, "12.3 ms"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d", good[0])


def test_time_is_the_machine_s_even_while_the_mini_program_s_clock_stands_still(console):
    keep(console, begun=clocks.monotonic() - 2 * 24 * 3600)
    before = datetime.now(timezone.utc) - timedelta(days=2, minutes=1)
    shown_time = re.search(r'<time datetime="([^"]+)"', shown(console))[1]
    assert timedelta() < datetime.fromisoformat(shown_time) - before < timedelta(minutes=2)
    assert table(console)[0][0] == datetime.fromisoformat(shown_time).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": 502}, "HTTP 502"),
        ({"status": 0}, "dropped"),
        ({"errcode": 40001, "status": 200}, "40001"),
        ({}, "OK"),
    ],
)
def test_code_is_the_errcode_or_what_else_went_wrong(console, fields, expected):
    keep(console, **fields)
    assert table(console)[0][1] == expected


def test_failure_without_a_reason_names_the_check(console):
    keep(console, errcode=40001, check="access_token")
    assert table(console)[0][2] == "/datacube/x refused because of access_token"


def test_calls_stand_below_their_invocation_and_lead_to_its_trace(console):
    begun = clocks.monotonic()
    keep(console, path="/first", begun=begun)
    keep(console, path="/called", begun=begun + 1, invocation="42", function="report")
    end(console, begun=begun + 0.5, milliseconds=1000.0, invocation="42")
    keep(console, path="/last", begun=begun + 2)
    assert names(console) == ["/last", "report", "↳ /called", "/first"]
    assert shown(console).count('href="/_console/traces/42"') == 3


def test_invocation_tells_its_outcome(console):
    end(console, status=433, reason="it slept", message="Invoking task timed out")
    end(console, invocation="", function="nobody", status=404, message="unknown")
    end(console)
    assert [row[1:4] for row in table(console)] == [
        ["OK", "report", "function"],
        ["404", "nobody unknown", "function"],
        ["433", "report it slept", "function"],
    ]
    assert 'href="/_console/traces/"' not in shown(console)


def test_success_with_a_failure_inside_has_a_mark(console):
    end(console, invocation="3", parent="2", status=430, function="failing")
    end(console, invocation="2", parent="1", function="catching")
    keep(console, path="/good", invocation="4")
    end(console, invocation="4", parent="1", function="good")
    end(console, invocation="1", function="outer")
    keep(console, path="/failing", invocation="5", errcode=40001)
    end(console, invocation="5", function="calling")
    end(console, invocation="6", status=430, function="thrown")
    keep(console, path="/thrown", invocation="6", errcode=40001)
    marked = {row[2]: row[1] for row in table(console) if "!" in row[1]}
    assert marked == dict.fromkeys(["calling", "outer", "catching"], "OK ! a call inside failed")
    chinese = shown(console, **{"Accept-Language": "zh"})
    assert chinese.count("成功，但其中有调用失败") == 3
    # It is a success.
    failed = names(console, "failed=1")
    assert len(failed) == 4
    assert not marked.keys() & set(failed)


def test_a_new_row_has_the_mark_of_a_failure_that_was_shown_before(console):
    tools = Tools(console.emulator, console.functions, None, None)
    keep(console, path="/failing", invocation="5", errcode=40001)
    before = rows.find(tools, Filters()).newest
    end(console, invocation="5")
    (row,) = rows.find_after(tools, Filters(), before, 50).rows
    assert (row.failed, row.failed_inside) == (False, True)


@pytest.fixture
def various(console):
    keep(console, path="/a", apis=[RETAIN], body=b'{"name": "Caf\\u00e9"}')
    keep(console, path="/b", errcode=40001, reason="no such token", appid=None)
    keep(
        console,
        path="/c",
        apis=["c"],
        via="gateway",
        function="report",
        invocation="run-1",
        rid="r-7",
    )
    keep(console, path="/d", status=0, appid="wx2", answer="中文".encode())
    end(console, invocation="run-1")
    end(console, function="other", status=430, reason="it raised")
    return console


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["other", "report", "/d", "c", "/b", RETAIN]),
        ({"failed": "1"}, ["other", "/d", "/b"]),
        ({"function": "report"}, ["report", "c"]),
        ({"via": "https"}, ["/d", "/b", RETAIN]),
        ({"via": "gateway"}, ["c"]),
        ({"via": "function"}, ["other", "report"]),
        ({"api": "DAILYretain"}, [RETAIN]),
        ({"api": "/b"}, ["/b"]),
        ({"code": "40001"}, ["/b"]),
        ({"code": "dropped"}, ["/d"]),
        ({"code": "430"}, ["other"]),
        ({"code": "OK"}, ["report", "c", RETAIN]),
        ({"appid": "wx2"}, ["/d"]),
        ({"appid": "-"}, ["/b"]),
        ({"text": "café"}, [RETAIN]),
        ({"text": "SUCH token"}, ["/b"]),
        ({"text": "中文"}, ["/d"]),
        ({"text": "r-7"}, ["c"]),
        ({"text": " run-1 "}, ["report", "c"]),
        ({"failed": "1", "via": "https", "appid": "wx2"}, ["/d"]),
        ({"failed": "1", "function": "report"}, []),
    ],
)
def test_filters(various, given, expected):
    found = [row[2].removeprefix("↳ ").split(" ")[0] for row in table(various, urlencode(given))]
    assert found == expected


def test_form_has_the_filters_of_the_url(various):
    text = shown(various, urlencode({"text": 'a"b', "function": "gone", "failed": "1"}))
    assert 'name="text" value="a&#34;b"' in text
    assert '<option value="gone" selected>' in text
    assert 'name="failed" value="1" checked' in text
    assert 'data-events="/_console/events?text=a%22b&amp;function=gone&amp;failed=1"' in text


def test_empty_list_says_what_to_call(console):
    assert "cloud-openapi call analysis.getDailyRetain --base-url http://localhost" in shown(
        console
    )
    assert "还没有请求" in shown(console, **{"Accept-Language": "zh"})


def test_nothing_found_says_which_filter_to_take_away(various):
    text = shown(various, "failed=1&function=report&text=run-1")
    found = re.findall(r'Without\s+<a href="([^"]+)">([^<]+)</a>: (\d+)', text)
    assert [(unescape(link), label, count) for link, label, count in found] == [
        ("/_console/requests?text=run-1&function=report", "Failed only", "2")
    ]


@pytest.mark.parametrize(
    ("query", "message", "chinese"),
    [
        ("via=ftp", "via is one of https, gateway, function, not &#39;ftp&#39;", "via 应为"),
        ("failed=yes", "failed is 1 or left out", "failed 应为 1 或不填"),
        ("before=newest", "a place in the list is like 12.3", "列表中的位置形如 12.3"),
    ],
)
def test_wrong_query_is_explained(console, query, message, chinese):
    for language, text in (("en", message), ("zh-CN", chinese)):
        headers = {"Accept-Language": language}
        answer = console.client.get(f"/_console/requests?{query}", headers=headers)
        assert answer.status_code == 400
        assert text in answer.text


def test_pages_have_each_row_once(console):
    begun = clocks.monotonic()
    for number in range(450):
        keep(console, path=f"/{number}", begun=begun + number)
        if number % 9 == 0:
            end(console, function=f"f{number}", begun=begun + number + 0.5, milliseconds=0.0)
    pages, query = [], ""
    while query is not None:
        text = shown(console, query)
        pages.append(names(console, query))
        older = re.search(
            r'<p class="older"><a rel="next" href="/_console/requests\?([^"]+)"', text
        )
        query = older and unescape(older[1])
    assert [len(page) for page in pages] == [200, 200, 100]
    expected = [
        name
        for number in reversed(range(450))
        for name in ([f"f{number}"] if number % 9 == 0 else []) + [f"/{number}"]
    ]
    assert [name for page in pages for name in page] == expected


def test_older_page_keeps_the_filters_and_does_not_move(console):
    for number in range(250):
        keep(console, path=f"/{number}", errcode=number % 2)
    keep(console, path="/good")
    text = shown(console, "failed=1")
    assert '<p class="older" hidden' in text
    before = re.findall(r'data-before="([^"]+)"', text)[9]
    page = names(console, f"failed=1&before={before}")
    for _ in range(3):
        keep(console, errcode=1)
    assert names(console, f"failed=1&before={before}") == page
    assert page[0].startswith("/229")
    assert "data-events" not in shown(console, f"before={before}")


class Watched(bytes):
    """Bytes that count how often they are read."""

    reads = 0

    def decode(self, *given):
        Watched.reads += 1
        return super().decode(*given)

    def lower(self):
        Watched.reads += 1
        return super().lower()


@pytest.fixture
def ten_thousand(monkeypatch):
    emulator = Emulator(journal_size=10_000)
    console = console_of(emulator)
    journal = emulator.program(DEMO_APPID).journal
    for number in range(10_000):
        entry = Entry(NOW, "POST", f"/{number}", DEMO_APPID, b"", number % 2, "x", begun=number)
        journal._entries.add(number + 1, entry._replace(body=Watched(b"{}")), 2)
    emulator._numbers.newest = 10_000
    rendered = []
    monkeypatch.setattr(
        rows, "_of_entry", lambda *given, of=rows._of_entry: rendered.append(1) or of(*given)
    )
    Watched.reads = 0
    return SimpleNamespace(console=console, rendered=rendered)


@pytest.mark.parametrize("query", ["", "failed=1", "before=5000.1", "api=9", "code=1"])
def test_page_of_many_requests_renders_its_rows_only_and_reads_no_body(ten_thousand, query):
    assert len(table(ten_thousand.console, query)) == 200
    assert len(ten_thousand.rendered) == 201
    assert Watched.reads == 0


def test_list_reads_the_journal_once(ten_thousand, monkeypatch):
    reads = []
    journals = type(ten_thousand.console.emulator.journal)
    numbered = journals.numbered
    monkeypatch.setattr(journals, "numbered", lambda self: reads.append(1) or numbered(self))
    shown(ten_thousand.console)
    assert len(reads) == 1


@pytest.mark.parametrize("field", ["path", "reason", "function", "rid", "invocation", "check"])
def test_hostile_text_is_shown_as_text(console, field):
    keep(console, **{field: HOSTILE, "errcode": 1})
    keep(console, apis=[HOSTILE])
    text = shown(console)
    assert "<script>alert" not in text
    assert shown(console, urlencode({"text": HOSTILE.replace("\ud800", "")}))


def test_long_names_are_cut(console):
    keep(console, path="/" + "x" * 60_000)
    end(console, function="f" * 60_000, message="m" * 60_000, status=430)
    assert len(shown(console)) < 200_000
    assert all(len(row[2]) < 700 for row in table(console))


def test_mini_programs_are_a_filter_if_there_are_several(console):
    assert 'name="appid"' in shown(console)
    alone = console_of(Emulator())
    assert 'name="appid"' not in shown(alone)
    alone.client.get("/datacube/x")
    assert 'value="-"' in shown(alone)
