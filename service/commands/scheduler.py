"""`gradserve scheduler`: where the workers of a cluster find each other."""

import asyncio
import signal

import click

from service.api.log import start_logging
from service.commands.cluster import cluster_errors, scheduling_engine
from service.commands.errors import CommandError, reason_of
from service.settings import load_settings, unknown_variables


@click.command("scheduler")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8786,
    show_default=True,
    help="Port to listen on, a free one for 0.",
)
@click.option(
    "--insecure",
    is_flag=True,
    default=None,
    help="Listen without TLS: whoever reaches the port runs code on the workers.",
)
def command(host: str, port: int, insecure: bool | None) -> None:
    """Serve the workers of a cluster until SIGTERM or Ctrl-C.

    Needs certificates (GRADSERVE_TLS_CA_FILE, GRADSERVE_TLS_CERTIFICATE_FILE,
    GRADSERVE_TLS_KEY_FILE). Its pages, and /health, are at http://127.0.0.1:8787.
    """
    settings = load_settings({"insecure": insecure})
    for line in unknown_variables():
        click.echo(f"gradserve: {line}", err=True)
    start_logging(settings.log_level)
    engine = scheduling_engine()
    shown = f"[{host}]" if ":" in host else host
    with cluster_errors():
        has_files = settings.tls_ca_file is not None
        protocol = engine.PLAIN if settings.insecure and not has_files else engine.SECURE
        address = f"{protocol}{shown}:{port}"
        security = engine.security_of(settings, address)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await engine.run_scheduler(
            address,
            security,
            lambda found: click.echo(f"gradserve schedules at {found} (Ctrl-C ends it)"),
            stop,
        )

    try:
        asyncio.run(run())
    except OSError as error:
        raise CommandError(f"cannot listen on {address}: {reason_of(error)}") from error
