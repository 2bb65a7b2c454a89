"""The tables of service/guide/scaling.md, printed from the constants."""

from collections.abc import Sequence

from tests.scaling import model
from tests.scaling.constants import (
    CHECKS,
    CLUSTER,
    HTTP,
    MACHINE,
    POSTGRESQL,
    SQLITE,
    STORES,
    Network,
)
from tests.scaling.tenants import Setting, wait_of_single_job

LINEAR, NETWORK, WIDE = Network((50, 1)), Network((784, 256, 10)), Network((784, 4096, 10))
NETWORKS = (LINEAR, NETWORK, WIDE)
WORKERS = (2, 4, 8, 16, 32)
LINKS = (("1 Gbit/s", 1.25e8), ("10 Gbit/s", 1.25e9), ("25 Gbit/s", 3.125e9))
JOBS = (0.0, 1.0, 10.0, 60.0)
KINDS = ("submit", "claim", "finish", "beat", "report", "checkpoint", "seen", "poll")


def shown(value: float) -> str:
    """Three digits of what counts, two of it where more would be pretence."""
    if value >= 1000:
        digits = 10 ** (len(str(int(value))) - 2)
        return f"{round(value / digits) * digits:,}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if value >= 10 else f"{value:.2g}"


def milliseconds(seconds: float) -> str:
    """So many of them."""
    return shown(1e3 * seconds)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def of_machine() -> str:
    """What was measured of a processor and of a cluster."""
    rows = [
        ("arithmetic of a step", f"{shown(MACHINE.flops_per_second / 1e9)} Gflop/s"),
        ("rows read by a step", f"{shown(MACHINE.bytes_per_second / 1e9)} GB/s"),
        ("rows copied into an order", f"{shown(MACHINE.gather_bytes_per_second / 1e9)} GB/s"),
        ("gradients added", f"{shown(MACHINE.sum_bytes_per_second / 1e9)} GB/s"),
        ("parameters moved by Adam", f"{shown(MACHINE.update_bytes_per_second / 1e9)} GB/s"),
        ("an empty call of a hand, there and back", f"{ms(CLUSTER.call_seconds)}"),
        ("of it, processor of the leader", f"{ms(CLUSTER.call_processor_seconds)}"),
        ("a megabyte, one way", f"{ms(1e6 * CLUSTER.byte_seconds)}"),
        ("of it, processor of the leader", f"{ms(1e6 * CLUSTER.byte_processor_seconds)}"),
        ("connecting and hiring the first hand", f"{ms(CLUSTER.hire_seconds)}"),
        ("a worker at rest", f"{shown(MACHINE.worker_bytes / 2**20)} MiB"),
    ]
    return table(("what", "measured"), rows)


def ms(seconds: float) -> str:
    """Milliseconds with their unit."""
    return f"{milliseconds(seconds)} ms"


def of_break_even() -> str:
    """From which step on splitting pays, against the rule."""
    rows = []
    for network in NETWORKS:
        hand = model.hand_seconds(network, CLUSTER)
        even = [
            model.break_even_seconds(network, workers, MACHINE, CLUSTER)
            for workers in (2, 4, 16)
        ]
        rows.append(
            (
                network,
                f"{network.parameters:,}",
                shown(network.vector_bytes / 1e6),
                milliseconds(hand),
                *map(milliseconds, even),
                f"{shown(model.rows_of(network, model.SPLIT_STEP_SECONDS, MACHINE))}",
            )
        )
    head = ("network", "parameters", "vector, MB", "each hand, ms")
    even = ("pays from, 2 workers, ms", "4", "16", "rows of a step of 50 ms")
    return table((*head, *even), rows)


def of_checks() -> str:
    """Gradients of a batch, as measured and as calculated."""
    rows = []
    for check in CHECKS:
        for workers, seconds in check.seconds.items():
            found = model.gradient_seconds(check.network, check.rows, workers, MACHINE, CLUSTER)
            line = (check.network, f"{check.rows:,}", workers)
            rows.append((*line, milliseconds(seconds), milliseconds(found)))
    return table(("network", "rows", "workers", "measured, ms", "model, ms"), rows)


def of_speed() -> str:
    """How much faster a step is with more workers."""
    rows = []
    for network in NETWORKS:
        for seconds in (0.05, 0.5, 5.0):
            count = model.rows_of(network, seconds, MACHINE)
            found = [
                model.speedup(network, count, workers, MACHINE, CLUSTER) for workers in WORKERS
            ]
            best = model.best_workers(network, count, MACHINE, CLUSTER)
            rows.append(
                (network, f"{seconds:g}", shown(count), *(f"{x:.1f}" for x in found), int(best))
            )
    head = ("network", "work of a step, s", "rows", *map(str, WORKERS), "fastest with")
    return table(head, rows)


def of_links() -> str:
    """The network card of the worker that has the job."""
    rows = []
    for network in NETWORKS:
        line: list[object] = [network]
        for _, bandwidth in LINKS:
            cluster = CLUSTER.with_network(bandwidth)
            count = model.rows_of(network, 1.0, MACHINE)
            line.append(milliseconds(model.hand_seconds(network, cluster)))
            line.append(int(model.best_workers(network, count, MACHINE, cluster)))
        rows.append(line)
    head = ["network"]
    for name, _ in LINKS:
        head += [f"{name}: each hand, ms", "fastest with"]
    return table(head, rows)


def of_epochs() -> str:
    """Whole epochs by the number of workers."""
    rows = []
    for network, count, batch in (
        (NETWORK, 60_000, 1000),
        (NETWORK, 60_000, 20_000),
        (LINEAR, 10_000_000, 10_000),
        (LINEAR, 10_000_000, 2_000_000),
        (WIDE, 60_000, 20_000),
    ):
        found = [
            shown(model.epoch_seconds(network, (count, batch), workers, MACHINE, CLUSTER))
            for workers in (1, *WORKERS)
        ]
        rows.append((network, f"{count:,}", f"{batch:,}", *found))
    return table(("network", "rows", "batch", "1 worker, s", *map(str, WORKERS)), rows)


def of_transactions() -> str:
    """What each kind of transaction takes."""
    rows = [
        (
            name,
            milliseconds(SQLITE.seconds[name]),
            milliseconds(POSTGRESQL.seconds[name]),
            milliseconds(POSTGRESQL.processor_seconds[name]),
        )
        for name in KINDS
    ]
    rows.append(("each MB of a large checkpoint", *(_of_megabyte(s) for s in STORES), ""))
    head = ("transaction", "SQLite, ms", "PostgreSQL, ms", "of it, processor of the database")
    return table(head, rows)


def _of_megabyte(store: object) -> str:
    return milliseconds(1e6 * store.checkpoint_byte_seconds)


def of_stores() -> str:
    """Where each store is full."""
    rows = []
    for seconds in JOBS:
        line = [
            f"jobs of {seconds:g} s, a second" if seconds else "jobs of no length, a second"
        ]
        for store in STORES:
            most = model.most_jobs_per_second(seconds, store)
            line.append(shown(most))
        rows.append(line)
    rows.append(["long jobs at a time", *(shown(model.most_workers(s)) for s in STORES)])
    idle = [shown(model.most_workers(s, model.IDLE)) for s in STORES]
    rows.append(["workers that wait for jobs", *idle])
    return table(("full at", *(store.name for store in STORES)), rows)


def of_workers() -> str:
    """Jobs of one second, by the number of workers."""
    rows = [
        (
            f"{seconds:g} s",
            store.name,
            *(shown(model.jobs_per_second(n, seconds, store)) for n in (1, 8, 32, 128, 512)),
        )
        for seconds in (0.1, 1.0, 10.0)
        for store in STORES
    ]
    return table(("a job takes", "store", "1 worker", "8", "32", "128", "512"), rows)


def of_claims() -> str:
    """A claim by the number of tenants that wait."""
    rows = []
    for tenants in (1, 10, 100, 1000):
        line = [f"{tenants:,}"]
        for store in STORES:
            claim = store.seconds["claim"] + store.claim_tenant_seconds * (tenants - 1)
            line += [
                milliseconds(claim),
                shown(model.most_jobs_per_second(0.0, store, tenants)),
            ]
        rows.append(line)
    head = ["tenants that wait"]
    for store in STORES:
        head += [f"{store.name}: a claim, ms", "jobs a second"]
    return table(head, rows)


def of_tenants() -> str:
    """The simulation: one job beside a crowd."""
    claim, finish = POSTGRESQL.seconds["claim"], POSTGRESQL.seconds["finish"]
    rows = []
    for workers in (1, 2, 8, 32):
        line: list[object] = [workers]
        for has_turns, others, runs in ((True, 1, 60), (True, 10, 20), (False, 1, 2)):
            setting = Setting(workers, 10.0, claim, finish, has_turns)
            line.append(shown(wait_of_single_job(setting, 1000 // others, others, runs)))
        rows.append(line)
    head = ("workers", "one tenant with 1,000 jobs, s", "ten with 100 each, s")
    return table((*head, "by age alone, s"), rows)


def of_requests() -> str:
    """Requests of an API process."""
    rows = [
        (name, milliseconds(seconds), *(shown(n / seconds) for n in (1, 4, 16)))
        for name, seconds in HTTP.seconds.items()
    ]
    head = ("request", "processor, ms", "a second on 1 processor", "4", "16")
    return table(head, rows)


def of_scheduler() -> str:
    """Where the scheduler's one processor is full."""
    rows = []
    for workers in (10, 100, 500, 1000):
        still = model.scheduler_load(workers, 0, 0.0, CLUSTER)
        looking = model.scheduler_load(workers, workers // 10, 1.0, CLUSTER)
        rows.append((f"{workers:,}", f"{still:.1%}", f"{looking:.1%}"))
    return table(("workers", "at rest", "a tenth at split jobs, one begins each second"), rows)


def of_memory() -> str:
    """Memory of a worker by its training."""
    rows = []
    for network, count in ((LINEAR, 100_000), (NETWORK, 10_000), (WIDE, 10_000)):
        alone, split = (model.worker_bytes(network, count, MACHINE, n) for n in (1, 8))
        kept = model.checkpoint_bytes(network)
        row = (network, f"{count:,}", shown(alone / 2**20), shown(split / 2**20))
        rows.append((*row, shown(kept / 1e6)))
    head = ("network", "batch", "alone, MiB", "shared by 8, MiB", "checkpoint, MB")
    return table(head, rows)


TABLES = (
    ("Constants", of_machine),
    ("From when splitting pays", of_break_even),
    ("Speed-up of a step", of_speed),
    ("Network cards, for steps of one second", of_links),
    ("Seconds of an epoch", of_epochs),
    ("Memory", of_memory),
    ("Load of the scheduler", of_scheduler),
    ("Transactions", of_transactions),
    ("Where the store is full", of_stores),
    ("Jobs a second", of_workers),
    ("Claims and tenants", of_claims),
    ("Waiting of a single job of 10 s", of_tenants),
    ("Requests", of_requests),
    ("Steps, measured and calculated", of_checks),
)


def printed_tables() -> str:
    """All of them."""
    return "\n\n".join(f"{title}\n\n{make()}" for title, make in TABLES)
