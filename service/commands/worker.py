"""`gradserve worker`: workers that pull jobs from the store, apart from any server."""

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.api.log import start_logging
from service.commands.cluster import cluster_engine, cluster_errors, scheduling_engine
from service.commands.stopping import Stopping
from service.commands.stores import prepare_data_directory, store_errors
from service.engines.local import LocalPool, starter
from service.engines.process import limit_memory
from service.jobs.runner import run, share_of
from service.jobs.upkeep import Upkeep
from service.jobs.worker import Tools, Worker, owner_of
from service.settings import Settings, load_settings, unknown_variables
from service.stores import build_stores

if TYPE_CHECKING:
    from service.engines.dask import Membership

TICK_SECONDS = 0.1
GRACE_SHARE = 0.75


@click.command("worker")
@click.option(
    "--data", "data_directory", type=click.Path(path_type=Path), help="Data directory."
)
@click.option("--database-url", help="Address of a PostgreSQL database.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, help="How many workers.")
@click.option("--scheduler", help="Address of a cluster whose workers lend each other a hand.")
@click.option(
    "--insecure", is_flag=True, default=None, help="Take a scheduler without TLS: tcp://…"
)
@click.option("--token", hidden=True)
def command(processes: int, token: str | None, **flags: object) -> None:
    """Run jobs from the store until SIGTERM or Ctrl-C; several commands may do so at once."""
    settings = load_settings(flags)
    start_logging(settings.log_level)
    if settings.scheduler is not None:
        # Before any worker is started: each would fail for the same reason.
        with cluster_errors():
            scheduling_engine().security_of(settings, settings.scheduler)
    if token is not None:
        _work(settings, token)
        return
    for line in unknown_variables():
        click.echo(f"gradserve: {line}", err=True)
    _look_after(settings, processes)


def _work(settings: Settings, token: str) -> None:
    """Be one worker, until the parent says so or ends."""
    stopping = Stopping()
    stopping.listen(signal.SIGTERM)
    # Ctrl-C reaches the whole group; it is the parent that tells its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(settings.worker_memory_bytes)
    with store_errors():
        stores = build_stores(settings)
    tools = Tools(
        store=stores.work,
        records=stores.records,
        files=stores.files,
        settings=settings,
        run=run,
    )
    membership = _joined(settings, tools)
    upkeep = Upkeep(stores.work, stores.records, stores.files, settings.lease_seconds)
    upkeep.start()
    Worker(owner_of(os.getpid(), token), tools, stopping.is_asked).run_until_stopped()
    upkeep.close()
    if membership is not None:
        membership.close()


def _joined(settings: Settings, tools: Tools) -> "Membership | None":
    """The membership in the cluster of the settings, if there is one; it gives jobs a crew."""
    if settings.scheduler is None:
        return None
    engine = cluster_engine()
    address = settings.scheduler
    with cluster_errors():
        security = scheduling_engine().security_of(settings, address)
    lending = engine.Lending(tools.desk, partial(share_of, tools))
    membership: Membership = engine.Membership(address, security, lending)
    membership.start()
    tools.crew = membership.crew
    return membership


def _look_after(settings: Settings, processes: int) -> None:
    """Be the parent of workers."""
    stopping = Stopping()
    stopping.listen(signal.SIGTERM, signal.SIGINT)
    prepare_data_directory(settings.data_directory)
    with store_errors():
        stores = build_stores(settings)
    pool = LocalPool(processes, stores.work, starter(settings), settings.lease_seconds)
    pool.start()
    click.echo(f"gradserve runs {processes} workers (Ctrl-C ends them)")
    while not stopping.is_asked():
        time.sleep(TICK_SECONDS)
    pool.stop(settings.shutdown_seconds * GRACE_SHARE)
