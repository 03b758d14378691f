"""The logs of several functions, read in their common order."""

import threading

import pytest

from cloud_openapi.runtime._log import InvocationLog, Line, Logs


@pytest.fixture
def logs():
    return Logs()


def invoke(logs, function, invocation, *, failed=False, depth=0):
    """Write the log of an invocation."""
    log = InvocationLog(logs.of(function), ("s3cret",), invocation, depth)
    log.platform("START")
    log.own(b"printed\n")
    log.platform("END s3cret", failed=failed)


def texts(found):
    return [(name, line.text) for name, line in found[0]]


def test_lines_of_all_functions_are_in_order(logs):
    logs.of("b").add("1")
    logs.of("a").add("2", "3")
    logs.of("b").add_own("4")
    assert texts(logs.since(0)) == [("b", "1"), ("a", "2"), ("a", "3"), ("b", "4")]
    assert texts(logs.since(2)) == [("a", "3"), ("b", "4")]
    assert texts(logs.since(0, ["a"])) == [("a", "2"), ("a", "3")]
    assert logs.since(9) == ([], 4)


def test_line_names_its_invocation(logs):
    invoke(logs, "a", "i1", depth=2)
    (_, start), (_, own), (_, end) = logs.since(0)[0]
    assert start == Line(1, "START", "platform", "i1", 2)
    assert own == Line(2, "printed", "own", "i1", 2)
    assert end == Line(3, "END ***", "platform", "i1", 2)


def test_failed_invocations_are_whole_and_others_left_out(logs):
    invoke(logs, "a", "i1")
    invoke(logs, "b", "i2", failed=True)
    found, newest = logs.since(0, failed=True)
    assert {line.invocation for _, line in found} == {"i2"}
    assert len(found) == 3
    assert newest == 6


def test_invocation_that_began_earlier_is_found_when_it_has_failed(logs):
    log = InvocationLog(logs.of("a"), (), "i1")
    log.platform("START")
    assert logs.since(0, failed=True) == ([], 1)
    log.platform("END", failed=True)
    assert texts(logs.since(1, failed=True)) == [("a", "START"), ("a", "END")]
    assert logs.since(2, failed=True) == ([], 2)


def test_each_line_is_told_with_its_function():
    seen = []
    logs = Logs(lambda name, line: seen.append((name, line.text, line.kind)))
    invoke(logs, "a", "i1")
    assert seen == [
        ("a", "START", "platform"),
        ("a", "printed", "own"),
        ("a", "END ***", "platform"),
    ]


def test_reader_that_goes_on_from_the_newest_number_misses_no_line(logs):
    """Threads write to different logs at once."""

    def write(name):
        for number in range(2000):
            logs.of(name).add(str(number))

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    seen, newest = [], 0
    while any(thread.is_alive() for thread in threads) or newest < 6000:
        found, newest = logs.since(newest)
        seen += [line.number for _, line in found]
    for thread in threads:
        thread.join()
    assert seen == sorted(seen)
    assert len(seen) == 6000


def test_a_secret_where_a_long_line_is_cut_is_masked(logs):
    log = InvocationLog(logs.of("a"), ("s3cret",), "i1")
    log.own(b"x" * (32 * 1024 - 3) + b"s3cret" + b"y" * 100 + b"\n")
    ((_, line),), _ = logs.since(0)
    assert line.text.rstrip("*") == "x" * (32 * 1024 - 3)
    assert "s3c" not in log.text


# The end of the second one begins another one.
@pytest.mark.parametrize("secret", [b"s3cret", b"s3xs3xs3"])
@pytest.mark.parametrize("cut", range(9))
def test_a_secret_across_two_pieces_of_a_line_is_masked(logs, cut, secret):
    log = InvocationLog(logs.of("a"), ("longer than the other", secret.decode()), "i1")
    head = b"." * 32 * 1024
    log.own(head + secret[:cut])
    log.own(secret[cut:] + b" end")
    log.own(b"")
    assert "".join(line.text for _, line in logs.since(0)[0])[len(head) :].lstrip("*") == " end"


def test_an_end_that_only_begins_like_a_secret_is_kept(logs):
    log = InvocationLog(logs.of("a"), ("s3cret",), "i1")
    log.own(b"x" * 32 * 1024 + b"s3c")
    log.own(b"ond\n")
    log.own(b"s3")
    log.own(b"")
    assert [line.text.lstrip("x") for _, line in logs.since(0)[0]] == ["", "s3cond", "s3"]
