"""Training jobs as they are submitted: so long, and some too large for a worker's memory."""

import numpy as np

from service.access import LOCAL_TENANT
from service.jobs.job import Submission
from service.jobs.kinds import JOB_KINDS
from service.jobs.sources import Sources
from service.settings import Settings

ROWS = 64
EPOCHS_PER_SECOND = 4800  # roughly, where nothing else runs


def training(seconds, seed=0, name=None):
    """A neuron that trains for about so long, always to the same bits."""
    return submitted(training_document(seconds, seed, name))


def training_document(seconds, seed=0, name=None):
    """The same as a document of arrays."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(ROWS, 4))
    return {
        "kind": "train",
        "model": {
            "kind": "neuron",
            "weights": np.zeros(4),
            "bias": np.zeros(()),
            "activation": "tanh",
        },
        "data": {"inputs": inputs, "targets": np.tanh(inputs @ rng.normal(size=4))},
        "loss": "mse",
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "epochs": max(1, int(seconds * EPOCHS_PER_SECOND)),
        "batch_size": 16,
        "seed": seed,
        "name": name,
    }


def as_json(value):
    """A document as a client writes it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items() if item is not None}
    return value


def large(width, rows=ROWS):
    """A network whose parameters and what is computed of them take 64 × width² bytes.

    A step takes all rows, 100 × width² operations for each.
    """
    rng = np.random.default_rng(0)
    document = {
        "kind": "train",
        "model": {
            "kind": "network",
            "layers": [
                {"size": 4 * width, "activation": "tanh"},
                {"size": 4 * width, "activation": "tanh"},
                {"size": 1, "activation": "linear"},
            ],
        },
        "data": {"inputs": rng.normal(size=(rows, 4)), "targets": rng.normal(size=rows)},
        "loss": "mse",
        "optimizer": {"kind": "adam", "learning_rate": 1e-4},
        "epochs": 10,
    }
    return submitted(document)


def submitted(document) -> Submission:
    """A document as it is stored."""
    sources = Sources(LOCAL_TENANT, None, None, Settings())
    return JOB_KINDS[document["kind"]].submission(document, sources)
