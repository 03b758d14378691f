"""Calls and the functions' output, on the terminal."""

import os
import subprocess
import sys
import threading
from datetime import datetime, timezone

import pytest
from rich.cells import cell_len as width
from support.processes import WAIT

from cloud_openapi.cli._live_lines import Look, call_texts, line_text, of_ended, of_entry, wrapped
from cloud_openapi.cli._log_printer import LogPrinter
from cloud_openapi.emulator.state.journal import Entry
from cloud_openapi.runtime import Ended, Line

PROGRAM = """
import sys
from cloud_openapi.cli import _log_printer
from cloud_openapi.runtime import Line

_log_printer._PATIENCE_SECONDS = float(sys.argv[2])
shown = _log_printer.LogPrinter()
for number in range(int(sys.argv[1])):
    shown.line("hello", Line(number, f"{number} " + "x" * 20))
print("all were taken", flush=True)
shown.close()
"""
DENIED = 'add "analysis.getDailyRetain" to permissions.openapi in functions/noperm/config.json'
NOT_GOOD = {"status": 430, "message": "ValueError: no"}


def run(lines):
    program = [sys.executable, "-c", PROGRAM, str(lines), str(WAIT)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(**given):
    usual = {
        "function": "hello",
        "status": 200,
        "milliseconds": 277.4,
        "message": "",
        "reason": "",
        "depth": 0,
        "source": "wx_client",
        "invocation": "i1",
        "parent": "",
    }
    return Ended(**{**usual, **given})


def entry(**given):
    usual = {
        "time": datetime(2026, 3, 11, tzinfo=timezone.utc),
        "method": "POST",
        "path": "/datacube/getweanalysisappiddailyretaininfo",
        "apis": ("analysis.getDailyRetain",),
        "appid": "wx1",
        "body": b'{"begin_date": "20170313"}',
        "errcode": 0,
        "check": "simulation",
        "milliseconds": 0.24,
    }
    return Entry(**{**usual, **given})


def printed(capsys, put, level="usual"):
    """Return the printed lines without the clock's time."""
    printer = LogPrinter(level)
    put(printer)
    printer.close()
    return [line[9:].rstrip() for line in capsys.readouterr().err.splitlines()]


def words(line):
    return line.split()


# ---- one line ------------------------------------------------------------------------------


def test_each_line_is_printed_with_its_functions_name():
    with run(3) as process:
        _, shown = process.communicate(timeout=WAIT)
    assert [line.split()[1:3] for line in shown.decode().splitlines()] == [
        ["hello:", str(number)] for number in range(3)
    ]


def test_call_has_name_status_and_duration_in_columns(capsys):
    def put(printer):
        printer.entry(entry())
        printer.ended(ended())
        printer.ended(ended(milliseconds=61_000, function="getMonthlyRetain"))

    lines = printed(capsys, put)
    assert [line.split(maxsplit=2) for line in lines] == [
        ["analysis.getDailyRetain", "ok", "0.2 ms"],
        ["hello", "200", "277 ms"],
        ["getMonthlyRetain", "200", "61.0 s"],
    ]
    assert len(set(map(len, lines[:2]))) == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"errcode": 61501}, "61501"),
        ({"status": 502}, "HTTP 502"),
        ({"status": 0}, "dropped"),
    ],
)
def test_failed_call_has_its_code_and_its_reason(capsys, given, status):
    call = entry(**given, reason="one day at a time")
    (line,) = printed(capsys, lambda printer: printer.entry(call), "quiet")
    assert line.split(maxsplit=1)[1].split("ms")[0].startswith(status)
    assert line.endswith("ms  one day at a time")


def test_failed_call_without_a_reason_names_the_check(capsys):
    call = entry(errcode=40001, check="access_token")
    (line,) = printed(capsys, lambda printer: printer.entry(call))
    assert line.endswith("refused because of access_token")


def test_failed_invocation_has_its_error_and_a_command_for_its_log(capsys):
    (line,) = printed(capsys, lambda printer: printer.ended(ended(**NOT_GOOD)))
    assert words(line)[:4] == ["hello", "430", "277", "ms"]
    assert line.endswith("ValueError: no  → cloud-openapi logs hello")


def test_command_has_the_url_unless_it_is_the_default(capsys):
    printer = LogPrinter(url=" --url http://127.0.0.1:7171")
    printer.ended(ended(**NOT_GOOD))
    printer.close()
    expected = "→ cloud-openapi logs hello --url http://127.0.0.1:7171\n"
    assert capsys.readouterr().err.endswith(expected)


def test_invocation_by_a_timer_says_so(capsys):
    (line,) = printed(capsys, lambda printer: printer.ended(ended(source="wx_trigger")))
    assert line.startswith("hello (timer) ")


def test_lines_and_calls_of_an_invocation_are_indented(capsys):
    def put(printer):
        printer.line("outer", Line(1, "START", "platform", "o"))
        printer.line("outer", Line(2, "begins", "own", "o"))
        printer.line("inner", Line(3, "START", "platform", "i", 1))
        printer.line("inner", Line(4, "works", "own", "i", 1))
        printer.entry(entry(invocation="i"))
        printer.ended(ended(function="inner", invocation="i", depth=1, parent="o"))
        printer.entry(entry(invocation="o"))
        printer.ended(ended(function="outer", invocation="o"))

    lines = printed(capsys, put)
    indents = [len(line) - len(line.lstrip()) for line in lines]
    assert [(indent, line.split()[0]) for indent, line in zip(indents, lines, strict=True)] == [
        (2, "outer:"),
        (4, "inner:"),
        (4, "analysis.getDailyRetain"),
        (2, "inner"),
        (2, "analysis.getDailyRetain"),
        (0, "outer"),
    ]


def test_reason_of_a_call_is_not_repeated_by_its_invocation(capsys):
    def put(printer):
        printer.line("hello", Line(1, f"Reason: {DENIED}", "reason", "i1"))
        printer.entry(entry(errcode=-604101, reason=DENIED, invocation="i1"))
        printer.ended(ended(**NOT_GOOD, reason=f"analysis.getDailyRetain -604101: {DENIED}"))
        printer.ended(ended(**NOT_GOOD, reason=DENIED, invocation="i2"))

    call, first, second = printed(capsys, put)
    assert DENIED in call
    assert DENIED not in first
    assert DENIED in second


# ---- levels --------------------------------------------------------------------------------


def everything(printer):
    printer.line("hello", Line(1, "START RequestId:i1", "platform", "i1"))
    printer.line("hello", Line(2, "printed", "own", "i1"))
    printer.entry(entry(invocation="i1", rid="abc-def"))
    printer.entry(entry(errcode=61500, invocation="i1", rid="abc-def"))
    printer.ended(ended())
    printer.ended(ended(**NOT_GOOD))


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("output", ["hello:"]),
        ("quiet", ["hello:", "analysis.getDailyRetain", "hello"]),
        (
            "usual",
            ["hello:", "analysis.getDailyRetain", "analysis.getDailyRetain", "hello", "hello"],
        ),
    ],
)
def test_level_chooses_the_calls(capsys, level, expected):
    assert [words(line)[0] for line in printed(capsys, everything, level)] == expected


def test_verbose_has_requests_rids_sources_and_the_platforms_lines(capsys):
    text = "\n".join(printed(capsys, everything, "verbose"))
    for part in (
        "hello: START RequestId:i1",
        'request {"begin_date": "20170313"}',
        "answered by simulation",
        "rid abc-def",
        "source wx_client",
    ):
        assert part in text


# ---- many calls ----------------------------------------------------------------------------


def test_flood_of_good_calls_is_counted(capsys):
    def put(printer):
        for _ in range(5000):
            printer.entry(entry())

    lines = printed(capsys, put)
    assert lines[0].startswith("analysis.getDailyRetain")
    notes = [line for line in lines if line.startswith("…")]
    assert all(note.endswith("all ok") for note in notes)
    counted = sum(int(note.split()[1].replace(",", "")) for note in notes)
    assert counted + len(lines) - len(notes) == 5000
    assert counted > 4000


def test_failures_of_a_kind_are_grouped_and_others_still_shown(capsys):
    def put(printer):
        for _ in range(100):
            printer.entry(entry(errcode=61501, reason="one day at a time"))
        printer.ended(ended(**NOT_GOOD))

    lines = printed(capsys, put)
    assert sum("one day at a time" in line for line in lines) < 10
    assert any("ValueError: no" in line for line in lines)
    assert any(line.endswith("more analysis.getDailyRetain 61501") for line in lines)


def test_failures_beyond_all_limits_are_counted(capsys):
    def put(printer):
        for _ in range(5000):
            printer.entry(entry(errcode=61501))

    lines = printed(capsys, put)
    totals = [line for line in lines if "of them failed" in line]
    counted = sum(int(line.split()[1].replace(",", "")) for line in totals)
    shown = sum(line.startswith("analysis.getDailyRetain") for line in lines)
    assert counted + shown == 5000


def test_each_request_that_begins_no_invocation_has_its_reason(capsys):
    def put(printer):
        for _ in range(3):
            printer.ended(
                ended(status=400, invocation="", parent="", message="", reason="not JSON")
            )

    assert sum("not JSON" in line for line in printed(capsys, put)) == 3


def test_number_of_hidden_calls_is_printed_without_a_further_call(capfd):
    printer = LogPrinter()
    for _ in range(300):
        printer.entry(entry())
    seen = ""
    for _ in range(WAIT * 20):
        seen += capfd.readouterr().err
        if "more calls, all ok" in seen:
            break
        threading.Event().wait(0.05)
    printer.close()
    assert "more calls, all ok" in seen


@pytest.mark.slow
def test_functions_do_not_wait_for_a_blocked_terminal():
    with run(50_000) as process:
        assert process.stdout.readline() == b"all were taken\n"
        _, shown = process.communicate(timeout=WAIT)
    lines = shown.decode().splitlines()
    told = [
        int(line.split()[0].strip("(").replace(",", "")) for line in lines if "too fast" in line
    ]
    # Each line was shown or counted.
    assert sum("xxx" in line for line in lines) + sum(told) == 50_000


@pytest.mark.slow
def test_a_closed_terminal_does_not_end_the_emulator():
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-c", PROGRAM, "3", str(WAIT)]
    done = subprocess.run(
        program, stderr=writing, stdout=subprocess.PIPE, check=False, timeout=WAIT
    )
    os.close(writing)
    assert (done.returncode, done.stdout) == (0, b"all were taken\n")


def test_lines_of_many_threads_are_all_printed(capsys):
    shown = LogPrinter()
    threads = [
        threading.Thread(target=shown.line, args=("hello", Line(n, str(n)))) for n in range(50)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown.close()
    lines = [line[9:] for line in capsys.readouterr().err.splitlines()]
    assert sorted(lines) == sorted(f"hello: {number}" for number in range(50))


# ---- a terminal ----------------------------------------------------------------------------


def test_long_reason_continues_on_lines_that_fit_and_the_hint_is_whole():
    look = Look(columns=80, url=" --url http://127.0.0.1:7171")
    reason = f"{DENIED} 权限不足，请在云函数目录的配置文件里声明这个接口，然后重新部署云函数。"
    head, *more, hint = call_texts(
        of_ended(ended(**NOT_GOOD, reason=reason), look), "08:00:00", look
    )
    assert head.split()[1:] == ["hello", "430", "277", "ms", "ValueError:", "no"]
    assert hint.strip() == "→ cloud-openapi logs hello --url http://127.0.0.1:7171"
    assert len(more) > 1
    assert all(width(line) <= 80 for line in (head, *more))
    assert "".join("".join(more).split()) == "".join(reason.split())


def test_line_of_a_call_fits_on_80_columns():
    apis = ("analysis.getVisitDistribution",)
    call = entry(errcode=-604101, reason="要", apis=apis, invocation="i")
    (line,) = call_texts(of_entry(call, 1), "08:00:00", Look(columns=80))
    assert line.endswith("ms  要")
    assert width(line) <= 80


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one", 2, ["one"]),
        ("a/very/long/path is kept", 5, ["a/very/long/path", "is", "kept"]),
        ("留存数据", 4, ["留存", "数据"]),
        ("留存，数据。", 4, ["留", "存，", "数", "据。"]),
        ("日期begin_date错", 8, ["日期", "begin_date", "错"]),
        ("", 5, [""]),
    ],
)
def test_text_is_broken_at_spaces_and_between_chinese_characters(text, columns, lines):
    assert wrapped(text, columns) == lines


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("留存", 4), ("e\u0301", 1), ("，", 2)])
def test_width_of_a_text(text, columns):
    assert width(text) == columns


def test_control_characters_reach_no_terminal(capsys):
    def put(printer):
        printer.entry(entry(apis=(), path="/\x1b]0;title\x07", errcode=40066, reason="a\nb\x9b31m"))
        printer.ended(ended(status=430, message="Error:\x1b[2J\r\n"))

    text = "\n".join(printed(capsys, put))
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\r"}
    assert r"/\x1b]0;title\x07" in text
    assert r"a\nb\x9b31m" in text


def test_output_of_a_function_keeps_its_colours_and_moves_no_cursor(capsys):
    text = "\x1b[31mred\x1b[0m\t\x1b[2J\x1b]0;title\x07\r留存"
    (line,) = printed(capsys, lambda printer: printer.line("hello", Line(1, text)))
    assert line.endswith(r"hello: red" + "\t" + r"\x1b[2J\x1b]0;title\x07\r留存")
    look = Look(coloured=True)
    assert line_text("hello", Line(1, "\x1b[31mred"), "08:00:00", look).endswith(
        "\x1b[31mred\x1b[0m"
    )


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_lone_surrogates_are_printed_escaped(capsys, text):
    (line,) = printed(capsys, lambda printer: printer.ended(ended(status=430, message=text)))
    assert "\\ud" in line


@pytest.mark.parametrize(
    ("api", "check", "name"),
    [
        ("a.b", "apiName a.b", "a.b"),
        ("a.b", "permissions.openapi: a.b", "a.b"),
        ("a.b", "pin 3", "a.b"),
        ("", "functions.invokeFunction", "functions.invokeFunction"),
        ("", "INVALID PARAM", "/admin"),
    ],
)
def test_call_of_the_gateway_is_named_by_its_api_or_action(api, check, name):
    given = entry(path="/admin", via="gateway", errcode=-604100, check=check)
    given = given._replace(apis=(api,) if api else ())
    assert of_entry(given, 0).name == name


def test_unknown_function_has_no_command_for_its_log():
    assert of_ended(ended(status=404, invocation=""), Look()).hint == ""
