"""The processes that answer HTTP, one or several: how they start, drain and end."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import parent_process
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Protocol, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from service.api.draining import Draining
from service.api.log import start_logging
from service.api.metrics import FOLDER as METRICS_FOLDER
from service.api.protocol import HeaderLimits, TimedHeaders
from service.engines.process import die_with
from service.jobs.upkeep import Upkeep
from service.settings import Settings
from service.wiring import build_app, build_stores, warm_up

TICK_SECONDS = 0.05
PING_SECONDS = 1.0
# A process that does not answer for so long is replaced. Its imports alone take a second of a
# processor, and many times that where others use it as well.
START_SECONDS, HUNG_SECONDS = 180.0, 30.0
# Of the time that stopping may take: first workers, then answers on their way.
WORKERS_SHARE, ANSWERS_SHARE = 0.6, 0.25


class Workers(Protocol):
    """Who runs the jobs, as far as a server's end depends on it."""

    @property
    def is_stopped(self) -> bool:
        """Whether all have ended."""

    def begin_stop(self, grace_seconds: float) -> None:
        """Have them give back their jobs and end."""


class NoWorkers:
    """Nobody."""

    is_stopped = True

    def begin_stop(self, grace_seconds: float) -> None:
        """Nothing is to be stopped."""


def serve(
    settings: Settings, listener: socket.socket, announce: Callable[[], None], workers: Workers
) -> None:
    """Answer until a signal to stop has come and everything has ended."""
    if settings.http_processes == 1:
        draining = Draining()
        config = _config(settings, partial(build_app, draining=draining))
        _Server(config, draining, announce, workers, settings).run([listener])
    else:
        config = _config(settings, _build_app_of_child)
        with TemporaryDirectory(prefix="gradserve-metrics-") as folder:
            os.environ[METRICS_FOLDER] = folder  # of the processes that are started from here
            _Supervisor(config, listener, announce, workers, settings).run()


class _Server(uvicorn.Server):
    """A server that says when it is ready; a signal to stop is no failure.

    From that signal on, what is new is refused; when the workers have given back their jobs,
    the listening ends.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        draining: Draining,
        announce: Callable[[], None],
        workers: Workers,
        settings: Settings,
    ) -> None:
        super().__init__(config)
        self._draining, self._announce = draining, announce
        self._workers, self._settings = workers, settings
        self._is_leaving = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()
        threading.Thread(target=warm_up, daemon=True).start()

    async def on_tick(self, counter: int) -> bool:
        if self._is_leaving:
            if not self._draining.is_draining:
                self._draining.begin()
                self._workers.begin_stop(self._settings.shutdown_seconds * WORKERS_SHARE)
            self.should_exit = self.should_exit or self._workers.is_stopped
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._is_leaving and sig == signal.SIGINT:
            self.force_exit = self.should_exit = True
        self._is_leaving = True


class _HttpProcess(Process):
    """One of several servers. It is made by the parent, and its server in the child."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], settings: Settings
    ) -> None:
        self._settings = settings
        self.is_serving = False
        self._answered_at = time.monotonic()
        self._is_asked = False
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            draining = Draining()
            build = cast("Callable[..., ASGIApp]", self.config.app)
            self.config.app = partial(build, draining=draining)
            self._server = _Server(
                self.config, draining, lambda: None, NoWorkers(), self._settings
            )
        return self._server

    def look(self) -> bool:
        """Ask the process whether it serves, without waiting; False if it is to be replaced."""
        now = time.monotonic()
        try:
            while self.parent_conn.poll(0):
                self.is_serving = bool(self.parent_conn.recv())
                self._answered_at, self._is_asked = now, False
            if not self._is_asked and (not self.is_serving or self._is_ping_due(now)):
                self.parent_conn.send(b"ping")
                self._is_asked = True
        except (OSError, EOFError):
            return False
        patience = HUNG_SECONDS if self.is_serving else START_SECONDS
        return self.process.is_alive() and now - self._answered_at < patience

    def _is_ping_due(self, now: float) -> bool:
        return now - self._answered_at >= PING_SECONDS


class _Supervisor(Multiprocess):
    """Several servers on one socket, restarted when they die."""

    processes: list[_HttpProcess]  # type: ignore[assignment]  # none of another kind is made

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        announce: Callable[[], None],
        workers: Workers,
        settings: Settings,
    ) -> None:
        super().__init__(config, [listener])
        self._announce, self._workers, self._settings = announce, workers, settings

    def run(self) -> None:
        """Start the servers and keep them, until a signal says that they are to end."""
        self.processes = [self._started() for _ in range(self.processes_num)]
        is_announced = False
        while not self.should_exit.wait(TICK_SECONDS):
            self.handle_signals()
            self.keep_subprocess_alive()
            if not is_announced and all(process.is_serving for process in self.processes):
                is_announced = True
                self._announce()
        self.terminate_all()
        self.join_all()

    def keep_subprocess_alive(self) -> None:
        """Replace those that have ended, or that answer no more."""
        for number, process in enumerate(self.processes):
            if process.look():
                continue
            process.kill()
            process.join()
            self.processes[number] = self._started()

    def terminate_all(self) -> None:
        self._workers.begin_stop(self._settings.shutdown_seconds * WORKERS_SHARE)
        super().terminate_all()
        for process in self.processes:
            if process.exitcode is None and process.pid is not None:
                # One that is stopped would not see the signal until it goes on.
                os.kill(process.pid, signal.SIGCONT)

    def join_all(self) -> None:
        until = time.monotonic() + self._settings.shutdown_seconds * (1 - ANSWERS_SHARE / 2)
        while any(p.exitcode is None for p in self.processes) or not self._workers.is_stopped:
            if time.monotonic() > until:
                break
            time.sleep(TICK_SECONDS)
        for process in self.processes:
            if process.exitcode is None:
                process.process.kill()
            process.join()

    def handle_hup(self) -> None:
        self.should_exit.set()

    def handle_ttin(self) -> None:
        """The number of processes is a setting."""

    handle_ttou = handle_ttin

    def _started(self) -> _HttpProcess:
        process = _HttpProcess(self.config, self.sockets, self._settings)
        process.start()
        return process


def _build_app_of_child(settings: Settings, draining: Draining) -> ASGIApp:
    """The application in one of several processes, which is killed when its parent ends."""
    parent = parent_process()
    if parent is not None and not die_with(parent.pid or 0):
        os._exit(1)
    start_logging(settings.log_level)
    stores = build_stores(settings)
    # The parent looks after the store as well, unless it stands still; the thread ends with
    # the process.
    Upkeep(stores.work, stores.records, stores.files, settings.lease_seconds).start()
    return build_app(settings, draining, stores)


def _config(settings: Settings, build: Callable[..., ASGIApp]) -> uvicorn.Config:
    limits = HeaderLimits(settings.header_seconds, settings.max_header_bytes)
    return uvicorn.Config(
        partial(build, settings),
        factory=True,
        http=cast(Any, partial(TimedHeaders, limits=limits)),
        ws="none",
        lifespan="off",
        workers=settings.http_processes,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=max(1, int(settings.shutdown_seconds * ANSWERS_SHARE)),
    )
