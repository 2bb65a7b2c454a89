"""What a step, an epoch, a job and a request cost, as formulas of measured constants."""

from math import sqrt

from service.jobs.watch import LOOK_SECONDS
from service.jobs.worker import POLL_SECONDS
from service.settings import Settings
from service.training.batches import KEPT_BYTES, KEPT_EPOCHS, WINDOW_BYTES
from tests.scaling.constants import NUMBER_BYTES, Cluster, Machine, Network, Store

SPLIT_STEP_SECONDS = Settings.model_fields["split_step_seconds"].default
LEASE_SECONDS = Settings.model_fields["lease_seconds"].default
CHECKPOINT_SECONDS = Settings.model_fields["checkpoint_seconds"].default
REPORTS_PER_SECOND = 5.0  # at most, and at least 4 where steps are short
ADAM_VECTORS = 2


def work_seconds(network: Network, rows: float, machine: Machine) -> float:
    """Loss and gradient of a batch on one processor."""
    of_row = network.flops_per_row / machine.flops_per_second
    of_row += network.bytes_per_row / machine.bytes_per_second
    return rows * of_row


def update_seconds(network: Network, machine: Machine) -> float:
    """The optimizer's step, which the job's worker takes alone."""
    return network.vector_bytes / machine.update_bytes_per_second


def hand_seconds(network: Network, cluster: Cluster) -> float:
    """What each further worker costs the job's own: parameters sent, a gradient received.

    The slower of its processor (TLS, serialising) and its network card.
    """
    of_byte = max(cluster.byte_processor_seconds, 1.0 / cluster.network_bytes_per_second)
    return cluster.call_processor_seconds + 2 * network.vector_bytes * of_byte


def exchange_seconds(
    network: Network, workers: int, machine: Machine, cluster: Cluster
) -> float:
    """What a split step takes beside its work: as many parts as workers, nothing overlapped.

    A round trip; what each hand costs; the far side of one vector there and one back, which
    hands do at the same time; the sum of all gradients.
    """
    if workers == 1:
        return 0.0
    far = max(0.0, cluster.byte_seconds - cluster.byte_processor_seconds)
    return (
        cluster.call_seconds
        + (workers - 1) * hand_seconds(network, cluster)
        + 2 * network.vector_bytes * far
        + workers * network.vector_bytes / machine.sum_bytes_per_second
    )


def gradient_seconds(
    network: Network, rows: float, workers: int, machine: Machine, cluster: Cluster
) -> float:
    """Loss and gradient of so many rows, shared by so many workers."""
    work = work_seconds(network, rows, machine) / workers
    return work + exchange_seconds(network, workers, machine, cluster)


def step_seconds(
    network: Network, rows: float, workers: int, machine: Machine, cluster: Cluster
) -> float:
    """A step of so many rows, shared by so many workers."""
    found = gradient_seconds(network, rows, workers, machine, cluster)
    return found + update_seconds(network, machine)


def speedup(
    network: Network, rows: float, workers: int, machine: Machine, cluster: Cluster
) -> float:
    """How much faster a step is than with one worker."""
    alone = step_seconds(network, rows, 1, machine, cluster)
    return alone / step_seconds(network, rows, workers, machine, cluster)


def break_even_seconds(
    network: Network, workers: int, machine: Machine, cluster: Cluster
) -> float:
    """The step from which on so many workers are faster than one."""
    return exchange_seconds(network, workers, machine, cluster) / (1.0 - 1.0 / workers)


def rows_of(network: Network, seconds: float, machine: Machine) -> float:
    """The rows of a batch whose gradient takes so long on one processor."""
    return seconds / work_seconds(network, 1.0, machine)


def best_workers(network: Network, rows: float, machine: Machine, cluster: Cluster) -> float:
    """With how many workers a step is shortest: the root of its work over a hand's cost."""
    hand = hand_seconds(network, cluster)
    hand += network.vector_bytes / machine.sum_bytes_per_second
    return max(1.0, sqrt(work_seconds(network, rows, machine) / hand))


def copied_bytes(data_bytes: float, batch_bytes: float, workers: int) -> float:
    """What each worker copies in an epoch, on the average, to have rows in a drawn order.

    Small data are copied whole by everybody, now and then; of larger ones each copies its
    share; a batch of all rows, or over 32 MiB, stays where it is.
    """
    if batch_bytes >= data_bytes or batch_bytes > WINDOW_BYTES:
        return 0.0
    return data_bytes / (KEPT_EPOCHS if data_bytes <= KEPT_BYTES else workers)


def epoch_seconds(
    network: Network, shape: tuple[int, int], workers: int, machine: Machine, cluster: Cluster
) -> float:
    """An epoch over a table of so many rows, in batches of so many."""
    rows, batch = shape
    row_bytes = NUMBER_BYTES * (network.sizes[0] + network.sizes[-1])
    copied = copied_bytes(rows * row_bytes, batch * row_bytes, workers)
    exchanged = exchange_seconds(network, workers, machine, cluster)
    return (
        copied / machine.gather_bytes_per_second
        + work_seconds(network, rows, machine) / workers
        + -(-rows // batch) * (exchanged + update_seconds(network, machine))
    )


def worker_bytes(network: Network, rows: int, machine: Machine, workers: int = 1) -> float:
    """Memory of a worker at a training with Adam, beside mapped data.

    Parameters, their last good copy, gradient, scratch, the optimizer's vectors and the
    gradients of the other workers; and what the layers compute of a batch's part.
    """
    vectors = 4 + ADAM_VECTORS + (workers if workers > 1 else 0)
    computed = NUMBER_BYTES * 3 * sum(network.sizes[1:]) * rows / workers
    return machine.worker_bytes + vectors * network.vector_bytes + computed


def checkpoint_bytes(network: Network) -> int:
    """Parameters twice (to go on from, and in own units), and the optimizer's vectors."""
    return (2 + ADAM_VECTORS) * network.vector_bytes


def job_transactions(job_seconds: float) -> dict[str, float]:
    """How often a job that runs so long asks the store for what."""
    asked = {"submit": 1.0, "claim": 1.0, "finish": 1.0}
    asked |= {name: job_seconds * often for name, often in RUNNING.items()}
    if job_seconds < LOOK_SECONDS:  # it ends before its first beat and its first report
        asked |= dict.fromkeys(RUNNING, 0.0)
    return asked


RUNNING = {  # transactions in a second of a job that runs
    "beat": 1.0 / LOOK_SECONDS,
    "report": REPORTS_PER_SECOND,
    "checkpoint": 1.0 / CHECKPOINT_SECONDS,
    "seen": 3.0 / LEASE_SECONDS,
}
IDLE = {  # and of a worker that waits for one; it sleeps for 1 to 2 times POLL_SECONDS
    "poll": 1.0 / (1.5 * POLL_SECONDS),
    "seen": 3.0 / LEASE_SECONDS,
}


def store_load(asked: dict[str, float], store: Store, tenants: int = 1) -> float:
    """The share of the store that so many transactions a second take; at 1 it is full.

    The larger of two: each lock by itself, which one transaction has at a time, and the
    processors of the database.
    """

    def held(name: str) -> float:
        more = store.claim_tenant_seconds * (tenants - 1) if name == "claim" else 0.0
        return asked.get(name, 0.0) * (store.lock_seconds.get(name, 0.0) + more)

    locks = [sum(held(name) for name in names) for names in store.locks]
    busy = sum(often * store.processor_seconds.get(name, 0.0) for name, often in asked.items())
    return max([*locks, busy / store.processors])


def most_jobs_per_second(job_seconds: float, store: Store, tenants: int = 1) -> float:
    """Jobs that the store can see through in a second, whatever the number of workers."""
    return 1.0 / store_load(job_transactions(job_seconds), store, tenants)


def most_workers(store: Store, asked: dict[str, float] | None = None) -> float:
    """Workers that the store can serve, all of them at long jobs, or doing what is asked."""
    return 1.0 / store_load(RUNNING if asked is None else asked, store)


def jobs_per_second(workers: int, job_seconds: float, store: Store) -> float:
    """Jobs done in a second by so many workers: their own limit, or that of the store."""
    beside = sum(store.seconds[name] for name in ("claim", "finish"))
    return min(workers / (job_seconds + beside), most_jobs_per_second(job_seconds, store))


def most_requests_per_second(processor_seconds: float, processors: int) -> float:
    """Requests that so many processors answer in a second."""
    return processors / processor_seconds


def scheduler_load(
    workers: int, split_jobs: int, jobs_per_second: float, cluster: Cluster
) -> float:
    """The share of the scheduler's one processor that is taken; at 1 it is full.

    Workers tell that they live. A split job looks for hands each second while it lacks some,
    which tells it of all workers; at its start it connects, and hires.
    """
    looks = split_jobs * (
        cluster.scheduler_look_seconds + workers * cluster.scheduler_look_worker_seconds
    )
    starts = jobs_per_second * cluster.scheduler_hire_seconds
    return workers * cluster.scheduler_worker_share + looks + starts
