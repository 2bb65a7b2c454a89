"""Derivations and checks through HTTP: every form, assumptions, layouts, errors with places."""

import re
import xml.etree.ElementTree as ET

import pytest

from service.api.schemas.claims import CheckAnswer
from service.api.schemas.derivation import DeriveAnswer

pytestmark = pytest.mark.anyio

NEURON = {
    "expression": "mean((y - maximum(0, X @ w + b))**2)",
    "shapes": {"X": ["N", "n"], "w": ["n"], "y": ["N"], "b": []},
}
QUADRATIC = {"A": [[1, 2], [3, 4]], "x": [1, -1]}


async def derived(client, **body):
    response = await client.post("/v1/derive", json=body)
    assert response.status_code == 200, response.text
    DeriveAnswer.model_validate_json(response.content)
    return response.json()


async def refused(client, route, **body):
    response = await client.post(route, json=body)
    problem = response.json()
    assert response.status_code == 422, problem
    error = problem["errors"][0]
    return problem["code"], error["pointer"], error["message"]


async def test_a_neuron_s_gradient_is_derived_in_every_form(client):
    found = await derived(client, **NEURON, wrt=["w", "b"], steps=True)
    by_w, by_b = found["derivatives"]["w"], found["derivatives"]["b"]

    assert by_w["text"] == "2 / N * (((X @ w + b > 0) * (X @ w + b - y)) @ X)"
    assert by_w["notation"] == "2/N ((Xw + b > 0) ⊙ (Xw + b − y))ᵀX"
    assert by_w["latex"].startswith(r"\frac{2}{N}(1[X \mathbf{w} + b > 0] \odot")
    assert by_w["index_notation"] == (
        "2/N Σ_j (b - y_j + Σ_k X_jk w_k) X_ji [b + Σ_k X_jk w_k > 0]"
    )
    assert by_w["structure"] == "dense"
    assert by_w["shape"] == ["n"]
    assert [s["symbol"] for s in by_w["steps"]] == ["u1", "u2", "u3", "u4", "u5", "f"]
    assert by_w["steps"][-1]["becomes"]["text"] == by_w["text"]
    assert by_b["shape"] == []
    assert found["conventions"]["layout"] == "numerator"
    assert found["cost"] is None


async def test_mathml_is_one_element_with_stretching_fences_and_the_minus_sign(client):
    found = await derived(client, expression="(A @ x - y) @ (A @ x - y)", wrt=["x"])
    text = found["derivatives"]["x"]["mathml"]

    root = ET.fromstring(text)

    assert root.tag.endswith("math")
    assert 'stretchy="true"' in text
    assert "−" in text
    assert "-" not in "".join(root.itertext())


async def test_the_steps_have_numbers_where_values_are_given(client):
    found = await derived(
        client, expression="x @ A @ x", variables=QUADRATIC, wrt=["x"], steps=True
    )
    step = found["derivatives"]["x"]["steps"][0]

    assert step["value"]["data"] == [-2.0, -2.0]
    assert step["local_value"] == step["partials"][0]["value"]
    assert found["cost"]["flops"] > 0


async def test_without_values_the_steps_have_none(client):
    found = await derived(client, **NEURON, wrt=["w"], steps=True)

    assert {s["value"] for s in found["derivatives"]["w"]["steps"]} == {None}


async def test_undeclared_names_are_assumed_and_told(client):
    found = await derived(client, expression="A @ x + b")

    assert [a["name"] for a in found["assumptions"]] == ["A", "x", "b"]
    assert [*found["derivatives"]] == ["A", "x", "b"]
    assert found["derivatives"]["b"]["text"] == "ones(n)"


async def test_the_denominator_layout_is_the_transpose(client):
    shapes = {"A": ["m", "n"], "x": ["n"]}
    found = await derived(
        client, expression="A @ x", shapes=shapes, wrt=["x"], layout="denominator"
    )

    assert found["derivatives"]["x"]["text"] == "A.T"
    assert found["derivatives"]["x"]["shape"] == ["n", "m"]
    assert found["conventions"]["layout"] == "denominator"


async def test_a_second_derivative_is_that_of_a_scalar(client):
    found = await derived(client, expression="x @ A @ x", wrt=["x"], order=2)

    assert found["derivatives"]["x"]["text"] == "A + A.T"

    code, pointer, message = await refused(
        client, "/v1/derive", expression="A @ x", wrt=["x"], order=2
    )
    assert code == "not_scalar"
    assert pointer == "/expression"
    assert message.startswith("the second derivative is that of a scalar expression, not of a")


async def test_a_tree_is_derived_and_its_mistakes_have_pointers(client):
    tree = {"op": "norm2", "args": ["x"]}
    found = await derived(client, expression=tree, wrt=["x"])
    assert found["derivatives"]["x"]["text"] == "normalize(x)"

    wrong = {"op": "matmul", "args": ["A", "x"]}
    shapes = {"A": [2, 3], "x": [2]}
    code, pointer, _ = await refused(client, "/v1/derive", expression=wrong, shapes=shapes)
    assert (code, pointer) == ("shape_mismatch", "/expression")


async def test_a_name_that_no_variable_has_is_unknown(client):
    problem = await refused(client, "/v1/derive", expression="A @ x", wrt=["q"])

    assert problem == ("unknown_name", "/wrt/0", "unknown variable 'q'")


async def test_the_code_has_every_variable_as_a_parameter(client):
    found = await derived(client, **NEURON, wrt=["w"])
    (header,) = re.findall(r"def derivative\((.*)\):", found["derivatives"]["w"]["numpy"])

    assert header == "X, w, y, b"


async def test_a_wrong_claim_is_judged_with_the_exact_derivative(client):
    response = await client.post(
        "/v1/check",
        json={
            "expression": "x @ A @ x",
            "variables": QUADRATIC,
            "wrt": "x",
            "claim": {"kind": "numbers", "tensor": [3, 1]},
        },
    )
    assert response.status_code == 200, response.text
    CheckAnswer.model_validate_json(response.content)
    found = response.json()

    assert found["verdict"] == "wrong"
    assert found["exact"]["tensor"]["data"] == [-3.0, -3.0]
    assert found["largest_error"] == 6.0
    assert found["mistake"] is None


@pytest.mark.parametrize(
    ("claim", "pointer", "message"),
    [
        (
            {"tensor": [1]},
            "/claim",
            "found no field 'kind', but it is required: 'numbers' or 'expression'",
        ),
        ({"kind": "guess"}, "/claim/kind", "found 'guess', expected 'numbers' or 'expression'"),
        ({"kind": []}, "/claim/kind", "found an array, expected 'numbers' or 'expression'"),
        ({"kind": "numbers"}, "/claim", "found no field 'tensor', but it is required"),
        ({"kind": "expression"}, "/claim", "found no field 'expression', but it is required"),
        (
            {"kind": "numbers", "tensor": [1], "at": 1},
            "/claim/at",
            "found the unknown field 'at', expected kind, tensor",
        ),
        (
            {"kind": "expression", "expression": [1]},
            "/claim/expression",
            "found an array, expected a string, or a tree with op and args",
        ),
        ([1], "/claim", "found an array, expected an object"),
    ],
)
async def test_a_mistaken_claim_is_refused_with_its_place(client, claim, pointer, message):
    request = {"expression": "sum(x)", "variables": {"x": [1]}, "wrt": "x", "claim": claim}

    assert await refused(client, "/v1/check", **request) == ("validation", pointer, message)


async def test_derivations_and_checks_are_answered_in_a_batch(client):
    requests = [
        {"operation": "derive", "body": {"expression": "x @ x", "wrt": ["x"]}},
        {
            "operation": "check",
            "body": {
                "expression": "x @ x",
                "variables": {"x": [1, 2]},
                "wrt": "x",
                "claim": {"kind": "expression", "expression": "2 * x"},
            },
        },
    ]
    response = await client.post("/v1/batch", json={"requests": requests})
    first, second = response.json()["responses"]

    assert first["body"]["derivatives"]["x"]["text"] == "2 * x"
    assert second["body"]["verdict"] == "correct"


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("gradient", {"expression": "x @ A @ x"}),
        ("jacobian", {"expression": "tanh(A @ x)"}),
        ("hessian", {"expression": "exp(x @ A @ x / 9)"}),
        ("jvp", {"expression": "tanh(A @ x)", "tangents": {"x": [1, 2]}}),
        ("vjp", {"expression": "tanh(A @ x)", "cotangent": [1, 2]}),
        ("hvp", {"expression": "exp(x @ A @ x / 9)", "vectors": {"x": [1, 2]}}),
    ],
)
async def test_a_derivative_is_certified_where_it_is_asked(client, operation, fields):
    body = {"variables": QUADRATIC, "wrt": ["x"], "certify": True} | fields
    response = await client.post(f"/v1/{operation}", json=body)
    assert response.status_code == 200, response.text

    certificate = response.json()["certificate"]

    assert certificate["verdict"] == "correct"
    assert certificate["taylor_rate"] == pytest.approx(2, abs=0.1)
    assert certificate["largest_error"] < 1e-6


async def test_at_a_kink_a_certificate_is_undecided(client):
    body = {"expression": "sum(relu(x))", "variables": {"x": [0, 1]}, "certify": True}
    response = await client.post("/v1/gradient", json=body)

    assert response.json()["certificate"]["verdict"] == "undecided"


async def test_a_batch_has_no_certificate(client):
    code, pointer, _ = await refused(
        client,
        "/v1/gradient",
        expression="sum(x)",
        variables={"x": [[0, 1]]},
        batch=["x"],
        certify=True,
    )

    assert (code, pointer) == ("validation", "/certify")


async def test_numbers_of_steps_are_left_out_where_they_are_many(client):
    found = await derived(
        client,
        expression="sum(x**2)",
        variables={"x": [1.0] * 20_000},
        wrt=["x"],
        steps=True,
    )
    first, last = found["derivatives"]["x"]["steps"]

    assert first["value"] is None
    assert first["local_value"] is None
    assert last["value"]["data"] == [20_000.0]


async def test_a_size_that_stays_a_name_leaves_numbers_out(client):
    found = await derived(
        client,
        expression="sum(y) * 0 + n * x",
        shapes={"y": ["n"]},
        variables={"x": 2.0},
        wrt=["x"],
        steps=True,
    )

    assert found["derivatives"]["x"]["text"] == "n"
    assert {s["value"] for s in found["derivatives"]["x"]["steps"]} == {None}


async def test_an_order_is_a_number(client):
    problem = await refused(client, "/v1/derive", expression="sum(x)", order=True)

    assert problem == ("validation", "/order", "found true, expected 1 or 2")


@pytest.mark.parametrize("route", ["/v1/derive", "/v1/analyze"])
async def test_a_name_that_is_not_used_is_told_where_it_is_given(client, route):
    body = {
        "expression": "sum(x)",
        "shapes": {"x": ["n"], "y": []},
        "variables": {"A": [[1.0]]},
    }
    found = (await client.post(route, json=body)).json()

    assert [w["pointer"] for w in found["warnings"]] == ["/shapes/y", "/variables/A"]


async def test_a_text_with_a_named_size_can_be_sent_again(client):
    shapes = {"x": ["n"]}
    found = await derived(client, expression="x[-1] * x[0]", shapes=shapes)
    text = found["derivatives"]["x"]["text"]

    again = await client.post("/v1/analyze", json={"expression": text, "shapes": shapes})

    assert text == "x[-1] * onehot(n, 0) + x[0] * onehot(n, n - 1)"
    assert again.status_code == 200, again.text
    assert again.json()["shape"] == ["n"]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
async def test_the_last_step_becomes_the_answer(client, order, layout):
    found = await derived(
        client, expression="x[0] * x[1]", wrt=["x"], order=order, layout=layout, steps=True
    )
    derivative = found["derivatives"]["x"]

    assert derivative["steps"][-1]["becomes"]["text"] == derivative["text"]


async def test_in_denominator_layout_a_step_has_the_shape_of_its_layout(client):
    shapes = {"A": ["m", "n"], "x": ["n"]}
    found = await derived(
        client, expression="A @ x", shapes=shapes, wrt=["x"], layout="denominator", steps=True
    )
    (step,) = found["derivatives"]["x"]["steps"]

    assert step["local_derivative"]["text"] == step["becomes"]["text"] == "A.T"
    assert step["shape"] == ["n", "m"]
