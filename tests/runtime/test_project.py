"""The functions of a project are found from each of its folders, and else the reason is said."""

import json
import shlex

import pytest

from cloud_openapi.errors import ConfigError
from cloud_openapi.runtime import find_project, functions_option

NODE = "exports.main = async (event, context) => event\n"
PYTHON = "def main(event, context):\n    return event\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return an empty folder, as its real path; it is the working directory."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def add(folder, source=NODE):
    """Write a function in JavaScript or Python."""
    folder.mkdir(parents=True)
    name = "index.js" if source == NODE else "index.py"
    (folder / name).write_text(source)


def write(folder, name="project.config.json", **content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content), "utf-8")


# ---- project.config.json -------------------------------------------------------------------


@pytest.mark.parametrize(
    "root",
    ["cloud/fns", "cloud/fns/", "./cloud/fns/", "cloud\\fns\\", "/cloud/fns", "cloud/../cloud/fns"],
)
def test_cloudfunction_root_is_read_as_devtools_write_it(project, root):
    add(project / "cloud" / "fns" / "login")
    write(project, cloudfunctionRoot=root, miniprogramRoot="miniprogram/")
    found = find_project(project)
    assert found.functions == project / "cloud" / "fns"
    assert found.found_by == "cloudfunctionRoot of project.config.json"


def test_a_byte_order_mark_does_not_matter(project):
    add(project / "cloud" / "login")
    (project / "project.config.json").write_text('{"cloudfunctionRoot": "cloud"}', "utf-8-sig")
    assert find_project(project).functions == project / "cloud"


def test_the_private_file_overrides_the_public_one(project):
    add(project / "one" / "login")
    add(project / "two" / "login")
    write(project, cloudfunctionRoot="one")
    write(project, "project.private.config.json", cloudfunctionRoot="two", setting={})
    assert find_project(project).functions == project / "two"
    write(project, "project.private.config.json", setting={})
    assert find_project(project).functions == project / "one"


@pytest.mark.parametrize("start", ["miniprogram", "miniprogram/pages/index", "dist/dev/mp-weixin"])
def test_the_project_is_found_from_within(project, start):
    add(project / "cloud" / "login")
    write(project, cloudfunctionRoot="cloud/", miniprogramRoot="miniprogram/")
    (project / start).mkdir(parents=True)
    # A page has an index.js too.
    (project / start / "index.js").write_text("Page({})\n")
    found = find_project(project / start)
    assert found.functions == project / "cloud"
    assert found.found_by.startswith("cloudfunctionRoot of ../")


def test_the_file_may_stand_in_the_mini_programs_own_folder(project):
    add(project / "cloudfunctions" / "login")
    write(project / "miniprogram", cloudfunctionRoot="../cloudfunctions/")
    assert find_project(project / "miniprogram").functions == project / "cloudfunctions"


def test_a_copy_of_the_file_in_a_build_folder_leads_on_to_the_project(project):
    add(project / "cloud" / "login")
    write(project, cloudfunctionRoot="cloud/", miniprogramRoot="dist/")
    write(project / "dist", cloudfunctionRoot="cloud/", miniprogramRoot="./")
    found = find_project(project / "dist")
    assert found.functions == project / "cloud"
    missing = "cloudfunctionRoot of project.config.json is cloud, which is missing"
    assert missing in found.looked


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"cloudfunctionRoot": "a",\n}', "project.config.json: line "),
        ('{\n  // here\n  "cloudfunctionRoot": "a"\n}', "project.config.json: line 2, column 3"),
        ("}", 'project.config.json: line 1, column 1: not JSON: a value is missing before "}"'),
        ('{"cloudfunctionRoot": 5}', "cloudfunctionRoot must be a string, not a number"),
        ('{"cloudfunctionRoot": "a\\u0000"}', "cloudfunctionRoot has a NUL"),
        ('{"cloudfunctionRoot": "\\ud800"}', "cloudfunctionRoot has a NUL or half a surrogate"),
        ("[]", "project.config.json: must be an object, not an array"),
        ("[" * 100_000, "project.config.json: cannot be read as JSON"),
        (" " * 5_000_000 + "{}", "project.config.json: cannot be read as JSON in UTF-8: it is lar"),
    ],
    ids=lambda text: text[:20].strip() or "large",
)
def test_a_file_that_is_wrong_is_named_with_the_place(project, command, text, place):
    (project / "project.config.json").write_text(text)
    with pytest.raises(ConfigError) as refused:
        find_project(project)
    assert place in str(refused.value)
    code, out, err = command("invoke", "login")
    assert (code, out) == (1, "")
    assert place in err
    assert err.endswith("Correct it, or give the folder by --functions.\n")


def test_a_file_in_another_encoding_names_the_byte(project):
    (project / "project.config.json").write_text('{"projectname": "商店"}', "gbk")
    with pytest.raises(ConfigError, match="byte 18 is not UTF-8; save it as UTF-8"):
        find_project(project)


# ---- the order -----------------------------------------------------------------------------


def test_each_way_precedes_the_next(project):
    expected = ["given", "rc", "devtools", "cloudfunctions", "functions", "."]
    for name in expected[:-1]:
        add(project / name / "login")
    add(project / "own")
    write(project, "cloudbaserc.json", functionRoot="rc")
    write(project, cloudfunctionRoot="devtools")
    found = [find_project(project, project / "given").functions]
    for name in ("cloudbaserc.json", "project.config.json", "cloudfunctions", "functions"):
        found.append(find_project(project).functions)
        (project / name).rename(project / f".{name}")
    found.append(find_project(project).functions)
    assert found == [project / name for name in expected]


@pytest.mark.parametrize("source", [NODE, PYTHON, "module.exports = { main }\n"])
def test_in_a_function_its_name_is_known(project, source):
    add(project / "any" / "login", source)
    (project / "any" / "login" / "lib").mkdir()
    found = find_project(project / "any" / "login")
    assert (found.functions, found.name) == (project / "any", "login")
    write(project, cloudfunctionRoot="any")
    found = find_project(project / "any" / "login" / "lib")
    assert (found.functions, found.name) == (project / "any", "login")
    assert find_project(project / "any").name == ""


def test_folders_that_are_not_functions_are_not_taken_for_them(project):
    (project / "pages" / "index").mkdir(parents=True)
    (project / "pages" / "index" / "index.js").write_text(NODE)
    (project / "pages" / "index" / "index.wxml").write_text("<view/>")
    (project / "node_modules" / "a").mkdir(parents=True)
    (project / "node_modules" / "a" / "index.js").write_text(NODE)
    (project / "utils").mkdir()
    (project / "utils" / "index.js").write_text("module.exports = {}\n")
    assert find_project(project).found_by == ""
    assert find_project(project / "pages").found_by == ""
    assert find_project(project / "utils").found_by == ""


# ---- where there is nothing ----------------------------------------------------------------


ALL = [["install", "--all"], ["invoke", "login"], ["invoke"], ["check", "login"]]


@pytest.mark.parametrize("arguments", ALL)
def test_an_empty_folder_says_what_was_looked_for(project, command, arguments):
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert err == (
        "cloud-openapi: There are no functions here: no cloudbaserc.json; "
        "no project.config.json; no folder cloudfunctions; no folder functions. "
        "Name the folder that holds them by --functions, or make a project: cloud-openapi init\n"
    )


@pytest.mark.parametrize("arguments", ALL)
def test_functions_elsewhere_are_named_by_the_option_for_them(project, command, arguments):
    add(project / "server" / "my cloud" / "login")
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    there = "There is 'server/my cloud': --functions 'server/my cloud'\n"
    assert err.endswith(there)


def test_functions_beside_the_pages_are_named_from_the_pages(project, command, monkeypatch):
    write(project, miniprogramRoot="miniprogram/")
    add(project / "server" / "login")
    (project / "miniprogram" / "pages").mkdir(parents=True)
    monkeypatch.chdir(project / "miniprogram" / "pages")
    hint = "There is ../../server: --functions ../../server\n"
    assert command("invoke", "login")[2].endswith(hint)


def test_a_folder_of_a_usual_name_without_functions_says_why(project, command):
    (project / "cloudfunctions" / "login" / "dist").mkdir(parents=True)
    seen = "cloudfunctions holds no functions (login has no index.py and no index.js); no folder "
    assert seen in command("install", "--all")[2]


def test_of_many_functions_the_first_are_named(project, command):
    for number in range(60):
        add(project / "functions" / f"function{number:02}", PYTHON)
    for arguments in (["invoke", "zzz"], ["invoke"]):
        assert "function48, function49 and 10 more" in command(*arguments)[2]


def test_a_usual_name_is_the_first_hint(project, command):
    for name in ("build", "cloudfunctions"):
        add(project / "mine" / name / "login")
    _, _, err = command("install", "--all")
    first, second = "mine/cloudfunctions", "mine/build"
    assert f"There is {first}: --functions {first}; {second}: --functions {second}\n" in err


def test_a_function_root_that_is_missing_is_a_note(project, command):
    add(project / "functions" / "login", PYTHON)
    write(project, "cloudbaserc.json", functionRoot="nowhere")
    assert find_project(project).functions == project / "functions"
    note = f"{project}/cloudbaserc.json: the folder of its functions is missing: {project}/nowhere"
    assert f"Warning: {note}\n" in command("invoke", "login")[2]


def test_a_folder_without_functions_says_what_is_there(project, command):
    write(project, cloudfunctionRoot="cloud")
    (project / "cloud" / "login").mkdir(parents=True)
    (project / "cloud" / "login" / "index.ts").write_text("export const main = 1")
    (project / "cloud" / "common").mkdir()
    (project / "cloud" / ".DS_Store").write_text("")
    (project / "cloud" / "node_modules").mkdir()
    code, out, err = command("install", "--all")
    assert (code, out) == (1, "")
    assert err.startswith(
        "cloud-openapi: There are no functions in cloud: common has no index.py and no index.js; "
        "login has index.ts, but no index.js: compile it first. "
    )
    assert "it has index.ts, but no index.js" in command("invoke", "login")[2]


def test_a_folder_whose_only_function_is_misnamed_is_not_suggested(project, command):
    write(project, cloudfunctionRoot="cloud")
    add(project / "cloud" / "x")
    err = command("install", "--all")[2]
    assert "There are no functions in cloud: no folder has a function's name. " in err
    assert "--functions cloud" not in err
    assert "x is not a function: a function's name is" in err


def test_a_folder_that_was_given_and_is_missing_is_named(project, command):
    add(project / "functions" / "login")
    code, _, err = command("install", "--all", "--functions", "nowhere")
    assert code == 1
    assert err == (
        "cloud-openapi: --functions: the folder nowhere is missing. "
        "There is functions: --functions functions\n"
    )


def test_a_function_that_was_given_for_the_folder_is_named(project, command):
    add(project / "functions" / "login")
    code, _, err = command("install", "--all", "--functions", "functions/login")
    assert code == 1
    assert err == (
        "cloud-openapi: functions/login is a function, not a folder of functions: "
        "--functions functions\n"
    )


def test_a_misnamed_folder_is_the_reason(project, command):
    add(project / "functions" / "my.func")
    code, _, err = command("install", "--all")
    assert code == 1
    assert "my.func is not a function: a function's name is 2 to 60" in err


# ---- names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "dailyRetain",
        "dailyRetain/",
        "./dailyRetain",
        "functions/dailyRetain",
        "./functions/dailyRetain/",
        "functions/dailyRetain/index.py",
    ],
)
def test_a_path_is_accepted_for_a_name(project, command, name):
    add(project / "functions" / "dailyRetain", PYTHON)
    assert command("invoke", name, "--data", "5")[:2] == (0, "5\n")
    assert command("install", name) == (0, "dailyRetain: lists no dependencies\n", "")


@pytest.mark.slow
def test_without_a_name_the_function_of_this_folder_is_invoked(project, command, monkeypatch):
    add(project / "functions" / "dailyRetain", PYTHON)
    add(project / "functions" / "other", PYTHON)
    monkeypatch.chdir(project / "functions" / "dailyRetain")
    assert command("invoke", "--data", "5")[:2] == (0, "5\n")
    assert command("invoke", ".", "--data", "5")[:2] == (0, "5\n")
    assert command("invoke", "../other", "--data", "5")[:2] == (0, "5\n")
    monkeypatch.chdir(project)
    code, out, err = command("invoke")
    assert (code, out) == (2, "")
    assert "give the NAME of a function: dailyRetain, other" in err


@pytest.mark.parametrize("name", ["dailyretain", "DAILYRETAIN", "dailyRetian", "dailyretain/"])
def test_a_near_miss_is_met_with_the_name_that_was_meant(project, command, name):
    add(project / "functions" / "dailyRetain", PYTHON)
    code, out, err = command("invoke", name)
    assert (code, out) == (1, "")
    assert "Did you mean dailyRetain? Known: dailyRetain.\n" in err


# ---- hints ---------------------------------------------------------------------------------


def test_a_hint_repeats_the_option_where_it_is_needed(project, monkeypatch):
    add(project / "functions" / "login")
    add(project / "other one" / "login")
    assert functions_option(project / "functions") == ""
    assert functions_option(project / "other one") == " --functions 'other one'"
    monkeypatch.chdir(project / "other one")
    place = shlex.quote(str(project / "functions"))
    assert functions_option(project / "functions") == f" --functions {place}"


def test_the_hint_of_a_failed_invocation_can_be_pasted(project, command):
    add(project / "server" / "login", "import treasure\n" + PYTHON)
    (project / "server" / "login" / "requirements.txt").write_text("treasure\n")
    _, _, err = command("invoke", "login", "--functions", "server")
    assert "cloud-openapi install login --functions server\n" in err
