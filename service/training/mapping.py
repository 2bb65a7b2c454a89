"""Mapped files: which pages are needed soon, told to the system before they are."""

import mmap

import numpy as np
from numpy.typing import NDArray

from service.training.data import Array


class Prefetch:
    """Asks for rows of an array to be read; does nothing for an array that is in memory."""

    def __init__(self, values: Array) -> None:
        owner: object = values
        while isinstance(owner, np.ndarray):
            owner = owner.base
        self._map = owner if isinstance(owner, mmap.mmap) else None
        self._row_bytes = values[:1].nbytes
        self._start = 0
        if self._map is not None:
            first = np.frombuffer(self._map, np.uint8).ctypes.data
            self._start = int(values.ctypes.data) - int(first)

    def rows(self, rows: NDArray[np.int64]) -> None:
        """Ask for these rows, in runs of neighbours; returns before they are there."""
        if self._map is None or not hasattr(mmap, "MADV_WILLNEED"):
            return
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        for run in np.split(rows, breaks):
            first = self._start + int(run[0]) * self._row_bytes
            first -= first % mmap.PAGESIZE
            last = self._start + (int(run[-1]) + 1) * self._row_bytes
            self._map.madvise(mmap.MADV_WILLNEED, first, last - first)
