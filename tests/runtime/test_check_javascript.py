"""The APIs that JavaScript calls are read from its syntax, and are those that the SDK calls."""

import json
from pathlib import Path

import pytest
from support.sdk import NODE, node
from support.serving import Served

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.runtime.check import _javascript
from cloud_openapi.runtime.check._javascript import NotParsedError, javascript_facts

pytestmark = pytest.mark.slow

SDK = "const cloud = require('wx-server-sdk'); cloud.init();"
DAY = "{ beginDate: '20170313', endDate: '20170313' }"


def facts(tmp_path, source, file="index.js"):
    node()
    path = tmp_path / file
    path.write_text(source, "utf-8")
    return javascript_facts([str(path)])[str(path)]


def calls(found):
    return sorted({each.name for each in found.calls})


# Statements of an async handler, and the methods of analysis that they call.
FORMS = {
    "members": ("return cloud.openapi.analysis.getDailyRetain(DAY)", "getDailyRetain"),
    "await": ("await cloud.openapi.analysis.getDailyRetain(DAY)", "getDailyRetain"),
    "options": (
        "await cloud.openapi({ convertCase: false }).analysis.getWeeklyRetain(DAY)",
        "getWeeklyRetain",
    ),
    "destructured": (
        "const { openapi } = cloud; await openapi.analysis.getMonthlyRetain(DAY)",
        "getMonthlyRetain",
    ),
    "renamed": (
        "const { analysis: a } = cloud.openapi; await a.getDailySummary(DAY)",
        "getDailySummary",
    ),
    "nested": (
        "const { openapi: { analysis: { getVisitPage } } } = cloud; await getVisitPage(DAY)",
        "getVisitPage",
    ),
    "default": (
        "const { openapi = null } = cloud; await openapi.analysis.getVisitPage(DAY)",
        "getVisitPage",
    ),
    "variable": (
        "let api; api = cloud.openapi.analysis; await api.getDailyVisitTrend(DAY)",
        "getDailyVisitTrend",
    ),
    "method": (
        "const get = cloud.openapi.analysis.getUserPortrait; await get(DAY)",
        "getUserPortrait",
    ),
    "text": ("await cloud.openapi['analysis']['getDailyRetain'](DAY)", "getDailyRetain"),
    "whole name": ("await cloud.openapi['analysis.getDailyRetain'](DAY)", "getDailyRetain"),
    "constant": (
        "const name = 'get' + 'Daily' + `Retain`; await cloud.openapi.analysis[name](DAY)",
        "getDailyRetain",
    ),
    "template": (
        "const part = 'Weekly'; await cloud.openapi.analysis[`get${part}Retain`](DAY)",
        "getWeeklyRetain",
    ),
    "alternatives": (
        (
            "for (const many of [true, false])"
            " await cloud.openapi.analysis[many ? 'getVisitPage' : 'getDailyRetain'](DAY)"
        ),
        "getVisitPage getDailyRetain",
    ),
    "loop": (
        (
            "for (const name of ['getDailyRetain', 'getWeeklyRetain'])"
            " await cloud.openapi.analysis[name](DAY)"
        ),
        "getDailyRetain getWeeklyRetain",
    ),
    "call": (
        "await cloud.openapi.analysis.getDailyRetain.call(null, DAY)",
        "getDailyRetain",
    ),
    "bind": ("await cloud.openapi.analysis.getDailyRetain.bind(null)(DAY)", "getDailyRetain"),
    "chain": ("await cloud?.openapi?.analysis?.getDailyRetain?.(DAY)", "getDailyRetain"),
    "sequence": ("await (0, cloud.openapi.analysis.getDailyRetain)(DAY)", "getDailyRetain"),
    "callback": (
        "await Promise.all([DAY].map(cloud.openapi.analysis.getDailyRetain))",
        "getDailyRetain",
    ),
    "then": (
        "await cloud.openapi.analysis.getDailyRetain(DAY).then((r) => r.visitUv)",
        "getDailyRetain",
    ),
    "callOpenAPI": (
        "await cloud.callOpenAPI({ api: 'analysis.getDailyRetain', data: {} })",
        "getDailyRetain",
    ),
    "options in a variable": (
        (
            "const options = { api: 'analysis.getDailyRetain', data: {} };"
            " await cloud.callOpenAPI(options)"
        ),
        "getDailyRetain",
    ),
    "shadowed": (
        (
            "const analysis = { getVisitPage() {} }; analysis.getVisitPage();"
            " { const { analysis } = cloud.openapi; await analysis.getDailyRetain(DAY) }"
        ),
        "getDailyRetain",
    ),
    "imported": (
        (
            "const sdk = (await import('wx-server-sdk')).default;"
            " await sdk.openapi.analysis.getDailyRetain(DAY)"
        ),
        "getDailyRetain",
    ),
    "new instance": (
        "const other = cloud.createNewInstance({}); await cloud.openapi.analysis.getVisitPage(DAY)",
        "getVisitPage",
    ),
}
TYPESCRIPT = """\
"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
var __awaiter = (this && this.__awaiter) || function (thisArg, _arguments, P, generator) {
    return new Promise((resolve, reject) => {
        const steps = generator.apply(thisArg, _arguments);
        const next = (value) => step(steps.next(value));
        const step = (r) => r.done ? resolve(r.value) : r.value.then(next, reject);
        step(steps.next());
    });
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.main = void 0;
const wx_server_sdk_1 = __importDefault(require("wx-server-sdk"));
wx_server_sdk_1.default.init();
const main = () => __awaiter(void 0, void 0, void 0, function* () {
    yield wx_server_sdk_1.default.openapi.analysis.getDailyRetain({});
});
exports.main = main;
"""
MODULE = f"""\
import cloud, * as all from 'wx-server-sdk'
cloud.init()
const {{ openapi: api }} = all.default
export const main = async () => {{
  await api.analysis.getDailyRetain({DAY})
  await cloud.openapi.analysis.getVisitPage({DAY})
}}
"""
SOURCES = {
    **{
        name: ("index.js", f"{SDK}\nexports.main = async (event) => {{ {body} }}\n", expected)
        for name, (body, expected) in FORMS.items()
    },
    "TypeScript": ("index.js", TYPESCRIPT, "getDailyRetain"),
    "ES module": ("index.mjs", MODULE, "getDailyRetain getVisitPage"),
}

EVERY_FORM = """\
exports.main = async ({ form }) => {
  const path = `./${form}`;
  const { main } = form.endsWith('.mjs') ? await import(path) : require(path);
  return main({});
};
"""


@pytest.fixture(scope="module")
def journalled(tmp_path_factory):
    """Return, for each form, the APIs whose calls by the unmodified SDK reached the emulator."""
    found = {}
    paths = {api.path: api.name for api in default_catalogue().values()}
    with (
        pytest.MonkeyPatch.context() as patch,
        Served(tmp_path_factory.mktemp("f"), patch) as served,
    ):
        # One process serves every form: a start of Node.js and of the SDK takes most of the time.
        (served.folder / "node_modules").symlink_to(NODE / "node_modules")  # import needs it
        served.write("forms", EVERY_FORM, list(default_catalogue()))
        forms = {}
        for index, (name, (file, source, _expected)) in enumerate(SOURCES.items()):
            forms[name] = f"form{index}{Path(file).suffix}"
            path = served.folder / "forms" / forms[name]
            path.write_text(source.replace("DAY", DAY), "utf-8")
        for name, form in forms.items():
            served.emulator.reset()
            served.call("forms", {"form": form})
            found[name] = sorted({paths[each.path] for each in served.entries})
    return found


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    """Return the facts of each form."""
    node()
    written = {}
    for name, (file, source, _expected) in SOURCES.items():
        written[name] = tmp_path_factory.mktemp("form") / file
        written[name].write_text(source, "utf-8")
    found = javascript_facts([str(path) for path in written.values()])
    return {name: found[str(path)] for name, path in written.items()}


@pytest.mark.parametrize("name", SOURCES)
def test_the_parser_finds_the_apis_that_the_sdk_calls(name, journalled, parsed):
    expected = sorted(f"analysis.{method}" for method in SOURCES[name][-1].split())
    found = parsed[name]
    assert journalled[name] == expected
    assert calls(found) == expected
    assert found.unresolved == ()


UNRESOLVED = {
    "computed": (
        "await cloud.openapi[event.ns][event.name]()",
        "cloud.openapi[event.ns][event.name]",
    ),
    "computed method": (
        "cloud.openapi.analysis[event.name]()",
        "cloud.openapi.analysis[event.name]",
    ),
    "computed variable": ("const a = cloud.openapi[event.ns]; a.get()", "a.get"),
    "partly known": (
        "cloud.openapi.analysis['get' + event.x]()",
        "cloud.openapi.analysis['get' + event.x]",
    ),
    "assigned twice": (
        "let n = 'a'; n = event.n; cloud.openapi.analysis[n]()",
        "cloud.openapi.analysis[n]",
    ),
    "passed on": ("helper(cloud.openapi)", "cloud.openapi"),
    "returned": ("return cloud.openapi.analysis", "cloud.openapi.analysis"),
    "kept": ("this.api = cloud.openapi", "cloud.openapi"),
    "by name": ("cloud.callOpenAPI(event)", "cloud.callOpenAPI"),
    "computed name": ("cloud.callOpenAPI({ api: event.api })", "cloud.callOpenAPI"),
}


@pytest.mark.parametrize("name", UNRESOLVED)
def test_a_call_that_cannot_be_resolved_is_named_and_not_guessed(tmp_path, name):
    body, text = UNRESOLVED[name]
    found = facts(tmp_path, f"{SDK}\nexports.main = async function (event) {{\n  {body}\n}}\n")
    (each,) = found.unresolved
    assert (each.line, each.column, each.name) == (3, 3 + body.rindex(text), text)
    assert calls(found) in ([], ["analysis.a"])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Of another module of the function, or of a parameter.
        ("const { cloud } = require('./cloud'); cloud.openapi.wxacode.get()", "wxacode.get"),
        ("module.exports = (cloud) => cloud.openapi.wxacode.get()", "wxacode.get"),
        ("class A { f() { return this.cloud.openapi.wxacode.get() } }", "wxacode.get"),
        ("const { openapi } = require('./cloud'); openapi.wxacode.get()", "wxacode.get"),
        ("import { openapi as api } from 'wx-server-sdk'; api.wxacode.get()", "wxacode.get"),
        # CloudBase's own SDKs.
        (
            (
                "const app = require('@cloudbase/node-sdk').init(); "
                "app.callWxOpenApi({ apiName: 'wxacode.get' })"
            ),
            "wxacode.get",
        ),
        # Something else that is called openapi.
        ("const spec = { openapi: { wxacode: { get() {} } } }; spec.openapi.wxacode.get()", ""),
        ("const spec = { openapi: '3.1.0' }; spec.openapi.paths.get()", ""),
        ("const cloud = {}; cloud.openapi.wxacode = 1", ""),
        ("// cloud.openapi.wxacode.get()\nconst text = 'cloud.openapi.wxacode.get()'", ""),
        ("if (cloud.openapi) typeof cloud.openapi.wxacode.get", ""),
        ("cloud.openapi.wxacode.get.name; cloud.openapi.wxacode.get.toString()", ""),
    ],
)
def test_calls_of_other_modules_and_of_other_things(tmp_path, source, expected):
    found = facts(tmp_path, source)
    assert [name for name in calls(found) if "spec" not in name] == expected.split()
    assert found.unresolved == ()


def test_methods_that_are_not_apis_have_places(tmp_path):
    found = facts(
        tmp_path,
        f"{SDK}\nconst db = cloud.database()\ncloud.cloudPay.unifiedOrder({{}})\n"
        "const other = new cloud.Cloud({})\nother.uploadFile()\n",
    )
    places = [(each.name, each.line, each.column) for each in found.features]
    assert ("database", 2, 12) in places
    assert ("cloudPay.unifiedOrder", 3, 1) in places
    assert ("uploadFile", 5, 1) in places


def test_modules_have_names_paths_and_guards(tmp_path):
    source = (
        "require('axios'); require('node:fs'); require('./lib'); require(name)\n"
        "try { require('sharp') } catch {}\n"
        "import('@scope/thing/part'); require(require.resolve('dayjs'))\n"
        "if (require.main === module) require('dotenv'); if (name) require('koa')\n"
    )
    found = {(m.line, m.name): m for m in facts(tmp_path, source).modules}
    assert found[1, "axios"].path is None
    assert found[1, "node:fs"].builtin
    assert found[1, "./lib"].path == "./lib"
    assert (1, None) in found
    assert found[2, "sharp"].guarded
    assert not found[3, "@scope/thing/part"].guarded
    assert (3, "dayjs") in found
    assert found[4, "dotenv"].guarded
    assert not found[4, "koa"].guarded


def test_a_function_named_require_is_not_the_systems(tmp_path):
    assert facts(tmp_path, "function f(require) { require('axios') }").modules == ()


@pytest.mark.parametrize(
    ("file", "source", "line", "column"),
    [
        ("index.js", "const a = 1\nconst b = {,\n", 2, 12),
        ("index.js", "import a from 'b'\nconst c = ;\n", 2, 11),
        ("index.mjs", "export const main = () => {\n", 2, 1),
        ("index.js", "return (\n", 2, 1),
    ],
)
def test_a_syntax_error_has_a_place(tmp_path, file, source, line, column):
    mistake = facts(tmp_path, source, file).mistake
    assert mistake.wrong
    assert (mistake.line, mistake.column) == (line, column)
    assert mistake.message


@pytest.mark.parametrize(
    "source",
    [
        "#!/usr/bin/env node\nrequire('axios')",
        "\ufeffrequire('axios')",
        "if (true) return; require('axios')",
        "const a = 1n ** 2n; a?.b ?? c; class A { #b = 1; static { } }; require('axios')",
        "with (a) { b = 010 }; require('axios')",
    ],
)
def test_what_node_runs_is_read(tmp_path, source):
    found = facts(tmp_path, source)
    assert found.mistake is None
    assert [each.name for each in found.modules] == ["axios"]


@pytest.mark.parametrize(
    "text",
    ["require(", "a(", "[", "{", "a + ", "(", "`${", "a ? ", "x = ", "a.b", "() => ", "/*", "'\\"],
)
def test_sources_that_are_nested_deeply_or_are_garbage_do_not_stop_the_parser(tmp_path, text):
    path, good = tmp_path / "a.js", tmp_path / "b.js"
    path.write_text(text * (300_000 // len(text)))
    good.write_text("require('axios')")
    node()
    found = javascript_facts([str(path), str(good)])
    assert [each.name for each in found[str(good)].modules] == ["axios"]


def test_values_that_grow_with_each_line_stay_small(tmp_path):
    lines = ["let a0 = x ? 'a' : 'b'", *(f"const a{n + 1} = a{n} + a{n}" for n in range(60))]
    source = "\n".join([*lines, "cloud.openapi[a60]()"])
    assert [each.name for each in facts(tmp_path, source).unresolved] == ["cloud.openapi[a60]"]


def test_a_file_that_takes_too_much_memory_costs_only_itself(tmp_path, monkeypatch):
    node()
    monkeypatch.setattr(
        _javascript, "_OPTIONS", (*_javascript._OPTIONS[:-1], "--max-old-space-size=20")
    )
    large, good = tmp_path / "a.js", tmp_path / "b.js"
    large.write_text("f({ a: [1, 2, 3] });\n" * 40_000)
    good.write_text("require('axios')")
    found = javascript_facts([str(large), str(good)])
    assert not found[str(large)].mistake.wrong
    assert "memory" in found[str(large)].mistake.message
    assert [each.name for each in found[str(good)].modules] == ["axios"]


def test_a_node_without_the_parser_says_so(tmp_path, monkeypatch):
    program = tmp_path / "node"
    program.write_text(
        "#!/bin/sh\necho \"Error: Cannot find module 'internal/acorn'\" >&2; exit 1\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", str(program))
    with pytest.raises(NotParsedError, match="cannot parse JavaScript here: Error: Cannot find"):
        javascript_facts([str(tmp_path / "a.js")])
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", "no-such-node")
    with pytest.raises(NotParsedError, match="no-such-node"):
        javascript_facts([str(tmp_path / "a.js")])


def test_no_files_need_no_node(monkeypatch):
    monkeypatch.setenv("CLOUD_OPENAPI_NODE", "no-such-node")
    assert javascript_facts([]) == {}


def test_facts_of_many_files_are_those_of_each(tmp_path):
    node()
    names = [f"f{n}" for n in range(30)]
    for name in names:
        (tmp_path / f"{name}.js").write_text(f"require({json.dumps(name)})")
    found = javascript_facts([str(tmp_path / f"{name}.js") for name in names])
    assert [each.modules[0].name for each in found.values()] == names
