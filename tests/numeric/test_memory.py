"""The memory that plans and kernels take, against what their records and estimates say."""

import gc
import tracemalloc
from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

from service.calculus import rules
from service.calculus.differentiate import gradient
from service.calculus.rules.logarithms import falling_power, power_times_log
from service.calculus.rules.records import (
    ElementwiseFunction,
    MatrixFunction,
    ReductionFunction,
)
from service.calculus.rules.special import hermite, polygamma
from service.numeric import kernels
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.numeric.fusion import SCRATCH
from tests.calculus.nodes import node_of, variables

SIZE = 100_000
SIDE = 100
# Small objects, error states, NumPy's own buffers of 8,192 numbers.
OVERHEAD = 300_000


def peak_of(call):
    """The most that a call holds at a time beside what was there before, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        return tracemalloc.get_traced_memory()[1] - before, result
    finally:
        tracemalloc.stop()


MODULES = [import_module(f"{rules.__name__}.{m.name}") for m in iter_modules(rules.__path__)]
RECORDS = {
    kind: {
        found.name: found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, kind)
    }
    for kind in (ElementwiseFunction, ReductionFunction, MatrixFunction)
}
RECORDS[ElementwiseFunction] |= {
    family(order).name: family(order)
    for family in (falling_power, power_times_log, hermite, polygamma)
    for order in (1, 2, 3)
}


def assert_scratch(call, arguments, scratch, unit, least=None):
    """Not more than said, nor much less; LAPACK's own memory is not seen here."""
    call(*arguments)
    peak, result = peak_of(lambda: call(*arguments))

    held = peak - np.asarray(result).nbytes
    assert held <= 8 * scratch * unit + OVERHEAD, f"{held / (8 * unit):.2f} arrays"
    assert held >= 8 * (scratch / 2 if least is None else least) * unit - OVERHEAD


@pytest.mark.parametrize("name", RECORDS[ElementwiseFunction])
def test_an_elementwise_function_holds_what_its_record_says(name):
    record = RECORDS[ElementwiseFunction][name]
    rng = np.random.default_rng(0)
    low, high = (1.1, 1.9) if name == "arccosh" else (0.1, 0.9)
    arguments = [rng.uniform(low, high, size=SIZE) for _ in record.partials]

    assert_scratch(record.forward, arguments, record.scratch, SIZE)


@pytest.mark.parametrize("axes", [(0,), (1,)])
@pytest.mark.parametrize("name", RECORDS[ReductionFunction])
def test_a_reduction_holds_what_its_record_says(name, axes):
    record = RECORDS[ReductionFunction][name]
    argument = np.random.default_rng(0).uniform(0.1, 0.9, size=(SIZE // 1000, 1000))

    # A hundred of these numbers have a product in range, a thousand do not: that takes more.
    least = 0.0 if name == "prod" and axes == (0,) else None
    assert_scratch(record.forward, (argument, axes), record.scratch, SIZE, least)


@pytest.mark.parametrize("name", RECORDS[MatrixFunction])
def test_a_matrix_function_holds_what_its_record_says(name):
    record = RECORDS[MatrixFunction][name]
    side = SIDE * 3 if record.copies < 2 else 16
    matrix = np.random.default_rng(0).uniform(-1, 1, size=(side, side)) + np.eye(side)

    unit = side ** (2 * max(record.copies, 1))
    assert_scratch(record.forward, (matrix,), record.scratch, unit, least=0.0)


@pytest.mark.parametrize("kernel", ["softmax_values", "tanh_slope_values"])
def test_a_fused_kernel_holds_what_is_said_of_all(kernel):
    x = np.random.default_rng(0).normal(size=SIZE)
    arguments = (x, (0,)) if kernel == "softmax_values" else (x,)

    assert_scratch(getattr(kernels, kernel), arguments, SCRATCH, SIZE, least=0.9)


TEXTS = {
    "sum(sin(x) * cos(y) * exp(-x * y))": ("x", "y"),
    "sum(tanh(A @ B.T)**2)": ("A", "B"),
    "mean((T - U @ V.T)**2)": ("T", "U", "V"),
    "sum(softmax(A) * log(softmax(A * B)))": ("A", "B"),
    "sum(x[:, None] * A * y)": ("x", "y", "A"),
    "sum(A.T[1:] @ (A * B)[:, ::2])": ("A", "B"),
    "sum(norm2(A, axis=0) * max(B, axis=0) * logsumexp(A * B, axis=0))": ("A", "B"),
    "sum(where(A > B, sigmoid(A), softplus(B)))": ("A", "B"),
    "trace(A.T @ B @ inv(A @ B.T))": ("A", "B"),
    "logdet(A @ A.T) + sum(sqrt(abs(A)) / (1 + A**2))": ("A",),
}
MATRICES = {"A": (300, 300), "B": (300, 300), "T": (300, 200), "U": (300, 20), "V": (200, 20)}


@pytest.mark.parametrize("text", TEXTS)
def test_a_plan_s_peak_is_what_it_takes(text):
    shapes = {name: MATRICES.get(name, (300,)) for name in TEXTS[text]}
    root = node_of(text, **shapes)
    found = gradient(root, variables(**shapes))
    plan = compile_plan([root, *found.values()])
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    execute(plan, values)

    peak, _ = peak_of(lambda: execute(plan, values))

    assert peak <= plan.estimate.peak_bytes + OVERHEAD
    assert plan.estimate.peak_bytes <= 2 * peak + OVERHEAD
