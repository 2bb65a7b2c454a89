"""`gradserve serve`: the service on a socket, in one process or several."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import connection, parent_process
from pathlib import Path
from types import FrameType
from typing import Any, cast

import click
import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from service.api.log import start_logging
from service.api.protocol import HeaderLimits, TimedHeaders
from service.api.routes.pages import example_command
from service.commands.errors import CommandError, reason_of
from service.commands.stores import prepare_data_directory
from service.settings import Settings, load_settings, unknown_variables
from service.wiring import build_app, warm_up

BACKLOG = 2048
START_SECONDS = 30.0


@click.command("serve")
@click.option("--host", help="Address to listen on; 127.0.0.1 if not given.")
@click.option("--port", help="Port to listen on; 8000 if not given, a free one for 0.")
@click.option(
    "--data", "data_directory", type=click.Path(path_type=Path), help="Data directory."
)
@click.option("--http-processes", help="Processes that answer requests; 1 if not given.")
@click.option("--insecure", is_flag=True, help="Listen where other machines can reach it.")
def command(
    host: str | None,
    port: str | None,
    data_directory: Path | None,
    http_processes: str | None,
    *,
    insecure: bool,
) -> None:
    """Serve the API until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    settings = load_settings(
        {
            "host": host,
            "port": port,
            "data_directory": data_directory,
            "http_processes": http_processes,
        }
    )
    for line in unknown_variables():
        click.echo(f"gradserve: {line}", err=True)
    _refuse_exposure(settings, is_insecure=insecure)
    prepare_data_directory(settings.data_directory)
    listener = _listen(settings)
    address = _address(settings, listener)
    announce = partial(_announce, address)
    start_logging(settings.log_level)
    if settings.http_processes == 1:
        _Server(_config(settings, build_app), announce).run([listener])
    else:
        _Supervisor(_config(settings, build_app_of_child), listener, announce).run()


def build_app_of_child(settings: Settings) -> ASGIApp:
    """The application in one of several processes, which ends when its parent has."""
    start_logging(settings.log_level)
    threading.Thread(target=_end_with_parent, args=(settings,), daemon=True).start()
    threading.Thread(target=warm_up, daemon=True).start()
    return build_app(settings)


class _Server(uvicorn.Server):
    """A server that says when it is ready; a signal to stop is no failure."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()
        threading.Thread(target=warm_up, daemon=True).start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


class _Supervisor(Multiprocess):
    """Several servers on one socket, restarted when they die."""

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, announce: Callable[[], None]
    ) -> None:
        super().__init__(config, [listener])
        self._announce = announce

    def init_processes(self) -> None:
        super().init_processes()
        if all(p.wait_until_ready(START_SECONDS, self.should_exit) for p in self.processes):
            self._announce()


def _config(settings: Settings, build: Callable[[Settings], ASGIApp]) -> uvicorn.Config:
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
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


def _refuse_exposure(settings: Settings, *, is_insecure: bool) -> None:
    if not settings.is_loopback and not is_insecure:
        raise CommandError(
            f"{settings.host} can be reached from other machines, and there are no keys: "
            "listen on 127.0.0.1, or give --insecure"
        )


def _listen(settings: Settings) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(
            f"cannot listen on {settings.host} port {settings.port}: {reason_of(error)}"
        ) from error
    listener.set_inheritable(True)
    return listener


def _address(settings: Settings, listener: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listener.getsockname()[1]}"


def _announce(address: str) -> None:
    click.echo(f"gradserve listens on {address} (Ctrl-C ends it). Try:")
    click.echo(f"  {example_command(address)}")


def _leave(*_: object) -> None:
    sys.exit(0)


def _end_with_parent(settings: Settings) -> None:
    """Wait for the parent's end, then stop: gracefully, then at once."""
    parent = parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(settings.shutdown_seconds + 1.0)
    os._exit(1)
