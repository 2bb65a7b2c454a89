"""The stores in memory, and requests to submit."""

import pytest

from tests.jobs.fakes import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
