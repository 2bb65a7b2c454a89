"""Jacobians of a million entries stay linear in time and memory, in a process apart."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from service.computation.compute import Computer
from service.settings import Limits

ROOT = Path(__file__).resolve().parents[2]

MEASURE = """
import json, resource, sys
import numpy as np
from service.computation.compute import Computer
from service.settings import Limits

expression, names, size = sys.argv[1], sys.argv[2].split(), int(sys.argv[3])
rng = np.random.default_rng(0)
computer = Computer(Limits(max_answer_bytes=2**40, max_peak_bytes=2**40))
computer.run("jacobian", expression, {name: rng.normal(size=3) for name in names})
values = {name: rng.normal(size=size) for name in names}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
answer = computer.run("jacobian", expression, values)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kinds = sorted({type(j).__name__ for j in answer.jacobians.values()})
print(json.dumps({"grown": (after - before) * 1024, "kinds": kinds}))
"""

CASES = [
    ("w * x", "w x", "DiagonalTensor"),
    ("sin(x**2) * exp(-w * x)", "w x", "DiagonalTensor"),
    ("x + 3", "x", "IdentityTensor"),
    ("softmax(x)", "x", "FactoredTensor"),
]


@pytest.mark.parametrize(("expression", "names", "kind"), CASES)
def test_a_jacobian_of_a_million_entries_grows_memory_by_less_than_20_inputs(
    expression, names, kind
):
    size = 10**6
    command = [sys.executable, "-c", MEASURE, expression, names, str(size)]

    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )

    found = json.loads(done.stdout)
    assert found["kinds"] == [kind]
    assert found["grown"] < 20 * 8 * size * len(names.split())


@pytest.mark.parametrize(("expression", "names", "kind"), CASES)
def test_the_work_of_a_large_jacobian_is_linear_in_its_size(expression, names, kind):
    computer = Computer(Limits())

    costs = [
        computer.run("jacobian", expression, dict.fromkeys(names.split(), np.ones(n))).cost
        for n in (20_000, 40_000)
    ]

    for figure in ("flops", "bytes_moved", "peak_bytes", "answer_bytes"):
        small, large = (getattr(cost, figure) for cost in costs)
        assert large < 2.01 * small, figure


def test_the_jacobian_of_a_large_product_is_stored_as_factors():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(1000, 20)), rng.normal(size=(1000, 20))

    answer = Computer(Limits()).run("jacobian", "U @ V.T", {"U": u, "V": v}, ("U",))

    (term,) = answer.jacobians["U"].terms
    assert answer.jacobians["U"].shape == (1000, 1000, 1000, 20)
    assert term.equation == "ik,jl->ijkl"
    assert term.factors[0].size == 1000
    np.testing.assert_array_equal(term.factors[1].tensor, v)
