"""The processes of a service: whose they are and what they do; halting some for a moment."""

import os
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil


def children_of(pid):
    """The processes that this one has started, and those that they have."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_server(pid):
    """Whether it answers requests, as one of several."""
    return b"multiprocessing.spawn" in _words(pid)


def is_worker(pid):
    """Whether it runs jobs, for a parent."""
    return b"--token" in _words(pid)


def _words(pid):
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextmanager
def halted(pids):
    """Within this context these stand still, as far as they are there and are not killed."""
    _send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pids, signal.SIGCONT)


def _send(pids, number):
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
