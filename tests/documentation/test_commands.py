"""Every command on a page runs in a project with the files that pages name."""

import re
from pathlib import Path

import pytest
from support.pages import ENGLISH, blocks_of, commands, commands_of, text_of

# The commands that do not run here, each with the reason.
NOT_RUN = {
    r"make |git ": "of the checkout; continuous integration runs them",
    r"python3 -m|pip install|\. \.venv": "installs packages: tests of the wheel do it",
    r"cloud-openapi install": "downloads packages: tests/runtime/test_packages.py",
    r"cloud-openapi package .*--check": "the same: tests/cli/test_packaged_functions.py",
    r"cloud-openapi doctor .*https:": "calls the real service",
    r"cloud-openapi history .*--apps": "the mini programs of the reader",
    r"tcb fn deploy": "Tencent's command, and the reader's environment",
    r"cloud-openapi invoke .*--debug": "waits for a debugger: tests/runtime/test_debug.py",
    r"cloud-openapi ui$": "opens a browser: tests/cli/test_ui.py",
    r"openapi-(generator|python)": "downloads programs: tests/slow runs both",
    r"export .*…": "the credentials of the reader",
    r"cloud-openapi call officialAccount": "the page adds that API: test_add_an_api.py",
    r"pytest --record": "test_programs.py, with the page's test",
}
# The differences that are their results.
EXIT_CODES = {"drift": 1}


def why_not(command):
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, command)), None)


def files_of(page):
    """Return the files of a page: a block after a line that ends with `name`: is one."""
    pattern = r"`([\w./-]+\.(?:js|py|json))`[:：]\n\n```\w+\n(.*?)^```"
    found = re.findall(pattern, text_of(page), re.DOTALL | re.MULTILINE)
    return {source: Path(name) for name, source in found}


# The pages take a minute together.
WITH_COMMANDS = [
    pytest.param(page, marks=[] if page == "README.md" else [pytest.mark.slow])
    for page in ENGLISH
    if any(not why_not(each) for each in commands(page))
]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_runs(page, shell):
    files = files_of(page)
    printed = ""
    for language, block in blocks_of(page):
        if file := files.get(block):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block, "utf-8")
        if language == "output":
            assert [line for line in block.splitlines() if line not in printed] == [], printed
        for command in commands_of(block) if language == "sh" else ():
            if why_not(command):
                continue
            done = shell(command)
            printed = done.stdout + done.stderr
            expected = next((code for name, code in EXIT_CODES.items() if name in command), 0)
            assert (command, done.returncode) == (command, expected), printed
            # WeChat's errors come with status 200.
            assert not re.match(r'\{"errcode": ?[^0]', done.stdout), (command, printed)


def test_each_reason_is_one_of_a_command():
    every = [command for page in ENGLISH for command in commands(page)]
    assert [one for one in NOT_RUN if not any(re.match(one, command) for command in every)] == []
