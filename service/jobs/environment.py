"""What a job is computed with: recorded at its first claim, kept to by all attempts."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from service.jobs.work import Work
from service.settings import BLAS_VARIABLES


def environment() -> dict[str, object]:
    """What the bits of a result depend on, beside the code, as values of JSON."""
    return {
        "numpy": np.__version__,
        "machine": platform.machine(),
        "threads": {name: os.environ.get(name) for name in BLAS_VARIABLES},
    }


@contextmanager
def settled(work: Work) -> Iterator[None]:
    """Within this context the job is computed with what its first attempt recorded."""
    if work.claim.environment is None:
        work.record_environment(environment())
    yield
