"""The pages of the documentation: their code blocks, links and counterparts."""

import re
import shlex
from pathlib import Path

from support.paths import ROOT

ENGLISH = [
    "README.md",
    *sorted(
        str(path.relative_to(ROOT))
        for path in ROOT.glob("docs/**/*.md")
        if "zh-CN" not in path.parts
    ),
]


def chinese(page):
    """Return the Chinese page of an English one."""
    if page == "README.md":
        return "README.zh-CN.md"
    return str(Path("docs/zh-CN") / Path(page).relative_to("docs"))


PAGES = [*ENGLISH, *(chinese(page) for page in ENGLISH)]


def text_of(page):
    return (ROOT / page).read_text("utf-8")


def blocks(page, language=r"\w*"):
    """Return the code blocks of a page, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def blocks_of(page):
    """Return the language and the text of each code block, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)


def without_blocks(page):
    return re.sub(r"^```.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)


def rows(page):
    """Return the rows of the tables, with their headings."""
    return re.findall(r"^\|.*$", without_blocks(page), re.MULTILINE)


def links(page):
    """Return the links to files and headings, as pairs of path and anchor."""
    return re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)", without_blocks(page))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page, heading):
    """Return the text of a section, up to the next heading of its level."""
    level = heading.partition(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)",
        text_of(page),
        re.DOTALL | re.MULTILINE,
    )
    assert found is not None, f"{page} has no section {heading}"
    return found[1]


def commands(page):
    """Return the commands of the shell blocks of a page."""
    return [command for block in blocks(page, "sh") for command in commands_of(block)]


def commands_of(block):
    """Return the commands of a shell block; one may have several lines."""
    found = []
    lines = block.splitlines()
    while lines:
        command = lines.pop(0)
        while not _is_complete(command):
            command += "\n" + lines.pop(0)
        found.append(command)
    return found


def _is_complete(command):
    try:
        shlex.split(command, comments=True)
    except ValueError:  # a quotation is open, or the line ends with a backslash
        return False
    return not command.endswith(("\\", "|"))
