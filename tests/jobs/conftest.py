"""The stores in memory, and requests to submit."""

import pytest

from tests.jobs.fakes import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def patient(monkeypatch):
    """Hands are hired at once, and one that hangs is given up soon."""
    monkeypatch.setattr("service.jobs.team._PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr("service.jobs.team._PATIENCE", 0.0)
    monkeypatch.setattr("service.jobs.team._LOOK_SECONDS", 0.01)
