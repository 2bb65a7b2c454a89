"""The derivatives of digamma far below 0, where SciPy counts up in ones for minutes."""

import numpy as np
import pytest
from scipy.special import polygamma as scipys

from service.calculus.rules.special import polygamma

ORDERS = (1, 2, 3, 6)


@pytest.mark.parametrize("order", ORDERS)
def test_beyond_the_border_it_is_scipy_s(order):
    x = np.array([-64.25, -70.3, -100.7, -63.9, 2.5])

    np.testing.assert_allclose(polygamma(order).forward(x), scipys(order, x), rtol=1e-12)


@pytest.mark.parametrize("order", ORDERS)
def test_far_below_it_has_the_period_of_the_cotangent(order):
    """ψ(1 − x) vanishes there, and its size is that of the power of 1 / x."""
    far = polygamma(order).forward(np.array([-1e9 + 0.25, -1e12 + 0.25]))

    np.testing.assert_allclose(far[0], far[1], rtol=1e-6)


def test_at_a_pole_it_is_infinite():
    assert np.isposinf(polygamma(1).forward(np.array([-70.0])))[0]
    assert np.isneginf(polygamma(2).forward(np.array([-70.0])))[0]
