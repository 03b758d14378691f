"""Real database servers from Debian, started for the tests in a folder of their own."""

import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.processes import until

USER = "nobody"


def program(name, *folders):
    """Return the path of a server's program; the test is skipped by its name without it."""
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *folders]))
    if path is None:
        pytest.skip(f"{name} is missing: make databases installs it")
    return path


def as_user(*command):
    """Return a command that does not run as root: PostgreSQL refuses to."""
    return ["setpriv", f"--reuid={USER}", "--regid=nogroup", "--clear-groups", *command]


def owned(folder):
    """Return a folder of the servers' user, which may pass through the folders above it."""
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, USER, "nogroup")
        for above in folder.parents:
            if above.stat().st_uid == os.geteuid() and above != Path("/"):
                above.chmod(above.stat().st_mode | 0o011)
    return folder


def command_of(*command):
    return as_user(*command) if os.geteuid() == 0 else list(command)


@contextmanager
def postgresql(folder):
    """Serve PostgreSQL on a socket; the value is its URL for SQLAlchemy."""
    psycopg2 = pytest.importorskip("psycopg2", reason="the package psycopg2-binary is missing")
    found = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    initdb, postgres = program("initdb", *found), program("postgres", *found)
    place = owned(folder / "postgresql")
    data = place / "data"
    options = ["--auth=trust", "--username=tests", "--encoding=UTF8", "--no-sync"]
    run(command_of(initdb, *options, "-D", data))
    server = [postgres, "-D", data, "-c", "listen_addresses=", "-k", place]
    with served(command_of(*server), place):
        url = f"dbname=postgres user=tests host={place}"

        def answers():
            try:
                psycopg2.connect(url).close()
            except psycopg2.OperationalError:
                return False
            return True

        assert until(answers)
        yield f"postgresql+psycopg2://tests@/postgres?host={place}"


@contextmanager
def mariadb(folder):
    """Serve MariaDB on a socket; the value is its URL for SQLAlchemy."""
    pymysql = pytest.importorskip("pymysql", reason="the package pymysql is missing")
    install, mariadbd = program("mariadb-install-db"), program("mariadbd")
    place = owned(folder / "mariadb")
    socket = place / "socket"
    owner = USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    options = [f"--datadir={place}/data", "--no-defaults", f"--user={owner}"]
    options.sort(key="--no-defaults".__ne__)
    run([install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"])
    server = [mariadbd, *options, "--skip-networking", f"--socket={socket}"]
    with served(server, place):
        # MariaDB makes the socket when it is ready; a failed connection would warn.
        assert until(socket.exists)
        with (
            pymysql.connect(unix_socket=str(socket), user="root") as connection,
            connection.cursor() as cursor,
        ):
            # A usual setting, in which the case of texts does not matter.
            cursor.execute("CREATE DATABASE tests CHARACTER SET latin1")
        yield f"mysql+pymysql://root@/tests?unix_socket={socket}"


def run(command):
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def served(command, folder):
    """Run a server while entered; its lines go to a file in the folder."""
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd="/", stdout=log, stderr=log)
    try:
        yield
    finally:
        server.terminate()
        server.wait()
