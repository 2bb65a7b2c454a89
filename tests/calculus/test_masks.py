"""What a mask hides has no effect, wherever it stands: against the same form made safe inside.

`where(x > 0, log(x), 0)` must equal `where(x > 0, log(where(x > 0, x, 1)), 0)`, in value and
in derivatives, also where x is 0 and also inside products, sums and matrix products.
"""

import os

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.computation.compute import Computer
from service.settings import Limits
from tests.numeric.dense import dense

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "1000")) // 4
ARGUMENTS = {
    (3,): ("x", "x * y", "y * x * 2", "x + 0 * y"),
    (3, 3): ("B", "B.T", "x[:, None] * A", "x * A", "outer(x, y)", "x[:, None] + 0 * A"),
}
BODIES = (
    "log({x})",
    "1 / {x}",
    "sqrt({x})",
    "({x})**-2",
    "({x})**1.5",
    "log({x}) * {x}",
    "y * log({x}) + {x} * log({x})",
    "log({x}) - (1 - {x}) * log({x})**2",
    "sqrt({x}) + sqrt({x})**3 + exp(sqrt({x}))",
    "exp(1 / {x}) / ({x})",
    "(y + 1 / {x})**2 * log({x})",
    "log(sqrt({x}) * y)",
)
CONTEXTS = {
    (3,): (
        "{m}",
        "sum({m})",
        "({m}) * y",
        "A @ ({m})",
        "({m}) @ A",
        "mean({m}) * y",
        "({m})**2",
        "[{m}, y]",
        "({m})[::-1] * y",
        "outer({m}, y)",
        "({m})[:, None] * A",
        "({m}) * sum(({m}) * y)",
        "tanh({m})",
        "sum(A * ({m}), axis=0) + ({m})**2 * y",
    ),
    (3, 3): (
        "{m}",
        "sum({m})",
        "({m}) * A",
        "A @ ({m})",
        "({m}) @ y",
        "mean({m}, axis=0) * y",
        "({m}).T @ ({m})",
        "({m}).T * A",
        "tanh({m})[1:]",
        "trace(({m}) @ A) + sum({m}, axis=1)",
    ),
}


@st.composite
def masked_forms(draw):
    """The same form without and with a safe operand inside its mask, and values with zeros."""
    shape = draw(st.sampled_from([(3,), (3,), (3, 3)]))
    argument = draw(st.sampled_from(ARGUMENTS[shape]))
    condition = draw(st.sampled_from(["{x} > 0", "{x} >= 0.25", "0 < {x}"])).format(x=argument)
    body = draw(st.sampled_from(BODIES))
    other = draw(st.sampled_from(["0", "y", "-1", "x"]))
    context = draw(st.sampled_from(CONTEXTS[shape]))
    kind = draw(st.sampled_from(["where({c}, {b}, {o})", "({c}) * ({b})"]))
    texts = [
        context.format(m=kind.format(c=condition, b=body.format(x=f"({x})"), o=other))
        for x in (argument, f"where({condition}, {argument}, 1)")
    ]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = {
        "x": rng.choice([-1.0, 0.0, 1.0, 2.0], size=3),
        "y": rng.choice([0.5, 1.0, 2.0, 3.0], size=3),
        "A": rng.choice([0.5, 1.0, 2.0, -1.0], size=(3, 3)),
        "B": rng.choice([0.0, 1.0, 2.0, -1.0], size=(3, 3)),
    }
    return *texts, values


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(masked_forms())
def test_what_a_mask_hides_has_no_effect_wherever_it_stands(form):
    text, safe, values = form
    computer = Computer(Limits())

    found, expected = (computer.run("jacobian", t, values, None, "dense") for t in (text, safe))

    # The two differ in the order of a few operations on numbers of at most a few thousand.
    close = {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(found.value, expected.value, **close)
    for name, derivative in expected.jacobians.items():
        np.testing.assert_allclose(
            dense(found.jacobians[name]), dense(derivative), err_msg=name, **close
        )
