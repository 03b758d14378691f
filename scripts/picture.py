"""Draw docs/terminal.svg from what the commands print. With --check, only compare.

python -m scripts.picture [--check]
"""

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "terminal.svg"
WIDTH = 80
EVENT = '{"beginDate": "20170313", "endDate": "20170313"}'
INVOKE = f"cloud-openapi invoke getDailyRetain --data '{EVENT}'"
# A title of None runs a command that the picture does not show.
STEPS = [
    ("cloud-openapi init .", False),
    ("sed -i.old s/analysis.getDailyRetain// cloudfunctions/getDailyRetain/config.json", False),
    (INVOKE, True),
    ("cloud-openapi check getDailyRetain --fix", True),
    (INVOKE, True),
]
# What differs from run to run.
VARYING = [
    (r"\b\d+(\.\d+)? ms", "12 ms"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4,12}){2,4}\b", "6b05244e-38884479-126cbc8f"),
]
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


def session(folder: Path) -> Text:
    """Return what a terminal shows of the steps."""
    shown = Text()
    for command, visible in STEPS:
        printed = _run(command, folder)
        if visible:
            shown.append("$ ", "bold green").append(f"{command}\n", "bold")
            shown.append_text(Text.from_ansi(printed)).append("\n")
    return shown


def _run(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}
    environment.pop("NO_COLOR", None)
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    text = done.stdout.replace(f"{folder.resolve()}/", "").replace(f"{folder}/", "")
    for pattern, same in VARYING:
        text = re.sub(pattern, same, text)
    return text


def draw(text: Text) -> str:
    """Return the picture of a terminal's text."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(text, end="")
    return console.export_svg(
        title="cloud-openapi", theme=MONOKAI, code_format=FORMAT, unique_id="terminal"
    )


def main() -> None:
    """Write the picture, or compare it."""
    with tempfile.TemporaryDirectory() as folder:
        picture = draw(session(Path(folder)))
    if sys.argv[1:] != ["--check"]:
        PICTURE.write_text(picture, "utf-8")
    elif PICTURE.read_text("utf-8") != picture:
        sys.exit(f"{PICTURE} is not what the commands print: run python -m scripts.picture")


if __name__ == "__main__":
    main()
