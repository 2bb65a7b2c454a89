"""Data larger than memory may grow: what a file of 300 MB adds to this process's own memory."""

import io
from pathlib import Path

import numpy as np
import pytest

from service.training.batches import Batches
from service.training.data import row_blocks
from service.training.reading.tables import read_table
from service.training.splits import split
from service.training.standardizing import standardization

STATUS = Path("/proc/self/status")
ROWS, COLUMNS = 400_000, 96
MOST = 100 * 2**20


def anonymous():
    """Bytes of this process that no file backs."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 2**10


class Source(io.RawIOBase):
    """CSV made as it is read, which looks at the memory while it is."""

    def __init__(self):
        line = ",".join(["0.5", "-1.25", "3"] * (COLUMNS // 3)) + "\n"
        self._block = (line * 1000).encode()
        self._left = ROWS // 1000
        self._rest = ",".join(f"c{place}" for place in range(COLUMNS)).encode() + b"\n"
        self.peak = 0

    def read(self, count=-1):
        if not self._rest and self._left:
            self._rest, self._left = self._block, self._left - 1
            self.peak = max(self.peak, anonymous())
        piece, self._rest = self._rest[:count], self._rest[count:]
        return piece


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    source, before = Source(), anonymous()
    data = read_table(source, "csv", into=tmp_path_factory.mktemp("data") / "values.npy")
    return data, source.peak - before


def test_reading_needs_little_memory(read):
    data, grown = read

    assert data.values.nbytes > 300 * 10**6
    assert data.values.shape == (ROWS, COLUMNS)
    assert data.values[-1, :3].tolist() == [0.5, -1.25, 3]
    assert grown < MOST


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("part", "size"), [("all", 1024), ("all", 350_000), ("training", 1024)]
)
def test_an_epoch_needs_little_memory(read, shuffle, part, size):
    data, _ = read
    rows = split(ROWS, 0.1, 0).training if part == "training" else None
    before = anonymous()
    batches = Batches(
        data.select(["c0", "c2"], ["c1"]), size, seed=0, shuffle=shuffle, rows=rows
    )
    peak = 0
    for inputs, targets in batches.epoch(0):
        assert (inputs[0, 0], inputs[0, 1], targets[0, 0]) == (0.5, 3, -1.25)
        peak = max(peak, anonymous())

    assert peak - before < MOST


def test_pieces_of_a_batch_of_all_rows_need_little_memory(read):
    data, _ = read
    rows = split(ROWS, 0.1, 0).training
    before = anonymous()
    batches = Batches(data.select(data.names), rows.count, seed=0, rows=rows)
    total, peak = 0.0, 0
    for piece in batches.pieces(0):
        total += piece.arrays[0][:, 2].sum()
        peak = max(peak, anonymous())

    assert total == 3 * rows.count
    assert peak - before < MOST


def test_standardizing_needs_little_memory(read):
    data, _ = read
    before = anonymous()
    peak = 0

    def watched():
        nonlocal peak
        for block in row_blocks(data.values):
            yield block
            peak = max(peak, anonymous())

    found = standardization(watched(), data.names)

    assert peak - before < MOST
    assert len(found.constant) == COLUMNS
    assert np.array_equal(found.mean[:3], [0.5, -1.25, 3])
