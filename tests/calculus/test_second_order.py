"""Second derivatives of random expressions: products of the Hessian against differences."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from service.calculus.differentiate import gradient
from service.calculus.graph import ONE, Factor, variable
from service.calculus.normal_form import contract
from service.calculus.terms import add
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from tests.calculus.interpreter import evaluated, have_equal_sides
from tests.calculus.nodes import LIMITS, variables
from tests.calculus.random_expressions import expressions

pytestmark = pytest.mark.random

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000"))
STEPS = (1e-3, 1e-4, 1e-5)
LONGEST = 260


def inner_product(left, right):
    letters = tuple(range(left.ndim))
    return contract([Factor(left, letters), Factor(right, letters)], (), {})


def differences(plan, values, directions, tree, inputs):
    """The directional derivative of a plan's outputs for each step that meets no kink."""
    _, sides = evaluated(tree, inputs)
    for step in STEPS:
        moved = [
            values | {name: values[name] + k * step * d for name, d in directions.items()}
            for k in (1, -1, 2, -2)
        ]
        others = [evaluated(tree, {name: point[name] for name in inputs})[1] for point in moved]
        if all(have_equal_sides(sides, other) for other in others):
            points = [execute(plan, point) for point in moved]
            yield [
                (8 * (a - b) - (c - d)) / (12 * step)
                for a, b, c, d in zip(*points, strict=True)
            ]


def distance(found, expected):
    """The largest error, relative to the largest number of each array where that is over 1."""
    return max(
        np.max(np.abs(a - b), initial=0) / (1 + np.max(np.abs(b), initial=0))
        for a, b in zip(found, expected, strict=True)
    )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(expressions())
def test_the_hessian_of_a_random_expression_is_that_of_central_differences(expression):
    assume(expression.values and len(expression.text) <= LONGEST)
    tree = parse(expression.text, LIMITS)
    shapes = {name: value.shape for name, value in expression.values.items()}
    node = elaborate(expression.text, tree, Declarations(shapes), LIMITS).node
    weights, by = variable("weights", node.shape), variables(**shapes)
    directions = {v: variable(f"direction {v.name}", v.shape) for v in by}
    rng = np.random.default_rng(0)
    extra = (weights, *directions.values())
    values = expression.values | {v.name: rng.normal(size=v.shape) for v in extra}

    slopes = gradient(inner_product(node, weights), by)
    along = add([(ONE, inner_product(slopes[v], directions[v])) for v in by], ())
    second = gradient(along, by)

    found = execute(compile_plan([second[v] for v in by]), values)
    moves = {v.name: values[d.name] for v, d in directions.items()}
    plan = compile_plan([slopes[v] for v in by])
    errors = [
        distance(found, expected)
        for expected in differences(plan, values, moves, tree, expression.values)
    ]
    # At the best of three steps, h⁴ times a fifth derivative and rounding / h.
    assert not errors or min(errors) < 1e-4
