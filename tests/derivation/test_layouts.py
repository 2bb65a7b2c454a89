"""Steps in both layouts, of conditions, of zero answers, and of more than can be told."""

import numpy as np
import pytest

from tests.derivation.chains import derivation_of, evaluated, locals_of, product_of

VALUES = {
    "A": np.array([[0.3, -0.4, 0.5], [0.7, 0.2, -0.1]]),
    "B": np.array([[0.9, 0.4], [-0.3, 0.6]]),
    "x": np.array([0.4, -0.7, 0.3]),
    "y": np.array([0.6, -0.2]),
    "a": np.array(0.5),
}
EXPRESSIONS = (
    ("A @ x", "x", 1),
    ("A @ x", "A", 1),
    ("tanh(A @ x) @ y", "x", 1),
    ("tanh(A @ x) @ y", "x", 2),
    ("sum((A @ x - y)**2)", "A", 2),
    ("a * exp(a * x)", "a", 1),
    ("outer(x, y)", "x", 1),
    ("sin(B @ B)", "B", 1),
    ("where(A @ x > 0, A @ x, 0.1 * (A @ x))", "x", 1),
    ("x[0] * x[1]", "x", 2),
)


def reversed_product(steps, local, values, wrt):
    """The product from the right, as the denominator layout reads: ∂x/∂u · ∂u/∂y."""
    shape = values[wrt].shape
    derivatives = {wrt: np.eye(int(np.prod(shape))).reshape(shape * 2)}
    for step in steps:
        derivatives[step.symbol] = sum(
            np.tensordot(derivatives[p.by], local[step.symbol, p.by],
                         axes=derivatives[p.by].ndim - len(shape))
            for p in step.partials
        )  # fmt: skip
    return derivatives


@pytest.mark.parametrize(("text", "wrt", "order"), EXPRESSIONS)
def test_in_denominator_layout_every_formula_is_transposed(text, wrt, order):
    numerator = derivation_of(text, VALUES, wrt, order=order)
    found = derivation_of(text, VALUES, wrt, order=order, layout="denominator")
    local = locals_of(found.steps, VALUES)
    known = VALUES | {s.symbol: s.value for s in found.steps}
    half = [s.symbol for s in found.steps].index(found.steps[-1].symbol) + 1
    by = VALUES[wrt].ndim

    assert found.steps[-1].becomes.text == found.formulas.text
    for step, plain in zip(found.steps, numerator.steps, strict=True):
        assert step.definition.text == plain.definition.text
        of = step.value.ndim
        axes = (*range(of, of + by), *range(of))
        becomes = evaluated(plain.becomes.text, known)
        np.testing.assert_allclose(
            evaluated(step.becomes.text, known), becomes.transpose(axes), atol=1e-12
        )
        for partial, other in zip(step.partials, plain.partials, strict=True):
            assert partial.structure == other.structure
            assert partial.value.shape == partial.shape
            np.testing.assert_allclose(partial.value, local[step.symbol, partial.by], atol=1e-9)
    products = reversed_product(found.steps[:half], local, VALUES, wrt)
    expected = evaluated(found.formulas.text, VALUES)
    np.testing.assert_allclose(products[found.steps[-1].symbol], expected, atol=1e-9)


def test_in_denominator_layout_the_derivative_of_a_scalar_is_a_column():
    steps = derivation_of("sum(x**2)", VALUES, "x", layout="denominator").steps

    assert steps[-1].partials[0].formulas.notation == "1"
    assert steps[-1].becomes.notation == "2x"


@pytest.mark.parametrize(
    ("text", "answer", "rule"),
    [
        ("x @ A.T @ y", "zeros((3, 3))", "constant rule"),
        ("sum(3 * x)", "zeros((3, 3))", "constant rule"),
        ("x @ x / 2", "eye(3)", "identity rule"),
        ("x[0]", "zeros((3, 3))", "constant rule"),
    ],
)
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_a_gradient_without_operations_is_a_step_of_its_own(text, answer, rule, layout):
    found = derivation_of(text, VALUES, "x", order=2, layout=layout)
    first = derivation_of(text, VALUES, "x")
    last = found.steps[-1]

    assert len(found.steps) == len(first.steps) + 1
    assert last.definition.text == first.formulas.text
    assert last.becomes.text == found.formulas.text == answer
    assert last.partials[0].by == "x"
    assert last.rule.name == rule
    assert last.symbol not in {s.symbol for s in first.steps}


@pytest.mark.parametrize(
    ("text", "answer"), [("x", "eye(3)"), ("y", "zeros((2, 3))"), ("3", "zeros(3)")]
)
def test_an_expression_without_operations_is_one_step(text, answer):
    (step,) = derivation_of(text, VALUES, "x").steps

    assert step.definition.text == text
    assert step.becomes.text == step.partials[0].formulas.text == answer


@pytest.mark.parametrize(
    ("text", "definitions", "partials"),
    [
        ("where(x > 0, x, 0 * x)", ["where(x > 0, x, 0)"], {"x": "diag(x > 0)"}),
        (
            "where(x > 0, x, 0.1 * x)",
            ["0.1 * x", "where(x > 0, x, u1)"],
            {"x": "diag(x > 0)", "u1": "diag(x <= 0)"},
        ),
        (
            "where(A @ x > 0, A @ x, 0.1 * (A @ x))",
            ["A @ x", "0.1 * u1", "where(u1 > 0, u1, u2)"],
            {"u1": "diag(u1 > 0)", "u2": "diag(u1 <= 0)"},
        ),
        (
            "where(sum(x**2) > 1, sin(x), x)",
            ["sin(x)", "where(x @ x > 1, u1, x)"],
            {"x": "(x @ x <= 1) * eye(3)", "u1": "(x @ x > 1) * eye(3)"},
        ),
        (
            "where(x == 1, sin(x), x)",
            ["sin(x)", "where(x == 1, u1, x)"],
            {"x": "diag(x != 1)", "u1": "diag(x == 1)"},
        ),
        (
            "where(x * a, sin(x), x)",
            ["sin(x)", "where(a * x != 0, u1, x)"],
            {"x": "diag(a * x == 0)", "u1": "diag(a * x != 0)"},
        ),
        ("(x > 0) * x", ["x * (x > 0)"], {"x": "diag(x > 0)"}),
        ("(1 - (x > 0)) * x", ["x * (1 - (x > 0))"], {"x": "diag(1 - (x > 0))"}),
        ("sum(x > 0)", ["sum(x > 0)"], {"x": "zeros(3)"}),
    ],
)
def test_a_condition_is_read_inside_the_step_that_uses_it(text, definitions, partials):
    found = derivation_of(text, VALUES, "x")
    steps = found.steps

    assert [s.definition.text for s in steps] == definitions
    assert {p.by: p.formulas.text for p in steps[-1].partials} == partials
    product = product_of(steps, locals_of(steps, VALUES), VALUES, "x")
    np.testing.assert_allclose(product, evaluated(found.formulas.text, VALUES), atol=1e-12)


def test_cases_are_told_by_the_condition_as_it_is_written():
    step = derivation_of("where(a > 0, a**2, 3 * a)", VALUES, "a").steps[-1]

    assert "0 ≠" not in step.definition.notation
    assert "a > 0" in step.definition.notation


@pytest.mark.parametrize(
    "text",
    [" + ".join(f"sum(sin({k} * y))" for k in range(1, 60)), f"sum({'**'.join('y' * 8)})"],
    ids=["too long to be read", "too many nodes"],
)
def test_a_second_derivative_that_can_be_given_can_be_given_with_steps(text):
    values = VALUES | {"y": np.array([0.6, 0.2])}
    found = derivation_of(text, values, "y", order=2)

    last = found.steps[-1]

    np.testing.assert_allclose(
        evaluated(last.becomes.text, values),
        evaluated(found.formulas.text, values),
        rtol=1e-9,
    )
    assert last.rule.source == "Parr & Howard, 4.5.3"
