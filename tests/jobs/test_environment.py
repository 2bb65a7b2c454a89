"""What a job is computed with is recorded, and kept to by later attempts."""

from dataclasses import replace

import numpy as np
import pytest

from service.jobs.environment import environment, settled
from service.jobs.kinds import JOB_KINDS
from service.jobs.work import Work
from service.numeric import blas
from tests.jobs.fakes import claim_of
from tests.jobs.requests import NEURON, train


@pytest.fixture
def claim(bench):
    return claim_of(JOB_KINDS["train"].submission(train(NEURON), bench.sources))


def work_of(bench, claim):
    return Work(claim, bench.work, bench.records, bench.files, bench.settings, lambda: None)


def test_the_first_attempt_records_what_it_computes_with(bench, claim):
    bench.run(claim)

    assert bench.work.environment == environment()
    assert bench.work.environment["numpy"] == np.__version__
    assert bench.work.environment["blas_kernels"]
    assert bench.work.environment["blas_threads"] >= 1


def test_a_later_attempt_runs_on_as_many_threads(bench, claim):
    before = blas.threads()
    other = 1 if before > 1 else 2
    later = replace(claim, environment=environment() | {"blas_threads": other})

    with settled(work_of(bench, later)):
        assert blas.threads() == other

    assert blas.threads() == before
    assert bench.work.environment is None


def test_another_kind_of_machine_is_told(bench, claim, caplog):
    later = replace(claim, environment=environment() | {"blas_kernels": ["Z80"]})

    with settled(work_of(bench, later)):
        pass

    assert "blas_kernels was ['Z80']" in caplog.text


def test_an_environment_of_old_is_no_obstacle(bench, claim):
    assert bench.run(replace(claim, environment={})).status == "succeeded"
