"""Draw docs/terminal.svg from what `serve` prints. With --check, only compare.

python -m scripts.picture [--check]
"""

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "terminal.svg"
LINES, COLUMNS = 40, 80
DAY = {"beginDate": "20170313", "endDate": "20170313"}
# Whether config.json permits the API, and the event.
CALLS = [
    (True, DAY),
    (True, {**DAY, "endDate": "2017-03-13"}),
    (False, DAY),
]
FUNCTION = """\
from cloud_openapi import cloud

cloud.init()


def main(event, context):
    return cloud.openapi.analysis.getDailyRetain(event)
"""
_COLOUR = re.compile(rb"\x1b\[[\d;]*m")
# No font of another host.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: monospace; font-size: {char_height}px; line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def session() -> str:
    """Return what a terminal shows of `serve` while a function of the sample is called."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve() / "hello"
        shutil.copytree(ROOT / "cloud_openapi" / "cli" / "sample", project)
        shutil.rmtree(project / "cloudfunctions" / "getWeeklyRetain")
        function = project / "cloudfunctions" / "getDailyRetain"
        (function / "index.py").write_text(FUNCTION, "utf-8")
        config = function / "config.json"
        with _terminal(["serve", "--port", "0"], project) as shown:
            url = _until(shown, rb"http://[\d.]+:\d+").decode()
            _until(shown, rb"Ctrl-C")
            for number, (permitted, event) in enumerate(CALLS, 1):
                names = ["analysis.getDailyRetain"] if permitted else []
                config.write_text(json.dumps({"permissions": {"openapi": names}}), "utf-8")
                _invoke(url, event)
                _until(shown, rb"\d getDailyRetain +\d+ +[\d,.]+ m?s", number)
    text = bytes(shown).decode().replace("\r", "")
    return _without_variations(text.replace(url, "http://127.0.0.1:7070"), project)


@contextmanager
def _terminal(arguments: list[str], folder: Path) -> Iterator[bytearray]:
    """Run the command in a terminal, and append to the yielded bytes what it shows."""
    terminal, program = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, "-c", "from cloud_openapi.cli import main; main()", *arguments]
    given = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    environment = {**given, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=program, stderr=program, stdin=program
    )
    os.close(program)
    shown = _Shown(terminal)
    try:
        yield shown
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        os.close(terminal)


class _Shown(bytearray):
    """The bytes that a terminal has shown."""

    def __init__(self, terminal: int) -> None:
        super().__init__()
        self.terminal = terminal


def _until(shown: bytearray, pattern: bytes, times: int = 1) -> bytes:
    """Read until the terminal has shown a pattern so many times, and return its last place."""
    assert isinstance(shown, _Shown)  # noqa: S101 - mypy
    while len(found := re.findall(pattern, _COLOUR.sub(b"", shown))) < times:
        shown += os.read(shown.terminal, 65536)
    return bytes(found[-1])


def _invoke(url: str, event: dict[str, str]) -> None:
    address = f"{url}/v1/functions/getDailyRetain?source=wx_client"
    # The status of a function that fails is 430.
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(address, json.dumps(event).encode()).close()  # noqa: S310


def _without_variations(text: str, project: Path) -> str:
    """Replace what differs from run to run, and the option that another port than 7070 needs."""
    text = text.replace(str(project), "hello").replace(" --url http://127.0.0.1:7070", "")
    text = re.sub(r"\d\d:\d\d:\d\d", "10:00:00", text)
    # A line may end between "rid:" and the ID.
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{8}){2}\b", "6b05244e-38884479-126cbc8f", text)
    return "\n".join(map(_with_usual_duration, text.split("\n")))


def _with_usual_duration(line: str) -> str:
    usual = "0.2 ms" if "analysis." in line else "12 ms"
    return re.sub(r" +[\d,.]+ m?s\b", lambda found: usual.rjust(len(found[0])), line)


def draw(text: str) -> str:
    """Return the picture of a terminal's text."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="256"
    )
    console.print("[bold green]$[/] [bold]cloud-openapi serve[/]")
    console.print(Text.from_ansi(text))
    picture = console.export_svg(
        title="cloud-openapi", theme=MONOKAI, code_format=FORMAT, unique_id="terminal"
    )
    return re.sub(r"\s+\n", "\n", picture)


def main() -> None:
    """Write the picture, or compare it."""
    picture = draw(session())
    if sys.argv[1:] != ["--check"]:
        PICTURE.write_text(picture, "utf-8")
    elif PICTURE.read_text("utf-8") != picture:
        sys.exit(f"{PICTURE} is not what `serve` prints: run python -m scripts.picture")


if __name__ == "__main__":
    main()
