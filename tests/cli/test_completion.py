"""Completion as a user sees it: scripts in real shells, and what they offer."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
from support.paths import ROOT

from cloud_openapi.cli._group import group

PROGRAM = f"#!{sys.executable}\nfrom cloud_openapi.cli import main\nmain()\n"


@pytest.fixture
def environment(tmp_path):
    """Return the variables of a shell that finds the command, in a project with two functions."""
    program = tmp_path / "bin" / "cloud-openapi"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    for name in ("hello", "help"):
        function = tmp_path / "project" / "cloudfunctions" / name
        function.mkdir(parents=True)
        (function / "index.py").write_text("def main(event, context): ...\n")
    return {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
    }


def run(command, environment, tmp_path, text=None):
    done = subprocess.run(
        command,
        cwd=tmp_path / "project",
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def shell(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is missing")
    return name


EXPECTED = [
    ("cloud-openapi ser", ["serve"]),
    ("cloud-openapi serve --set", ["--settings"]),
    ("cloud-openapi invoke hel", ["hello", "help"]),
    ("cloud-openapi install hel", ["hello", "help"]),
    ("cloud-openapi invoke hello --da", ["--data"]),
    ("cloud-openapi call analysis.getDailyR", ["analysis.getDailyRetain"]),
    ("cloud-openapi record analysis.getDailyR", ["analysis.getDailyRetain"]),
    ("cloud-openapi schema analysis.getDailyR", ["analysis.getDailyRetain"]),
    ("cloud-openapi apis officialAccount.sem", ["officialAccount.semantic.search"]),
    ("cloud-openapi verify --report j", ["json", "junit"]),
    ("cloud-openapi control faults a", ["add"]),
    ("cloud-openapi --he", ["--help"]),
    ("cloud-openapi completion ", ["bash", "zsh", "fish"]),
]


# Each shell's options, how it learns to complete, and how it shows the words for a line.
SHELLS = {
    "bash": (
        ["--norc"],
        'eval "$(cloud-openapi completion bash)"\ncompopt() { :; }',
        (
            "COMPREPLY=(); COMP_WORDS=(%(words)s); COMP_CWORD=%(last)d\n"
            '_cloud_openapi_completion cloud-openapi; printf "%%s\\n" "${COMPREPLY[@]}"'
        ),
    ),
    "fish": (
        ["--no-config"],
        "cloud-openapi completion fish | source",
        "complete --do-complete %(line)s",
    ),
    "zsh": (
        ["-f"],
        # The functions of zsh's completion print what they are given.
        (
            'compdef() { :; }\neval "$(cloud-openapi completion zsh)"\n'
            "_describe() { local -a given=(${(P)3}); print -rl -- ${given%%:*}; }\n"
            "compadd() { local name=$@[-1]; print -rl -- ${(P)name}; }"
        ),
        "words=(%(words)s); CURRENT=$((%(last)d + 1)); _cloud_openapi_completion",
    ),
}


@pytest.mark.variants
@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes_commands_options_functions_and_apis(environment, tmp_path, name):
    options, script, complete = SHELLS[name]
    for line, _ in EXPECTED:
        words = line.split(" ")
        given = {"words": shlex.join(words), "last": len(words) - 1, "line": shlex.quote(line)}
        script += f"\n{complete % given}\necho ---"
    found = run([shell(name), *options], environment, tmp_path, script + "\n")
    offered = [part.split("\n") for part in found.split("---\n")[:-1]]
    words = [sorted(each.split("\t")[0] for each in part if each) for part in offered]
    assert words == [sorted(expected) for _, expected in EXPECTED]


@pytest.mark.variants
@pytest.mark.parametrize("line", [line for line, _ in EXPECTED if "hel" not in line])
def test_completion_does_not_import_what_it_does_not_need(environment, tmp_path, line):
    words = line.split(" ")
    code = (
        "import json, sys\nfrom cloud_openapi.cli import main\n"
        "try:\n    main()\nfinally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    asked = {
        "_CLOUD_OPENAPI_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **asked},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stderr))
    heavy = {"flask", "jsonschema", "orjson", "requests", "rich", "waitress"}
    assert heavy & loaded == set()
    assert "cloud_openapi.runtime" not in loaded


def test_a_folder_without_functions_completes_nothing(environment, tmp_path):
    shutil.rmtree(tmp_path / "project" / "cloudfunctions")
    asked = {
        "_CLOUD_OPENAPI_COMPLETE": "bash_complete",
        "COMP_WORDS": "cloud-openapi invoke ",
        "COMP_CWORD": "2",
    }
    assert run(["cloud-openapi"], {**environment, **asked}, tmp_path).split() == []


def test_each_command_is_offered_with_its_help(environment, tmp_path):
    asked = {
        "_CLOUD_OPENAPI_COMPLETE": "zsh_complete",
        "COMP_WORDS": "cloud-openapi ",
        "COMP_CWORD": "1",
    }
    offered = run(["cloud-openapi"], {**environment, **asked}, tmp_path).split("\n")
    names = group.list_commands(None)
    assert offered[1 : 3 * len(names) : 3] == names
