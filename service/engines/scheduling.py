"""The scheduler of a cluster, where its workers find each other, and its certificates."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dask
from distributed import Scheduler, Security

from service.settings import Settings

LOG = logging.getLogger("gradserve.cluster")
DASHBOARD = "127.0.0.1:8787"
PLAIN, SECURE = "tcp://", "tls://"
CONNECT_SECONDS = 10.0

# A job that ends its worker has ended it on its own account: nobody tries the same again.
_CONFIGURATION = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    "distributed.comm.compression": None,
    "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS:g}s",
}


class ClusterError(Exception):
    """The cluster cannot be joined as it is asked for; the text says why."""


def security_of(settings: Settings, address: str) -> Security | None:
    """The certificates of the settings; None for a plain address that is allowed by `insecure`.

    Raises:
        ClusterError: the address is plain, or a certificate is missing.
    """
    files = {
        "GRADSERVE_TLS_CA_FILE": settings.tls_ca_file,
        "GRADSERVE_TLS_CERTIFICATE_FILE": settings.tls_certificate_file,
        "GRADSERVE_TLS_KEY_FILE": settings.tls_key_file,
    }
    if address.startswith(PLAIN):
        if settings.insecure:
            return None
        raise ClusterError(
            f"the scheduler's address {address} is plain: whoever reaches it runs code on "
            f"every worker; give {SECURE}… with certificates, or --insecure"
        )
    if not address.startswith(SECURE):
        raise ClusterError(f"the scheduler's address is {address}, expected {SECURE}host:port")
    for variable, path in files.items():
        if path is None:
            raise ClusterError(
                f"{variable} is not set, but {SECURE} needs a certificate; make some with "
                "gradserve certificates FOLDER"
            )
        if not path.is_file():
            raise ClusterError(f"{variable}: found no file {path}")
    authority, certificate, key = (str(path) for path in files.values())
    roles = ("scheduler", "worker", "client")
    return Security(
        require_encryption=True,
        tls_ca_file=authority,
        **{f"tls_{role}_cert": certificate for role in roles},
        **{f"tls_{role}_key": key for role in roles},
    )


async def run_scheduler(
    address: str, security: Security | None, tell: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Be the scheduler at this address until the event; its pages are for this machine only.

    Raises:
        OSError: the address cannot be listened on.
    """
    with configured():
        async with Scheduler(
            host=address.rpartition(":")[0],
            port=int(address.rpartition(":")[2]),
            security=security,
            dashboard=True,
            dashboard_address=DASHBOARD,
        ) as scheduler:
            hush()
            tell(scheduler.address)
            await stop.wait()


@contextmanager
def configured() -> Iterator[None]:
    """Within this context Dask does what a cluster of workers with jobs of their own needs."""
    with dask.config.set(_CONFIGURATION):
        yield


def hush() -> None:
    """Dask's own log: warnings only, where the service's are."""
    logger = logging.getLogger("distributed")
    logger.handlers = list(LOG.parent.handlers if LOG.parent else [])
    logger.propagate = False
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.WARNING)


def one_line(error: BaseException) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
