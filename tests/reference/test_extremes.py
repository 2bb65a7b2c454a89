"""Values and derivatives at extreme points: right, or an error with its place."""

import numpy as np
import pytest

from service.calculus.differentiate import jacobian
from service.calculus.graph import variable
from service.computation.compute import Computer
from service.errors import GradserveError
from service.settings import Limits
from tests.calculus.nodes import node_of, numbers_of
from tests.numeric.dense import dense
from tests.reference.extremes.exponentials import EXPONENTIALS
from tests.reference.extremes.functions import FUNCTIONS
from tests.reference.extremes.losses import LOSSES
from tests.reference.extremes.norms import CHOICES, NORMS
from tests.reference.extremes.points import Located
from tests.reference.extremes.powers import MATRICES, POWERS
from tests.reference.extremes.products import PRODUCTS

POINTS = (*FUNCTIONS, *LOSSES, *PRODUCTS, *EXPONENTIALS, *NORMS, *CHOICES, *POWERS, *MATRICES)
COMPUTER = Computer(Limits())


def values_of(point):
    return {name: np.array(value, dtype=float) for name, value in point.at.items()}


def assert_located(point, expected, operation, wrt=None):
    with pytest.raises(GradserveError) as raised:
        COMPUTER.run(operation, point.expression, values_of(point), wrt)

    assert raised.value.code == expected.code
    assert [w for w in expected.words if w not in str(raised.value)] == []
    assert raised.value.faults[0].start is not None


def assert_right(point, found, expected):
    expected = np.array(expected, dtype=float)
    assert found.shape == expected.shape
    # Underflow to 0 is right: the smallest normal number is 2e-308.
    np.testing.assert_allclose(found, expected, rtol=point.rtol, atol=max(1e-300, point.atol))


@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.id)
def test_the_value_at_an_extreme_point_is_right(point):
    if isinstance(point.value, Located):
        assert_located(point, point.value, "evaluate")
        return

    found = COMPUTER.run("evaluate", point.expression, values_of(point))

    assert_right(point, found.value, point.value)


@pytest.mark.parametrize("representation", ["dense", "auto"])
@pytest.mark.parametrize(
    "point", [p for p in POINTS if p.first is not None], ids=lambda p: p.id
)
def test_the_derivative_at_an_extreme_point_is_right(point, representation):
    by = next(iter(point.at))
    if isinstance(point.first, Located):
        assert_located(point, point.first, "jacobian", [by])
        return

    found = COMPUTER.run("jacobian", point.expression, values_of(point), [by], representation)

    assert_right(point, dense(found.jacobians[by]), point.first)


@pytest.mark.parametrize(
    "point", [p for p in POINTS if p.second is not None], ids=lambda p: p.id
)
def test_the_second_derivative_at_an_extreme_point_is_right(point):
    values = values_of(point)
    shapes = {name: value.shape for name, value in values.items()}
    by = variable(next(iter(point.at)), shapes[next(iter(point.at))])
    node = node_of(point.expression, **shapes)
    for _ in range(2):
        node = jacobian(node, [by])[by]

    found = numbers_of(node, **{n: v for n, v in values.items() if n in node.variables})

    if isinstance(point.second, Located):
        assert not np.isfinite(found).all()
        assert_located(point, point.second, "hessian", [by.name])
    else:
        assert_right(point, found, point.second)


@pytest.mark.parametrize("representation", ["dense", "auto"])
@pytest.mark.parametrize(
    "point",
    [p for p in POINTS if p.second is not None and np.ndim(p.value) == 0],
    ids=lambda p: p.id,
)
def test_the_hessian_at_an_extreme_point_is_right(point, representation):
    by = next(iter(point.at))
    if isinstance(point.second, Located):
        assert_located(point, point.second, "hessian", [by])
        return

    found = COMPUTER.run("hessian", point.expression, values_of(point), [by], representation)

    assert_right(point, dense(found.hessians[by][by]), point.second)
