"""What check finds in a function: permissions, modules, settings, and what is not emulated."""

import json
import os
from pathlib import Path

import pytest
from support.sdk import NODE, node

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.catalogue.cloud_calls import cloud_calls, meant_call
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime.check import _sources, apply_fixes

pytestmark = pytest.mark.slow

CLOUD = "const cloud = require('wx-server-sdk')\ncloud.init()\n"
NODE_MAIN = "exports.main = async (event) => {{ {} }}\n"
LISTED = json.dumps({"dependencies": {"wx-server-sdk": "*"}})


class Project:
    def __init__(self, folder):
        self.folder = folder

    def write(self, file, text, name="hello"):
        path = self.folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def node(self, body, apis=None, **files):
        """Write a function that loads the SDK, with its permissions."""
        self.write("index.js", CLOUD + NODE_MAIN.format(body))
        self.write("package.json", LISTED)
        if apis is not None:
            self.write("config.json", json.dumps({"permissions": {"openapi": apis}}))
        for file, text in files.items():
            self.write(file, text)

    def check(self, *names):
        functions = Functions(self.folder, {})
        try:
            return functions.check(*(names or ["hello"]))
        finally:
            functions.close()

    def codes(self):
        return sorted((each.severity, each.code) for each in self.check())


@pytest.fixture
def project(tmp_path, monkeypatch):
    node()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "node_modules").symlink_to(NODE / "node_modules")
    return Project(tmp_path / "functions")


def only(findings):
    (finding,) = findings
    return finding


def place(finding):
    return finding.place.file.rpartition("/")[2], finding.place.line, finding.place.column


# ---- the names of cloud calls --------------------------------------------------------------


def test_the_list_has_the_calls_of_the_catalogue_and_those_that_functions_use_most():
    assert set(default_catalogue()) <= cloud_calls()
    used = ["subscribeMessage.send", "security.msgSecCheck", "wxacode.get", "templateMessage.send"]
    assert cloud_calls().issuperset(used)
    assert len(cloud_calls()) > 300


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("security.msgSecChek", "security.msgSecCheck"),
        ("security.msgseccheck", "security.msgSecCheck"),
        ("openapi.wxacode.get", "wxacode.get"),
        ("cloud.openapi.wxacode.get", "wxacode.get"),
        (" wxacode.get ", "wxacode.get"),
        ("msgSecCheck", "security.msgSecCheck"),
        ("wxacode.getUnlimit", "wxacode.getUnlimited"),
        ("wxacode.get", None),
        ("mine.ownCall", None),
        ("send", None),  # of several
        ("", None),
    ],
)
def test_a_wrong_name_means_one_call_or_none(name, meant):
    assert meant_call(name) == meant


# ---- permissions ---------------------------------------------------------------------------


def test_an_api_that_is_called_and_not_listed_is_a_problem_with_its_place_and_fix(project):
    project.node("return cloud.openapi.analysis.getVisitPage({})", ["analysis.getDailyRetain"])
    found = {each.code: each for each in project.check()}
    assert found.keys() == {"missing-permission", "unused-permission"}
    missing = found["missing-permission"]
    assert missing.severity == "problem"
    assert place(missing) == ("index.js", 3, 42)
    text = f'add "analysis.getVisitPage" to permissions.openapi in {missing.fix.file}'
    assert text in str(missing)
    assert missing.fix.add == "analysis.getVisitPage"
    assert missing.fix.file.endswith("hello/config.json")
    assert place(found["unused-permission"]) == ("config.json", 1, 30)
    assert found["unused-permission"].severity == "note"


def test_a_misspelt_call_does_not_make_the_listed_api_unused(project):
    project.node("return cloud.openapi.analysis.getVisitPgae({})", ["analysis.getVisitPage"])
    assert only(project.check()).code == "misspelt-api"


def test_listed_and_called_is_fine(project):
    project.node("return cloud.openapi.analysis.getVisitPage({})", ["analysis.getVisitPage"])
    assert project.check() == []


def test_each_api_is_reported_once_at_its_first_place(project):
    body = "await cloud.openapi.analysis.getVisitPage(); cloud.openapi.analysis.getVisitPage()"
    project.node(body, [])
    assert place(only(project.check()))[1:] == (3, 41)


def test_a_misspelling_in_config_json_is_one_problem_with_a_fix(project):
    project.node("return cloud.openapi.analysis.getVisitPage({})", ["analysis.getvisitpage"])
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("misspelt-permission", "problem")
    assert finding.fix[1:] == ("analysis.getVisitPage", "analysis.getvisitpage")


def test_a_misspelling_in_the_source_is_a_problem_at_its_place(project):
    project.node("return cloud.openapi.security.msgSecChek({})", [])
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("misspelt-api", "problem")
    assert 'did you mean "security.msgSecCheck"?' in finding.message
    assert finding.fix is None


def test_an_api_that_nobody_knows_needs_its_permission_too(project):
    project.node("return cloud.openapi.brandnew.call({}), cloud.openapi.brandnew.thing({})", [])
    assert project.codes() == [("note", "unknown-api"), ("problem", "missing-permission")]


def test_an_api_that_is_not_emulated_is_a_note_that_says_how_to_pin_it(project):
    project.node(
        "return cloud.openapi.officialAccount.semantic.search({})",
        ["officialAccount.semantic.search"],
    )
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("not-emulated", "note")
    assert "control pins add officialAccount.semantic.search --response '{}'" in finding.message


def test_with_an_unresolved_call_no_permission_is_called_unused(project):
    project.node("return cloud.openapi[event.a][event.b]()", ["analysis.getVisitPage"])
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("unresolved-call", "note")
    assert place(finding) == ("index.js", 3, 42)


def test_a_wildcard_is_a_problem(project):
    project.node("return 1", ["*"])
    finding = only(project.check())
    assert (finding.code, finding.fix.remove) == ("wildcard-permission", "*")


def test_a_name_that_is_listed_twice_is_a_note(project):
    project.node("return cloud.openapi.analysis.getVisitPage()", ["analysis.getVisitPage"] * 2)
    assert project.codes() == [("note", "repeated-permission")]


def test_without_config_json_only_what_is_called_is_missing(project):
    project.node("return 1")
    assert project.check() == []
    project.node("return cloud.openapi.analysis.getVisitPage()")
    assert project.codes() == [("problem", "missing-permission")]


def test_with_an_invalid_config_json_no_permission_is_missing(project):
    project.node("return cloud.openapi.analysis.getVisitPage()")
    project.write("config.json", '{"permissions": {"openapi": ["a.b",]}}')
    finding = only(project.check())
    assert finding.code == "invalid-json"
    assert 'remove the comma before "]"' in finding.message
    assert finding.place.line == 1


@pytest.mark.parametrize(
    "text", ["\v", "", "}", '{"a" 1}', '{"a": }', "[" * 100_000, '{"a": 1} x', "nul"]
)
def test_a_text_that_is_not_json_is_one_problem(project, text):
    project.node("return 1")
    project.write("config.json", text)
    assert [each.code for each in project.check()] == ["invalid-json"]


# ---- which files count ---------------------------------------------------------------------


def test_files_that_the_handler_loads_count_and_others_do_not(project):
    call = "exports.go = (cloud) => cloud.openapi.analysis.{}()\n"
    project.node("return require('./lib/used').go(cloud)", [])
    project.write("lib/used.js", "require('./deep'); " + call.format("getVisitPage"))
    project.write("lib/deep/index.js", call.format("getDailyRetain"))
    project.write("lib/backup.js", call.format("getUserPortrait"))
    project.write("test/a.js", call.format("getWeeklyRetain"))
    named = [each.fix.add for each in project.check()]
    assert sorted(named) == ["analysis.getDailyRetain", "analysis.getVisitPage"]


def test_all_files_count_if_a_name_of_a_module_is_computed(project):
    project.node("return require('./' + event.route)", [])
    project.write("route.js", "exports.go = (cloud) => cloud.openapi.analysis.getVisitPage()\n")
    assert project.codes() == [("problem", "missing-permission")]


def test_python_modules_that_the_handler_imports_count(project):
    project.write("index.py", "import lib.used\ndef main(event, context): pass\n")
    source = "def go(cloud):\n    cloud.openapi.analysis.{}()\n"
    project.write("lib/__init__.py", "")
    project.write("lib/used.py", "from . import deep\n" + source.format("getVisitPage"))
    project.write("lib/deep.py", source.format("getDailyRetain"))
    project.write("backup.py", source.format("getUserPortrait"))
    named = [each.fix.add for each in project.check()]
    assert sorted(named) == ["analysis.getDailyRetain", "analysis.getVisitPage"]


def test_a_file_that_is_too_large_is_named(project, monkeypatch):
    monkeypatch.setattr(_sources, "MOST_BYTES", 1000)
    project.node("return 1", ["analysis.getVisitPage"])
    project.write("bundle.js", "//" + "x" * 1000)
    finding = only(project.check())
    assert (finding.code, place(finding)) == ("not-parsed", ("bundle.js", 0, 0))


def test_a_named_pipe_is_not_read(project):
    project.node("return 1", [])
    os.mkfifo(project.folder / "hello" / "pipe.js")
    finding = only(project.check())
    assert (finding.code, place(finding)) == ("not-parsed", ("pipe.js", 0, 0))


def test_a_syntax_error_is_named_once_with_its_place(project):
    project.node("return require('./lib')", [])
    project.write("lib.js", "module.exports = {,}\n")
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("syntax-error", "problem")
    assert place(finding) == ("lib.js", 1, 19)


def test_a_syntax_error_of_the_handlers_file_is_not_repeated_by_loading_it(project):
    functions = {
        "node": ("index.js", "exports.main = (\n"),
        "python": ("index.py", "def main(\n"),
        "tabs": ("index.py", "def main(e, c):\n\tif e:\n        return 1\n"),
        "indent": ("index.py", "def main(e, c):\nreturn 1\n"),
    }
    for name, (file, source) in functions.items():
        project.write(file, source, name=name)
    found = project.check(*functions)
    assert [(each.function, each.code) for each in found] == [
        (name, "syntax-error") for name in functions
    ]


def test_a_syntax_error_in_a_file_that_nothing_loads_is_a_note(project):
    project.node("return 1", [])
    project.write("old.js", "const = 1\n")
    assert project.codes() == [("note", "syntax-error")]


def test_without_the_parser_the_other_checks_are_made(project, monkeypatch):
    project.node("return 1", ["*"])
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", "no-such-node")
    assert project.codes() == [
        ("note", "not-parsed"),
        ("problem", "does-not-load"),
        ("problem", "wildcard-permission"),
    ]


# ---- modules -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nosuch", "@scope/thing", "@scope/thing/part"])
def test_a_package_that_is_not_listed_is_a_problem_wherever_it_is_loaded(project, name):
    package = "/".join(name.split("/")[: 2 if "@" in name else 1])
    project.node(f"return require('{name}')", [])
    lazy = only(project.check())
    project.write("index.js", f"require('{name}')\n" + NODE_MAIN.format("return 1"))
    at_once = only(project.check())
    for finding, line in ((lazy, 3), (at_once, 1)):
        assert (finding.code, finding.severity) == ("unlisted-package", "problem")
        assert finding.place.line == line
        assert f"The platform does not have {package}; list it in package.json" in finding.message


def test_a_package_that_is_listed_and_not_installed_says_so(project):
    project.write("index.js", "require('@scope/thing')\n" + NODE_MAIN.format("return 1"))
    project.write("package.json", json.dumps({"dependencies": {"@scope/thing": "*"}}))
    finding = only(project.check())
    assert finding.code == "not-installed"
    assert finding.message == "it does not load: Cannot find module '@scope/thing'"
    assert finding.details == (
        "package.json lists @scope/thing, which is not installed on this machine yet: "
        f"cloud-openapi install hello --functions {project.folder}"
    )


def test_a_package_that_another_package_lacks_is_found_with_its_stack(project):
    project.write("index.js", "require('outer')\n" + NODE_MAIN.format("return 1"))
    project.write("node_modules/outer/index.js", "require('inner')")
    finding = next(each for each in project.check() if each.severity == "problem")
    assert finding.code == "unlisted-package"
    assert f"node_modules{os.sep}outer{os.sep}index.js" in finding.details


def test_a_package_for_development_is_not_installed_on_the_platform(project):
    project.node("return require('dayjs')", [])
    project.write(
        "package.json", json.dumps({**json.loads(LISTED), "devDependencies": {"dayjs": "*"}})
    )
    assert "is in devDependencies" in only(project.check()).message


@pytest.mark.parametrize(
    "source",
    [
        "require('fs'); require('node:test'); require('fs/promises')",
        "try { require('sharp') } catch {}",
        "require('#own')",
        "require('own')",
        "require('../../opt')",
    ],
)
def test_modules_that_need_not_be_listed(project, source):
    project.node(f"if (event.never) {{ {source} }}", [])
    listed = {**json.loads(LISTED), "name": "own"}
    project.write("package.json", json.dumps(listed))
    assert "unlisted-package" not in {each.code for each in project.check()}


def test_a_package_that_only_an_upload_brings_is_a_note(project):
    project.node("return require('thing')", [])
    project.write("node_modules/thing/index.js", "")
    assert project.codes() == [("note", "unlisted-package"), ("note", "uploaded-dependencies")]


def test_a_file_that_is_missing_is_a_problem_where_it_is_loaded(project):
    project.node(
        "return [require('./lib'), require('./Lib'), require('./data'), require('./no')]", []
    )
    project.write("lib.js", "")
    project.write("data/index.js", "")
    found = [each for each in project.check() if each.code == "missing-file"]
    assert [each.message.split()[2] for each in found] == ["./Lib", "./no"]
    assert "file names are case-sensitive" in found[0].message


def test_a_path_with_backslashes_is_a_problem_although_windows_finds_it(project):
    project.node("return require('.\\\\lib\\\\a')", [])
    project.write("lib/a.js", "")
    finding = only(project.check())
    assert finding.code == "missing-file"
    assert finding.message.endswith("does not separate folders: write ./lib/a")


def test_a_python_package_that_is_not_there_is_a_problem_wherever_it_is_imported(project):
    project.write(
        "index.py",
        "import json, requests\ndef main(event, context):\n    import yaml, helper\n"
        "    try:\n        import ujson\n    except ImportError:\n        pass\n",
    )
    project.write("helper.py", "")
    finding = only(project.check())
    assert (finding.code, place(finding)) == ("unlisted-package", ("index.py", 3, 5))
    assert "does not have yaml" in finding.message


def test_python_packages_in_the_folder_are_there(project):
    project.write("index.py", "def main(event, context):\n    import treasure, chest\n")
    project.write("treasure/__init__.py", "")
    project.write("chest.py", "")
    assert project.check() == []


# ---- what is not emulated ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("cloud.getVoIPSign({})", "getVoIPSign"),
        ("cloud.cloudPay.unifiedOrder({})", "cloudPay.unifiedOrder"),
        ("cloud.getOpenData({ list: [] })", "getOpenData"),
        ("cloud.callContainer({}); cloud.callContainer({})", "callContainer"),
    ],
)
def test_a_service_that_is_not_emulated_is_a_note_with_its_place(project, call, name):
    project.node(f"return {call}", [])
    finding = only(project.check())
    assert (finding.code, finding.severity) == ("not-emulated", "note")
    assert place(finding) == ("index.js", 3, 42)
    assert finding.message.startswith(f"cloud.{name}() is not emulated yet")
    assert "replace it in your tests" in finding.message


def test_the_database_and_the_storage_are_no_findings(project):
    calls = "cloud.database().collection('a').get(), cloud.deleteFile({ fileList: [] })"
    project.node(f"return [{calls}]", [])
    assert project.check() == []


def test_what_is_emulated_is_no_note(project):
    project.node("cloud.getWXContext(); return cloud.callFunction({ name: 'hello' })", [])
    assert project.check() == []


# ---- web functions and settings ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("#!/bin/bash\nnode app.js\n", 0o755, None),
        ("#!/bin/bash\nnode app.js\n", 0o644, "chmod 755"),
        ("#!/bin/bash\r\nnode app.js\r\n", 0o755, "CRLF"),
        ("node app.js\n", 0o755, "#!/bin/bash"),
    ],
)
def test_a_web_function_is_a_note_and_its_start_file_is_checked(project, text, mode, says):
    project.write("index.js", "require('http').createServer().listen(9000)\n")
    path = project.write("scf_bootstrap", "")
    path.write_bytes(text.encode())
    path.chmod(mode)
    found = project.check()
    notes = [each for each in found if each.severity == "note"]
    assert only(notes).code == "web-function"
    problems = [each.message for each in found if each.severity == "problem"]
    assert len(problems) == (says is not None)
    assert says is None or says in problems[0]


def test_an_invalid_timer_has_a_place(project):
    project.node("return 1")
    timer = '{"triggers": [\n  {"name": "a", "type": "timer", "config": "0 0 25 * * * *"}\n]}'
    project.write("config.json", timer)
    finding = only(project.check())
    assert (finding.code, place(finding)) == ("invalid-timer", ("config.json", 2, 3))
    assert "0 to 23" in finding.message


def test_an_invalid_setting_has_the_place_of_its_key(project):
    project.node("return 1")
    project.write("config.json", '{\n  "envVariables": {"A": 5},\n  "timeout": 0\n}')
    places = {each.place.line: each for each in project.check()}
    assert places.keys() == {2, 3}
    assert {each.code for each in places.values()} == {"invalid-setting"}


def test_a_setting_of_cloudbaserc_has_the_place_of_its_entry(project):
    project.write("index.py", "def main(event, context): pass\n")
    entry = '{"functions": [\n  {"name": "other"},\n  {"name": "hello", "runtime": "Python3.8"}\n]}'
    (project.folder.parent / "cloudbaserc.json").write_text(entry)
    finding = only(project.check())
    assert place(finding) == ("cloudbaserc.json", 3, 21)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"dependencies": ["axios"]}', "dependencies must be an object"),
        ('{"dependencies": {"axios": 1}}', "axios: the version must be a string"),
        ('{"dependencies": {"axios": "1",}}', "remove the comma before"),
        ("[]", "must be an object"),
    ],
)
def test_a_mistake_in_package_json_is_a_problem(project, text, says):
    project.write("index.js", NODE_MAIN.format("return 1"))
    project.write("package.json", text)
    finding = only(project.check())
    assert finding.severity == "problem"
    assert says in finding.message


def test_uploaded_dependencies_are_a_note(project):
    project.node("return 1")
    project.write("node_modules/thing/index.js", "")
    finding = only(project.check())
    assert (finding.code, place(finding)[0]) == ("uploaded-dependencies", "node_modules")


# ---- fixes ---------------------------------------------------------------------------------


def fixed(project):
    by_file = {}
    for each in project.check():
        if each.fix is not None:
            by_file.setdefault(each.fix.file, []).append(each.fix)
    for file, fixes in by_file.items():
        apply_fixes(project.folder / "hello" / "config.json", fixes)
        assert file.endswith("hello/config.json")
    return (project.folder / "hello" / "config.json").read_bytes().decode()


CALLS = "return [cloud.openapi.analysis.getVisitPage(), cloud.openapi.wxacode.get()]"
FIXES = {
    "missing": (
        None,
        (
            '{\n  "permissions": {\n    "openapi": [\n      "analysis.getVisitPage",\n'
            '      "wxacode.get"\n    ]\n  }\n}\n'
        ),
    ),
    "empty": (
        "{}",
        (
            '{\n  "permissions": {\n    "openapi": [\n      "analysis.getVisitPage",\n'
            '      "wxacode.get"\n    ]\n  }\n}'
        ),
    ),
    "empty array": (
        '{"permissions": {"openapi": []}}\n',
        '{"permissions": {"openapi": ["analysis.getVisitPage", "wxacode.get"]}}\n',
    ),
    "one line": (
        '{"permissions": {"openapi": ["wxacode.get"]}, "timeout": 5}',
        '{"permissions": {"openapi": ["wxacode.get", "analysis.getVisitPage"]}, "timeout": 5}',
    ),
    "padding": (
        '{ "permissions": { "openapi": [ "wxacode.get" ] } }',
        '{ "permissions": { "openapi": [ "wxacode.get", "analysis.getVisitPage" ] } }',
    ),
    "tabs": (
        '{\n\t"permissions": {\n\t\t"openapi": [\n\t\t\t"wxacode.get"\n\t\t]\n\t}\n}\n',
        (
            '{\n\t"permissions": {\n\t\t"openapi": [\n\t\t\t"wxacode.get",\n'
            '\t\t\t"analysis.getVisitPage"\n\t\t]\n\t}\n}\n'
        ),
    ),
    "CRLF": (
        '{\r\n    "permissions": {\r\n        "openapi": [\r\n        ]\r\n    }\r\n}\r\n',
        (
            '{\r\n    "permissions": {\r\n        "openapi": [\r\n'
            '            "analysis.getVisitPage",\r\n'
            '            "wxacode.get"\r\n        ]\r\n    }\r\n}\r\n'
        ),
    ),
    "no permissions": (
        '{\n  "timeout": 5\n}\n',
        (
            '{\n  "timeout": 5,\n  "permissions": {\n    "openapi": [\n'
            '      "analysis.getVisitPage",\n'
            '      "wxacode.get"\n    ]\n  }\n}\n'
        ),
    ),
    "no permissions in one line": (
        '{"timeout": 5}',
        '{"timeout": 5, "permissions": {"openapi": ["analysis.getVisitPage", "wxacode.get"]}}',
    ),
    "no openapi": (
        '{\n  "permissions": {},\n  "timeout": 5\n}\n',
        (
            '{\n  "permissions": {\n    "openapi": [\n      "analysis.getVisitPage",\n'
            '      "wxacode.get"\n    ]\n  },\n  "timeout": 5\n}\n'
        ),
    ),
    "misspelt": (
        '{"permissions": {"openapi": ["analysis.getVisitpage", "openapi.wxacode.get"]}}',
        '{"permissions": {"openapi": ["analysis.getVisitPage", "wxacode.get"]}}',
    ),
    "wildcard": (
        '{"permissions": {"openapi": ["*"]}}',
        '{"permissions": {"openapi": ["analysis.getVisitPage", "wxacode.get"]}}',
    ),
    "twice": (
        '{"permissions": {"openapi": []}, "permissions": {"openapi": ["wxacode.get"]}}',
        (
            '{"permissions": {"openapi": []}, '
            '"permissions": {"openapi": ["wxacode.get", "analysis.getVisitPage"]}}'
        ),
    ),
    "mark and Chinese": (
        '\ufeff{"a": "查询", "permissions": {"openapi": ["wxacode.get"]}}',
        '\ufeff{"a": "查询", "permissions": {"openapi": ["wxacode.get", "analysis.getVisitPage"]}}',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIXES)
def test_a_fix_changes_the_list_alone_and_leaves_nothing_to_fix(project, name):
    before, after = FIXES[name]
    project.node(CALLS)
    if before is not None:
        project.write("config.json", "").write_bytes(before.encode())
    assert fixed(project) == after
    json.loads(after.removeprefix("\ufeff"))
    assert [each for each in project.check() if each.fix is not None] == []


def test_a_fix_keeps_a_link_and_the_mode_of_the_file(project):
    project.node(CALLS)
    shared = project.folder / "shared.json"
    shared.write_text('{"permissions": {"openapi": []}}')
    shared.chmod(0o640)
    link = project.folder / "hello" / "config.json"
    link.symlink_to("../shared.json")
    assert '"wxacode.get"' in fixed(project)
    assert link.is_symlink()
    assert shared.stat().st_mode & 0o777 == 0o640


def test_a_fix_that_fails_leaves_the_file_and_nothing_beside_it(project, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    project.node(CALLS)
    path = project.write("config.json", '{"permissions": {"openapi": []}}')
    beside = sorted(path.parent.iterdir())
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        fixed(project)
    assert path.read_text() == '{"permissions": {"openapi": []}}'
    assert sorted(path.parent.iterdir()) == beside


@pytest.mark.parametrize(
    "text", ['{"permissions": {"openapi": ["a.b",]}}', "// mine\n{}", '{"permissions": []}', ""]
)
def test_an_invalid_config_json_is_left_as_it_is(project, text):
    project.node(CALLS)
    project.write("config.json", text)
    assert fixed(project) == text
