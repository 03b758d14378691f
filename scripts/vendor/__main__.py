"""Bring the scripts of the console's pages from npm, which checks their pinned integrity.

python scripts/vendor
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PINS = Path(__file__).parent
STATIC = PINS.parent.parent / "cloud_openapi" / "emulator" / "console" / "static"
VENDOR = STATIC / "vendor"
LOCK = "package-lock.json"
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE": "uplot/LICENSE",
}


def main() -> None:
    """Bring the scripts, or say in one line why the pages do without them."""
    if _is_current():
        return
    npm = shutil.which("npm")
    if npm is None:
        _do_without("npm is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", LOCK):
            shutil.copyfile(PINS / name, Path(folder, name))
        reason = _install(npm, folder)
        if reason:
            _do_without(reason)
            return
        VENDOR.mkdir(exist_ok=True)
        for former in {each.name for each in VENDOR.iterdir()} - set(FILES):
            (VENDOR / former).unlink()
        for name, place in FILES.items():
            shutil.copyfile(Path(folder, "node_modules", place), VENDOR / name)
    # Last: it says that the others are complete, and of which versions.
    shutil.copyfile(PINS / LOCK, VENDOR / LOCK)


def _is_current() -> bool:
    lock = VENDOR / LOCK
    return lock.is_file() and lock.read_bytes() == (PINS / LOCK).read_bytes()


def _install(npm: str, folder: str) -> str:
    """Return why the packages could not be installed; a foreign package ends the program."""
    waits = [
        "--fetch-timeout=30000",
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=5000",
    ]
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    ended = subprocess.run(
        [npm, "ci", *quiet, *waits],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if "EINTEGRITY" in ended.stderr:
        sys.exit(f"npm brought other files than scripts/vendor/{LOCK} pins:\n{ended.stderr}")
    return ended.stderr.partition("\n")[0] or "npm failed" if ended.returncode else ""


def _do_without(reason: str) -> None:
    print(
        f"no htmx and uPlot for the console ({reason}): its pages are plain forms and links",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
