"""The APIs that Python calls are read from its syntax tree."""

import json
import sys

import pytest

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.emulator import Emulator, Server, create_app, listen
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime.check._python import python_facts

DAY = "{'beginDate': '20170313', 'endDate': '20170313'}"


def calls(found):
    return sorted({each.name for each in found.calls})


# A module, and the methods of analysis that its handler calls.
FORMS = {
    "members": ("from cloud_openapi import cloud", "cloud.openapi.analysis.getDailyRetain(DAY)"),
    "alias": ("from cloud_openapi import cloud as c", "c.openapi.analysis.getDailyRetain(DAY)"),
    "package": ("import cloud_openapi", "cloud_openapi.cloud.openapi.analysis.getDailyRetain(DAY)"),
    "renamed package": (
        "import cloud_openapi as co",
        "co.cloud.openapi.analysis.getDailyRetain(DAY)",
    ),
    "part": (
        "from cloud_openapi import cloud\nopenapi = cloud.openapi",
        "openapi.analysis.getDailyRetain(DAY)",
    ),
    "in the handler": (
        "from cloud_openapi import cloud",
        "a = cloud.openapi.analysis; a.getDailyRetain(DAY)",
    ),
    "item": ("from cloud_openapi import cloud", "cloud.openapi['analysis.getDailyRetain'](DAY)"),
    "items": (
        "from cloud_openapi import cloud",
        "cloud.openapi['analysis']['getDailyRetain'](DAY)",
    ),
    "getattr": (
        "from cloud_openapi import cloud",
        "getattr(cloud.openapi.analysis, 'getDailyRetain')(DAY)",
    ),
    "getattr of a constant": (
        "from cloud_openapi import cloud\nNAME = 'get' + 'Daily' + f\"Ret{'ain'}\"",
        "getattr(cloud.openapi.analysis, NAME)(DAY)",
    ),
    "options": (
        "from cloud_openapi import cloud",
        (
            "cloud.openapi(convertCase=False).analysis.getDailyRetain("
            "{'begin_date': '20170313', 'end_date': '20170313'})"
        ),
    ),
    "loop": (
        "from cloud_openapi import cloud",
        "for n in ('getDailyRetain',): getattr(cloud.openapi.analysis, n)(DAY)",
    ),
    "walrus": (
        "from cloud_openapi import cloud",
        "(f := cloud.openapi.analysis.getDailyRetain)(DAY)",
    ),
    "two at once": (
        "from cloud_openapi import cloud",
        "a, b = cloud.openapi.analysis, 1; a.getDailyRetain(DAY)",
    ),
    "partial": (
        "from functools import partial\nfrom cloud_openapi import cloud",
        "partial(cloud.openapi.analysis.getDailyRetain, DAY)()",
    ),
    "method": (
        (
            "from cloud_openapi import cloud\nclass A:\n    api = cloud.openapi\n"
            "    def get(self): return cloud.openapi.analysis.getDailyRetain(DAY)"
        ),
        "A().get()",
    ),
}

EVERY_FORM = """\
from importlib import import_module

def main(event, context):
    import_module(event["form"]).main({}, context)
"""


@pytest.fixture(scope="module")
def journalled(tmp_path_factory):
    """Return, for each form, the APIs whose calls reached the emulator."""
    folder = tmp_path_factory.mktemp("functions")
    emulator, found = Emulator(), {}
    paths = {api.path: api.name for api in default_catalogue().values()}
    listening = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    # The package of these tests may be no installed one.
    given = {"CLOUD_OPENAPI_BASE_URL": url, "PYTHONPATH": ":".join(filter(None, sys.path))}
    functions = Functions(folder, given, timeout=20)
    try:
        with Server(create_app(emulator, functions), listening):
            # One process serves every form: its start takes most of the time.
            (folder / "forms").mkdir()
            (folder / "forms" / "index.py").write_text(EVERY_FORM)
            config = {"permissions": {"openapi": list(default_catalogue())}}
            (folder / "forms" / "config.json").write_text(json.dumps(config))
            for index, form in enumerate(FORMS.values()):
                (folder / "forms" / f"form{index}.py").write_text(written(form))
            for index, name in enumerate(FORMS):
                emulator.reset()
                now = emulator.clock_of(emulator.first_appid).now()
                outcome = functions.invoke("forms", {"form": f"form{index}"}, now)
                assert outcome.status == 200, outcome.result
                found[name] = sorted({paths[each.path] for each in emulator.journal})
    finally:
        functions.close()
    return found


def written(form):
    top, body = (text.replace("DAY", DAY) for text in form)
    init = "import cloud_openapi as _all\n_all.cloud.init()"
    return f"{top}\n{init}\ndef main(event, context):\n    {body}\n"


@pytest.mark.parametrize("name", FORMS)
def test_the_apis_that_are_found_are_those_that_are_called(name, journalled):
    found = python_facts("index.py", written(FORMS[name]))
    assert calls(found) == journalled[name] == ["analysis.getDailyRetain"]
    assert found.unresolved == ()


def test_columns_count_characters_after_chinese_text():
    source = "数据 = '中文'; import yaml; cloud.openapi[数据](); cloud.openapi.wxacode.get(数据)\n"
    found = python_facts("index.py", source)
    assert source[found.modules[0].column - 1 :].startswith("import yaml")
    assert source[found.calls[-1].column - 1 :].startswith("cloud.openapi.wxacode")
    assert found.unresolved == ()
    found = python_facts("index.py", "a = 1\n说 = '好'; cloud.openapi[event].get()\n")
    assert [(each.line, each.column) for each in found.unresolved] == [(2, 10)]


@pytest.mark.parametrize(
    ("source", "guarded"),
    [
        ("if TYPE_CHECKING:\n    import yaml\n", True),
        ("import typing\nif typing.TYPE_CHECKING:\n    import yaml\n", True),
        ("import sys\nif sys.version_info < (3,):\n    import yaml\n", True),
        ("if __name__ == '__main__':\n    import yaml\n", True),
        ("with contextlib.suppress(ImportError):\n    import yaml\n", True),
        ("with open('a'):\n    import yaml\n", False),
        ("if DEBUG:\n    import yaml\n", False),
    ],
)
def test_imports_that_may_be_missing_are_guarded(source, guarded):
    loads = [each for each in python_facts("index.py", source).modules if each.name == "yaml"]
    assert [each.guarded for each in loads] == [guarded]


UNRESOLVED = {
    "computed": "cloud.openapi[event['ns']][event['name']]()",
    "getattr": "getattr(cloud.openapi.analysis, event['name'])()",
    "assigned twice": "n = 'a'; n = event['n']; cloud.openapi.analysis[n]()",
    "passed on": "helper(cloud.openapi)",
    "returned": "return cloud.openapi.analysis",
    "kept": "event.api = cloud.openapi",
}


@pytest.mark.parametrize("body", UNRESOLVED.values(), ids=UNRESOLVED)
def test_a_call_that_cannot_be_resolved_is_named_and_not_guessed(body):
    source = f"from cloud_openapi import cloud\ndef main(event, context):\n    {body}\n"
    found = python_facts("index.py", source)
    assert [each.line for each in found.unresolved] == [3]
    assert calls(found) in ([], ["analysis.a"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from lib import cloud\ncloud.openapi.wxacode.get()", "wxacode.get"),
        ("def f(cloud): cloud.openapi.wxacode.get()", "wxacode.get"),
        ("def f(openapi): openapi.wxacode.get()", "wxacode.get"),
        ("class A:\n    def f(self): self.cloud.openapi.wxacode.get()", "wxacode.get"),
        (
            "from cloud_openapi import Cloud\nmy = Cloud()\nmy.openapi.wxacode.get()",
            "wxacode.get",
        ),
        ("spec = {'openapi': 1}\nspec['x'].get()", ""),
        ("# cloud.openapi.wxacode.get()\ntext = 'cloud.openapi.wxacode.get()'", ""),
        ("if cloud.openapi: pass", ""),
        ("if hasattr(cloud.openapi, 'wxacode'): pass", ""),
    ],
)
def test_calls_of_other_modules_and_of_other_things(source, expected):
    found = python_facts("index.py", source)
    assert calls(found) == expected.split()
    assert found.unresolved == ()


def test_modules_have_names_paths_and_guards():
    source = (
        "import os, yaml.nodes\nfrom a.b import c\nfrom . import d\nfrom ..e import f\n"
        "try:\n    import g\nexcept ImportError:\n    g = None\n"
        "import importlib\nimportlib.import_module('h')\nimportlib.import_module(name)\n"
    )
    found = python_facts("lib/x.py", source).modules
    names = {each.name: each for each in found}
    assert {"os", "yaml.nodes", "a.b", "a.b.c", "g", "h", None} <= names.keys()
    assert names["g"].guarded
    assert not names["yaml.nodes"].guarded
    assert {each.path for each in found if each.path} == {".", "./d", "../e", "../e/f"}


@pytest.mark.parametrize(
    ("source", "line", "column"),
    [("def main(", 1, 9), ("a = 1\nb = = 2\n", 2, 5), ("x = '\0'", 1, 1)],
)
def test_a_syntax_error_has_a_place(source, line, column):
    mistake = python_facts("index.py", source).mistake
    assert mistake.wrong
    assert (mistake.line, mistake.column) == (line, column)


@pytest.mark.parametrize("text", ["(", "a+", "-", "[", "a.", "not ", "lambda: ", "x[", "f("])
@pytest.mark.slow
def test_sources_that_are_nested_deeply_are_no_traceback(text):
    python_facts("index.py", text * 50_000)
    python_facts("index.py", f"{text * 5000}a")


def test_values_that_grow_with_each_line_stay_small():
    lines = ["a0 = 'a' if x else 'b'", *(f"a{n + 1} = a{n} + a{n}" for n in range(60))]
    source = "\n".join([*lines, "cloud.openapi[a60]()"])
    found = python_facts("index.py", source)
    assert [each.name for each in found.unresolved] == ["cloud.openapi[a60]"]
