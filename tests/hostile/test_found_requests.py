"""Requests found by trying that hung, hurt or misled a server; each must be answered well."""

import httpx
import numpy as np
import pytest

from tests.hostile.problems import faults_of_problem
from tests.hostile.tensors import array_of

MOST_SECONDS = 5.0
MOST_GROWTH = 500 * 2**20
SINGLE_LARGE = [[1e200, 1, 2], [3, 4, 5], [6, 7, 8.5]]
EIGHT = {f"v{k}": [0.1] * 8 for k in range(8)}
EIGHT_AXES = "*".join(
    f"v{k}[{', '.join(':' if axis == k else 'None' for axis in range(8))}]" for k in range(8)
)

REFUSED = {
    "svd_of_an_infinite_matrix": (
        *("gradient", "non_finite_result"),
        {"expression": "det(A*A)", "variables": {"A": SINGLE_LARGE}},
    ),
    "slope_beside_a_pick": (
        *("jacobian", "non_finite_result"),
        {"expression": "sqrt(u[0]*x)", "variables": {"u": [1, 2], "x": [0, 1]}, "wrt": ["x"]},
    ),
    "slope_beside_a_sum": (
        *("gradient", "non_finite_result"),
        {
            "expression": "sqrt(sum(x[1:3] * y[-2:]))",
            "variables": {"x": [0, 0, 0], "y": [1, 2, 3]},
            "wrt": ["x"],
        },
    ),
    "rows_of_an_inverse_that_hide_nan": (
        *("evaluate", "non_finite_result"),
        {
            "expression": "inv([[log(x), 1, 2], [3, 4, 5], [6, 7, 8.5]])[2]",
            "variables": {"x": -1},
        },
    ),
}
VALUES = {
    "(x/100)**160": (1.0, {"x": 100}),
    "(x/3)**700": (1.2**700, {"x": 3.6}),
    "(1e200*x)**2": (1.0, {"x": 1e-200}),
    "x*1e-200*1e-200": (1e-100, {"x": 1e300}),
    "sum((x+y)**2*(x+y)**(x+y))": (3**5 + 2**4, {"x": [1, 1], "y": [2, 1]}),
    "(x*y)**2*(x*y)**y": (6**5, {"x": 2, "y": 3}),
    "max(log(softmax(x)))": (-np.log(3), {"x": [1e16, 1e16, 1e16]}),
}
LONG = {
    "matrix_product": ("gradient", f"trace({'@'.join(['A'] * 990)})", {"A": [[0.3]]}),
    "failing_product": ("jacobian", f"sqrt({'@'.join(['A'] * 850)})", {"A": [[0, 0], [0, 0]]}),
    "products_of_softmax": (
        "jacobian",
        "*".join(f"softmax({k}*x)" for k in range(1, 390)),
        {"x": [0.1, 0.2]},
    ),
}


def asked(server, operation, body):
    return httpx.post(f"{server.url}/v1/{operation}", json=body, timeout=2 * MOST_SECONDS)


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_found_by_trying_is_refused(live_server, name):
    operation, code, body = REFUSED[name]

    found = asked(live_server, operation, body)

    faults = faults_of_problem(
        found.status_code, found.headers, found.content, body["expression"]
    )
    assert (found.status_code, faults) == (422, [])
    assert found.json()["code"] == code


@pytest.mark.parametrize("expression", VALUES)
def test_a_value_found_wrong_by_trying_is_right(live_server, expression):
    expected, variables = VALUES[expression]

    found = asked(live_server, "evaluate", {"expression": expression, "variables": variables})

    assert found.status_code == 200, found.text
    # Powers of some hundreds multiply the rounding of their base by as much.
    np.testing.assert_allclose(array_of(found.json()["value"]), expected, rtol=1e-12)


@pytest.mark.parametrize("name", LONG)
def test_a_long_expression_is_answered_in_time(live_server, name):
    operation, expression, variables = LONG[name]

    found = asked(live_server, operation, {"expression": expression, "variables": variables})

    assert found.status_code in (200, 422)
    assert found.elapsed.total_seconds() < MOST_SECONDS


def test_a_computation_stays_within_its_limit_of_memory(live_server):
    before = live_server.reset_peak()

    found = asked(
        live_server,
        "gradient",
        {"expression": f"sum(sin({EIGHT_AXES}))", "variables": EIGHT},
    )

    assert found.status_code in (200, 422)
    assert found.elapsed.total_seconds() < MOST_SECONDS
    assert live_server.peak_bytes() - before < MOST_GROWTH
