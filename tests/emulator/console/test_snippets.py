"""Calls of the journal as text to copy: the texts run, and give the answer that the page shows."""

import ast
import base64
import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.both_forms import HTTPS
from support.sdk import NODE, node
from support.values import API, DAILY

from cloud_openapi.catalogue import default_catalogue
from cloud_openapi.demo import DEMO_APPID, DEMO_SECRET
from cloud_openapi.emulator import Server, gateway_variables, listen
from cloud_openapi.emulator.console import snippets
from cloud_openapi.emulator.console.forms import (
    CloudForm,
    HTTPSForm,
    cloud_answer,
    cloud_request,
    https_answer,
    https_request,
    params_of,
)
from cloud_openapi.wire.multipart import Part

TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["'", '"', "\\", "$(id)", "`id`", "\n", "\r\n", "\t", "\0", "${a}", "\u2028", "\u202e",
     "\ud83d", "😀", "</script>", "@file", "__proto__", "class", "%41", "!", "零",
     "\x7f", "\\u0041", "'''"]
)  # fmt: skip
NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
FILES = st.dictionaries(
    TEXTS, st.builds(Part, st.binary(max_size=40), st.just("a.png"), st.just("image/png")),
    max_size=2,
)  # fmt: skip
FORMS = st.builds(
    CloudForm, st.just(API), st.dictionaries(TEXTS, VALUES, max_size=4), FILES, st.booleans()
)

pytestmark = pytest.mark.slow


class Recorder:
    """Records the parameters of the one call that is made with it."""

    def __init__(self):
        self.path, self.calls = [], []

    def init(self):
        self.path.append("init")

    def __getattr__(self, name):
        self.path.append(name)
        return self

    def __call__(self, params=None, **options):
        self.calls.append(options or params)
        return self


@given(FORMS)
def test_python_reads_any_parameters_unchanged(form):
    recorder = Recorder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cloud_openapi.cloud", recorder)
        patch.setattr("builtins.print", lambda _answer: None)
        exec(compile(snippets.python(form), "call.py", "exec"), {})
    files = {
        name: {"contentType": part.content_type, "value": part.content}
        for name, part in form.files.items()
    }
    options = [] if form.convert else [{"convertCase": False}]
    assert recorder.calls == [*options, {**form.values, **files}]
    assert repr(recorder.calls[-1]) == repr({**form.values, **files})  # 1 is not 1.0 or True
    assert recorder.path == ["init", "openapi", "analysis", "getDailyRetain"]


RUN_ALL = """
const shown = (_key, value) => {
  if (typeof value === 'bigint') return { $: String(value) };
  if (value && value.type === 'Buffer') return { $: Buffer.from(value.data).toString('base64') };
  return value;
};
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(texts.map((text) => {
  const calls = [];
  const openapi = (given) => { calls.push(given); return openapi; };
  const method = async (given) => { calls.push(given); };
  openapi.analysis = { getDailyRetain: method };
  const cloud = { init() {}, openapi };
  new Function('require', 'console', text)(() => cloud, { log() {}, error() {} });
  return calls;
}), shown));
"""


# Each example starts a program: a failing one is not made smaller.
FEW = settings(max_examples=8, phases=[Phase.generate])


@FEW
@given(st.lists(FORMS, min_size=25, max_size=25))
def test_javascript_reads_any_parameters_unchanged(forms):
    def shown(value):
        if isinstance(value, dict):
            return {name: shown(one) for name, one in value.items()}
        if isinstance(value, list):
            return [shown(one) for one in value]
        large = isinstance(value, int) and abs(value) > 2**53
        return {"$": str(value)} if large else value

    texts = [snippets.javascript(form) for form in forms]
    ran = subprocess.run(
        [node(), "-e", RUN_ALL],
        input=json.dumps(texts),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    for form, calls in zip(forms, json.loads(ran.stdout, parse_int=float), strict=True):
        files = {
            name: {
                "contentType": each.content_type,
                "value": {"$": base64.b64encode(each.content).decode()},
            }
            for name, each in form.files.items()
        }
        options = [] if form.convert else [{"convertCase": False}]
        assert calls == [*options, {**shown(form.values), **files}]


STUB = r"""
curl() {
  case "$*" in *stable_token*) cat > /dev/null; echo '{"access_token":"T"}'; return;; esac
  for each; do printf '%s\0' "$each"; done
  if [ "$7" = --data-binary ]; then cat; fi
}
export CLOUD_OPENAPI_BASE_URL=http://a CLOUD_OPENAPI_APPID=wx CLOUD_OPENAPI_SECRET=s
"""
BODIES = st.binary(max_size=60) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass"))


@FEW
@given(st.lists(st.tuples(BODIES.filter(bool), st.text(st.characters(codec="utf-8"))), min_size=10))
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_passes_any_path_and_body_unchanged(shell, pairs):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing")
    forms = [
        HTTPSForm("POST", f"/{path}", "a=%27&b=$x", "application/json", body)
        for body, path in pairs
    ]
    for form in forms:
        script = STUB + snippets.curl(form)
        ran = subprocess.run([shell], input=script.encode(), capture_output=True, check=True)
        assert ran.stderr == b""
        *arguments, option, value, rest = ran.stdout.split(b"\0", 8)
        target = form.target.replace("***&", "T&").encode()
        assert arguments == [
            b"-sS", b"-X", b"POST", b"http://a" + target, b"-H", b"Content-Type: application/json"
        ]  # fmt: skip
        raw = (b"--data-raw", form.body, b"")
        assert (option, value, rest) in {raw, (b"--data-binary", b"@-", form.body)}
        assert b"\r" not in script.encode()


JPEG = Part(b"\xff\xd8\xff\0'" + bytes(range(256)), 'a b;"c".jpg', "image/jpeg")
CALLS = {
    "success": (API, {"begin_date": "20170313", "end_date": "20170313"}, {}),
    "error": (API, {"begin_date": "20170313", "end_date": "20170314"}, {}),
    "odd text": (API, {"begin_date": 'it\'s $x `y` "零"\n', "end_date": "\\"}, {}),
    "query": ("liveBroadcast.getAssistantList", {"roomId": 1}, {}),
    "answer is a file": ("wxacode.get", {"path": "pages/index?a='b'"}, {}),
    "file": ("security.imgSecCheck", {}, {"media": JPEG}),
}


@pytest.fixture(scope="module")
def served():
    client = HTTPS(default_catalogue())
    with Server(client.client.application, listen("127.0.0.1", 0)) as server:
        client.url = server.url
        yield client


@pytest.fixture(params=CALLS)
def shown(served, request):
    """Make a call, and return what its page shows: the forms of the request and the answer."""
    api, params, files = CALLS[request.param]
    given = {name: (part.filename, part.content_type, part.content) for name, part in files.items()}
    served.call(api, params, given)
    return Shown(served, list(served.emulator.journal)[-1])


class Shown:
    def __init__(self, served, entry):
        self.served, self.entry = served, entry
        operation = served.catalogue[entry.api]
        params = params_of(entry, operation)
        self.https = https_request(entry, operation, params)
        self.cloud = cloud_request(entry, params)
        self.answer = https_answer(entry, operation, ())
        self.result = cloud_answer(entry, self.cloud, operation, ())

    def run(self, command, folder, **variables):
        """Run a command, with the variables that the page names."""
        given = {
            "PATH": os.environ["PATH"],
            "CLOUD_OPENAPI_BASE_URL": self.served.url,
            "CLOUD_OPENAPI_APPID": DEMO_APPID,
            "CLOUD_OPENAPI_SECRET": DEMO_SECRET,
            **variables,
        }
        return subprocess.run(
            command, check=False, capture_output=True, env=given, cwd=folder, timeout=60
        )

    @property
    def sent(self):
        """Return the API, the parameters and the files of the call."""
        return self.parts_of(self.entry)

    @property
    def arrived(self):
        """Return the same of the newest call."""
        return self.parts_of(list(self.served.emulator.journal)[-1])

    def parts_of(self, entry):
        values, files = params_of(entry, self.served.catalogue[entry.api])
        return entry.api, values, {name: part.content for name, part in files.items()}


def without_rid(text):
    return re.sub(r"rid: [\w-]+", "rid", text)


def test_curl_gets_the_answer_that_is_shown(shown, tmp_path):
    (tmp_path / "call.sh").write_text(snippets.curl(shown.https), "utf-8", newline="")
    ran = shown.run(["sh", "call.sh"], tmp_path)
    assert (ran.returncode, ran.stderr) == (0, b"")
    if shown.answer.is_file:
        assert ran.stdout == shown.entry.answer
    else:
        got = json.loads(without_rid(ran.stdout.decode()))
        assert got == json.loads(without_rid(shown.answer.text))
    assert shown.arrived == shown.sent


def test_python_gets_the_result_that_is_shown(shown, tmp_path):
    (tmp_path / "call.py").write_text(snippets.python(shown.cloud), "utf-8")
    permitted = {"permissions": {"openapi": [shown.entry.api]}}
    (tmp_path / "config.json").write_text(json.dumps(permitted))
    python_path = os.pathsep.join(sys.path)
    ran = shown.run([sys.executable, "call.py"], tmp_path, PYTHONPATH=python_path)
    out, error = ran.stdout.decode(), ran.stderr.decode()
    if shown.entry.errcode:
        expected = json.loads(without_rid(shown.result.text))
        assert f"errCode: {expected['errCode']} " in error
        assert expected["errMsg"] in without_rid(error)
    elif shown.result.is_file:
        got = ast.literal_eval(out)
        assert got["buffer"] == shown.entry.answer
        assert got["contentType"] == shown.result.content_type
    else:
        assert ast.literal_eval(out) == json.loads(shown.result.text), error


def test_javascript_gets_the_result_that_is_shown(shown, tmp_path):
    (tmp_path / "call.js").write_text(snippets.javascript(shown.cloud), "utf-8")
    modules = str(NODE / "node_modules")
    variables = {**gateway_variables(shown.served.url), "NODE_PATH": modules}
    ran = shown.run([node(), "call.js"], tmp_path, **variables)
    out, error = ran.stdout.decode(), ran.stderr.decode()
    if shown.entry.errcode:
        expected = json.loads(without_rid(shown.result.text))
        assert f"errCode: {expected['errCode']} " in error
        assert expected["errMsg"] in without_rid(error)
        return
    got = json.loads(out[out.index("{\n") :])
    assert got.pop("errCode") == 0
    assert shown.arrived == shown.sent
    if shown.result.is_file:
        assert bytes(got["buffer"]["data"]) == shown.entry.answer
    else:
        assert got == json.loads(shown.result.text)


def test_call_of_files_beyond_the_first_is_one_command(tmp_path):
    files = {name: Part(name.encode(), f"{name}.png", "image/png") for name in "abc"}
    form = HTTPSForm("POST", "/x", "", "multipart/form-data; boundary=x", b"", files)
    script = STUB + snippets.curl(form) + "cat part2 part3\n"
    ran = subprocess.run(
        ["sh"], input=script.encode(), capture_output=True, cwd=tmp_path, check=True
    )
    shown = ran.stdout.decode()
    assert 'a=@-;filename="a.png";type=image/png\0' in shown
    assert 'b=@part2;filename="b.png";type=image/png\0' in shown
    assert shown.endswith("\0bc")


def test_snippets_name_no_secret_and_no_token():
    form = HTTPSForm("POST", DAILY, "", "application/json", b"{}")
    for text in (snippets.curl(form), snippets.token_command(), snippets.exports({"A": None})):
        assert DEMO_SECRET not in text
        assert "***" not in text
        assert text[:7] in ("token=$", "export ")
    assert snippets.curl(HTTPSForm("POST", "/cgi-bin/stable_token")) == ""
