"""What a function's requirements.txt or package.json asks for, installed outside its folder."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from cloud_openapi.errors import CloudOpenAPIError
from cloud_openapi.runtime._settings import Settings

_LISTS = {
    "python": ("requirements.txt",),
    "node": ("package.json", "package-lock.json", "npm-shrinkwrap.json"),
}
# What a requirements.txt takes in: -r FILE, -c FILE and their long forms.
_INCLUDED = re.compile(r"\s*(?:-[rc]\s*|--(?:requirement|constraint)[\s=]\s*)(.*)")
_FOLDERS = {"python": "packages", "node": "node_modules"}
_COUNTING = (
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "bundleDependencies",
    "overrides",
    "scripts",
)
# What the platform's page names, and what that needs.
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
    """Return where dependencies are kept: below XDG_CACHE_HOME, by default ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "cloud_openapi"


def packages_of(settings: Settings) -> Path | None:
    """Return where a function's dependencies are or would be; nothing, if it lists none."""
    folder = _cache_of(settings)
    return folder / _FOLDERS[settings.language] if folder else None


def installed_for(settings: Settings) -> list[Path]:
    """Return the folders that a function's modules are looked for in, besides its own."""
    packages = packages_of(settings)
    return [packages] if packages is not None and packages.is_dir() else []


def is_missing(settings: Settings) -> bool:
    """Say whether a function lists dependencies that were not installed."""
    packages = packages_of(settings)
    return packages is not None and not packages.is_dir()


def install(settings: Settings) -> Path | None:
    """Install what a function lists; return where, or nothing if it lists none.

    Several may install the same at once. Raises CloudOpenAPIError when the installer is missing or
    fails.
    """
    target = _cache_of(settings)
    if target is None or not is_missing(settings):
        return packages_of(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Others see all of it or nothing. The depth stays: npm's links are relative.
    made = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        _run(_python(settings, made) if settings.language == "python" else _node(settings, made))
        (made / _FOLDERS[settings.language]).mkdir(exist_ok=True)
        _publish(made, target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return packages_of(settings)


def _cache_of(settings: Settings) -> Path | None:
    names = _LISTS[settings.language]
    if not (settings.folder / names[0]).is_file():
        return None
    digest = hashlib.sha256(f"{settings.language} {sys.version_info[:2]}".encode())
    lists = [settings.folder / name for name in names]
    if settings.language == "python":
        lists = _with_included(lists[0])
    for path in lists:
        digest.update(_what_counts(path) + b"\0")
    return cache_folder() / f"{settings.language}-{digest.hexdigest()[:32]}"


def _publish(made: Path, target: Path) -> None:
    """Put what was installed where it is looked for, unless another process was faster."""
    try:
        made.replace(target)
    except OSError:
        # A folder that is not empty is not replaced: the same was installed there meanwhile.
        if not target.is_dir():
            raise


def _with_included(path: Path) -> list[Path]:
    """Return a requirements.txt and the files that it takes in, as pip finds them."""
    found = [path.resolve()]
    for each in found:
        text = each.read_text("utf-8", "replace") if each.is_file() else ""
        for line in text.replace("\\\n", "").splitlines():
            included = _INCLUDED.match(line)
            if included is None or "://" in included[1]:
                continue
            name = included[1].partition(" #")[0].strip().strip("'\"")
            other = (each.parent / os.path.expandvars(name)).resolve()
            found += [other] if other not in found else []
    return found


def _what_counts(path: Path) -> bytes:
    """Return what of a list decides what is installed: not whose it is, so that many share it."""
    text = path.read_bytes() if path.is_file() else b""
    if path.suffix != ".json":
        return text
    try:
        value = json.loads(text)
        # A lock has a copy of the package.json under the empty name.
        locked = {key: item for key, item in value.get("packages", {}).items() if key}
    except (ValueError, AttributeError):
        # It is npm that says what is wrong with it.
        return text
    chosen = {key: value[key] for key in _COUNTING if key in value}
    return json.dumps({**chosen, "packages": locked}, sort_keys=True).encode()


def _python(settings: Settings, made: Path) -> list[str]:
    if find_spec("pip") is None:
        how = shlex.join([sys.executable, "-m", "ensurepip"])
        raise CloudOpenAPIError(f"pip is not installed beside cloud-openapi: {how}")
    target = made / _FOLDERS["python"]
    options = ["--quiet", "--disable-pip-version-check", "--target", str(target)]
    listed = str(settings.folder / "requirements.txt")
    return [sys.executable, "-m", "pip", "install", *options, "--requirement", listed]


def _node(settings: Settings, made: Path) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise CloudOpenAPIError("npm is not installed; it comes with Node.js: https://nodejs.org")
    for name in _LISTS["node"]:
        if (settings.folder / name).is_file():
            shutil.copy(settings.folder / name, made)
    return [npm, "install", "--omit=dev", "--no-audit", "--no-fund", "--prefix", str(made)]


def _run(command: list[str]) -> None:
    result = subprocess.run(  # noqa: S603 - pip or npm
        command, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    if result.returncode:
        tool = "pip" if "pip" in command else "npm"
        raise CloudOpenAPIError(f"{tool} failed; what it said is above ({' '.join(command)})")
