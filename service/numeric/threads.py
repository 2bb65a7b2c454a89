"""Large work in two halves, one of them in another thread: NumPy and BLAS release the lock."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import TypeVar

Result = TypeVar("Result")


def in_halves(work: Callable[[int, int], Result], count: int) -> tuple[Result, Result]:
    """work(start, stop) for both halves of so many items; the same halves on every machine.

    The first half waits for no other work: if no thread is free, this one does both.
    """
    middle = count // 2
    first = _threads().submit(copy_context().run, work, 0, middle)
    second = work(middle, count)
    return (work(0, middle) if first.cancel() else first.result()), second


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, "gradserve-halves")
