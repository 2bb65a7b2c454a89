"""Trainings to time: made from a seed, so that a worker that is lent has the same."""

import json
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

from service.jobs.training_requests import inline_dataset, task_of
from service.settings import Limits
from service.training.tasks import PreparedTask, prepared
from tests.scaling.constants import Network

LIMITS = Limits(max_peak_bytes=2**34, max_job_flops=1e18)


@dataclass(frozen=True, slots=True)
class Training:
    """A network over so many rows, one batch of all of them."""

    sizes: tuple[int, ...]
    rows: int

    @classmethod
    def read(cls, text: bytes) -> "Training":
        """What `written` wrote."""
        found = json.loads(text)
        return cls(tuple(found["sizes"]), found["rows"])

    def written(self) -> bytes:
        """As bytes of an order."""
        return json.dumps(asdict(self)).encode()

    @property
    def network(self) -> Network:
        """Its sizes."""
        return Network(self.sizes)

    def prepared(self) -> PreparedTask:
        """Ready to run."""
        rng = np.random.default_rng(1)
        inputs = rng.standard_normal((self.rows, self.sizes[0]))
        if len(self.sizes) == 2:
            model = {
                "kind": "neuron",
                "weights": np.zeros(self.sizes[0]),
                "bias": np.zeros(()),
                "activation": "identity",
            }
            loss, targets = "mse", inputs[:, 0]
        else:
            hidden = [{"size": size, "activation": "relu"} for size in self.sizes[1:-1]]
            last = {"size": self.sizes[-1], "activation": "softmax"}
            model = {"kind": "network", "layers": [*hidden, last]}
            classes = rng.integers(self.sizes[-1], size=self.rows)
            classes[: self.sizes[-1]] = range(self.sizes[-1])
            loss, targets = "cross_entropy", classes.astype(float)
        request = {
            "kind": "train",
            "model": model,
            "data": {"inputs": inputs, "targets": targets},
            "loss": loss,
            "optimizer": {"kind": "adam", "learning_rate": 1e-3},
            "epochs": 1,
            "batch_size": self.rows,
            "seed": 1,
        }
        return prepared(task_of(request), inline_dataset(request), LIMITS)


def least(work, repeats=5):
    """The shortest of several times, in seconds: others use the machine as well."""
    seconds = []
    for _ in range(repeats):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return min(seconds)
