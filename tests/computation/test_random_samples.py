"""Random expressions over samples, stacked, and in float32, against the plain answers."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import NonFiniteResultError
from service.language.parser import parse
from service.settings import Limits
from tests.calculus.interpreter import interpreted
from tests.calculus.random_expressions import expressions
from tests.limits import UNHURRIED
from tests.numeric.dense import dense, dense_batch

pytestmark = pytest.mark.random

COMPUTER = Computer(UNHURRIED)
EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000"))
COUNT = 3
# Chains of functions amplify a rounding of 6e-8 by a few thousand at the most.
SINGLE = 1e-3
NEAR_A_KINK = 1e-3

checked = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def asked(operation, text, values, **options):
    """The answer; None where it is not finite."""
    request = Request(operation=operation, expression=text, variables=values, **options)
    try:
        return COMPUTER.answer(request)
    except NonFiniteResultError:
        return None


def samples_of(value, rng):
    """As many arrays of the same entries in other orders: each stays inside the domain."""
    flat = np.stack([rng.permutation(value.ravel()) for _ in range(COUNT)])
    return flat.reshape(COUNT, *value.shape)


def close(found, expected, factor=1e-9):
    largest = np.max(np.abs(expected), initial=1.0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=factor * largest)


@checked
@given(expressions(), st.data())
def test_a_batch_is_what_a_loop_over_its_samples_gives(expression, data):
    assume(expression.values)
    names = sorted(expression.values)
    batch = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    rng = np.random.default_rng(len(expression.text))
    values = expression.values | {n: samples_of(expression.values[n], rng) for n in batch}
    each = [expression.values | {name: values[name][k] for name in batch} for k in range(COUNT)]
    alone = [asked("jacobian", expression.text, one, representation="dense") for one in each]
    assume(None not in alone)
    directions = {name: rng.normal(size=expression.values[name].shape) for name in names}
    own = directions | {
        name: rng.normal(size=(COUNT, *directions[name].shape)) for name in batch
    }

    whole = asked("jacobian", expression.text, values, batch=batch)
    factored = asked(
        "jacobian", expression.text, values, batch=batch, representation="factored"
    )
    pushed = asked("jvp", expression.text, values, batch=batch, directions=own)

    for k, one in enumerate(alone):
        close(whole.value[k], one.value)
        for name in names:
            expected = dense(one.jacobians[name])
            for found in (whole, factored):
                numbers = dense_batch(found.jacobians[name], one.jacobians[name])
                close(numbers[k], expected)
        moves = directions | {name: own[name][k] for name in batch}
        once = asked("jvp", expression.text, each[k], directions=moves)
        close(pushed.jvp[k], once.jvp)


@checked
@given(expressions())
def test_a_stacked_jacobian_has_the_variables_side_by_side(expression):
    assume(expression.values)
    names = sorted(expression.values, reverse=True)

    answer = asked("jacobian", expression.text, expression.values, wrt=names, stack=True)

    assume(answer is not None)
    rows = answer.value.size
    expected = [dense(answer.jacobians[name]).reshape(rows, -1) for name in names]
    found = dense(answer.stacked.jacobian)
    close(found.reshape(rows, -1), np.concatenate(expected, axis=1))
    assert [c.name for c in answer.stacked.columns] == names
    ends = np.cumsum([part.shape[1] for part in expected])
    assert [c.stop for c in answer.stacked.columns] == list(ends)
    assert [c.start for c in answer.stacked.columns] == [0, *ends[:-1]]


@checked
@given(expressions())
def test_float32_is_float64_within_its_precision(expression):
    assume(expression.values)
    values = {
        name: value.astype(np.float32).astype(np.float64)
        for name, value in expression.values.items()
    }
    exact = asked("jacobian", expression.text, values, representation="dense")
    assume(exact is not None)
    _, interpreter = interpreted(parse(expression.text, Limits()), values)
    assume(interpreter.nearest > NEAR_A_KINK)

    single = asked("jacobian", expression.text, values, representation="dense", dtype="float32")

    assert single.value.dtype == np.float32
    close(single.value, exact.value, SINGLE)
    for name in values:
        found = single.jacobians[name]
        close(dense(found), dense(exact.jacobians[name]), SINGLE)
