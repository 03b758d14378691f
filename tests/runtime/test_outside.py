"""Only the folder of a function is uploaded: check and invoke name the places that lead out."""

import json
import shutil

import pytest
from click.testing import CliRunner

from cloud_openapi.cli._group import group
from cloud_openapi.runtime import Functions
from cloud_openapi.runtime.check import references_outside

NODE = "exports.main = () => 1\n"
PYTHON = "def main(event, context):\n    return 1\n"
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js is missing")


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "functions"
    (folder / "hello").mkdir(parents=True)
    (folder / "hello" / "config.json").write_text("{}")
    (folder / "shared").mkdir()
    (folder / "shared" / "lib.js").write_text("module.exports = 1\n")
    (folder / "shared" / "lib.py").write_text("VALUE = 1\n")
    return folder


@pytest.fixture
def write(folder):
    def write(file, source):
        path = folder / "hello" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
        return path

    return write


def found(folder):
    """Return place, text and whether it is a module's of each reference, without the folder."""
    settings = Functions(folder, {}).settings_of("hello")
    home = f"{settings.folder}/"
    return [(r.place.removeprefix(home), r.text, r.module) for r in references_outside(settings)]


JAVASCRIPT = [
    ("index.js", "require('../shared/lib')", True),
    ("index.js", 'require( "../shared/lib" )', True),
    ("index.js", "require(`../shared/lib`)", True),
    ("index.js", "require.resolve('..')", True),
    ("index.js", "require('./lib/../../shared/lib')", True),
    ("index.js", "require('../hello/lib')", True),  # the folder has another name there
    ("index.js", "require('/home/me/lib')", True),
    ("lib/deep/a.js", "require('../../../shared/lib')", True),
    ("index.mjs", "import lib from '../shared/lib.js'", True),
    ("index.mjs", "import {\n  a\n} from '../shared/lib.js'", True),
    ("index.mjs", "import '../shared/lib.js'", True),
    ("index.mjs", "export * from '../shared/lib.js'", True),
    ("index.mjs", "await import('../shared/lib.js')", True),
    ("index.js", "require(path.join(__dirname, '..', 'shared/lib'))", True),
    ("index.js", "require(__dirname + '/../shared/lib')", True),
    ("index.js", "require(`${__dirname}/../shared/lib`)", True),
    ("index.js", "const {join} = require('path'); require(join(__dirname, '../shared/lib'))", True),
    ("index.js", "require(require('path').resolve(__dirname, '..', 'shared', 'lib'))", True),
    ("index.js", "require(require('node:path').posix.join(__dirname, '../shared/lib'))", True),
    ("index.js", "require.resolve(path.join(__dirname, '../shared/lib'))", True),
    ("index.js", "import(url.pathToFileURL(path.join(__dirname, '../shared/lib.js')))", True),
    ("index.js", "require('fs').readFileSync(join(__dirname, '../a.txt'))", False),
    ("index.js", "const file = path.join(__dirname, '..', name)", False),
    ("index.js", "const file = path.resolve(process.cwd(), '../a.txt')", False),
    ("index.js", "fs.readFileSync('../a.txt')", False),
    ("index.js", "fs.promises.readFile('../a.txt')", False),
    ("index.mjs", "new URL('../a.txt', import.meta.url)", False),
    ("index.js", "const half = a / b; const c = require('../shared/lib') / d", True),
    ("index.js", "const quote = /['\"`]/; require('../shared/lib')", True),
    ("index.js", "const s = 'it\\'s'; require('../shared/lib')", True),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line", "module"), JAVASCRIPT, ids=[case[1] for case in JAVASCRIPT]
)
def test_a_path_that_leads_out_is_found_in_javascript(folder, write, file, line, module):
    write("index.js", NODE)
    write(file, f"// first\n{line}\n{NODE}")
    ((place, text, loads),) = found(folder)
    assert place == f"{file}:{2 + line.count(chr(10))}"
    assert ".." in text or "/home" in text
    assert loads is module


@pytest.mark.variants
@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("index.js", "require('./lib'); require('wx-server-sdk'); require('node:fs')"),
        ("lib/a.js", "require('../lib/b'); require('..')"),
        ("index.js", "// require('../shared/lib')"),
        ("index.js", "/*\n require('../shared/lib')\n*/"),
        ("index.js", "const help = \"write require('../shared/lib')\""),
        ("index.js", "const page = `\n<script>require('../shared/lib')</script>`"),
        ("index.js", "const url = 'http://a.example/'; // '../b'"),
        ("index.js", "const out = text.replace(/require\\('\\.\\.\\/a'\\)/, '../b')"),
        ("index.js", "if (name.startsWith('../')) throw new Error('..')"),
        ("index.js", "mine.require('../a'); requires('../a'); Array.from('../a')"),
        ("lib/a.js", "path.join(__dirname, '..', 'data.json')"),
        ("index.js", "fs.readFileSync('/proc/version'); require('/opt/lib')"),
        ("index.js", "fs.readFileSync('/home/qcloud/a'); path.resolve(__dirname, '/home/qcloud')"),
        ("test/a.js", "require('../../shared/lib')"),
        ("__tests__/a.js", "require('../../shared/lib')"),
        ("lib/a.test.js", "require('../../shared/lib')"),
        ("node_modules/a/index.js", "require('../../../shared/lib')"),
        ("index.py", "import os\nopen('../a')"),
        ("page.html", "require('../shared/lib')"),
    ],
    ids=lambda value: value[:40],
)
def test_what_stays_within_is_not_named_in_javascript(folder, write, file, source):
    write("index.js", NODE)
    write(file, source)
    assert found(folder) == []


PYTHON_CASES = [
    ("index.py", "import sys; sys.path.append('..')", True),
    ("index.py", "import sys; sys.path.insert(0, '../shared')", True),
    ("index.py", "import sys; sys.path += ['../shared']", True),
    ("index.py", "import sys; sys.path.extend(['a', '../shared'])", True),
    (
        "index.py",
        "import sys; sys.path.append(os.path.join(os.path.dirname(__file__), '..'))",
        True,
    ),
    ("index.py", "import sys; sys.path.append(str(Path(__file__).resolve().parent.parent))", True),
    ("index.py", "import sys; sys.path.append(str(Path(__file__).parents[1] / 'shared'))", True),
    ("index.py", "HERE = os.path.dirname(__file__); sys.path.append(HERE + '/../shared')", True),
    ("index.py", "import sys; sys.path = ['../shared'] + sys.path", True),
    ("index.py", "import sys; sys.path = sys.path + ['a', '../shared'] + rest", True),
    ("index.py", "import sys; sys.path = [*sys.path, '../shared']", True),
    ("index.py", "import sys; sys.path[0:0] = ['../shared']", True),
    ("index.py", "import sys; sys.path[0] = os.path.dirname(__file__) + '/..'", True),
    ("index.py", "import site; site.addsitedir('../shared')", True),
    ("index.py", "importlib.util.spec_from_file_location('lib', '../lib.py')", True),
    ("index.py", "from ..shared import lib", True),
    ("lib/a.py", "from ...shared import lib", True),
    ("index.py", "open('../a.txt')", False),
    ("index.py", "(Path(__file__).parent.parent / 'a.txt').read_text()", False),
    ("index.py", "f'{os.path.dirname(__file__)}/../a.txt'", False),
    ("index.py", "os.path.join(os.getcwd(), os.pardir, name)", False),
    ("lib/a.py", "Path(__file__).parents[2]", False),
    ("index.py", "open('..' + '/a.txt')", False),
    ("index.py", "FILE = os.getcwd() + '/../a.txt'", False),
    ("index.py", "open('/home/me/a.txt')", False),
    ("index.py", "open('/home/qcloud2/a.txt')", False),
    ("index.py", "open('/home/qcloud/../me/a.txt')", False),
]


@pytest.mark.parametrize(("file", "line", "module"), PYTHON_CASES, ids=[c[1] for c in PYTHON_CASES])
def test_a_path_that_leads_out_is_found_in_python(folder, write, file, line, module):
    write("index.py", PYTHON)
    write(file, f"# first\n{line}\n{PYTHON}")
    ((place, _text, loads),) = found(folder)
    assert (place, loads) == (f"{file}:2", module)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("index.py", "import lib\nfrom lib import a\n"),
        ("lib/a.py", "from . import b\nfrom ..lib import c\n"),
        (
            "lib/a.py",
            "import sys\nsys.path.append(os.path.join(os.path.dirname(__file__), '..'))\n",
        ),
        ("lib/a.py", "Path(__file__).parent.parent / 'data.json'\n"),
        ("index.py", "# sys.path.append('..')\n'''sys.path.append('..')'''\n"),
        ("index.py", "name.startswith('../'); name.replace('../', ''); '..'.join(['a'])\n"),
        ("index.py", "paths.append('..'); self.path.append('..'); self.path = ['..']\n"),
        ("index.py", "open('/proc/a'); open(name); open('a/../b'); os.pardir\n"),
        ("index.py", "HERE = '..'\nHERE = name\nopen(HERE)\n"),
        ("index.py", "open('/home/qcloud/a.txt'); os.path.abspath('/home/qcloud')\n"),
        ("index.py", "message = '..' + '/a'; print(str('../a'))\nstr(message)\n"),
        ("index.py", "parent = '..'\nprint(f'{parent}/a', parent + '/a')\n"),
        ("tests/test_a.py", "import sys\nsys.path.append('../..')\n"),
        ("conftest.py", "import sys\nsys.path.append('..')\n"),
        ("lib/broken.py", "sys.path.append('..'\n"),
        ("lib/nul.py", "sys.path.append('..')\0"),
        ("index.js.txt", "require('../shared/lib')"),
    ],
    ids=lambda value: value[:40],
)
def test_what_stays_within_is_not_named_in_python(folder, write, file, source):
    write("index.py", PYTHON)
    write(file, source + (PYTHON if file == "index.py" else ""))
    assert found(folder) == []


def test_links_that_lead_out_are_found_and_others_are_not(folder, write):
    write("index.js", NODE)
    home = folder / "hello"
    (home / "out.js").symlink_to("../shared/lib.js")
    (home / "lib").symlink_to(folder / "shared")
    (home / "in.js").symlink_to("index.js")
    (home / "loop.js").symlink_to("loop.js")
    (home / "node_modules").symlink_to(folder / "shared")
    assert sorted(each[:2] for each in found(folder)) == [
        ("lib", f"the link to {folder.resolve() / 'shared'}"),
        ("out.js", f"the link to {folder.resolve() / 'shared' / 'lib.js'}"),
    ]


def test_a_function_whose_folder_is_a_link_is_within_itself(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "index.js").write_text(NODE)
    (tmp_path / "real" / "lib.js").symlink_to("index.js")
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "hello").symlink_to(tmp_path / "real")
    assert found(tmp_path / "functions") == []


@pytest.mark.parametrize("version", ["file:../shared", "../shared", "link:../shared"])
def test_a_dependency_outside_is_found_in_package_json(folder, write, version):
    write("index.js", NODE)
    write("package.json", json.dumps({"dependencies": {"a": "^1.0", "shared": version}}))
    assert found(folder) == [("package.json", f'dependencies: shared: "{version}"', True)]


def test_a_dependency_within_is_none(folder, write):
    write("index.js", NODE)
    listed = {"a": "file:./lib", "b": "~1.2", "c": "git+https://a.example/../b.git", "d": 5}
    write("package.json", json.dumps({"dependencies": listed, "optionalDependencies": []}))
    assert found(folder) == []


def test_a_file_that_is_no_source_of_people_is_skipped(folder, write):
    write("index.js", NODE)
    write("bundle.js", "require('../shared/lib')\n" + "x".ljust(1_000_001))
    assert found(folder) == []


def test_the_time_is_linear(folder, write):
    write("index.js", NODE)
    for number, text in enumerate(
        [
            "`\\",
            "/*",
            "'\\",
            "require ( ",
            "require ( a.b ( __dirname ",
            "__dirname, '",
            "/[",
            '"\\\\',
        ]
    ):
        write(f"a{number}.js", text * (900_000 // len(text)))
    assert found(folder) == []


@needs_node
@pytest.mark.slow
def test_check_fails_with_file_and_line_and_invoke_warns(folder, write):
    path = write("index.js", f"const lib = require('../shared/lib')\n{NODE}")
    text = (
        f"{path.resolve()}:1: require('../shared/lib') leads out of the function's folder, and "
        "only that folder is uploaded"
    )
    checked = CliRunner().invoke(group, ["check", "hello", "--functions", str(folder)])
    assert checked.exit_code == 1
    assert f"  {path.resolve()}:1: problem: outside-folder\n" in checked.stdout
    assert f"    {text.partition(': ')[2]}\n" in checked.stdout
    invoked = CliRunner().invoke(group, ["invoke", "hello", "--functions", str(folder)])
    assert (invoked.exit_code, invoked.stdout) == (0, "1\n")
    assert f"Warning: {text}\n" in invoked.stderr


def test_a_data_file_outside_is_a_note(folder, write):
    path = write(
        "index.py", f"import os\nFILE = os.path.join(os.path.dirname(__file__), '..')\n{PYTHON}"
    )
    checked = CliRunner().invoke(group, ["check", "hello", "--functions", str(folder)])
    assert checked.exit_code == 0
    assert f"  {path.resolve()}:2: note: outside-folder\n    os.path.join(" in checked.stdout
