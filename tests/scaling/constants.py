"""The constants of the model as `python -m tests.scaling measure` finds them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

NUMBER_BYTES = 8
HIDDEN_PASSES = 6  # how often a step goes through what a layer computes


@dataclass(frozen=True, slots=True)
class Network:
    """Sizes of the layers, the inputs first; with two, it is a linear model."""

    sizes: tuple[int, ...]

    def __str__(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum((a + 1) * b for a, b in pairwise(self.sizes))

    @property
    def vector_bytes(self) -> int:
        """The parameters, or a gradient, as they travel."""
        return NUMBER_BYTES * self.parameters

    @property
    def flops_per_row(self) -> float:
        """Forward, by the weights, by the inputs; the last not for the first layer."""
        products = [a * b for a, b in pairwise(self.sizes)]
        return 6.0 * sum(products) - 2.0 * products[0]

    @property
    def bytes_per_row(self) -> float:
        """What a step reads and writes for a row, beside the weights."""
        return NUMBER_BYTES * (self.sizes[0] + HIDDEN_PASSES * sum(self.sizes[1:]))


@dataclass(frozen=True, slots=True)
class Check:
    """Measured seconds of a step's gradient, by the number of workers that share it."""

    network: Network
    rows: int
    seconds: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Machine:
    """What one processor does in a second, and what a worker takes of memory at rest."""

    flops_per_second: float  # of a step with large matrices
    bytes_per_second: float  # rows that a step reads
    gather_bytes_per_second: float  # rows copied into a drawn order
    sum_bytes_per_second: float  # gradients added up
    update_bytes_per_second: float  # parameters that Adam moves
    worker_bytes: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the job's worker pays for a call of a hand; TLS and serialising are in it.

    A byte counts each way: a vector there and a gradient back are twice its bytes.
    """

    call_seconds: float  # a round trip of an empty call
    call_processor_seconds: float  # of the job's worker, in it
    byte_seconds: float
    byte_processor_seconds: float  # of the job's worker, in it
    hire_seconds: float
    scheduler_hire_seconds: float  # of the scheduler's processor: connect, hire, give back
    scheduler_look_seconds: float
    scheduler_look_worker_seconds: float  # and for each worker of the cluster
    scheduler_worker_share: float  # of its processor, for each worker that is a member
    network_bytes_per_second: float = 1.25e9  # assumed: 10 Gbit/s

    def with_network(self, bytes_per_second: float) -> "Cluster":
        """The same over another network."""
        return replace(self, network_bytes_per_second=bytes_per_second)


@dataclass(frozen=True, slots=True)
class Store:
    """Seconds of each kind of transaction: from end to end, alone; of the database's processor.

    `locks` are groups of kinds of which one at a time goes on, for `lock_seconds`.
    """

    name: str
    seconds: Mapping[str, float]
    processor_seconds: Mapping[str, float]
    locks: tuple[tuple[str, ...], ...]
    lock_seconds: Mapping[str, float]
    claim_tenant_seconds: float  # more for each further tenant that waits
    checkpoint_byte_seconds: float
    processors: int = 2


@dataclass(frozen=True, slots=True)
class Http:
    """Seconds of an API process's processor for a request."""

    seconds: Mapping[str, float]


MACHINE = Machine(
    flops_per_second=4.02e10,
    bytes_per_second=7.34e09,
    gather_bytes_per_second=4.04e09,
    sum_bytes_per_second=1.67e10,
    update_bytes_per_second=1.38e09,
    worker_bytes=176332800,
)
CLUSTER = Cluster(
    call_seconds=0.00152,
    call_processor_seconds=0.000899,
    byte_seconds=9.67e-10,
    byte_processor_seconds=8.03e-10,
    hire_seconds=0.0372,
    scheduler_hire_seconds=0.015,
    scheduler_look_seconds=0.00035,
    scheduler_look_worker_seconds=4.69e-06,
    scheduler_worker_share=0.000586,
)
CHECKS = (
    Check(
        network=Network(
            sizes=(
                784,
                256,
                10,
            ),
        ),
        rows=2000,
        seconds={
            1: 0.0441,
            2: 0.0365,
        },
    ),
    Check(
        network=Network(
            sizes=(
                784,
                256,
                10,
            ),
        ),
        rows=16000,
        seconds={
            1: 0.373,
            2: 0.226,
        },
    ),
    Check(
        network=Network(
            sizes=(
                4096,
                400,
                10,
            ),
        ),
        rows=2000,
        seconds={
            1: 0.307,
            2: 0.219,
        },
    ),
)
SQLITE = Store(
    name="SQLite",
    seconds={
        "beat": 0.000407,
        "checkpoint": 0.000368,
        "claim": 0.000926,
        "count": 0.000281,
        "finish": 0.000807,
        "poll": 6.34e-05,
        "report": 0.000511,
        "seen": 0.000265,
        "submit": 0.000678,
    },
    processor_seconds={
        "poll": 6.34e-05,
    },
    locks=(
        (
            "submit",
            "claim",
            "beat",
            "report",
            "checkpoint",
            "seen",
            "finish",
        ),
    ),
    lock_seconds={
        "beat": 0.000407,
        "checkpoint": 0.000368,
        "claim": 0.000926,
        "finish": 0.000807,
        "report": 0.000511,
        "seen": 0.000265,
        "submit": 0.000678,
    },
    claim_tenant_seconds=3.36e-07,
    checkpoint_byte_seconds=1.28e-09,
)
POSTGRESQL = Store(
    name="PostgreSQL",
    seconds={
        "beat": 0.00109,
        "checkpoint": 0.00123,
        "claim": 0.00339,
        "count": 0.000793,
        "finish": 0.00226,
        "poll": 0.000663,
        "report": 0.00176,
        "seen": 0.00105,
        "submit": 0.00253,
    },
    processor_seconds={
        "beat": 0.0004,
        "checkpoint": 0.0004,
        "claim": 0.00133,
        "count": 0.000267,
        "finish": 0.000733,
        "poll": 0.000467,
        "report": 0.000533,
        "seen": 0.000333,
        "submit": 0.000933,
    },
    locks=(
        ("claim",),
        ("finish",),
    ),
    lock_seconds={
        "claim": 0.00339,
        "finish": 0.000793,
    },
    claim_tenant_seconds=1.02e-05,
    checkpoint_byte_seconds=1.16e-09,
)
STORES = (SQLITE, POSTGRESQL)
# Jobs a second that so many processes saw through, which shared the processors.
TOGETHER = {
    "SQLite": {
        1: 299,
        4: 244,
    },
    "PostgreSQL": {
        1: 86.8,
        4: 133,
    },
}
HTTP = Http(
    seconds={
        "gradient": 0.000733,
        "look at a job": 0.0009,
        "submit": 0.00428,
    },
)
