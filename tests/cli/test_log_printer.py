"""What functions write, on the terminal."""

import os
import subprocess
import sys
import threading

from support.processes import WAIT

from cloud_openapi.cli._log_printer import LogPrinter

PROGRAM = """
import sys
from cloud_openapi.cli import _log_printer

_log_printer._PATIENCE_SECONDS = float(sys.argv[2])
shown = _log_printer.LogPrinter()
for number in range(int(sys.argv[1])):
    shown.add("hello", f"{number} " + "x" * 20)
print("all were taken", flush=True)
shown.close()
"""


def run(lines):
    program = [sys.executable, "-c", PROGRAM, str(lines), str(WAIT)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_each_line_is_printed_with_its_functions_name():
    with run(3) as process:
        _, shown = process.communicate(timeout=WAIT)
    assert [line.split()[:2] for line in shown.decode().splitlines()] == [
        ["hello:", str(number)] for number in range(3)
    ]


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
    threads = [threading.Thread(target=shown.add, args=("hello", str(n))) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown.close()
    lines = capsys.readouterr().err.splitlines()
    assert sorted(lines) == sorted(f"hello: {number}" for number in range(50))
