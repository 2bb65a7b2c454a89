"""Every check, locally and in CI: `python -m tests`, with arguments passed on to pytest.

Formatting, lint, types, the import contracts, then the tests; the first failure ends it. The
tests of random expressions, which take longer than all others, run beside them in processes
of a lower priority; with arguments pytest runs once. Three kinds of tests keep all processors
busy for minutes, and are run by `python -m tests -m faults`: clocks that are wrong, which need
a package of the system's, many small jobs at once, and faults of several services at once.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
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
    """The exit code of all tests: those of random expressions beside the others."""
    spread = ["-n", "4", "--dist", "worksteal"]  # so that the long ones all begin at once
    command = [*PYTEST, "-m", "random", *spread, "-p", "no:cacheprovider"]
    with TemporaryFile() as output:
        beside = subprocess.Popen(
            command,
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.nice(NICENESS),
        )
        try:
            code = checked([*PYTEST, "-m", "not random and not faults"])
            announce(command)
            code = beside.wait() or code
        finally:
            beside.kill()
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
    return code


def announce(command: Sequence[str]) -> None:
    """Tell a command by its name and arguments."""
    sys.stdout.write(f"+ {' '.join([Path(command[0]).name, *command[1:]])}\n")
    sys.stdout.flush()


sys.exit(main())
