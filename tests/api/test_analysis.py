"""The analysis of expressions through HTTP: text, tree, shapes, assumptions, cost."""

import pytest

from service.api.schemas.analysis import AnalyzeAnswer

pytestmark = pytest.mark.anyio


async def analyzed(client, expression, **fields):
    response = await client.post("/v1/analyze", json={"expression": expression} | fields)
    assert response.status_code == 200, response.text
    AnalyzeAnswer.model_validate_json(response.content)
    return response.json()


async def refused(client, expression, **fields):
    response = await client.post("/v1/analyze", json={"expression": expression} | fields)
    problem = response.json()
    assert response.status_code == 422, problem
    error = problem["errors"][0]
    return problem["code"], error["pointer"], error["message"]


async def test_an_expression_is_told_with_the_shapes_its_names_give_it(client):
    found = await analyzed(client, "A  @ (x)+ b")

    assert found["text"] == "A @ x + b"
    assert found["tree"] == {"op": "add", "args": [{"op": "matmul", "args": ["A", "x"]}, "b"]}
    assert found["shape"] == ["n"]
    assert found["variables"] == {
        "A": {"shape": ["n", "m"]},
        "x": {"shape": ["m"]},
        "b": {"shape": []},
    }
    assert found["assumptions"] == [
        {
            "name": "A",
            "shape": ["n", "m"],
            "message": "A is a matrix: the letters A to Z are, where no shape is given",
        },
        {
            "name": "x",
            "shape": ["m"],
            "message": "x is a vector: the letters h to z are, where no shape is given",
        },
        {
            "name": "b",
            "shape": [],
            "message": "b is a scalar: the letters a to g are, where no shape is given",
        },
    ]
    assert found["cost"] is None
    assert found["conventions"] == {"layout": "numerator", "loss_factor": None, "kinks": []}
    assert found["warnings"] == []


async def test_shapes_may_be_numbers_names_and_sums_of_both(client):
    shapes = {"x": ["n+1"], "A": ["m", "n"], "unused": [3]}

    found = await analyzed(client, "A @ (x[1:] - x[:-1]) / n + ones(m)", shapes=shapes)

    assert found["shape"] == ["m"]
    assert found["variables"]["x"] == {"shape": ["n+1"]}
    assert found["assumptions"] == []
    assert [w["code"] for w in found["warnings"]] == ["unused_variable"]
    assert found["warnings"][0]["pointer"] == "/shapes/unused"


async def test_the_cost_of_a_sized_expression_is_that_of_its_value(client):
    values = {"A": [[1, 2], [3, 4], [5, 6]], "x": [1, 2]}

    found = await analyzed(client, "A @ x", variables=values)
    run = (
        await client.post("/v1/evaluate", json={"expression": "A @ x", "variables": values})
    ).json()

    assert found["shape"] == [3]
    assert found["cost"] == {n: run["cost"][n] for n in found["cost"]}
    assert set(run["cost"]) - set(found["cost"]) == {"seconds"}


async def test_a_cost_beyond_every_budget_is_told_and_not_spent(client):
    shapes = {"A": [2**40, 2**40], "x": [2**40]}

    found = await analyzed(client, "sum(A @ A @ x)", shapes=shapes)

    assert found["cost"]["flops"] > 2**62


async def test_the_tree_of_an_answer_is_taken_instead_of_the_text(client):
    text = "u = w * x; where(sum(u, axis=0) > 0, [u, -u**2][:, 1:3], einsum('i->', u) * 1e-7)"
    shapes = {"w": [4], "x": [4]}

    once = await analyzed(client, text, shapes=shapes)
    again = await analyzed(client, once["tree"], shapes=shapes)

    assert again == once
    assert (await analyzed(client, once["text"], shapes=shapes)) == once


async def test_the_other_dialect_is_told_in_numpy_s_meaning(client):
    found = await analyzed(client, "norm2(A*x-y)^2", dialect="matrixcalculus")

    assert found["text"] == "norm2(A @ x - y)**2"
    assert found["variables"]["A"] == {"shape": ["n", "m"]}


async def test_a_tree_deeper_than_a_recursion_goes_is_written(client):
    body = {"expression": " - ".join(["b"] * 400)}

    found = (await client.post("/v1/analyze", json=body)).json()
    again = (await client.post("/v1/analyze", json={"expression": found["tree"]})).json()

    assert found["text"] == body["expression"]
    assert again == found


@pytest.mark.parametrize(
    ("expression", "fields", "code", "pointer", "message"),
    [
        ("A @ x", {"shapes": {"A": ["m", "n"], "x": ["k"]}}, "shape_mismatch", "/expression",
         "cannot multiply A (m×n) by x (k): the inner dimensions n and k differ"),
        ("x", {"shapes": {"x": ["n*"]}}, "validation", "/shapes/x/0", "found 'n*', expected"),
        ("x", {"shapes": {"x": [0]}}, "validation", "/shapes/x/0", "found the number 0"),
        ("x", {"shapes": {"x": [True]}}, "validation", "/shapes/x/0", "found true"),
        ("x", {"shapes": {"x": ["-n"]}}, "validation", "/shapes/x/0", "found '-n'"),
        ("x", {"shapes": {"x": ["n" * 65]}}, "validation", "/shapes/x/0", "expected a whole"),
        ("x", {"shapes": {"x": [2**63]}}, "validation", "/shapes/x/0", "expected a whole"),
        ("x", {"shapes": {"x": 3}}, "validation", "/shapes/x", "expected an array of sizes"),
        ("x", {"shapes": {"x": [2] * 9}}, "over_limit", "/shapes/x", "found 9 axes"),
        ("x", {"shapes": {"2": [2]}}, "validation", "/shapes/2", "found the name '2'"),
        ("x", {"shapes": {"x": [2]}, "variables": {"x": [1]}}, "validation", "/shapes/x",
         "found 'x' in shapes and in variables"),
        ("sigmod(x)", {}, "unknown_function", "/expression", "did you mean 'sigmoid'?"),
        ({"op": "sin", "args": [{"op": "matmul", "args": ["b", "x"]}]}, {}, "shape_mismatch",
         "/expression/args/0", "cannot multiply b (scalar) by x (?)"),
        ("x +", {}, "syntax_error", "/expression", "expected"),
        ("x", {"wrt": ["x"]}, "validation", "/wrt", "unknown field 'wrt'"),
    ],
)  # fmt: skip
async def test_a_mistake_is_told_at_its_place(
    client, expression, fields, code, pointer, message
):
    found = await refused(client, expression, **fields)

    assert found[:2] == (code, pointer), found
    assert message in found[2]


async def test_a_batch_takes_analyses(client):
    body = {"requests": [
        {"operation": "analyze", "body": {"expression": "A @ x"}},
        {"operation": "analyze", "body": {"expression": "A @"}},
    ]}  # fmt: skip
    found = (await client.post("/v1/batch", json=body)).json()["responses"]

    assert [r["status"] for r in found] == [200, 422]
    assert found[0]["body"]["text"] == "A @ x"
