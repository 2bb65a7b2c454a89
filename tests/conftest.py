"""Fixtures of all tests: random numbers, and a server in a process of its own."""

import signal

import numpy as np
import pytest

from tests.live import running_server

# A shell starts what runs in the background with Ctrl-C ignored, and so would be all that the
# tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _apart(tmp_path_factory):
    """What tests keep, they keep in a folder of their own; a server runs jobs when told to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADSERVE_DATA_DIRECTORY", str(tmp_path_factory.mktemp("data")))
        patch.setenv("GRADSERVE_WORKERS", "0")
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("live") / "server.log") as server:
        yield server
