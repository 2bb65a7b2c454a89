"""What a training writes on its way: in the worker's data directory, gone afterwards."""

import errno
import os

import numpy as np
import pytest

from service.jobs.kinds import JOB_KINDS
from service.training import preparing
from service.training.data import dataset_of
from tests.jobs.fakes import claim_of
from tests.jobs.requests import INPUTS, NEURON, TARGETS, train


@pytest.fixture
def claim(bench, monkeypatch):
    """Of a job whose samples are copied to files, be they ever so small."""
    monkeypatch.setattr(preparing, "KEPT_BYTES", 0)
    dataset = bench.dataset(
        dataset_of(np.column_stack([INPUTS, TARGETS]), ("a", "b", "c", "t"))
    )
    data = {"dataset": dataset, "targets": ["t"]}
    request = train(NEURON, data=data, standardize=True)
    return claim_of(JOB_KINDS["train"].submission(request, bench.sources))


def test_standardized_copies_lie_in_the_data_directory_and_go(bench, claim, monkeypatch):
    places, make_room = [], os.posix_fallocate

    def noted(descriptor, start, size):
        places.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        make_room(descriptor, start, size)

    monkeypatch.setattr(os, "posix_fallocate", noted)
    uploads = bench.settings.data_directory / "uploads"

    assert bench.run(claim).status == "succeeded"
    assert places
    assert all(place.startswith(f"{uploads}/") for place in places)
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_ends_a_job_with_a_clear_error(bench, claim, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", refuse)

    outcome = bench.run(claim)

    assert (outcome.status, outcome.error["code"]) == ("failed", "storage_full")
    assert "the disk of the worker has no room" in str(outcome.error)
    assert list((bench.settings.data_directory / "uploads").iterdir()) == []
