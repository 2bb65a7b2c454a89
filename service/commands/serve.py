"""`gradserve serve`: the service on a socket, with the workers that run its jobs."""

import signal
import socket
import sys
from functools import partial
from pathlib import Path

import click

from service.access import KeyStore
from service.api.log import start_logging
from service.api.routes.pages import example_command
from service.commands.errors import CommandError, reason_of
from service.commands.serve_processes import WORKERS_SHARE, NoWorkers, serve
from service.commands.stores import prepare_data_directory, store_errors
from service.engines.local import LocalPool, starter
from service.jobs.upkeep import Upkeep
from service.settings import Settings, load_settings, unknown_variables
from service.stores import build_stores

BACKLOG = 2048


@click.command("serve")
@click.option("--host", help="Address to listen on; 127.0.0.1 if not given.")
@click.option("--port", help="Port to listen on; 8000 if not given, a free one for 0.")
@click.option(
    "--data", "data_directory", type=click.Path(path_type=Path), help="Data directory."
)
@click.option("--database-url", help="Address of a PostgreSQL database.")
@click.option("--http-processes", help="Processes that answer requests; 1 if not given.")
@click.option("--workers", help="Processes that run jobs; 1 if not given, 0 for none.")
@click.option(
    "--insecure", is_flag=True, default=None, help="Ask for no keys, wherever it listens."
)
def command(**flags: object) -> None:
    """Serve the API until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    settings = load_settings(flags)
    for line in unknown_variables():
        click.echo(f"gradserve: {line}", err=True)
    start_logging(settings.log_level)
    prepare_data_directory(settings.data_directory)
    with store_errors():
        stores = build_stores(settings)
    _refuse_exposure(settings, stores.keys)
    listener = _listen(settings)
    announce = partial(_announce, _address(settings, listener))
    pool = LocalPool(settings.workers, stores.work, starter(settings), settings.lease_seconds)
    upkeep = Upkeep(stores.work, stores.records, stores.files, settings.lease_seconds)
    upkeep.start()
    try:
        if settings.workers:
            pool.start()
        serve(settings, listener, announce, pool if settings.workers else NoWorkers())
    finally:
        pool.stop(settings.shutdown_seconds * WORKERS_SHARE)
        upkeep.close()


def _refuse_exposure(settings: Settings, keys: KeyStore) -> None:
    if settings.is_loopback or settings.insecure:
        return
    now, known = keys.now(), keys.keys()
    if not any(key.is_live(now) for key in known):
        raise CommandError(
            f"{settings.host} can be reached from other machines, and there are no keys: "
            "listen on 127.0.0.1, make one with gradserve keys create, or give --insecure"
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
