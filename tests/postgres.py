"""A real PostgreSQL for tests: the one on this machine, else one of their own for the run."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

HOST, PORT, USER = "127.0.0.1", 5432, "postgres"
BINARIES = Path("/usr/lib/postgresql")
OWN_PORT_BASE = 20_000


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The address of a server, without a database: `postgresql+psycopg://user@host:port`."""
    if _answers(PORT):
        yield f"postgresql+psycopg://{USER}@{HOST}:{PORT}"
        return
    folder = Path(tempfile.mkdtemp(prefix="gradserve-postgresql-"))
    port = OWN_PORT_BASE + os.getpid() % 10_000
    binaries = _installed_binaries()
    try:
        _start(binaries, folder, port)
        yield f"postgresql+psycopg://{USER}@{HOST}:{port}"
    finally:
        stop = [binaries / "pg_ctl", "stop", "-D", folder / "data", "-m", "immediate"]
        _run_as_owner(stop, is_checked=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server: str) -> Iterator[str]:
    """The address of an empty database, dropped afterwards."""
    name = f"gradserve_test_{os.getpid()}_{os.urandom(4).hex()}"
    plain = server.replace("+psycopg", "") + "/postgres"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield f"{server}/{name}"
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def _answers(port: int) -> bool:
    try:
        psycopg.connect(
            host=HOST, port=port, user=USER, dbname="postgres", connect_timeout=2
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _installed_binaries() -> Path:
    if not any(BINARIES.glob("*/bin/initdb")):
        prefix = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        subprocess.run([*prefix, *install], check=True)
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent


def _start(binaries: Path, folder: Path, port: int) -> None:
    if os.getuid() == 0:
        shutil.chown(folder, USER, USER)
    data = folder / "data"
    make = [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync"]
    _run_as_owner(make)
    options = f"-h {HOST} -p {port} -k {folder}"
    start = [binaries / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log"]
    _run_as_owner([*start, "-o", options])


def _run_as_owner(command: list[object], *, is_checked: bool = True) -> None:
    """Run a command of the server, which refuses to be run by root."""
    words = [str(word) for word in command]
    if getpass.getuser() == "root":
        words = ["runuser", "-u", USER, "--", *words]
    subprocess.run(words, check=is_checked, stdout=subprocess.DEVNULL, cwd="/")
