"""Database servers of Debian's, each in a folder of its own, for tests and benchmarks."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

# PostgreSQL refuses to run as root, and MariaDB warns of it.
_USER, _GROUP = "nobody", "nogroup"
_SECONDS = 60.0


class MissingError(Exception):
    """A server or its driver is not installed; the message names it."""


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Serve PostgreSQL on a socket below a folder; the value is its URL for SQLAlchemy.

    Raises MissingError.
    """
    psycopg2 = _driver("psycopg2")
    found = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    initdb, postgres = _program("initdb", *found), _program("postgres", *found)
    place = _owned(folder / "postgresql")
    options = ["--auth=trust", "--username=tests", "--encoding=UTF8", "--no-sync"]
    _run([*_as_user(), initdb, *options, "-D", f"{place}/data"])
    server = [postgres, "-D", f"{place}/data", "-c", "listen_addresses=", "-k", str(place)]

    def answers() -> bool:
        with suppress(psycopg2.OperationalError):
            psycopg2.connect(f"dbname=postgres user=tests host={place}").close()
            return True
        return False

    with _served([*_as_user(), *server], place, answers):
        yield f"postgresql+psycopg2://tests@/postgres?host={place}"


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Serve MariaDB on a socket below a folder; the value is its URL for SQLAlchemy.

    Raises MissingError.
    """
    pymysql = _driver("pymysql")
    install, mariadbd = _program("mariadb-install-db"), _program("mariadbd")
    place = _owned(folder / "mariadb")
    socket = place / "socket"
    owner = _USER if _is_root() else pwd.getpwuid(os.geteuid()).pw_name
    options = ["--no-defaults", f"--datadir={place}/data", f"--user={owner}"]
    # The temporary folder of this process may be closed to the servers' user.
    options.append(f"--tmpdir={place}")
    _run([install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"])
    server = [mariadbd, *options, "--skip-networking", f"--socket={socket}"]
    # The socket is there when the server is ready.
    with _served(server, place, socket.exists):
        connection: Any = pymysql.connect(unix_socket=str(socket), user="root")
        with connection, connection.cursor() as cursor:
            # A usual setting, in which the case of texts does not matter.
            cursor.execute("CREATE DATABASE tests CHARACTER SET latin1")
        yield f"mysql+pymysql://root@/tests?unix_socket={socket}"


def _driver(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise MissingError(f"the package {name} is missing") from None


def _program(name: str, *folders: str) -> str:
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    if path is None:
        raise MissingError(f"{name} is missing: make databases installs it")
    return path


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_user() -> list[str]:
    """Return the command that runs another one as the servers' user."""
    if not _is_root():
        return []
    return ["setpriv", f"--reuid={_USER}", f"--regid={_GROUP}", "--clear-groups"]


def _owned(folder: Path) -> Path:
    """Return a new folder of the servers' user, which may pass through the folders above it."""
    folder.mkdir()
    if _is_root():
        shutil.chown(folder, _USER, _GROUP)
        for above in folder.parents:
            mode = above.stat().st_mode
            if not mode & 0o001:
                above.chmod(mode | 0o001)
    return folder


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", cwd="/"
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} fails: {done.stdout}{done.stderr}")


@contextmanager
def _served(command: list[str], folder: Path, answers: Callable[[], bool]) -> Iterator[None]:
    """Run a server while entered, from the moment when it answers; its log is in the folder."""
    log = folder / "log"
    with log.open("wb") as lines:
        server = subprocess.Popen(command, cwd="/", stdout=lines, stderr=lines)
    try:
        ends = time.monotonic() + _SECONDS
        while not answers():
            if server.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"{command} does not answer: {log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait()
