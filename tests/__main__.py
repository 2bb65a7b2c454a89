"""Every check, locally and in CI: `python -m tests`, with arguments passed on to pytest.

Formatting, lint, types, the import contracts, then the tests; the first failure ends it. The
tests of random expressions, which take longer than all others, run beside them in processes
of a lower priority, and those of whole clusters, which mostly wait, in one of their own; with
arguments pytest runs once. The longest tests of faults and of load are run by
`python -m tests -m faults`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
# With one seed of hashes, the random expressions are the same in every run: some are drawn from
# sets. That results do not depend on it is a test of its own.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
# Hundreds of processes are started: each would compile the service anew.
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)
PYTEST = (sys.executable, "-m", "pytest", "-q", "--durations=10")
NICENESS = 10
CLUSTERS = ("tests/engines", "tests/faults", "tests/system")

CHECKS = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
)


def main() -> int:
    """The exit code of the first check that fails, or 0."""
    for name, *arguments in CHECKS:
        code = checked([str(TOOLS / name), *arguments])
        if code:
            return code
    if sys.argv[1:]:
        return checked([*PYTEST, *sys.argv[1:]])
    return tested()


def checked(command: Sequence[str]) -> int:
    """The exit code of a command, which is told before and its time after."""
    announce(command)
    started = monotonic()
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, check=False)
    sys.stderr.write(f"  ({monotonic() - started:.0f} s)\n")
    return done.returncode


def tested() -> int:
    """The exit code of all tests: some of them beside the others."""
    spread = ["-n", "4", "--dist", "worksteal"]  # so that the long ones all begin at once
    apart = ["-p", "no:cacheprovider"]
    random = [*PYTEST, "-m", "random", *spread, *apart]
    clusters = [*PYTEST, "-m", "not random and not faults", *apart, *CLUSTERS]
    others = [f"--ignore={folder}" for folder in CLUSTERS]
    with beside(random, NICENESS) as at_random, beside(clusters, 0) as of_clusters:
        code = checked([*PYTEST, "-m", "not random and not faults", *others])
        codes = (code, of_clusters(), at_random())
    return max(codes, key=abs)


@contextmanager
def beside(command: Sequence[str], niceness: int) -> Iterator[Callable[[], int]]:
    """A command that runs meanwhile: what waits for its end, tells it, and gives its code."""
    with TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(niceness),
        )

        def ended() -> int:
            announce(command)
            code = process.wait()
            output.seek(0)
            sys.stdout.write(output.read().decode(errors="replace"))
            sys.stdout.flush()
            return code

        try:
            yield ended
        finally:
            process.kill()


def announce(command: Sequence[str]) -> None:
    """Tell a command by its name and arguments."""
    sys.stdout.write(f"+ {' '.join([Path(command[0]).name, *command[1:]])}\n")
    sys.stdout.flush()


sys.exit(main())
