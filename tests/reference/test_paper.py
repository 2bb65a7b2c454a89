"""Parr & Howard's formulas through HTTP, by the ids of paper.json: value, shape, structure.

The expected derivatives are the file's NumPy expressions, evaluated here at random points
that its conditions admit; every size differs from every other.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.reference.through_http import array, dense, post

CASES = {
    case["id"]: case
    for case in json.loads(Path(__file__).with_name("paper.json").read_text())["cases"]
}
DIFFERENTIATED = [name for name, case in CASES.items() if "expr" in case]
SIZES = [
    {"n": 3, "N": 5, "m": 4, "k": 2},
    {"n": 5, "N": 2, "m": 3, "k": 4},
    {"n": 1, "N": 4, "m": 3, "k": 2},
    {"n": 4, "N": 1, "m": 2, "k": 3},
]
NUMPY = {
    name: getattr(np, name)
    for name in (
        *("cos", "diag", "exp", "eye", "log", "max", "maximum", "mean", "min", "ones"),
        *("outer", "prod", "sin", "stack", "sum", "where", "zeros"),
    )
}
STRUCTURES = {
    "zero": "zero",
    "identity": "identity",
    "scaled-identity": "identity",
    "diagonal": "diagonal",
}
FAR_FROM_ZERO = 0.05
MOST_DRAWS = 10_000


def numpy_value(expression, values, sizes):
    """What an expression of the file is in NumPy."""
    return np.array(eval(expression, {"__builtins__": {}}, NUMPY | sizes | values), dtype=float)


def size_of(dimension, sizes):
    return eval(dimension, {"__builtins__": {}}, dict(sizes))


def is_admissible(case, values, sizes):
    kept_away = [numpy_value(e, values, sizes) for e in case.get("avoid_zero", [])]
    if any(np.min(np.abs(found)) < FAR_FROM_ZERO for found in kept_away):
        return False
    domain = case.get("domain", {})
    if any(np.min(np.abs(values[name])) < FAR_FROM_ZERO for name in domain):
        return False
    return "condition" not in case or numpy_value(case["condition"], values, sizes) != 0


def admissible_point(case, sizes, rng):
    """Values of the case's variables that its fields allow."""
    for _ in range(MOST_DRAWS):
        values = {}
        for name, dimensions in case["variables"].items():
            shape = tuple(size_of(d, sizes) for d in dimensions)
            is_small = case.get("domain", {}).get(name) == "small"
            values[name] = rng.uniform(-2, 2, size=shape) / (2 if is_small else 1)
            if name in case.get("last_is_one", ()):
                values[name][..., -1] = 1
        if is_admissible(case, values, sizes):
            return values
    raise AssertionError("no point fits the conditions")


def points(case, rng):
    """Sizes with values: those of the file where it gives them, else random ones."""
    if "values" in case:
        return [({}, {name: np.array(v) for name, v in case["values"].items()})]
    return [(sizes, admissible_point(case, sizes, rng)) for sizes in SIZES]


def sent(values, sizes, expression):
    """The variables of a request; a size that the expression names is one of them."""
    named = {"N": sizes["N"]} if re.search(r"\bN\b", expression) else {}
    return {name: value.tolist() for name, value in values.items()} | named


def assert_equal_to_12_digits(found, expected):
    """To 1e-12 of the largest entry: an entry that is a sum may cancel."""
    assert found.shape == expected.shape
    largest = np.max(np.abs(expected), initial=0.0)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * largest)


def wrt_of(case):
    return case["wrt"] if isinstance(case["wrt"], list) else [case["wrt"]]


def derivative_of(case, answer):
    """The derivative as the file has it: columns in order for a list of scalars."""
    found = [dense(answer["jacobians"][name]) for name in wrt_of(case)]
    return np.stack(found, axis=-1) if isinstance(case["wrt"], list) else found[0]


def jacobian(expression, values, sizes, wrt, **options):
    body = {"expression": expression, "variables": sent(values, sizes, expression), "wrt": wrt}
    return post("/v1/jacobian", body | options)


@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_value_of_a_formula_is_numpy_s(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        body = {"expression": case["expr"], "variables": sent(values, sizes, case["expr"])}
        answer = post("/v1/evaluate", body)

        assert_equal_to_12_digits(
            array(answer["value"]), numpy_value(case["expr"], values, sizes)
        )


@pytest.mark.parametrize("representation", ["auto", "dense", "factored"])
@pytest.mark.parametrize("name", DIFFERENTIATED)
def test_the_derivative_of_a_formula_is_the_paper_s(name, representation, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        expected = numpy_value(case["expected_numpy"], values, sizes)
        for expression in [case["expr"], *case.get("expr_alt", [])]:
            answer = jacobian(
                expression, values, sizes, wrt_of(case), representation=representation
            )

            assert_equal_to_12_digits(derivative_of(case, answer), expected)


@pytest.mark.parametrize(
    "name", [n for n in DIFFERENTIATED if CASES[n]["structure"] in STRUCTURES]
)
def test_the_structure_of_a_derivative_is_read_off_the_formula(name, rng):
    case = CASES[name]
    holds_by_formula = "values" not in case and "condition" not in case

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        (found,) = answer["jacobians"].values()
        is_named = found["structure"] == STRUCTURES[case["structure"]]
        assert is_named == holds_by_formula, found["structure"]


@pytest.mark.parametrize(
    "name", [n for n in DIFFERENTIATED if CASES[n]["structure"].endswith("identity")]
)
def test_an_identity_has_its_scale_as_a_number(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        (found,) = answer["jacobians"].values()
        expected = numpy_value(case["expected_numpy"], values, sizes)
        assert found["scale"] == expected.flat[0]


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "denominator_numpy" in c])
def test_the_denominator_layout_is_the_transpose(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        expected = numpy_value(case["denominator_numpy"], values, sizes)
        assert_equal_to_12_digits(derivative_of(case, answer).T, expected)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "paper_vector_numpy" in c])
def test_a_vector_that_the_paper_prints_is_the_diagonal(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        (found,) = answer["jacobians"].values()
        expected = numpy_value(case["paper_vector_numpy"], values, sizes)
        assert_equal_to_12_digits(array(found["diagonal"]), expected)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "jacobian_factors" in c])
def test_the_product_of_the_paper_s_factors_is_the_derivative(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        factors = [numpy_value(f["numpy"], values, sizes) for f in case["jacobian_factors"]]
        product = np.linalg.multi_dot([*factors, np.ones(1)])
        assert_equal_to_12_digits(derivative_of(case, answer), product)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "wrong_answer" in c])
def test_the_wrong_answer_the_paper_warns_of_is_not_given(name, rng):
    case = CASES[name]

    for sizes, values in points(case, rng):
        answer = jacobian(case["expr"], values, sizes, wrt_of(case))

        wrong = numpy_value(case["wrong_answer"]["numpy"], values, sizes)
        assert not np.allclose(derivative_of(case, answer), wrong)


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "numeric_example" in c])
def test_a_numeric_example_has_the_values_printed(name):
    case = CASES[name]
    example = case["numeric_example"]
    moved = example["x"] + example["delta_x"]

    before, after = (
        post("/v1/evaluate", {"expression": case["expr"], "variables": {"x": x}})
        for x in (example["x"], moved)
    )

    assert before["value"]["data"] == [example["y"]]
    assert after["value"]["data"] == [example["y_hat"]]
    assert after["value"]["data"][0] - before["value"]["data"][0] == example["delta_y"]


def test_the_step_of_gradient_descent_is_the_one_worked_by_hand():
    case = CASES["sgd-step-numeric"]
    values, expected = case["values"], case["expected"]
    variables = {name: values[name] for name in "wbXy"}

    loss = post(
        "/v1/gradient",
        {"expression": case["loss_expr"], "variables": variables, "wrt": ["w", "b"]},
    )
    neuron = [
        post("/v1/evaluate", {"expression": text, "variables": {n: values[n] for n in "wbX"}})
        for text in ("X @ w + b", "maximum(0, X @ w + b)")
    ]
    steps = {
        name: post(
            "/v1/evaluate",
            {
                "expression": "p - eta * g",
                "variables": {
                    "p": values[name],
                    "g": loss["gradients"][name],
                    "eta": values["eta"],
                },
            },
        )
        for name in ("w", "b")
    }

    # The numbers are short decimals: a few units in the last place is all that may differ.
    close = {"rtol": 1e-15, "atol": 1e-15}
    grad_w, grad_b = (array(loss["gradients"][name]) for name in ("w", "b"))
    np.testing.assert_allclose(array(neuron[0]["value"]), expected["z"], **close)
    np.testing.assert_allclose(array(neuron[1]["value"]), expected["activation"], **close)
    assert (array(neuron[0]["value"]) > 0).tolist() == expected["active"]
    np.testing.assert_allclose(array(loss["value"]), expected["loss"], **close)
    np.testing.assert_allclose(grad_w, expected["grad_w"], **close)
    np.testing.assert_allclose(grad_b, expected["grad_b"], **close)
    np.testing.assert_allclose(array(steps["w"]["value"]), expected["w_next"], **close)
    np.testing.assert_allclose(array(steps["b"]["value"]), expected["b_next"], **close)
    assert not np.allclose(grad_w, case["wrong_if_cases_outside_sum"]["grad_w"])


def test_the_augmented_weights_have_the_gradient_of_both():
    case = CASES["sgd-step-numeric"]
    values = case["values"]
    augmented = {
        "X_hat": [[*row, 1.0] for row in values["X"]],
        "w_hat": [*values["w"], values["b"]],
        "y": values["y"],
    }

    loss = post(
        "/v1/gradient",
        {
            "expression": "mean((y - maximum(0, X_hat @ w_hat)) ** 2)",
            "variables": augmented,
            "wrt": ["w_hat"],
        },
    )

    # The numbers are short decimals: a few units in the last place is all that may differ.
    np.testing.assert_allclose(
        array(loss["gradients"]["w_hat"]), case["expected"]["grad_w_hat"], rtol=1e-15
    )


def neuron_of(values, *, is_augmented):
    """The neuron of the worked step as a request, its bias apart or among the weights."""
    weights = {"weights": values["w"], "bias": values["b"]}
    if is_augmented:
        weights = {"weights": [*values["w"], values["b"]], "augmented": True}
    return weights | {"activation": "relu", "inputs": values["X"]}


@pytest.mark.parametrize("is_augmented", [False, True])
def test_a_neuron_takes_the_step_that_is_worked_by_hand(is_augmented):
    case = CASES["sgd-step-numeric"]
    values, expected = case["values"], case["expected"]
    neuron = neuron_of(values, is_augmented=is_augmented)
    judged = neuron | {"targets": values["y"]}
    optimizer = {"kind": "sgd", "learning_rate": values["eta"]}

    forward = post("/v1/neuron/forward", neuron)
    gradient = post("/v1/neuron/gradient", judged)
    step = post("/v1/neuron/step", judged | {"optimizer": optimizer})

    # The numbers are short decimals: a few units in the last place is all that may differ.
    close = {"rtol": 1e-15, "atol": 1e-15}
    for answer in (forward, gradient, step):
        np.testing.assert_allclose(array(answer["pre_activations"]), expected["z"], **close)
        np.testing.assert_allclose(
            array(answer["activations"]), expected["activation"], **close
        )
    moved, slopes = array(step["weights"]), array(gradient["gradients"]["weights"])
    next_weights, wanted = expected["w_next"], expected["grad_w"]
    if is_augmented:
        next_weights = [*expected["w_next"], expected["b_next"]]
        wanted = expected["grad_w_hat"]
    else:
        np.testing.assert_allclose(array(step["bias"]), expected["b_next"], **close)
        np.testing.assert_allclose(
            array(gradient["gradients"]["bias"]), expected["grad_b"], **close
        )
    np.testing.assert_allclose(slopes, wanted, **close)
    np.testing.assert_allclose(moved, next_weights, **close)
    assert step["gradients"] == gradient["gradients"]
    assert step["loss"] == gradient["loss"] == expected["loss"]
    assert array(gradient["active"]).tolist() == expected["active"]
    wrong = case["wrong_if_cases_outside_sum"]["grad_w"]
    assert not np.allclose(slopes[:2], wrong)
    assert not np.allclose(moved[:2], np.array(values["w"]) - values["eta"] * np.array(wrong))


def test_the_step_of_an_expression_is_the_one_worked_by_hand():
    case = CASES["sgd-step-numeric"]
    values, expected = case["values"], case["expected"]

    step = post(
        "/v1/step",
        {
            "expression": case["loss_expr"],
            "variables": {name: values[name] for name in "wbXy"},
            "parameters": ["w", "b"],
            "optimizer": {"kind": "sgd", "learning_rate": values["eta"]},
        },
    )

    # The numbers are short decimals: a few units in the last place is all that may differ.
    for name in ("w", "b"):
        np.testing.assert_allclose(
            array(step["parameters"][name]), expected[f"{name}_next"], rtol=1e-15, atol=1e-15
        )


# Entries of the paper's sections 5 and 6 that a neuron's request answers, and which number.
NEURON_ENTRIES = {
    "activation-w": ("unit", "weights"),
    "activation-w-active": ("unit", "weights"),
    "activation-w-inactive": ("unit", "weights"),
    "activation-b": ("unit", "bias"),
    "activation-b-active": ("unit", "bias"),
    "activation-b-inactive": ("unit", "bias"),
    "activation-x": ("unit", "inputs"),
    "loss-single-w": ("single", "weights"),
    "loss-w": ("all", "weights"),
    "loss-w-all-active": ("all", "weights"),
    "loss-b": ("all", "bias"),
    "loss-b-all-active": ("all", "bias"),
}


def request_of(kind, values, sizes):
    """The neuron of an entry; `unit`: the loss's derivative by the activation is 1."""
    neuron = {"weights": values["w"].tolist(), "bias": float(values["b"]), "activation": "relu"}
    if kind == "all":
        return neuron | {"inputs": values["X"].tolist(), "targets": values["y"].tolist()}
    given = max(0.0, float(values["w"] @ values["x"] + values["b"]))
    target = float(values["t"]) if kind == "single" else given - 0.5
    return neuron | {"inputs": [values["x"].tolist()], "targets": [target]}


@pytest.mark.parametrize("name", NEURON_ENTRIES)
def test_a_neuron_has_the_gradient_of_the_paper(name, rng):
    case, (kind, field) = CASES[name], NEURON_ENTRIES[name]

    for sizes, values in points(case, rng):
        body = request_of(kind, values, sizes) | {"with_input_gradient": True}
        answer = post("/v1/neuron/gradient", body)

        found = array(answer["gradients"][field])
        found = found[0] if field == "inputs" else found
        assert_equal_to_12_digits(found, numpy_value(case["expected_numpy"], values, sizes))


def test_the_errors_of_a_neuron_are_the_e_of_the_paper(rng):
    case = CASES["loss-w"]

    for sizes, values in points(case, rng):
        answer = post("/v1/neuron/gradient", request_of("all", values, sizes))

        z = values["X"] @ values["w"] + values["b"]
        np.testing.assert_allclose(
            array(answer["errors"]), np.where(z > 0, z - values["y"], 0), rtol=1e-12, atol=1e-12
        )


def test_every_entry_of_the_file_is_checked_here():
    tables = {name for name, case in CASES.items() if "checked_by" in case}
    checked = {name for table in tables for name in CASES[table]["checked_by"]}

    assert set(CASES) == {*DIFFERENTIATED, *tables, "sgd-step-numeric"}
    assert checked <= set(DIFFERENTIATED)
    assert all(case["layout"] == "denominator" for case in CASES.values() if "layout" in case)
