"""A process whose threads submit with one idempotency key: `python -m …one_key folder url`."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from service.settings import Settings
from service.storage.stores import open_records
from tests.contracts.submissions import key, submission

THREADS = 25


def main(folder, url=None):
    records = open_records(Settings(data_directory=Path(folder), database_url=url))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(THREADS) as pool:
        each = [
            pool.submit(records.jobs.submit, "ada", submission(), key()) for _ in range(THREADS)
        ]
        for answer in each:
            job, is_earlier = answer.result()
            sys.stdout.write(f"{job.id} {is_earlier}\n")
    records.database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
