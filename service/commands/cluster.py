"""What the commands of a cluster share: the extra that they need, and its errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType

from service.commands.errors import CommandError

EXTRA = "this needs the extra `cluster`: pip install 'gradserve[cluster]'"


def cluster_engine() -> ModuleType:
    """The engine of workers in a cluster. Raises CommandError where Dask is not installed."""
    return _imported("dask")


def scheduling_engine() -> ModuleType:
    """The engine of the scheduler. Raises CommandError where Dask is not installed."""
    return _imported("scheduling")


def certificates_engine() -> ModuleType:
    """What makes certificates. Raises CommandError where its library is not installed."""
    return _imported("certificates")


def _imported(name: str) -> ModuleType:
    try:
        return import_module(f"service.engines.{name}")
    except ImportError as error:
        raise CommandError(f"{EXTRA} ({error.name} is missing)") from error


@contextmanager
def cluster_errors() -> Iterator[None]:
    """A cluster that cannot be joined as it is asked for ends the command with the reason."""
    engine = scheduling_engine()
    try:
        yield
    except engine.ClusterError as error:
        raise CommandError(str(error)) from error
