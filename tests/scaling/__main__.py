"""`python -m tests.scaling measure` finds the constants, `model` prints what follows.

Run `measure` where nothing else runs; it takes about four minutes.
"""

import sys
from collections.abc import Sequence
from pprint import pformat

from service.numeric import blas
from tests.scaling import cluster, machine, requests, stores
from tests.scaling.tables import printed_tables

PARTS = ("cluster", "machine", "requests", "stores")


def measure(parts: Sequence[str]) -> None:
    """Find the constants of these parts, and print each as it is found."""
    blas.set_threads(1)  # as a worker computes
    worker_bytes = 0
    for part in parts:
        match part:
            case "cluster":
                found, worker_bytes, checks = cluster.measured_cluster()
                tell(found, *checks)
            case "machine":
                tell(*machine.measured_machine(worker_bytes))
            case "requests":
                tell(requests.measured_http())
            case "stores":
                for each in stores.measured_stores():
                    tell(*each)


def tell(*found: object) -> None:
    """Print what was found."""
    for each in found:
        sys.stdout.write(f"{pformat(each)}\n")
    sys.stdout.flush()


def main(words: list[str]) -> None:
    """What is asked for."""
    match words:
        case ["measure", *parts]:
            measure(parts or PARTS)
        case ["model"]:
            sys.stdout.write(f"{printed_tables()}\n")
        case ["lend", address, folder]:
            cluster.lend(address, folder)
        case ["crowd", address, folder, count]:
            cluster.crowd(address, folder, int(count))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
