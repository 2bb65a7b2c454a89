"""Fixtures of all tests: random numbers, and a server in a process of its own."""

import numpy as np
import pytest

from tests.live import running_server


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def live_server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("live") / "server.log") as server:
        yield server
