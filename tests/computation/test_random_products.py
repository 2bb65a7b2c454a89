"""Products and Hessians of random expressions, against the dense derivatives."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from service.calculus.structure import entries
from service.computation.answers import DenseTensor
from service.computation.compute import Computer
from service.computation.requests import Request
from service.errors import GradserveError
from tests.calculus.random_expressions import expressions
from tests.limits import UNHURRIED
from tests.numeric.dense import dense

pytestmark = pytest.mark.random

COMPUTER = Computer(UNHURRIED)
EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000"))
MANY = 3
LONGEST = 200


def asked(operation, text, values, directions=None, **options):
    request = Request(
        operation=operation,
        expression=text,
        variables=values,
        directions=directions or {},
        **options,
    )
    return COMPUTER.answer(request)


def applied(derivative, direction):
    """J · v over the axes of v."""
    return np.tensordot(derivative, direction, axes=direction.ndim)


def scalar_of(text):
    head, semicolon, body = text.rpartition(";")
    return f"{head}{semicolon} sum(({body.strip()}) * 0.7)"


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(expressions())
def test_products_are_those_of_the_dense_derivatives(expression):
    assume(expression.values and len(expression.text) <= LONGEST)
    text, values = expression.text, expression.values
    rng = np.random.default_rng(len(text))
    jacobian = asked("jacobian", text, values, representation="dense")
    assume(sum(entries(v.shape) for v in values.values()) <= LONGEST)
    scalar = scalar_of(text)
    try:
        hessian = asked("hessian", scalar, values)
    except GradserveError:
        # The second derivative of a root, say, is not finite where the first is.
        assume(False)  # Hypothesis' own way to pass an example over
    whole = asked("hessian", scalar, values, representation="dense")
    factored = asked("hessian", scalar, values, representation="factored")
    tangents = {name: rng.normal(size=(MANY, *v.shape)) for name, v in values.items()}
    cotangents = rng.normal(size=(MANY, *jacobian.value.shape))

    pushed = asked("jvp", text, values, tangents, many=True).jvp
    pulled = asked("vjp", text, values, {"cotangent": cotangents}, many=True).vjp
    second = asked("hvp", scalar, values, tangents, many=True).hvp
    first = {name: t[0] for name, t in tangents.items()}
    once = asked("jvp", text, values, first).jvp

    np.testing.assert_allclose(once, pushed[0], rtol=1e-9, atol=1e-9)
    for k in range(MANY):
        expected = sum(
            applied(dense(jacobian.jacobians[name]), tangents[name][k]) for name in values
        )
        np.testing.assert_allclose(pushed[k], expected, **within(expected))
        for name, value in values.items():
            expected = np.tensordot(
                cotangents[k], dense(jacobian.jacobians[name]), axes=cotangents[k].ndim
            )
            np.testing.assert_allclose(pulled[name][k], expected, **within(expected))
            blocks = whole.hessians[name]
            assert all(isinstance(block, DenseTensor) for block in blocks.values())
            expected = sum(applied(dense(blocks[n]), tangents[n][k]) for n in values)
            np.testing.assert_allclose(second[name][k], expected, **within(expected))
            assert second[name][k].shape == value.shape
    for name in values:
        for other in values:
            expected = dense(whole.hessians[name][other])
            for answer in (hessian, factored):
                found = dense(answer.hessians[name][other])
                np.testing.assert_allclose(found, expected, **within(expected))


def within(expected):
    """What sums in another order may differ by."""
    return {"rtol": 1e-7, "atol": 1e-8 * (1 + np.max(np.abs(expected), initial=0))}
