"""A cluster of its own for a long run: a scheduler, workers, a server without workers."""

import sys
from contextlib import contextmanager

from service.engines.certificates import ensure_certificates
from tests.faults.house import House, wait_for
from tests.faults.processes import children_of


def told(line):
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def cluster(folder, count, **variables):
    """The house, the address of its server, the processes of its workers."""
    made = ensure_certificates(folder / "certificates")
    house = House(
        folder,
        tls_ca_file=made.authority,
        tls_certificate_file=made.certificate,
        tls_key_file=made.key,
        **{"lease_seconds": 30, "checkpoint_seconds": 10} | variables,
    )
    try:
        scheduler = house.run("scheduler", "--port", "0")
        address = scheduler.stdout.readline().split()[3]
        words = ("--processes", str(count), "--scheduler", address)
        workers = house.run("worker", *words)
        _, url = house.serve(workers=0)
        log = folder / "log"

        def there():
            found = children_of(workers.pid)
            is_full = log.read_text().count('"in the cluster"') == count
            return found if is_full and len(found) == count else None

        yield house, url, wait_for(there, told=f"{count} workers")
    finally:
        house.close()


def hired(folder, job_id):
    """How often a worker was lent to the job."""
    lines = (folder / "log").read_text().splitlines()
    return sum('"hired"' in line and job_id in line for line in lines)
