"""Training from a file that is mapped: anonymous memory stays small, whatever the file's size.

The long run, with 4 GB of numbers:

    GRADSERVE_TEST_MAPPED_BYTES=4000000000 python -m pytest tests/training/test_mapped.py
"""

import os
import subprocess
import sys

import numpy as np

BYTES = int(os.environ.get("GRADSERVE_TEST_MAPPED_BYTES", "600000000"))
COLUMNS = 101
MOST_GROWTH = 500 * 2**20

PROGRAM = """
import resource, sys
import numpy as np
from service.training.data import Columns
from service.training.fit import Trainer
from service.training.functions import chosen_activation, chosen_loss
from service.training.models import LayerShape, Model
from service.training.problems import model_problem
from service.training.runs import Schedule
from service.training.updater import chosen_optimizer

def anonymous():
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])

values = np.load(sys.argv[1], mmap_mode="r")
layer = LayerShape(values.shape[1] - 1, None, chosen_activation("relu"))
before, most = anonymous(), 0
problem = model_problem(
    Model((layer,), chosen_loss("mse"), 1),
    {"weights": np.full(layer.inputs, 0.1), "bias": np.array(0.0)},
    Columns(values, tuple(range(layer.inputs))),
    Columns(values, (layer.inputs,), is_vector=True),
)
trainer = Trainer(
    problem,
    chosen_optimizer({"kind": "sgd", "learning_rate": 0.01}),
    Schedule(epochs=1, batch_size=1024, validation_fraction=0.1),
)
for progress in trainer.run():
    most = max(most, anonymous() - before)
print(most, trainer.result().loss, trainer.result().validation_loss)
"""


def test_a_mapped_file_is_trained_on_in_little_memory(tmp_path):
    rows = BYTES // (8 * COLUMNS)
    path = tmp_path / "data.npy"
    values = np.lib.format.open_memmap(path, "w+", np.float64, (rows, COLUMNS))
    rng = np.random.default_rng(0)
    planted = rng.normal(size=COLUMNS - 1) / 10
    for start in range(0, rows, 100_000):
        block = values[start : start + 100_000]
        block[:, :-1] = rng.standard_normal((len(block), COLUMNS - 1))
        block[:, -1] = np.maximum(0, block[:, :-1] @ planted)
    values.flush()
    del values

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )

    growth, loss, validated = (float(word) for word in done.stdout.split())
    assert growth < MOST_GROWTH, growth
    assert validated < loss
