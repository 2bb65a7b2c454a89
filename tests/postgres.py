"""A real PostgreSQL for tests: the one on this machine, else one of their own for the run."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

HOST, PORT, USER = "127.0.0.1", 5432, "postgres"
OWN = "GRADSERVE_TEST_OWN_POSTGRESQL"  # set: the server on this machine is left alone
BINARIES = Path("/usr/lib/postgresql")
START_SECONDS = 30.0


class Cluster:
    """A server of its own on this machine: made, started, hurt, started again, removed."""

    def __init__(self) -> None:
        self._binaries = installed_binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="gradserve-postgresql-"))
        self._data = self._folder / "data"
        self._port = _free_port()
        if os.getuid() == 0:
            shutil.chown(self._folder, USER, USER)
        make = [self._binaries / "initdb", "-D", self._data, "-U", USER, "-A", "trust"]
        _run_as_owner([*make, "--no-sync"])

    @property
    def address(self) -> str:
        """The address, without a database."""
        return f"postgresql+psycopg://{USER}@{HOST}:{self._port}"

    def start(self) -> None:
        """Start the server; it answers when this returns."""
        options = f"-h {HOST} -p {self._port} -k {self._folder}"
        start = [self._control, "start", "-w", "-D", self._data, "-l", self._folder / "log"]
        until = time.monotonic() + START_SECONDS
        while not _run_as_owner([*start, "-o", options], is_checked=False):
            # What a killed server has left may end a moment after it.
            assert time.monotonic() < until, (self._folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the server as it is, within every transaction."""
        _run_as_owner([self._control, "stop", "-D", self._data, "-m", "immediate"])

    def kill(self) -> None:
        """Kill the process that all others of the server depend on."""
        pid = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def remove(self) -> None:
        """Stop the server if it runs, and forget all it has."""
        stop = [self._control, "stop", "-D", self._data, "-m", "immediate"]
        _run_as_owner(stop, is_checked=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _control(self) -> Path:
        return self._binaries / "pg_ctl"


@contextmanager
def own_postgresql() -> Iterator[Cluster]:
    """A server that runs, and that a test may hurt."""
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@contextmanager
def running_postgresql() -> Iterator[str]:
    """The address of a server, without a database: `postgresql+psycopg://user@host:port`."""
    if not os.environ.get(OWN) and _answers(PORT):
        yield f"postgresql+psycopg://{USER}@{HOST}:{PORT}"
        return
    with own_postgresql() as cluster:
        yield cluster.address


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


def installed_binaries() -> Path:
    if not any(BINARIES.glob("*/bin/initdb")):
        prefix = [] if os.getuid() == 0 else ["sudo"]
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "postgresql"]
        subprocess.run([*prefix, *install], check=True)
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _run_as_owner(command: list[object], *, is_checked: bool = True) -> bool:
    """Run a command of the server, which refuses to be run by root; whether it succeeded."""
    words = [str(word) for word in command]
    if getpass.getuser() == "root":
        words = ["runuser", "-u", USER, "--", *words]
    errors = None if is_checked else subprocess.DEVNULL
    done = subprocess.run(
        words, check=is_checked, stdout=subprocess.DEVNULL, stderr=errors, cwd="/"
    )
    return done.returncode == 0
