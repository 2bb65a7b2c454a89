"""Digests and numbers do not depend on the salt of Python's hash."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def printed(hash_seed):
    """What digests.py prints in a process with this salt."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.calculus.digests"],
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


def test_digests_and_numbers_do_not_depend_on_pythonhashseed():
    first, *others = [printed(seed) for seed in (0, 1, 2)]

    assert len(first) == 50
    for other in others:
        assert [e for e, found in first.items() if other[e] != found] == []
