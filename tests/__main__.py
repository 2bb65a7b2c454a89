"""Every check, locally and in CI: `python -m tests`, with arguments passed on to pytest.

Formatting, lint, types, the import contracts, then the tests; the first failure ends it.
"""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent

CHECKS = (
    ("ruff", "format", "--check", "--quiet", "."),
    ("ruff", "check", "--quiet", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
)


def main() -> int:
    """The exit code of the first check that fails, or 0."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    tests = (sys.executable, "-m", "pytest", "-q", "--durations=10", *sys.argv[1:])
    for name, *arguments in (*CHECKS, tests):
        command = [name if name == sys.executable else str(TOOLS / name), *arguments]
        sys.stdout.write(f"+ {' '.join([Path(name).name, *arguments])}\n")
        sys.stdout.flush()
        started = monotonic()
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        sys.stderr.write(f"  ({monotonic() - started:.0f} s)\n")
        if done.returncode:
            return done.returncode
    return 0


sys.exit(main())
