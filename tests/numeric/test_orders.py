"""The order of a product's factors: what it costs, against all orders there are."""

from itertools import combinations, pairwise
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.numeric.compile import compile_plan
from service.numeric.operands import Operand, pairs_of
from service.settings import Limits
from service.training.data import dataset_of
from service.training.layer_tasks import LayerTask
from service.training.model_tasks import ModelTask
from service.training.runs import Schedule
from service.training.tasks import TrainingTask, prepared

LETTERS = 5


@st.composite
def products(draw):
    sizes = draw(
        st.lists(st.sampled_from([1, 2, 3, 10, 100]), min_size=LETTERS, max_size=LETTERS)
    )
    subset = st.sets(st.integers(0, LETTERS - 1), min_size=1, max_size=3)
    factors = draw(st.lists(subset, min_size=2, max_size=5))
    output = draw(st.sets(st.sampled_from(sorted(set().union(*factors)))))
    # A letter of one factor alone is summed before.
    needed = [
        {x for x in f if x in output or any(x in g for g in factors if g is not f)}
        for f in factors
    ]
    return [f for f in needed if f] or [{0}], output, sizes


def volume(letters, sizes):
    return prod(sizes[x] for x in letters)


def step(factors, output, pair):
    """What is left after a pair, and the letters of the pair and of its result."""
    rest = [f for k, f in enumerate(factors) if k not in pair]
    both = factors[pair[0]] | factors[pair[1]]
    result = both & set(output).union(*rest)
    return [*rest, result], both, result


def cost_of(pairs, factors, output, sizes):
    total = 0
    for pair in pairs:
        factors, both, result = step(factors, output, pair)
        total += volume(both, sizes) + volume(result, sizes)
    assert len(factors) == 1
    return total


def least(factors, output, sizes):
    """The cost of the cheapest order without outer products where others are possible."""
    if len(factors) == 1:
        return 0
    found = []
    pairs = list(combinations(range(len(factors)), 2))
    for pair in [p for p in pairs if factors[p[0]] & factors[p[1]]] or pairs:
        left, both, result = step(factors, output, pair)
        found.append(volume(both, sizes) + volume(result, sizes) + least(left, output, sizes))
    return min(found)


@given(products())
def test_what_computes_for_long_is_computed_in_the_cheapest_order(product):
    factors, output, sizes = product
    operands = [Operand(None, tuple(sorted(f))) for f in factors]
    pairs = list(pairs_of(operands, tuple(sorted(output)), sizes))

    total = cost_of(pairs, factors, output, sizes)
    assert total <= max(1.2 * least(factors, output, sizes), 1000 * 3 ** len(factors))


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
@pytest.mark.parametrize("sizes", [(256, 256), (64, 64, 64), (32, 512, 16)])
def test_a_deep_network_needs_no_array_of_samples_by_weights(activation, sizes):
    rows, inputs = 2000, 4
    names = [*(f"x{k}" for k in range(inputs)), "y"]
    table = dataset_of(np.full((rows, inputs + 1), 0.5), names)
    layers = [LayerTask(activation=activation, units=n) for n in sizes]
    task = TrainingTask(
        model=ModelTask(
            targets=("y",),
            kind="network",
            layers=(*layers, LayerTask(activation="identity", units=1)),
            standardize=False,
        ),
        optimizer={"kind": "sgd", "learning_rate": 0.01},
        schedule=Schedule(epochs=1),
    )
    graphs = prepared(task, table, Limits()).data.problem.graphs(rows)
    estimate = compile_plan([graphs.total, *graphs.gradients.values()]).estimate

    widths = (inputs, *sizes, 1)
    weights = sum(a * b for a, b in pairwise(widths))
    assert estimate.peak_bytes < 8 * (12 * rows * sum(widths) + 4 * weights)
    # Forward, back by the weights and by what came before, 2 each; some of it twice.
    assert estimate.flops < 12 * rows * weights + 100 * rows * sum(widths)
