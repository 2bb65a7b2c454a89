"""A pool of worker processes on this machine, each replaced when it ends.

A worker is started as the command `gradserve worker` starts one, in a new interpreter: nothing
of the parent's threads, sockets and locks is carried over, no helper process of
`multiprocessing` outlives a parent that is killed, and what runs here is what runs elsewhere.
"""

import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.engines.process import is_stopped
from service.errors import GradserveError
from service.jobs.worker import new_token, owner_of
from service.settings import BLAS_VARIABLES, Settings, variables_of

LOG = logging.getLogger("gradserve.pool")
TICK_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
STEADY_SECONDS = 10.0  # a worker that lives so long has not failed at its start
PARENT_LOST = 70  # an exit code
DEPARTED_SECONDS = 1.0  # between attempts to tell the store of a dead worker

# What a worker does first: its imports take seconds, in which its parent may be killed.
_FIRST = f"""
import sys
from service.engines.process import die_with
if not die_with(int(sys.argv.pop(1))):
    sys.exit({PARENT_LOST})
from service.__main__ import main
main()
"""

Starter = Callable[[str], "subprocess.Popen[bytes]"]


class Departures(Protocol):
    """The part of a `WorkStore` that a pool needs."""

    def release_of(self, owner: str) -> int:
        """Take back the jobs of a worker that is dead. How many."""

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Count that something happened; a write, as any."""


@dataclass(slots=True)
class _Slot:
    process: "subprocess.Popen[bytes] | None" = None
    owner: str = ""
    started_at: float = 0.0
    due_at: float = 0.0
    pause: float = 0.0
    still_since: float | None = None


@dataclass(slots=True)
class _Departed:
    owners: list[str] = field(default_factory=list)
    due_at: float = 0.0


class LocalPool:
    """So many workers, looked after by one thread that lives as long as they do.

    The system kills a child when the thread that started it ends, so that thread starts them
    all, and ends when all have been seen to end.
    """

    def __init__(
        self,
        count: int,
        store: Departures,
        start_worker: Starter,
        still_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._still_seconds = still_seconds
        self._slots = [_Slot() for _ in range(count)]
        self._store, self._start_worker, self._clock = store, start_worker, clock
        self._departed = _Departed()
        self._stop_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="pool", daemon=True)

    def start(self) -> None:
        """Begin to start workers."""
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        """Whether no worker is left, and none will be started."""
        return not self._thread.is_alive()

    def begin_stop(self, grace_seconds: float) -> None:
        """Have the workers give back their jobs and end; after so long they are killed."""
        if self._stop_at is None:
            self._stop_at = self._clock() + grace_seconds

    def stop(self, grace_seconds: float) -> None:
        """The same, and wait for it."""
        self.begin_stop(grace_seconds)
        if self._thread.ident is not None:
            self._thread.join()

    def pids(self) -> list[int]:
        """The workers that live."""
        processes = [slot.process for slot in self._slots]
        return [p.pid for p in processes if p is not None and p.returncode is None]

    def _run(self) -> None:
        while self._stop_at is None:
            self._look()
            self._tell_departed()
            time.sleep(TICK_SECONDS)
        for slot in self._slots:
            if slot.process is not None:
                slot.process.send_signal(signal.SIGTERM)
                # One that is stopped would not see the signal until it goes on.
                slot.process.send_signal(signal.SIGCONT)
        while any(slot.process is not None for slot in self._slots):
            is_over = self._clock() >= self._stop_at
            for slot in self._slots:
                self._reap(slot, is_over=is_over)
            time.sleep(TICK_SECONDS)
        self._departed.due_at = 0.0
        self._tell_departed()

    def _look(self) -> None:
        """Replace those that have ended."""
        for slot in self._slots:
            process = slot.process
            if process is not None and process.poll() is not None:
                self._replace(slot, process)
            if slot.process is None and self._clock() >= slot.due_at:
                self._start(slot)
            if slot.process is not None:
                self._end_if_in_the_way(slot, slot.process)

    def _replace(self, slot: _Slot, process: "subprocess.Popen[bytes]") -> None:
        lived = self._clock() - slot.started_at
        slot.pause = 0.0 if lived >= STEADY_SECONDS else min(2 * slot.pause, LONGEST_PAUSE)
        slot.due_at = self._clock() + slot.pause
        slot.pause = max(slot.pause, FIRST_PAUSE)
        slot.process = slot.still_since = None
        self._depart(slot.owner)
        LOG.warning("worker lost", extra={"owner": slot.owner, "code": process.returncode})

    def _end_if_in_the_way(self, slot: _Slot, process: "subprocess.Popen[bytes]") -> None:
        """Kill a worker that stands still, if it holds a lock on the store while it does."""
        if not is_stopped(process.pid):
            slot.still_since = None
            return
        now = self._clock()
        slot.still_since = slot.still_since or now
        if now - slot.still_since < self._still_seconds:
            return
        slot.still_since = math.inf  # asked once
        try:
            self._store.count("workers_frozen")
        except GradserveError as error:
            LOG.warning("frozen worker killed", extra={"reason": error.message})
            process.kill()

    def _depart(self, owner: str) -> None:
        self._departed.owners.append(owner)
        self._departed.due_at = 0.0

    def _start(self, slot: _Slot) -> None:
        token = new_token()
        try:
            process = self._start_worker(token)
        except OSError as error:
            slot.pause = min(max(2 * slot.pause, FIRST_PAUSE), LONGEST_PAUSE)
            slot.due_at = self._clock() + slot.pause
            LOG.warning("cannot start a worker", extra={"reason": str(error)})
            return
        slot.process, slot.started_at = process, self._clock()
        slot.owner = owner_of(process.pid, token)

    def _reap(self, slot: _Slot, *, is_over: bool) -> None:
        process = slot.process
        if process is None:
            return
        if is_over:
            process.kill()
        if (code := process.poll()) is not None:
            slot.process = None
            if code != 0:
                self._depart(slot.owner)

    def _tell_departed(self) -> None:
        """Have the store take back what the dead have left; later if it cannot be told now."""
        departed = self._departed
        while departed.owners and self._clock() >= departed.due_at:
            try:
                self._store.release_of(departed.owners[0])
                self._store.count("worker_restarts")
            except GradserveError as error:
                departed.due_at = self._clock() + DEPARTED_SECONDS
                LOG.warning("no store", extra={"reason": error.message})
            else:
                departed.owners.pop(0)


def starter(settings: Settings, environment: Mapping[str, str] = os.environ) -> Starter:
    """What starts one worker with these settings, as a child of this process."""
    variables = dict(environment) | dict.fromkeys(BLAS_VARIABLES, "1") | variables_of(settings)
    words = [sys.executable, "-c", _FIRST, str(os.getpid()), "worker", "--token"]

    def start(token: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*words, token],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    return start
