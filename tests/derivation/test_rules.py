"""The rule and the source of each step, and what a derivation in full splits."""

import numpy as np
import pytest

from service.calculus.rules.records import Parameter
from service.calculus.rules.table import FUNCTIONS
from service.language.operators import OPERATORS
from tests.derivation.chains import derivation_of, evaluated, locals_of, product_of

OPERANDS = ("operand", "operands")
DIFFERENTIATED = [
    f for f in FUNCTIONS.values() if any(p.kind in OPERANDS for p in f.parameters)
]
DEFINED = [f for f in DIFFERENTIATED if f.definition]
# Expression, the rule, what the conditions hold, what they do not, how the source begins.
RULES = (
    ("x @ x", "power rule", "element-wise diagonal condition", "", "Parr & Howard, 2"),
    ("x * x", "power rule", "element-wise diagonal condition", "", "Parr & Howard, 2"),
    ("x * sin(x)", "derivative of sin", "", "", "NIST"),
    ("x * y", "element-wise binary operator rule", "multiplication by constant rule", "", ""),
    ("2 * x", "multiplication by constant rule", "", "", "Parr & Howard, 2"),
    ("-x", "multiplication by constant rule", "", "", "Parr & Howard, 2"),
    ("y / x", "element-wise binary operator rule", "quotient rule", "", ""),
    ("a / x[0]", "selection rule", "", "", "Laue"),
    ("cumsum(x)", "vector sum reduction", "", "element-wise diagonal condition", "Parr"),
    ("2**x", "exponential rule", "", "power rule", "NIST"),
    ("x**2", "power rule", "", "", "Parr & Howard, 2"),
    ("x**x", "power and exponential rule", "", "", "NIST"),
    ("sqrt(x)", "power rule", "", "", "Parr & Howard, 2"),
    ("clip(x, -1, 1)", "piecewise max rule", "element-wise diagonal condition", "", "Parr"),
    ("leaky_relu(x)", "derivative of leaky_relu", "", "", "Maas et al."),
    ("mse(x, y)", "derivative of mse", "", "", "Parr & Howard, 6"),
    ("huber(x, y)", "derivative of huber", "", "", "Huber"),
    ("kron(x, y)", "Kronecker product rule", "", "", "Petersen & Pedersen"),
    ("X.T", "transpose rule", "", "", "Petersen & Pedersen, The Matrix Cookbook (2012), (44)"),
    ("floor(x)", "constant rule", "", "", "Parr & Howard, 2, piece by piece"),
    ("x > y", "constant rule", "", "", "Parr & Howard, 2, piece by piece"),
    ("x", "identity rule", "", "", "Parr & Howard, 4.1"),
    ("y", "constant rule", "", "", "Parr & Howard, 2"),
)
VALUES = {
    "a": np.array(0.7),
    "x": np.array([0.4, 0.7, 0.3]),
    "y": np.array([0.6, 0.2, 0.5]),
    "X": np.array([[0.4, 0.7, 0.3], [0.2, 0.8, 0.6]]),
    "Y": np.array([[0.6, 0.2, 0.5], [0.9, 0.1, 0.3]]),
}


@pytest.mark.parametrize(("text", "rule", "condition", "no_condition", "source"), RULES)
def test_a_step_has_its_rule_and_source(text, rule, condition, no_condition, source):
    wrt = "X" if "X" in text else "x"
    step = derivation_of(text, VALUES, wrt).steps[0]
    if text == "x * sin(x)":
        last = derivation_of(text, VALUES, wrt).steps[-1]
        assert "product rule" in last.rule.conditions

    assert step.rule.name == rule
    assert not condition or condition in step.rule.conditions
    assert not no_condition or no_condition not in (step.rule.name, *step.rule.conditions)
    assert step.rule.source.startswith(source)


@pytest.mark.parametrize("function", DIFFERENTIATED, ids=lambda f: f.name)
def test_every_function_says_where_its_derivative_is_stated(function):
    assert function.source
    assert "Handbook" not in function.source
    assert "3 to 7" not in function.source


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_has_a_rule(name):
    symbols = {
        "add": "x + y", "subtract": "x - y", "multiply": "x * y", "divide": "x / y",
        "power": "x**2", "negate": "-x", "matmul": "X @ x", "transpose": "X.T",
        "greater": "x > y", "greater_equal": "x >= y", "less": "x < y", "less_equal": "x <= y",
        "equal": "x == y", "not_equal": "x != y",
    }  # fmt: skip
    wrt = "X" if name == "transpose" else "x"

    (step,) = derivation_of(symbols[name], VALUES, wrt).steps

    assert step.rule.name
    assert step.rule.source


def calls(function):
    """The function of vectors, and of matrices along an axis where it takes one."""
    names = [p.name for p in function.parameters if p.kind == "operand"]
    for pair, options in (("xy", ""), ("XY", ", axis=1"), ("XY", "")):
        if options and not any(p.kind == "axis" for p in function.parameters):
            continue
        operands = dict(zip(names, pair, strict=False)) | {"low": "-1", "high": "0.5"}
        yield f"{function.name}({', '.join(operands[n] for n in names)}{options})", pair[0]


@pytest.mark.parametrize(
    ("text", "wrt"),
    [pytest.param(*call, id=call[0]) for f in DEFINED for call in calls(f)],
)
def test_in_full_a_function_is_split_into_its_definition(text, wrt):
    whole = derivation_of(text, VALUES, wrt).steps
    found = derivation_of(text, VALUES, wrt, detail="full")
    steps = found.steps

    assert len(whole) == 1
    assert len(steps) > 1
    product = product_of(steps, locals_of(steps, VALUES), VALUES, wrt)
    expected = evaluated(found.formulas.text, VALUES)
    np.testing.assert_allclose(product, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(steps[-1].value, evaluated(text, VALUES), rtol=1e-12)
    assert steps[-1].becomes.text == found.formulas.text


def test_the_options_of_a_definition_are_those_of_the_call():
    steps = derivation_of("huber(x, y, 0.1)", VALUES, "x", detail="full").steps

    assert "where(u2 <= 0.1, u4, u6)" in [s.definition.text for s in steps]


def test_only_options_stand_in_braces():
    kinds = {p.kind for f in DEFINED for p in f.parameters if isinstance(p, Parameter)}

    assert kinds <= {"operand", "axis", "flag", "number"}


def test_in_brief_a_power_that_is_not_added_up_is_no_loss():
    power = derivation_of("(2 * a + 1)**2", VALUES, "a", detail="brief").steps
    affine = derivation_of("sum(2 * x + 1)", VALUES, "x", detail="brief").steps
    loss = derivation_of("sum((x - y)**2)", VALUES, "x", detail="brief").steps

    assert [s.rule.name for s in power] == ["power rule"]
    assert [s.rule.name for s in affine] == ["affine map"]
    assert [s.rule.name for s in loss] == ["loss"]
