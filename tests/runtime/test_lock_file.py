"""A lock file that names mirrors of npm is installed from the user's own registry, and says so."""

import base64
import hashlib
import io
import json
import shutil
import tarfile

import pytest
from pytest_httpserver import HTTPServer

from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime import Functions, install_packages
from cloud_openapi.runtime._lock_file import use_own_registry

TAOBAO = "https://registry.npm.taobao.org/tiny/download/tiny-1.0.0.tgz?cache=0"
NPM = "https://registry.npmjs.org/tiny/-/tiny-1.0.0.tgz"
needs_npm = pytest.mark.skipif(not shutil.which("npm"), reason="npm is missing")


@pytest.fixture
def lock(tmp_path):
    """Return a function that writes a lock file with these packages."""

    def lock(version=3, **packages):
        entries = {
            name: {"version": "1.0.0", "resolved": address, "integrity": "sha512-x"}
            for name, address in packages.items()
        }
        key = "dependencies" if version == 1 else "packages"
        path = tmp_path / "package-lock.json"
        path.write_text(json.dumps({"lockfileVersion": version, key: entries}))
        return path

    return lock


def test_addresses_of_mirrors_are_removed_and_hashes_are_kept(lock):
    path = lock(a=TAOBAO, b=NPM, c="https://R.cnpmjs.org/c.tgz", d="git+ssh://git@github.com/d/d")
    found = use_own_registry(path, every=False)
    assert found == (("r.cnpmjs.org", "registry.npm.taobao.org"), ())
    packages = json.loads(path.read_text())["packages"]
    assert packages["a"] == packages["c"] == {"version": "1.0.0", "integrity": "sha512-x"}
    assert packages["b"]["resolved"] == NPM
    assert packages["d"]["resolved"] == "git+ssh://git@github.com/d/d"


def test_the_older_form_nests_packages(lock):
    path = lock(1, a=NPM)
    content = json.loads(path.read_text())
    content["dependencies"]["a"]["dependencies"] = {"b": {"version": "1", "resolved": TAOBAO}}
    path.write_text(json.dumps(content))
    assert use_own_registry(path, every=False).replaced == ("registry.npm.taobao.org",)
    inner = json.loads(path.read_text())["dependencies"]["a"]["dependencies"]
    assert inner == {"b": {"version": "1"}}


def test_another_registry_is_kept_unless_one_is_chosen(lock):
    path = lock(a="https://npm.example.com/a.tgz", b=NPM)
    before = path.read_text()
    assert use_own_registry(path, every=False) == ((), ("npm.example.com",))
    assert path.read_text() == before
    assert use_own_registry(path, every=True) == (("npm.example.com",), ())
    packages = json.loads(path.read_text())["packages"]
    assert not any("resolved" in each for each in packages.values())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "5", '{"packages": []}', '{"packages": {"a": 5}}', "[" * 100_000]
    + [json.dumps({"packages": {"a": {"resolved": value}}}) for value in (5, None, "http://[")],
    ids=lambda text: text[:40],
)
def test_a_strange_file_is_left_to_npm(tmp_path, text):
    path = tmp_path / "package-lock.json"
    path.write_text(text)
    assert use_own_registry(path, every=False) == ((), ())
    assert path.read_text() == text
    assert use_own_registry(tmp_path / "missing", every=False) == ((), ())


# ---- with npm, and a registry on this machine ----------------------------------------------


@pytest.fixture
def registry(httpserver: HTTPServer):
    """Return the address of a registry that has the package ``tiny``."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, text in (
                ("package.json", '{"name": "tiny", "version": "1.0.0"}'),
                ("index.js", "module.exports = 'tiny'\n"),
            ):
                info = tarfile.TarInfo(f"package/{name}")
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        data = file.getvalue()
    url = httpserver.url_for("").rstrip("/")
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    dist = {"tarball": f"{url}/tiny/-/tiny-1.0.0.tgz", "integrity": integrity}
    about = {"name": "tiny", "version": "1.0.0", "dist": dist}
    document = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": about}}
    httpserver.expect_request("/tiny").respond_with_json(document)
    httpserver.expect_request("/tiny/-/tiny-1.0.0.tgz").respond_with_data(data)
    return url, integrity


@pytest.fixture
def hello(tmp_path, monkeypatch):
    """Return a function that writes the function ``hello`` with a lock file, and its settings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_offline", "false")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    folder = tmp_path / "functions" / "hello"
    folder.mkdir(parents=True)
    (folder / "index.js").write_text("exports.main = () => require('tiny')\n")

    def hello(resolved, integrity):
        wanted = {"dependencies": {"tiny": "^1.0.0"}}
        (folder / "package.json").write_text(json.dumps({"name": "hello", **wanted}))
        tiny = {"version": "1.0.0", "resolved": resolved, "integrity": integrity}
        content = {"lockfileVersion": 3, "packages": {"": wanted, "node_modules/tiny": tiny}}
        (folder / "package-lock.json").write_text(json.dumps({"name": "hello", **content}))
        functions = Functions(folder.parent, {})
        functions.close()
        return functions.settings_of("hello")

    return hello


@needs_npm
@pytest.mark.slow
def test_a_lock_file_of_a_dead_mirror_is_installed_from_ones_own_registry(
    registry, hello, monkeypatch, capfd
):
    url, integrity = registry
    monkeypatch.setenv("npm_config_registry", url)
    said = []
    target = install_packages(hello(TAOBAO, integrity), None, said.append)
    assert (target / "tiny" / "index.js").read_text() == "module.exports = 'tiny'\n"
    host = "registry.npm.taobao.org"
    assert said == [f"package-lock.json names {host}: your own registry is asked instead"]
    assert capfd.readouterr() == ("", "")


@needs_npm
@pytest.mark.slow
def test_a_registry_can_be_chosen_for_a_lock_file_of_another_one(registry, hello):
    url, integrity = registry
    said = []
    target = install_packages(hello("http://npm.invalid/tiny.tgz", integrity), url, said.append)
    assert (target / "tiny").is_dir()
    assert said == ["package-lock.json names npm.invalid: your own registry is asked instead"]


@needs_npm
@pytest.mark.slow
def test_the_hash_of_the_lock_file_still_counts(registry, hello, capfd):
    url, _ = registry
    other = "sha512-" + base64.b64encode(bytes(64)).decode()
    with pytest.raises(CloudOpenAPIError, match="npm failed"):
        install_packages(hello(TAOBAO, other), url)
    assert "EINTEGRITY" in capfd.readouterr().err


@needs_npm
def test_a_registry_that_cannot_be_reached_is_the_reason(hello, capfd, monkeypatch):
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    said = []
    url = "http://someone:secret-word@127.0.0.1:1/"
    with pytest.raises(CloudOpenAPIError, match="cannot reach the registry") as failed:
        install_packages(hello("http://npm.invalid/tiny.tgz", "sha512-x"), url, said.append)
    assert "secret-word" not in f"{failed.value}{said}{capfd.readouterr()}"
