"""Running a plan: outputs, buffers, deadlines."""

from itertools import count

import numpy as np
import pytest

from service.calculus.graph import variable
from service.deadline import deadline_in
from service.errors import DeadlineExceededError
from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from tests.calculus.nodes import node_of

LARGE = 5_000


def plan_of(*texts, **shapes):
    return compile_plan([node_of(text, **shapes) for text in texts])


def test_outputs_come_in_the_order_asked_for():
    plan = plan_of("x + 1", "x * 2", "x + 1", x=(3,))

    found = execute(plan, {"x": np.array([1.0, 2, 3])})

    assert [a.tolist() for a in found] == [[2, 3, 4], [2, 4, 6], [2, 3, 4]]


def test_outputs_have_their_full_shape():
    plan = plan_of(
        "x[:, None] + 0 * A", "2 + 0 * A", "(x > 0)[None] + 0 * A.T", x=(3,), A=(3, 2)
    )

    spread, filled, mask = execute(plan, {"x": np.array([-1.0, 0, 1]), "A": np.zeros((3, 2))})

    assert spread.tolist() == [[-1, -1], [0, 0], [1, 1]]
    assert filled.tolist() == [[2, 2]] * 3
    assert mask.tolist() == [[0, 0, 1]] * 2


def test_comparisons_come_out_as_float64():
    (found,) = execute(plan_of("x > 0", x=(2,)), {"x": np.array([-1.0, 1])})

    assert found.dtype == np.float64


def test_a_plan_runs_again_with_other_values():
    plan = plan_of("sin(x) * x + exp(-x)", x=(LARGE,))
    first, second = np.linspace(0, 1, LARGE), np.linspace(1, 2, LARGE)

    (kept,) = execute(plan, {"x": first})
    before = kept.copy()
    (other,) = execute(plan, {"x": second})

    np.testing.assert_array_equal(kept, before)
    # Three functions and two operations, each rounded once.
    np.testing.assert_allclose(other, np.sin(second) * second + np.exp(-second), rtol=1e-14)


def test_reused_buffers_do_not_reach_an_output():
    texts = ("x + 1", "(x + 1) * 2", "((x + 1) * 2)**2 - x", "sin(((x + 1) * 2)**2 - x) / x")
    plan = plan_of(*texts, x=(LARGE,))
    x = np.linspace(1, 2, LARGE)

    found = execute(plan, {"x": x})

    assert any(step.reuse is not None for step in plan.steps)
    third = ((x + 1) * 2) ** 2 - x
    expected = (x + 1, (x + 1) * 2, third, np.sin(third) / x)
    for one, other in zip(found, expected, strict=True):
        # The sine of a number near 30 keeps 14 digits.
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_a_chain_of_operations_needs_one_array():
    text = "x"
    for k in range(30):
        text = f"sin({text}) * {k + 2}"

    plan = plan_of(f"sum({text})", x=(LARGE,))

    assert len(plan.steps) >= 60
    assert sum(step.fresh is not None for step in plan.steps) == 1
    assert plan.estimate.peak_bytes < 2 * 8 * LARGE


def test_the_values_of_variables_are_not_changed():
    plan = plan_of("((x + 1) * 2 - x)**2", "x", x=(LARGE,))
    x = np.linspace(0, 1, LARGE)
    before = x.copy()

    execute(plan, {"x": x})

    np.testing.assert_array_equal(x, before)


def test_variables_that_are_not_used_may_be_given():
    plan = compile_plan([variable("x", (2,))])

    (found,) = execute(plan, {"x": np.ones(2), "y": np.zeros(5)})

    assert found.tolist() == [1, 1]


def test_a_run_stops_between_two_calls_when_its_deadline_has_passed():
    plan = plan_of("sin(cos(exp(x)))", x=(3,))
    ticks = count()

    with (
        deadline_in(2.5, clock=lambda: next(ticks)),
        pytest.raises(DeadlineExceededError, match="did not finish in its time limit"),
    ):
        execute(plan, {"x": np.ones(3)})

    # Looked at when it is set, at 0, and after each of the first three calls: at 1, 2 and 3.
    assert next(ticks) == 4


def test_a_run_inside_its_deadline_ends():
    plan = plan_of("sin(cos(exp(x)))", x=(3,))
    ticks = count()

    with deadline_in(100.0, clock=lambda: next(ticks)):
        (found,) = execute(plan, {"x": np.zeros(3)})

    assert found[0] == np.sin(np.cos(1.0))


def test_numpy_does_not_warn_of_what_the_answer_is_checked_for():
    plan = plan_of("log(x) + 1 / x + exp(1000 * y)", x=(2,), y=(2,))

    (found,) = execute(plan, {"x": np.array([-1.0, 0]), "y": np.array([1.0, -1])})

    assert not np.isfinite(found).any()
