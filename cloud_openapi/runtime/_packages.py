"""Install the dependencies of a function into a cache outside its folder."""

import codecs
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from cloud_openapi import clocks
from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.json_text import reading_mistake
from cloud_openapi.runtime._files import shown_path, stamp
from cloud_openapi.runtime._listed import INSTALLED
from cloud_openapi.runtime._lock_file import use_own_registry
from cloud_openapi.runtime._settings import Settings

_LISTS = {
    "python": ("requirements.txt",),
    "node": ("package.json", "package-lock.json", "npm-shrinkwrap.json"),
}
# The files that a requirements.txt includes: -r FILE, -c FILE and their long forms.
_INCLUDED = re.compile(r"\s*(?:-[rc]\s*|--(?:requirement|constraint)[\s=]\s*)(.*)")
# How pip learns that a list is not UTF-8: a byte order mark, or a comment in its first two lines.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARED = re.compile(rb"(?:[^\n]*\n)?#[^\n]*coding[:=]")
_FOLDERS = {"python": "packages", "node": "node_modules"}
# The keys of a package.json that decide what is installed.
_KEYS = (
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "bundleDependencies",
    "overrides",
    "scripts",
)
_INSTALLING = {"preinstall", "install", "postinstall", "prepare"}
# npm waits up to a minute for a host that does not answer, three times.
_NPM_OPTIONS = (
    "--omit=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)
_UNFINISHED, _DAY_SECONDS = "tmp", 24 * 60 * 60
_SOURCES = {
    "pip": "the package index (network, proxy, PIP_INDEX_URL)",
    "uv": "the package index (network, proxy, UV_DEFAULT_INDEX)",
    "npm": "the registry (network, proxy, --registry URL)",
}
_UNREACHABLE = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|NewConnectionError"
    r"|ConnectTimeoutError|ProxyError|NameResolutionError"
)
_NO_WHEEL = re.compile(
    r"No matching distribution found for ([\w.-]+)"
    r"|[Bb]ecause ([\w.-]+)(?:[^\w.\s-]\S*)? has no (?:usable )?wheels"
)
WHEELS_ONLY = "--only-binary=:all:"
_OWN = re.compile("No matching distribution found for cloud[-_.]openapi", re.IGNORECASE)
# The packages that the platform's page lists, and their dependencies.
PREINSTALLED = (
    "certifi",
    "chardet",
    "charset_normalizer",
    "google",
    "idna",
    "numpy",
    "pymysql",
    "qcloud_cos",
    "requests",
    "six",
    "tencentcloud",
    "tencentserverless",
    "urllib3",
)


def cache_folder() -> Path:
    """Return the cache: a folder in XDG_CACHE_HOME, whose default is ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cloud_openapi"


def packages_of(settings: Settings) -> Path | None:
    """Return the folder for a function's dependencies, None if it lists none."""
    folder = _cache_of(settings)
    return folder / _FOLDERS[settings.language] if folder else None


def installed_for(settings: Settings) -> list[Path]:
    """Return the folders, beside the function's own, where its modules are searched."""
    packages = packages_of(settings)
    return [packages] if packages is not None and packages.is_dir() else []


def is_missing(settings: Settings) -> bool:
    """Return whether a function lists dependencies that are not installed."""
    packages = packages_of(settings)
    return packages is not None and not packages.is_dir()


def install(
    settings: Settings, registry: str | None = None, say: Callable[[str], None] = lambda _text: None
) -> Path | None:
    """Install a function's dependencies and return their folder, None if it lists none.

    ``registry`` is npm's, in place of the one that npm is set to and of those that a lock file
    names. ``say`` is called with a text about a lock file of other registries. Processes may do so
    at the same time. Raises CloudOpenAPIError if pip or npm is missing or fails, or cannot read
    what is listed.
    """
    target = _cache_of(settings)
    if target is None or not is_missing(settings):
        return packages_of(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(target.parent)
    # Renamed when complete. It has the same depth, for npm's links are relative.
    made = Path(tempfile.mkdtemp(dir=target.parent, prefix=_UNFINISHED))
    try:
        if settings.language == "python":
            listed = settings.folder / "requirements.txt"
            check_encoding(listed)
            pip_install(made / _FOLDERS["python"], ["--requirement", str(listed)])
        else:
            _npm_install(settings, made, registry, say)
        (made / _FOLDERS[settings.language]).mkdir(exist_ok=True)
        _publish(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return packages_of(settings)


def check_encoding(listed: Path) -> None:
    """Raise CloudOpenAPIError if pip or uv cannot read a requirements.txt, or what it includes."""
    for path in _with_included(listed):
        if not os.path.isfile(path):  # noqa: PTH113 - as in `_with_included`
            continue
        content = path.read_bytes()
        if content.startswith(_UTF_16) or _DECLARED.match(content):
            continue
        try:
            content.decode()
        except UnicodeDecodeError as error:
            raise CloudOpenAPIError(f"{shown_path(path)}: {reading_mistake(error)}") from None


def pip_install(target: Path, what: Sequence[str], python: str | None = None) -> None:
    """Install packages into a folder, quietly; ``python`` is the one to run pip with.

    Raises CloudOpenAPIError.
    """
    if find_spec("pip") is None:
        how = shlex.join([sys.executable, "-m", "ensurepip"])
        raise CloudOpenAPIError(f"pip is not installed for this Python; install it: {how}")
    # Twice quiet: pip's warnings are about environments that are not the platform's.
    quiet = ["--quiet", "--quiet", "--disable-pip-version-check", "--no-input"]
    by = ["--python", python] if python else []
    options = [*quiet, "--target", str(target)]
    run_installer("pip", [sys.executable, "-m", "pip", *by, "install", *options, *what])


def _cache_of(settings: Settings) -> Path | None:
    lists = [settings.folder / name for name in _LISTS[settings.language]]
    if not lists[0].is_file() or not _lists_any(lists[0]):
        return None
    digest = hashlib.sha256(f"{settings.language} {sys.version_info[:2]}".encode())
    if settings.language == "python":
        lists = _with_included(lists[0])
    for path in lists:
        digest.update(_relevant(path) + b"\0")
    return cache_folder() / f"{settings.language}-{digest.hexdigest()[:32]}"


def _lists_any(path: Path) -> bool:
    """Return whether pip or npm has something to do, such as to say that a file is wrong."""
    text = path.read_bytes()
    if path.suffix != ".json":
        lines = (line.strip() for line in text.splitlines())
        return any(line and not line.startswith(b"#") for line in lines)
    try:
        value = json.loads(text)
        scripts = _INSTALLING & (value.get("scripts") or {}).keys()
        return bool(scripts) or any(value.get(key) for key in (*INSTALLED, "workspaces"))
    except (ValueError, AttributeError, RecursionError):
        return True


def _remove_unfinished(cache: Path) -> None:
    """Remove the folders of installations that were killed."""
    for path in cache.glob(f"{_UNFINISHED}*"):
        made = stamp(path)
        # Other processes may install now, but for less than a day.
        if made is not None and clocks.now() - made[0] / 1e9 > _DAY_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _publish(made: Path, target: Path) -> None:
    """Move the installed packages to their place, unless another process was faster."""
    try:
        made.replace(target)
    except OSError:
        # The folder is not empty: another process has installed the same packages there.
        if not target.is_dir():
            raise


def _with_included(path: Path) -> list[Path]:
    """Return a requirements.txt and the files that it includes, as pip finds them."""
    found = [path.resolve()]
    for each in found:
        # A name may be too long for a file, or have a NUL; pip reports it.
        text = each.read_text("utf-8", "replace") if os.path.isfile(each) else ""  # noqa: PTH113
        for line in text.replace("\\\n", "").splitlines():
            included = _INCLUDED.match(line)
            if included is None or "://" in included[1]:
                continue
            name = included[1].partition(" #")[0].strip().strip("'\"")
            other = (each.parent / os.path.expandvars(name)).resolve()
            found += [other] if other not in found else []
    return found


def _relevant(path: Path) -> bytes:
    """Return the part of a file that decides what is installed; functions share the result."""
    text = path.read_bytes() if path.is_file() else b""
    if path.suffix != ".json":
        return text
    try:
        value = json.loads(text)
        # The entry without a name is a copy of the package.json.
        locked = {key: item for key, item in value.get("packages", {}).items() if key}
        chosen = {key: value[key] for key in _KEYS if key in value}
        return json.dumps({**chosen, "packages": locked}, sort_keys=True).encode()
    except (ValueError, AttributeError, RecursionError):
        # npm reports the error.
        return text


def _npm_install(
    settings: Settings, made: Path, registry: str | None, say: Callable[[str], None]
) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CloudOpenAPIError("npm is not installed; it comes with Node.js: https://nodejs.org")
    for name in (*_LISTS["node"], ".npmrc"):
        if (settings.folder / name).is_file():
            shutil.copy(settings.folder / name, made)
    for name in _LISTS["node"][1:]:
        found = use_own_registry(made / name, every=registry is not None)
        if found.replaced:
            hosts = ", ".join(found.replaced)
            say(f"{name} names {hosts}: your own registry is asked instead")
        if found.others:
            hosts = ", ".join(found.others)
            say(f"{name} names {hosts}, which npm asks; --registry URL chooses another one")
    # An address may have a password, which would be shown in the command.
    chosen = {"npm_config_registry": registry} if registry else {}
    run_installer("npm", [npm, "install", *_NPM_OPTIONS, "--prefix", str(made)], chosen)


def run_installer(
    tool: str, command: Sequence[str], variables: Mapping[str, str] | None = None
) -> None:
    """Run pip, uv or npm. Its output is shown only if it fails. Raises CloudOpenAPIError."""
    result = subprocess.run(  # noqa: S603 - an installer
        command,
        check=False,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if result.returncode:
        sys.stderr.write(result.stdout)
        why = _why(tool, result.stdout, wheels_only=WHEELS_ONLY in command)
        raise CloudOpenAPIError(f"{tool} failed; {why}its output is above ({shlex.join(command)})")


def _why(tool: str, output: str, *, wheels_only: bool) -> str:
    if _UNREACHABLE.search(output):
        return f"it cannot reach {_SOURCES[tool]}; "
    if _OWN.search(output):
        return (
            "cloud-openapi is on no index: leave it out of requirements.txt, functions and "
            "uploads have it without; "
        )
    # uv breaks its lines anywhere.
    if wheels_only and (found := _NO_WHEEL.search(" ".join(output.split()))):
        return (
            f"{found[1] or found[2]} has no wheel for the platform (manylinux2014, x86_64), which "
            "builds no packages: choose another version of it, or another package; "
        )
    return ""
