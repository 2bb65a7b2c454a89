"""What a job is computed with: recorded at its first claim, kept to by all attempts."""

import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from service.jobs.work import Work
from service.numeric import blas

_THREADS = "blas_threads"
_log = logging.getLogger(__name__)


def environment() -> dict[str, object]:
    """What the bits of a result depend on, beside the code, as values of JSON."""
    return {
        "numpy": np.__version__,
        "machine": platform.machine(),
        "blas_kernels": list(blas.kernels()),
        _THREADS: blas.threads(),
    }


@contextmanager
def settled(work: Work) -> Iterator[None]:
    """Within this context the job is computed with what its first attempt recorded.

    Threads are set to what they were. Kernels cannot be chosen any more: where they differ,
    on a machine of another kind, the result may differ in its last bits, which the log tells.
    """
    recorded = work.claim.environment
    if recorded is None:
        work.record_environment(environment())
        yield
        return
    _tell_differences(work.claim.job.id, recorded)
    before, wanted = blas.threads(), recorded.get(_THREADS)
    is_other = before is not None and isinstance(wanted, int) and wanted != before
    if is_other and isinstance(wanted, int):
        blas.set_threads(wanted)
    try:
        yield
    finally:
        if is_other and before is not None:
            blas.set_threads(before)


def differences(recorded: Mapping[str, object]) -> list[str]:
    """What of a job's record is otherwise here, each as a text."""
    return [
        f"{name} was {recorded[name]}, but is {value} here"
        for name, value in environment().items()
        if name in recorded and recorded[name] != value
    ]


def _tell_differences(job_id: str, recorded: Mapping[str, object]) -> None:
    for text in differences(recorded):
        if not text.startswith(_THREADS):
            _log.warning("job %s: %s; the last bits may differ", job_id, text)
