"""The three operations through HTTP: right numbers, in answers that fit their models."""

import numpy as np
import orjson
import pytest

from service.api.schemas.answers import (
    EvaluateAnswer,
    GradientAnswer,
    HessianAnswer,
    HvpAnswer,
    JacobianAnswer,
    JvpAnswer,
    VjpAnswer,
)

pytestmark = pytest.mark.anyio

MODELS = {
    "evaluate": EvaluateAnswer,
    "gradient": GradientAnswer,
    "jacobian": JacobianAnswer,
    "hessian": HessianAnswer,
    "jvp": JvpAnswer,
    "vjp": VjpAnswer,
    "hvp": HvpAnswer,
}


async def ask(client, operation, expression, variables, **options):
    body = {"expression": expression, "variables": variables} | options
    response = await client.post(f"/v1/{operation}", json=body)
    assert response.status_code == 200, response.text
    return MODELS[operation].model_validate_json(response.content)


def array(tensor):
    return np.array(tensor.data).reshape(tensor.shape)


async def test_a_value_comes_with_its_shape(client):
    answer = await ask(
        client, "evaluate", "A @ x", {"A": [[1, 2], [3, 4], [5, 6]], "x": [1, -1]}
    )

    assert answer.value.shape == [3]
    assert answer.value.dtype == "float64"
    assert answer.value.data == [-1.0, -1.0, -1.0]


async def test_a_scalar_has_the_shape_of_none(client):
    answer = await ask(client, "evaluate", "2 * x", {"x": 3})

    assert (answer.value.shape, answer.value.data) == ([], [6.0])


async def test_a_gradient_has_its_variable_s_shape(client):
    answer = await ask(
        client, "gradient", "sum(w * x) + b", {"w": [1, 2, 3], "x": [4, 5, 6], "b": 0.5}
    )

    assert array(answer.value) == 32.5
    assert array(answer.gradients["w"]).tolist() == [4, 5, 6]
    assert array(answer.gradients["x"]).tolist() == [1, 2, 3]
    assert array(answer.gradients["b"]).tolist() == 1


async def test_only_the_variables_of_wrt_are_answered(client):
    answer = await ask(client, "gradient", "x * y", {"x": 2, "y": 3}, wrt=["y"])

    assert {name: g.data for name, g in answer.gradients.items()} == {"y": [2.0]}


async def test_null_for_wrt_asks_for_all_variables(client):
    answer = await ask(client, "jacobian", "x * y", {"x": 2, "y": 3}, wrt=None)

    assert set(answer.jacobians) == {"x", "y"}


async def test_a_zero_jacobian_is_told_as_zero(client):
    answer = await ask(client, "jacobian", "w > x", {"w": [1, 2], "x": [2, 1]}, wrt=["w"])

    assert answer.jacobians["w"].structure == "zero"
    assert answer.jacobians["w"].shape == [2, 2]


async def test_an_identity_jacobian_has_its_scale(client):
    answer = await ask(client, "jacobian", "w - x", {"w": [1, 2], "x": [2, 1]})

    assert answer.jacobians["w"].structure == answer.jacobians["x"].structure == "identity"
    assert (answer.jacobians["w"].scale, answer.jacobians["x"].scale) == (1.0, -1.0)


async def test_a_diagonal_jacobian_holds_its_diagonal(client):
    answer = await ask(client, "jacobian", "x**2", {"x": [1, 2, 3]})

    assert answer.jacobians["x"].structure == "diagonal"
    assert answer.jacobians["x"].shape == [3, 3]
    assert answer.jacobians["x"].diagonal.data == [2.0, 4.0, 6.0]


async def test_a_dense_jacobian_holds_all_numbers(client):
    answer = await ask(
        client, "jacobian", "A @ x", {"A": [[1, 2, 3], [4, 5, 6]], "x": [1, 1, 1]}
    )

    assert answer.jacobians["x"].structure == "dense"
    assert array(answer.jacobians["x"].tensor).tolist() == [[1, 2, 3], [4, 5, 6]]


async def test_a_factored_jacobian_multiplies_out_to_the_dense_one(client):
    rng = np.random.default_rng(5)
    variables = {"U": rng.normal(size=(6, 3)).tolist(), "V": rng.normal(size=(5, 3)).tolist()}

    factored = await ask(client, "jacobian", "U @ V.T", variables, wrt=["U"])
    dense = await ask(
        client, "jacobian", "U @ V.T", variables, wrt=["U"], representation="dense"
    )

    assert factored.jacobians["U"].structure == "factored"
    numbers = sum(
        term.coefficient * np.einsum(term.equation, *map(factor_array, term.factors))
        for term in factored.jacobians["U"].terms
    )
    np.testing.assert_allclose(numbers, array(dense.jacobians["U"].tensor), rtol=1e-13)


def factor_array(factor):
    if factor.kind == "identity":
        return np.eye(factor.size)
    return np.ones(factor.size) if factor.kind == "ones" else array(factor.tensor)


async def test_a_tensor_object_gives_the_same_as_nested_arrays(client):
    flat = {"shape": [2, 2], "dtype": "float64", "data": [1, 2, 3, 4]}

    nested = await ask(client, "evaluate", "A @ A", {"A": [[1, 2], [3, 4]]})
    answered = await ask(client, "evaluate", "A @ A", {"A": flat})

    assert answered.value == nested.value


async def test_numbers_travel_exactly(client):
    numbers = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2**53 + 2.0]

    answer = await ask(client, "evaluate", "x", {"x": numbers})

    assert [x.hex() for x in answer.value.data] == [float(x).hex() for x in numbers]


async def test_kinks_and_layout_are_told_in_the_conventions(client):
    answer = await ask(client, "jacobian", "maximum(0, x)", {"x": [-1, 0, 2]})

    (kink,) = answer.conventions.kinks
    assert (answer.conventions.layout, answer.conventions.loss_factor) == ("numerator", None)
    assert (kink.expression, kink.start, kink.end) == ("maximum(0, x)", 0, 13)
    assert (kink.count, kink.positions) == (1, [[1]])


async def test_an_unused_variable_is_zero_and_warned_of(client):
    answer = await ask(client, "jacobian", "2 * x", {"x": 1, "b": [1, 2]})

    assert answer.jacobians["b"].structure == "zero"
    assert [warning.code for warning in answer.warnings] == ["unused_variable"]


async def test_large_bodies_and_answers_pass_through_threads(client):
    numbers = np.random.default_rng(2).normal(size=60_000)

    answer = await ask(client, "jacobian", "x**2", {"x": numbers.tolist()})

    assert np.array_equal(array(answer.jacobians["x"].diagonal), 2 * numbers)


async def test_an_answer_never_holds_what_is_not_json(client):
    response = await client.post(
        "/v1/evaluate", json={"expression": "log(x)", "variables": {"x": [1, 0]}}
    )

    assert response.status_code == 422
    assert response.json()["code"] == "non_finite_result"
    assert orjson.loads(response.content)


@pytest.mark.parametrize(
    ("expression", "code", "start", "end", "text"),
    [
        ("softmx(x)", "unknown_function", 0, 6, "did you mean 'softmax'?"),
        ("x +", "syntax_error", 3, 3, "unexpected end of the expression"),
        ("x + q", "unknown_name", 4, 5, "'q'"),
        ("α + 3x", "syntax_error", 5, 6, "3*x"),
    ],
)
async def test_an_expression_s_error_has_its_place_and_a_caret(
    client, expression, code, start, end, text
):
    response = await client.post(
        "/v1/jacobian", json={"expression": expression, "variables": {"x": [1, 2], "α": 1}}
    )

    problem = response.json()
    (error,) = problem["errors"]
    assert (response.status_code, problem["code"]) == (422, code)
    assert (error["pointer"], error["start"], error["end"]) == ("/expression", start, end)
    assert text in error["message"] + str(error["hint"])
    assert error["message"].endswith("^" * max(1, end - start))
    assert "\n" not in problem["detail"]


QUADRATIC = {"x": [1, 2], "A": [[2, 1], [0, 3]]}


async def test_a_hessian_is_by_two_names(client):
    answer = await ask(client, "hessian", "x @ A @ x + sum(x**3)", QUADRATIC, wrt=["x"])

    assert array(answer.hessians["x"]["x"].tensor).tolist() == [[10, 1], [1, 18]]


async def test_products_with_derivatives_have_the_shapes_of_values_and_variables(client):
    pushed = await ask(client, "jvp", "A @ x", QUADRATIC, tangents={"x": [1, -1]})
    pulled = await ask(client, "vjp", "A @ x", QUADRATIC, cotangent=[1, -1], wrt=["x"])
    curved = await ask(client, "hvp", "x @ A @ x", QUADRATIC, vectors={"x": [1, -1]})

    assert array(pushed.jvp).tolist() == [1, -3]
    assert array(pulled.vjp["x"]).tolist() == [2, -2]
    assert array(curved.hvp["x"]).tolist() == [3, -5]


async def test_many_directions_have_a_leading_axis(client):
    many = {"tangents": {"x": [[1, 0], [0, 1], [1, 1]]}, "many": True}

    answer = await ask(client, "jvp", "A @ x", QUADRATIC, **many)

    assert answer.jvp.shape == [3, 2]
    assert array(answer.jvp).tolist() == [[2, 0], [1, 3], [3, 3]]


async def test_a_batch_has_its_samples_in_front(client):
    samples = {"x": [[1, 2], [3, 4], [5, 6]], "w": [1, -1]}

    answer = await ask(client, "gradient", "(w @ x)**2", samples, batch=["x"], wrt=["w"])

    assert answer.value.data == [1, 1, 1]
    assert array(answer.gradients["w"]).tolist() == [[-2, -4], [-6, -8], [-10, -12]]


async def test_stacked_jacobians_name_their_columns(client):
    answer = await ask(client, "jacobian", "A @ x", QUADRATIC, wrt=["x", "A"], stack=True)

    assert answer.stacked.jacobian.shape == [2, 6]
    assert array(answer.stacked.jacobian.tensor).tolist() == [
        [2, 1, 1, 2, 0, 0],
        [0, 3, 0, 0, 1, 2],
    ]
    assert [(c.name, c.start, c.stop) for c in answer.stacked.columns] == [
        ("x", 0, 2),
        ("A", 2, 6),
    ]


async def test_null_stands_for_what_is_not_finite_where_it_is_allowed(client):
    answer = await ask(client, "jacobian", "log(x)", {"x": [0, 2]}, nonfinite="allow")

    assert answer.value.data == [None, np.log(2)]
    assert answer.jacobians["x"].diagonal.data == [None, 0.5]
    assert [(w.code, w.pointer) for w in answer.warnings] == [
        ("non_finite_result", "/value"),
        ("non_finite_result", "/jacobians/x/diagonal"),
    ]


@pytest.mark.parametrize(
    ("operation", "fields", "pointer"),
    [
        ("jvp", {}, ""),
        ("jvp", {"tangents": {}}, "/tangents"),
        ("jvp", {"tangents": {"x": "1"}}, "/tangents/x"),
        ("jvp", {"tangents": {"x": [1, 2, 3]}}, "/tangents/x"),
        ("jvp", {"tangents": {"z": [1, 2]}}, "/tangents/z"),
        ("vjp", {"cotangent": None}, "/cotangent"),
        ("vjp", {"cotangent": [[1, 2]]}, "/cotangent"),
        ("hvp", {"vectors": {"x": [1, 2]}, "wrt": ["x", "A"]}, "/vectors"),
        ("hessian", {"stack": True}, "/stack"),
    ],
)
async def test_a_direction_s_error_has_its_pointer(client, operation, fields, pointer):
    expression = "x @ A @ x" if operation in ("hvp", "hessian") else "A @ x"
    body = {"expression": expression, "variables": QUADRATIC} | fields

    response = await client.post(f"/v1/{operation}", json=body)

    (error, *_) = response.json()["errors"]
    assert (response.status_code, error["pointer"]) == (422, pointer)


async def test_a_batch_of_requests_has_an_answer_or_problem_for_each(client):
    requests = [
        {"operation": "gradient", "body": {"expression": "x**2", "variables": {"x": 3}}},
        {"operation": "gradient", "body": {"expression": "x**", "variables": {"x": 3}}},
        {"operation": "jvp", "body": {"expression": "x", "variables": {"x": "1"}}},
        {"operation": "gradiant", "body": {}},
        {"operation": "evaluate"},
    ]

    response = await client.post("/v1/batch", json={"requests": requests})

    answered = response.json()["responses"]
    codes = [r["body"].get("code") for r in answered]
    alone = await client.post("/v1/gradient", json=requests[1]["body"])
    assert response.status_code == 200
    assert [r["status"] for r in answered] == [200, 422, 422, 422, 422]
    assert codes == [None, "syntax_error", "validation", "validation", "validation"]
    assert GradientAnswer.model_validate(answered[0]["body"]).gradients["x"].data == [6]
    assert answered[1]["body"]["errors"] == alone.json()["errors"]
    assert {e["pointer"] for e in answered[2]["body"]["errors"]} == {"/variables/x", ""}
    assert "did you mean 'gradient'?" in answered[3]["body"]["errors"][0]["hint"]


async def test_the_requests_of_a_batch_share_one_budget(client):
    body = {"expression": "sum(x[:, None] * x) * x", "variables": {"x": [1.5] * 2500}}
    item = {"operation": "jacobian", "body": body | {"representation": "dense"}}

    response = await client.post("/v1/batch", json={"requests": [item, item]})

    first, second = response.json()["responses"]
    assert first["status"] == 200
    assert (second["status"], second["body"]["code"]) == (422, "budget_exceeded")
    assert "before it in the batch" in second["body"]["detail"]


@pytest.mark.parametrize("requests", [[], [1], {}, [{}] * 1001])
async def test_a_batch_that_is_none_is_refused(client, requests):
    response = await client.post("/v1/batch", json={"requests": requests})

    assert (response.status_code, response.json()["code"]) == (422, "validation")


async def test_the_other_dialect_has_the_meaning_of_its_site(client):
    values = {"A": [[2, 1], [1, 3]], "x": [1, -1]}
    answer = await ask(
        client, "gradient", "x'*A*x", values, dialect="matrixcalculus", wrt=["x"]
    )

    assert answer.gradients["x"].data == [2.0, -4.0]


async def test_the_other_dialect_names_its_own_mistakes(client):
    body = {"expression": "x*x", "variables": {"x": [1, 2]}, "dialect": "matrixcalculus"}
    response = await client.post("/v1/evaluate", json=body)

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "shape_mismatch")
    assert (problem["errors"][0]["start"], problem["errors"][0]["end"]) == (0, 3)


NEURON_TREE = {
    "op": "maximum",
    "args": [0, {"op": "add", "args": [{"op": "matmul", "args": ["w", "x"]}, "b"]}],
}


async def test_a_tree_is_answered_as_its_text(client):
    values = {"w": [1, 2, 3], "x": [0.5, -1, 2], "b": 0.25}

    tree = await ask(client, "gradient", NEURON_TREE, values)
    text = await ask(client, "gradient", "maximum(0, w @ x + b)", values)

    assert tree.gradients == text.gradients
    assert tree.value == text.value
    assert (await ask(client, "evaluate", 2.5, {})).value.data == [2.5]


@pytest.mark.parametrize(
    ("tree", "code", "pointer", "message"),
    [
        (
            {"op": "sin", "args": [{"op": "matmul", "args": ["w", "A"]}]},
            "shape_mismatch",
            "/expression/args/0",
            "cannot multiply w (3) by A (2×2): the inner dimensions 3 and 2 differ\n"
            "line 1, column 5\nsin(w @ A)\n    ^^^^^",
        ),
        (
            {"op": "add", "args": ["w", "v"]},
            "unknown_name",
            "/expression/args/1",
            "unknown name 'v'",
        ),
        (
            {"op": "log", "args": [{"op": "multiply", "args": [-1, "w"]}]},
            "non_finite_result",
            "/expression",
            "log",
        ),
        (
            {"op": "sum", "args": ["w"], "options": {"axis": 4}},
            "shape_mismatch",
            "/expression",
            "axis 4 does not exist",
        ),
        (
            {"op": "sum", "args": ["w"], "options": {"axes": 0}},
            "wrong_arguments",
            "/expression",
            "sum has no option 'axes'",
        ),
        ({"op": "sgn", "args": []}, "wrong_arguments", "/expression", "takes 1 argument"),
        ({"op": "sigmo", "args": []}, "unknown_function", "/expression/op", "mean 'sigmoid'"),
        ({"op": "add", "args": [1, [2]]}, "validation", "/expression/args/1", "an array"),
        (None, "validation", "/expression", "found null, expected a string, or a tree"),
        ([1], "validation", "/expression", "found an array, expected a string, or a tree"),
    ],
)
async def test_a_mistake_in_a_tree_is_told_at_its_pointer(client, tree, code, pointer, message):
    variables = {"w": [1, 2, 3], "A": [[1, 2], [3, 4]]}
    response = await client.post(
        "/v1/evaluate", json={"expression": tree, "variables": variables}
    )

    problem = response.json()
    error = problem["errors"][0]
    assert (problem["code"], error["pointer"]) == (code, pointer), problem
    assert message in error["message"]
    assert (error["start"], error["end"]) == (None, None)


async def test_the_other_dialect_locates_what_is_not_finite(client):
    body = {
        "expression": "v'*log(v) + v'*v",
        "variables": {"v": [1, -1]},
        "dialect": "matrixcalculus",
    }
    response = await client.post("/v1/gradient", json=body)

    problem = response.json()
    assert (response.status_code, problem["code"]) == (422, "non_finite_result"), problem
    assert (problem["errors"][0]["start"], problem["errors"][0]["end"]) == (3, 9)
