"""A step of an expression through HTTP, steps in batches and in binary, and random bodies."""

import json
import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api.schemas.steps import StepAnswer
from service.training.functions import ACTIVATIONS_BY_NAME, LOSSES_BY_NAME
from service.training.optimizers import OPTIMIZERS_BY_NAME
from service.training.updater import chosen_optimizer
from tests.api.test_safetensors import SAFETENSORS, packed, unpacked
from tests.api.training import array, asked, refused
from tests.reference.through_http import answered

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "2000")) // 10
VARIABLES = {"X": [[1, 2], [3, 1], [2, 2]], "y": [1, 2, 0], "w": [1, -1], "b": 0.5}
STEP = {
    "expression": "mean((y - (X @ w + b))**2)",
    "variables": VARIABLES,
    "parameters": ["w", "b"],
    "optimizer": {"kind": "adam", "learning_rate": 0.1},
}
NEURON = {
    "weights": [1, -1],
    "bias": 0.5,
    "activation": "relu",
    "inputs": [[1, 2], [3, 1], [2, 2]],
    "targets": [1, 2, 0],
    "optimizer": {"kind": "sgd", "learning_rate": 0.3},
}
LAYER = {"weights": [[1, -1], [0.5, 1]], "bias": [0, 0.5], "activation": "tanh"}
NETWORK = {
    "layers": [LAYER, LAYER],
    "inputs": [[1, 2], [3, 1]],
    "targets": [[1, 0], [0, 1]],
    "optimizer": {"kind": "sgd", "learning_rate": 0.3},
}


@pytest.mark.anyio
async def test_a_step_moves_the_parameters_and_tells_all_numbers(client):
    answer = await asked(client, "/v1/step", STEP)
    gradient = await asked(
        client, "/v1/gradient", {k: STEP[k] for k in ("expression", "variables")}
    )

    StepAnswer.model_validate(answer)
    assert answer["value"] == gradient["value"]
    assert answer["gradients"] == {name: gradient["gradients"][name] for name in ("w", "b")}
    assert set(answer["parameters"]) == {"w", "b"}
    slopes = np.append(array(answer["gradients"]["w"]), array(answer["gradients"]["b"]))
    np.testing.assert_allclose(answer["gradient_norm"], np.linalg.norm(slopes), rtol=1e-15)
    assert answer["update_rule"]["text"].startswith("m = β_1 * m_0 + (1 - β_1) * g; v = ")
    assert answer["learning_rate"] == 0.1


@pytest.mark.anyio
async def test_steps_of_an_expression_go_on_from_the_state_of_the_last(client):
    body = STEP | {"variables": dict(VARIABLES)}
    updater = chosen_optimizer(STEP["optimizer"]).updater(3)
    vector = np.array([1, -1, 0.5])

    for _ in range(20):
        answer = await asked(client, "/v1/step", body)
        slopes = np.append(array(answer["gradients"]["w"]), array(answer["gradients"]["b"]))
        updater.step(vector, slopes)
        moved = np.append(array(answer["parameters"]["w"]), array(answer["parameters"]["b"]))
        assert moved.tolist() == vector.tolist()
        body["variables"] |= answer["parameters"]
        body["optimizer_state"] = answer["optimizer_state"]


@pytest.mark.anyio
async def test_a_step_s_gradient_is_clipped_where_it_is_asked_for(client):
    optimizer = {"kind": "sgd", "learning_rate": 1}
    body = STEP | {"optimizer": optimizer, "gradient_clip": {"value": 0.25}}

    answer = await asked(client, "/v1/step", body)

    slopes = array(answer["gradients"]["w"])
    expected = [1, -1] - np.clip(slopes, -0.25, 0.25)
    np.testing.assert_allclose(array(answer["parameters"]["w"]), expected, rtol=1e-15)


@pytest.mark.anyio
async def test_a_parameter_that_the_expression_does_not_use_stays(client):
    body = STEP | {"variables": VARIABLES | {"c": [1, 2]}, "parameters": ["w", "c"]}

    answer = await asked(client, "/v1/step", body)

    assert array(answer["gradients"]["c"]).tolist() == [0, 0]
    assert array(answer["parameters"]["c"]).tolist() == [1, 2]
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["pointer"]) == ("unused_variable", "/variables/c")


# fields, code, pointer, the message's words, the hint's.
ERRORS = [
    ({"parameters": ["w", "q"]}, "unknown_name", "/parameters/1",
     "found the name 'q', expected one of X, y, w, b", None),
    ({"parameters": []}, "validation", "/parameters", "found no names", None),
    ({"parameters": ["w", "w"]}, "validation", "/parameters/1", "found 'w' twice", None),
    ({"parameters": "w"}, "validation", "/parameters", "found a string, expected an array",
     None),
    ({"parameters": None}, "validation", "", "found no field 'parameters'", None),
    ({"wrt": ["w"]}, "validation", "/wrt", "unknown field 'wrt'", None),
    ({"optimizer": {"kind": "sgd"}}, "validation", "/optimizer/learning_rate",
     "found no learning_rate", None),
    ({"optimizer_state": "AAAA"}, "validation", "/optimizer_state", "optimizer_state: ", None),
    ({"gradient_clip": {"norm": -1}}, "domain_error", "/gradient_clip/norm",
     "found norm -1, expected a finite number above 0", None),
    ({"optimizer": {"kind": "sgd", "learning_rate": 1.7e308},
      "variables": VARIABLES | {"y": [100, 2, 0]}}, "non_finite_result",
     "/optimizer/learning_rate", "the step leaves the range of float64", "smaller"),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("row", ERRORS, ids=lambda row: str(row[0])[:60])
async def test_an_error_tells_what_and_where(client, row):
    fields, *expected = row

    await refused(client, "/v1/step", {**STEP, **fields}, *expected)


# expression, code, place, words of the message and of the hint.
LOCATED = [
    ("X @ w", "not_scalar", (0, 5), "a gradient needs a scalar expression",
     "POST /v1/jacobian"),
    ("sum(X @ v)", "unknown_name", (8, 9), "unknown name 'v'", "declared variables"),
    ("sum(log(w))", "non_finite_result", (4, 10), "log(w) at 4–10 is nan", "change the values"),
    ("sum(w", "syntax_error", (3, 4), "unclosed '('", None),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("row", LOCATED, ids=lambda row: row[0])
async def test_an_error_of_the_expression_has_its_place(client, row):
    expression, code, place, message, hint = row

    response = await client.post("/v1/step", json=STEP | {"expression": expression})

    problem = response.json()
    error = problem["errors"][0]
    assert (response.status_code, problem["code"]) == (422, code)
    assert (error["pointer"], error["start"], error["end"]) == ("/expression", *place)
    assert message in error["message"]
    assert hint is None or hint in error["hint"]


@pytest.mark.anyio
async def test_every_operation_is_one_of_a_batch(client):
    judged = {name: NEURON[name] for name in NEURON if name != "optimizer"}
    forward = {name: judged[name] for name in judged if name != "targets"}
    layers = {name: NETWORK[name] for name in ("layers", "inputs")}
    bodies = {
        "neuron/forward": forward,
        "neuron/gradient": judged,
        "neuron/step": NEURON,
        "network/forward": layers,
        "network/gradient": layers | {"targets": [[1, 0], [0, 1]]},
        "network/step": NETWORK,
        "step": STEP,
    }
    requests = [{"operation": name, "body": body} for name, body in bodies.items()]
    wrong = {"operation": "neuron/step", "body": NEURON | {"bias": [1]}}

    batch = await asked(client, "/v1/batch", {"requests": [*requests, wrong]})

    *answers, problem = batch["responses"]
    for request, answer in zip(requests, answers, strict=True):
        alone = await asked(client, f"/v1/{request['operation']}", request["body"])
        alone["cost"]["seconds"] = answer["body"]["cost"]["seconds"]
        assert (answer["status"], answer["body"]) == (200, alone)
    assert (problem["status"], problem["body"]["errors"][0]["pointer"]) == (422, "/bias")


@pytest.mark.anyio
async def test_a_batch_has_the_budget_of_one_request(client):
    rows, width = 40_000, 40
    body = {
        "weights": [0] * width,
        "bias": 0,
        "activation": "tanh",
        "inputs": {"shape": [1, width], "data": [0] * width},
    }
    wide = {
        "layers": [{"weights": [[0.0] * rows], "bias": [0] * rows, "activation": "tanh"}],
        "inputs": [[1]] * width,
    }
    requests = [{"operation": "network/forward", "body": wide}] * 3
    requests.append({"operation": "neuron/forward", "body": body})

    batch = await asked(client, "/v1/batch", {"requests": requests})

    assert [r["status"] for r in batch["responses"]] == [200, 200, 422, 200]
    assert batch["responses"][2]["body"]["code"] == "budget_exceeded"


BINARY = [
    ("neuron/step", NEURON, ("weights", "bias", "inputs", "targets")),
    ("network/step", NETWORK, ("inputs", "targets")),
    ("step", STEP, ()),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("operation", "body", "names"), BINARY)
async def test_arrays_may_come_and_go_as_safetensors(client, operation, body, names):
    rest = {name: value for name, value in body.items() if name not in names}
    arrays = {f"/{name}": np.array(body[name], dtype=float) for name in names}
    if operation == "step":
        rest["variables"] = {}
        arrays = {name: np.array(value, dtype=float) for name, value in VARIABLES.items()}
    if operation == "network/step":
        rest["layers"] = [{"activation": "tanh"}, LAYER]
        arrays |= {f"/layers/0/{n}": np.array(LAYER[n], float) for n in ("weights", "bias")}

    response = await client.post(
        f"/v1/{operation}",
        content=packed(rest, arrays),
        headers={"content-type": SAFETENSORS, "accept": SAFETENSORS},
    )

    assert response.status_code == 200, response.text
    answer, expected = unpacked(response.content), await asked(client, f"/v1/{operation}", body)
    answer["cost"]["seconds"] = expected["cost"]["seconds"]
    assert answer == expected


@pytest.mark.anyio
async def test_a_layer_that_is_not_there_takes_no_array(client):
    content = packed({"layers": []}, {"/layers/0/weights": np.ones((2, 2))})

    response = await client.post(
        "/v1/network/forward", content=content, headers={"content-type": SAFETENSORS}
    )

    assert response.status_code == 422
    assert "has no place in a request" in response.json()["detail"]


@pytest.mark.anyio
async def test_the_info_lists_what_training_may_choose(client):
    info = (await client.get("/v1/info")).json()

    for name, table in (
        ("activations", ACTIVATIONS_BY_NAME),
        ("losses", LOSSES_BY_NAME),
        ("optimizers", OPTIMIZERS_BY_NAME),
    ):
        names = [n for choice in info[name] for n in (choice["kind"], *choice["aliases"])]
        assert set(names) == set(table)
    assert {len(info["schedules"]), len(info["initializers"])} == {6, 9}
    for name in ("activations", "losses", "optimizers", "schedules", "initializers"):
        for choice in info[name]:
            assert choice["text"], choice
            assert choice["latex"], choice
            assert choice["summary"], choice
            assert choice["source"], choice
    (momentum,) = [c for c in info["optimizers"] if c["kind"] == "momentum"]
    assert momentum["text"] == "v = μ * v_0 + g; w - η * v"
    assert [(o["name"], o["default"]) for o in momentum["options"]] == [
        ("learning_rate", None),
        ("momentum", 0.9),
        ("weight_decay", 0.0),
    ]


NUMBERS = st.one_of(
    st.floats(-3, 3),
    st.sampled_from([0, -0.0, 1, -1, 1e-300, 5e-324, 1e300, -1.7e308, 1000, -1000]),
)
SIZES = st.integers(1, 3)
ODD = st.sampled_from([None, True, "x", [], {}, [[1], [1, 2]], -1, 1e400, {"kind": None}, [[]]])


@st.composite
def bodies(draw):
    """A step of a neuron, of sizes and numbers by chance, often with something odd in it."""
    size, rows = draw(SIZES), draw(SIZES)
    vector = st.lists(NUMBERS, min_size=size, max_size=size)
    kind = draw(st.sampled_from(sorted(OPTIMIZERS_BY_NAME)))
    body = {
        "weights": draw(vector),
        "bias": draw(NUMBERS),
        "activation": draw(st.sampled_from(sorted(ACTIVATIONS_BY_NAME))),
        "inputs": draw(st.lists(vector, min_size=rows, max_size=rows)),
        "targets": draw(st.lists(NUMBERS, min_size=rows, max_size=rows)),
        "loss": draw(st.sampled_from(sorted(LOSSES_BY_NAME))),
        "optimizer": {"kind": kind, "learning_rate": draw(NUMBERS)},
    }
    extra = {
        "regularization": {"l1": draw(NUMBERS), "l2": draw(NUMBERS)},
        "sample_weights": draw(st.lists(NUMBERS, min_size=rows, max_size=rows)),
        "gradient_clip": {draw(st.sampled_from(["value", "norm"])): draw(NUMBERS)},
        "with_input_gradient": True,
        "augmented": True,
    }
    for name in draw(st.sets(st.sampled_from(sorted(extra)))):
        body[name] = extra[name]
    for name in draw(st.sets(st.sampled_from([*sorted(body), "odd"]), max_size=1)):
        if draw(st.booleans()):
            body[name] = draw(ODD)
    return body


@st.composite
def networks(draw):
    """A gradient of a network whose sizes mostly fit."""
    sizes = draw(st.lists(SIZES, min_size=2, max_size=4))
    rows = draw(SIZES)

    def matrix(height, width):
        return draw(
            st.lists(
                st.lists(NUMBERS, min_size=width, max_size=width),
                min_size=height,
                max_size=height,
            )
        )

    layers = [
        {
            "weights": matrix(given, taken),
            "bias": matrix(1, draw(st.sampled_from([taken, taken, taken, 2])))[0],
            "activation": draw(st.sampled_from(sorted(ACTIVATIONS_BY_NAME))),
        }
        for given, taken in pairwise(sizes)
    ]
    loss = draw(st.sampled_from(sorted(LOSSES_BY_NAME)))
    targets = matrix(rows, sizes[-1])
    if draw(st.booleans()):
        targets = draw(st.lists(st.integers(-1, 3), min_size=rows, max_size=rows))
    body = {"layers": layers, "inputs": matrix(rows, sizes[0]), "targets": targets}
    if draw(st.booleans()):
        body["layers"][-1][draw(st.sampled_from(["weights", "bias", "odd"]))] = draw(ODD)
    return body | {"loss": loss, "with_input_gradient": draw(st.booleans())}


def assert_answered_or_refused(route, body):
    response = answered(f"/v1/{route}", json.dumps(body).encode())

    assert response.status_code in (200, 400, 422), response.text
    found = response.json()
    if response.status_code == 200:
        numbers = {n: found[n] for n in found if n not in ("conventions", "warnings")}
        assert "null" not in json.dumps(numbers)
    else:
        assert found["errors"][0]["message"]


WALK = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.random
@WALK
@given(bodies())
def test_a_random_neuron_is_answered_or_refused_never_failed(body):
    assert_answered_or_refused("neuron/step", body)
    judged = {name: value for name, value in body.items() if name != "optimizer"}
    assert_answered_or_refused("neuron/gradient", judged)


@pytest.mark.random
@WALK
@given(networks())
def test_a_random_network_is_answered_or_refused_never_failed(body):
    assert_answered_or_refused("network/gradient", body)
