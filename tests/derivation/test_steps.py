"""Derivations: the product of the local derivatives is the answer; no other one would be."""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings

from service.derivation.steps import MOST_NUMBERS
from service.errors import GradserveError
from tests.calculus.random_expressions import expressions
from tests.derivation.chains import derivation_of, evaluated, locals_of, product_of

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "500"))
NEURON = "mean((y - maximum(0, X @ w + b))**2)"
PERTURBED = 1.5


@pytest.fixture
def neuron(rng):
    return {
        "X": rng.normal(size=(5, 3)),
        "w": rng.normal(size=3),
        "y": rng.normal(size=5),
        "b": np.array(0.3),
    }


def test_the_neuron_s_loss_has_one_step_for_each_operation(neuron):
    steps = derivation_of(NEURON, neuron, "w").steps

    assert [s.definition.text for s in steps] == [
        "X @ w",
        "b + u1",
        "maximum(0, u2)",
        "y - u3",
        "u4**2",
        "mean(u5)",
    ]
    assert [s.rule.name for s in steps] == [
        "matrix product rule",
        "scalar expansion",
        "piecewise max rule",
        "element-wise binary operator rule",
        "power rule",
        "vector sum reduction",
    ]
    assert "vector chain rule" in steps[-1].rule.conditions
    assert steps[2].partials[0].formulas.text == "diag(u2 > 0)"
    assert steps[2].partials[0].structure == "diagonal"


def test_a_dot_product_is_a_product_and_a_sum():
    values = {"w": np.array([1.0, 2.0]), "x": np.array([0.5, -1.0])}

    steps = derivation_of("w @ x", values, "w").steps

    assert [s.definition.text for s in steps] == ["w * x", "sum(u1)"]
    assert [s.becomes.notation for s in steps] == ["diag(x)", "xᵀ"]


def test_in_brief_an_affine_map_and_a_loss_are_one_step_each(neuron):
    steps = derivation_of(NEURON, neuron, "w", detail="brief").steps

    assert [s.rule.name for s in steps] == ["affine map", "piecewise max rule", "loss"]


def test_in_full_a_mean_is_a_sum_and_a_quotient(neuron):
    steps = derivation_of(NEURON, neuron, "w", detail="full").steps

    assert [s.definition.text for s in steps][-2:] == ["sum(u5)", "0.2 * u6"]


def test_the_steps_of_a_second_derivative_go_on_from_the_gradient(neuron):
    found = derivation_of(NEURON, neuron, "w", order=2)
    names = [s.symbol for s in found.steps]

    assert len(set(names)) == len(names)
    assert found.steps[5].becomes.text.startswith("0.4 * (((X @ w + b > 0)")
    assert found.steps[-1].becomes.text == found.formulas.text


def test_no_symbol_has_the_name_of_a_variable():
    values = {n: np.array(0.7) for n in ("u1", "y", "f", "x")}

    steps = derivation_of("sin(u1 * x) * cos(y + f * x)", values, "x").steps

    assert not {s.symbol for s in steps} & values.keys()


def check_the_chain(expression, values, wrt, answer, steps):
    local = locals_of(steps, values)
    expected = evaluated(answer, values)
    scale = max(np.max(np.abs(expected), initial=0.0), 1e-3)
    product = product_of(steps, local, values, wrt)
    assert product.shape == expected.shape
    np.testing.assert_array_less(np.abs(product - expected), 1e-8 * scale)
    for step in steps:
        for partial in step.partials:
            own = local[step.symbol, partial.by]
            if partial.value is None:
                assert own.size > MOST_NUMBERS
            else:
                np.testing.assert_allclose(partial.value, own, rtol=1e-9, atol=1e-9 * scale)
    return local, product, scale


def test_a_quotient_of_equals_has_steps_whose_product_is_zero():
    values = {"x": np.array([[1.0, 2.0], [3.0, 5.0]])}
    text = "(0.5 * (x + eye(2)) + 1).T / (0.5 * (x + eye(2)) + 1).T"
    found = derivation_of(text, values, "x")

    _, product, _ = check_the_chain(text, values, "x", found.formulas.text, found.steps)

    assert len(found.steps[-1].partials) == 0
    assert np.array_equal(product, np.zeros((2, 2, 2, 2)))


def test_replacing_any_local_derivative_changes_the_product(neuron):
    found = derivation_of(NEURON, neuron, "w")
    local, product, scale = check_the_chain(
        NEURON, neuron, "w", found.formulas.text, found.steps
    )

    for place in local:
        other = product_of(found.steps, {**local, place: PERTURBED * local[place]}, neuron, "w")

        assert np.max(np.abs(other - product)) > 1e-3 * scale


@pytest.mark.random
def test_the_steps_of_random_expressions_multiply_to_the_answer():
    counts, texts = Counter(), set()

    def check(expression):
        if expression.text in texts or len(texts) >= EXAMPLES:
            return
        texts.add(expression.text)
        for name, value in list(expression.values.items())[:2]:
            if value.ndim + len(expression.shape) > 5:
                continue
            found = derivation_of(expression.text, expression.values, name)
            counts["derivatives"] += 1
            if not found.steps:
                continue
            try:
                check_the_chain(
                    expression.text, expression.values, name, found.formulas.text, found.steps
                )
            except GradserveError:
                counts["not finite or too large"] += 1
                continue
            counts["with steps"] += 1

    part = 0
    while len(texts) < EXAMPLES and part < 20:
        run = settings(
            max_examples=250,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(given(expressions())(check))
        seed(f"steps {part}")(run)()
        part += 1

    assert len(texts) >= EXAMPLES
    assert counts["with steps"] >= EXAMPLES / 2
    assert counts["not finite or too large"] <= counts["derivatives"] / 20
