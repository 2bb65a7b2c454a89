"""Whose turn it is to write to SQLite: first come, first served, in a process and across them.

SQLite lets waiting writers sleep for longer and longer, so that an unlucky one starves. Here
they stand in a queue in each process, and its first takes a lock on a file that the processes
share. The system frees that lock when its holder dies.
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import UnavailableError
from service.storage.failures import disk_errors

_POLL_SECONDS = 0.001


class Turns:
    """A lock on a file that threads and processes take in turn."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        self._path, self._timeout = path, timeout_seconds
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._is_taken = False
        with disk_errors():
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Alone among all who write.

        Raises:
            UnavailableError: the turn did not come in time.
        """
        deadline = time.monotonic() + self._timeout
        self._enter(deadline)
        try:
            self._lock(deadline)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._leave()

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def _enter(self, deadline: float) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        if mine.wait(max(0.0, deadline - time.monotonic())):
            return
        with self._guard:
            if not mine.is_set():
                self._waiting.remove(mine)
                raise _too_long()

    def _leave(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False

    def _lock(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _too_long() from None
                time.sleep(_POLL_SECONDS)
            else:
                return


def _too_long() -> UnavailableError:
    return UnavailableError("the database is busy: found it locked for too long")
