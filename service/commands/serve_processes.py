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
from service.settings import Settings
from service.wiring import build_app, warm_up

START_SECONDS = 30.0
TICK_SECONDS = 0.05
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


class _Supervisor(Multiprocess):
    """Several servers on one socket, restarted when they die."""

    processes: list[Process]

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

    def init_processes(self) -> None:
        self.processes = [self._started() for _ in range(self.processes_num)]
        if all(p.wait_until_ready(START_SECONDS, self.should_exit) for p in self.processes):
            self._announce()

    def keep_subprocess_alive(self) -> None:
        for number, process in enumerate(self.processes):
            if process.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            process.kill()
            process.join()
            if self.should_exit.is_set():
                return
            self.processes[number] = self._started()

    def terminate_all(self) -> None:
        self._workers.begin_stop(self._settings.shutdown_seconds * WORKERS_SHARE)
        super().terminate_all()

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

    def _started(self) -> Process:
        process = _HttpProcess(self.config, self.sockets, self._settings)
        process.start()
        return process


def _build_app_of_child(settings: Settings, draining: Draining) -> ASGIApp:
    """The application in one of several processes, which is killed when its parent ends."""
    parent = parent_process()
    if parent is not None and not die_with(parent.pid or 0):
        os._exit(1)
    start_logging(settings.log_level)
    return build_app(settings, draining=draining)


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
