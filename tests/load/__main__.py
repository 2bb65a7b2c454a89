"""`python -m tests.load 10000`: so many small jobs on one machine, with the figures."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.live import running_server
from tests.load.measured import check, run_many


def main() -> None:
    """Run the jobs, print the figures, fail where a promise is not kept."""
    jobs = int(sys.argv[1]) if sys.argv[1:] else 10_000
    with (
        TemporaryDirectory() as folder,
        running_server(Path(folder) / "server.log", workers=2) as server,
    ):
        figures = run_many(server, jobs)
    sys.stdout.write(f"{figures}\n")
    check(figures)


main()
