"""A table whose best weights are known, and what a client has to read of a training on it."""

from pathlib import Path
from typing import Any

import numpy as np

ROWS = 200_000
WEIGHTS, BIAS, NOISE = np.array([2.0, -1.0, 0.5]), 3.0, 0.1


def write_table(path: Path) -> None:
    """A CSV file of 200,000 rows: y = 2a − b + c/2 + 3, with a little noise."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(ROWS, 3))
    targets = inputs @ WEIGHTS + BIAS + rng.normal(scale=NOISE, size=ROWS)
    table = np.column_stack([inputs, targets])
    np.savetxt(path, table, fmt="%.6f", delimiter=",", header="a,b,c,y", comments="")


def check(read: dict[str, Any]) -> None:
    """What a client's program read is what the table holds, to five standard errors."""
    error = 5 * NOISE / np.sqrt(ROWS) + 5e-3  # stochastic steps go on beside the minimum
    assert read["rows"] == ROWS
    assert read["columns"] == ["a", "b", "c", "y"]
    assert read["events"] == ["progress", "status"]
    assert read["epochs"] == [1, 2, 3]
    np.testing.assert_allclose(read["weights"], WEIGHTS, atol=error)
    np.testing.assert_allclose(read["bias"], [BIAS], atol=error)
    predicted = [sum(read["weights"]) + read["bias"][0], read["bias"][0]]
    np.testing.assert_allclose(read["predictions"], predicted, rtol=1e-12)
