"""Measures what one processor does of a step: arithmetic, memory, updates."""

from itertools import count

import numpy as np

from service.training.batches import KEPT_EPOCHS, Batches
from tests.scaling.constants import Machine
from tests.scaling.training import Training, least

LINEAR = Training((50, 1), 400_000)
MIDDLE = Training((784, 256, 10), 4000)
CHECKED = Training((784, 512, 10), 2000)
UPDATED = 2_000_000  # parameters


def step_seconds(training, repeats=7):
    """Loss and gradient of all its rows, by one processor."""
    ready = training.prepared()
    parts, vector = ready.parts(1), ready.first_vector()
    assert parts.reason() is None
    run = lambda: parts.gradients(0, 0, vector, [0], is_measured=True)  # noqa: E731
    run()
    return least(run, repeats)


def measured_machine(worker_bytes):
    """The constants of this machine, and seconds of a step in between to check them."""
    linear, middle, checked = map(step_seconds, (LINEAR, MIDDLE, CHECKED))
    bytes_per_second = LINEAR.network.bytes_per_row * LINEAR.rows / linear
    beside = MIDDLE.network.bytes_per_row * MIDDLE.rows / bytes_per_second
    flops_per_second = MIDDLE.network.flops_per_row * MIDDLE.rows / (middle - beside)
    first, second = np.ones(UPDATED), np.ones(UPDATED)
    updater = Training((2, 1), 4).prepared().optimizer.updater(UPDATED)
    found = Machine(
        flops_per_second=flops_per_second,
        bytes_per_second=bytes_per_second,
        gather_bytes_per_second=gathered(),
        sum_bytes_per_second=first.nbytes / least(lambda: np.add(first, second, out=first)),
        update_bytes_per_second=first.nbytes / least(lambda: updater.step(first, second, 1e-9)),
        worker_bytes=worker_bytes,
    )
    return found, checked


def gathered():
    """Bytes copied in a second into a drawn order, from rows of 50 numbers."""
    table = np.ones((600_000, 50))
    batches = Batches([table], 10_000, seed=1)

    epochs = count(step=KEPT_EPOCHS)

    def copy():
        next(batches.epoch(next(epochs)))

    copy()
    return table.nbytes / least(copy)
