"""Only the catalogue knows APIs by name: a new one needs no other module."""

import re

import pytest
from support.paths import ROOT

from cloud_openapi.catalogue import default_catalogue

PACKAGE = ROOT / "cloud_openapi"
EXAMPLE = "an example of how to call, which a reader can paste"
# The files that name APIs all the same, each with the reason.
EXCEPTIONS = {
    "__init__.py": EXAMPLE,
    "openapi.py": EXAMPLE,
    "cli/_examples.py": EXAMPLE,
    "emulator/console/data_windows.py": "the views of the Data page are those of one family",
    "emulator/console/overrides.py": EXAMPLE,
    "emulator/console/recordings.py": EXAMPLE,
    "emulator/control_schemas.json": EXAMPLE,
    "types.py": "generated from the catalogue",
}
# Those of the exceptions, and of the project that `init` writes.
NAMED = {"analysis.getDailyRetain", "analysis.getDailySummary", "analysis.getWeeklyRetain"}
# Longer ones are nothing but APIs; a shorter one is a word, such as `send`.
LONGEST_WORD = 12


def words_of(api):
    method = api.name.rpartition(".")[2]
    return {api.name, api.path, *({method} if len(method) > LONGEST_WORD else ())}


WORDS = {word: api.name for api in default_catalogue().values() for word in words_of(api)}
PATTERN = re.compile(
    rf"(?<![\w/])({'|'.join(sorted(map(re.escape, WORDS), key=len, reverse=True))})(?![\w/])"
)


def files():
    for path in sorted(PACKAGE.rglob("*")):
        name = str(path.relative_to(PACKAGE))
        if path.suffix in (".py", ".js", ".json") and "__pycache__" not in name:
            yield name, path.read_text("utf-8")


@pytest.fixture(scope="module")
def named():
    """Return the APIs that each file outside of the catalogue names."""
    found = {
        name: {WORDS[word] for word in PATTERN.findall(text)}
        for name, text in files()
        if not name.startswith("catalogue/")
    }
    return {name: apis for name, apis in found.items() if apis}


def test_no_file_but_the_exceptions_names_an_api(named):
    assert {name for name in named if not name.startswith("cli/sample/")} == EXCEPTIONS.keys()


def test_the_exceptions_name_apis_of_one_family(named):
    examples = [apis for name, apis in named.items() if EXCEPTIONS.get(name, EXAMPLE) == EXAMPLE]
    assert set().union(*examples) <= NAMED
    assert {api.partition(".")[0] for api in named["emulator/console/data_windows.py"]} == {
        "analysis"
    }


def test_the_search_finds_names_paths_and_methods():
    texts = ("security.msgSecCheck", "/wxa/getwxacode", "call getDailyRetain()", "a.send()")
    assert [bool(PATTERN.search(text)) for text in texts] == [True, True, True, False]
