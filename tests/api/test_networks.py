"""A network through HTTP: its values, its gradient, its step, and what is wrong with each."""

import numpy as np
import pytest

from service.api.schemas.networks import (
    NetworkForwardAnswer,
    NetworkGradientAnswer,
    NetworkStepAnswer,
)
from service.training.functions import ACTIVATIONS, LOSSES
from tests.api.training import array, asked, refused

pytestmark = pytest.mark.anyio

MODELS = {
    "forward": NetworkForwardAnswer,
    "gradient": NetworkGradientAnswer,
    "step": NetworkStepAnswer,
}
HIDDEN = {"weights": [[1, -1], [0.5, 1]], "bias": [0, 0.5], "activation": "tanh"}
CLASSES = {
    "weights": [[1, 0, -1], [0.5, 1, 0]],
    "bias": [0, 0.25, 0],
    "activation": "softmax",
}
NUMBER = {"weights": [[1], [-0.5]], "bias": [0.25], "activation": "identity"}
INPUTS = {"inputs": [[1, 2], [3, 1], [-1, 0.5]]}
SMALL = {"layers": [HIDDEN, CLASSES]} | INPUTS
JUDGED = SMALL | {"targets": [2, 0, 1], "loss": "cross_entropy"}
STEP = JUDGED | {"optimizer": {"kind": "sgd", "learning_rate": 0.3}}
REGRESSION = {"layers": [HIDDEN, NUMBER], "targets": [1, 2, 0]} | INPUTS
BODIES = {"forward": SMALL, "gradient": JUDGED, "step": STEP}
STEP_SIZE = 1e-5
# Central differences: h² of the third derivative, and the rounding of the loss over h.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}


async def ask(client, operation, body):
    answer = await asked(client, f"/v1/network/{operation}", body)
    MODELS[operation].model_validate(answer)
    return answer


def parameters_of(layers):
    """Weights and biases, layer by layer, as arrays of a request or of an answer."""
    found = []
    for layer in layers:
        for name in ("weights", "bias"):
            value = layer[name]
            found.append(
                array(value) if isinstance(value, dict) else np.array(value, dtype=float)
            )
    return found


async def differences(client, body):
    """The gradient by every parameter, by central differences of the loss."""
    point = parameters_of(body["layers"])

    async def loss_at(place, index, step):
        moved = [p.copy() for p in point]
        moved[place][index] += step
        layers = [
            layer | {"weights": moved[2 * k].tolist(), "bias": moved[2 * k + 1].tolist()}
            for k, layer in enumerate(body["layers"])
        ]
        return (await ask(client, "gradient", body | {"layers": layers}))["loss"]

    found = [np.zeros(p.shape) for p in point]
    for place, array_of in enumerate(found):
        for index in np.ndindex(array_of.shape):
            after = await loss_at(place, index, STEP_SIZE)
            before = await loss_at(place, index, -STEP_SIZE)
            array_of[index] = (after - before) / (2 * STEP_SIZE)
    return found


async def assert_right(client, body):
    answer = await ask(client, "gradient", body)
    found = parameters_of(answer["gradients"]["layers"])
    for one, expected in zip(found, await differences(client, body), strict=True):
        assert one.shape == expected.shape
        np.testing.assert_allclose(one, expected, **CLOSE)


async def test_a_network_answers_the_values_of_every_layer(client):
    answer = await ask(client, "forward", SMALL)

    hidden = np.tanh(np.array(INPUTS["inputs"]) @ HIDDEN["weights"] + HIDDEN["bias"])
    last = hidden @ CLASSES["weights"] + CLASSES["bias"]
    shares = np.exp(last) / np.sum(np.exp(last), axis=1, keepdims=True)
    np.testing.assert_allclose(array(answer["pre_activations"]), last, rtol=1e-14)
    np.testing.assert_allclose(array(answer["activations"]), shares, rtol=1e-14)
    first, second = answer["layer_values"]
    np.testing.assert_allclose(array(first["activations"]), hidden, rtol=1e-14)
    assert second == {n: answer[n] for n in ("pre_activations", "activations")}


@pytest.mark.parametrize("name", ACTIVATIONS)
async def test_the_gradient_through_an_activation_is_that_of_differences(client, name, rng):
    function = ACTIVATIONS[name]
    low, high = function.sample
    middle, width = (low + high) / 2, (high - low) / 2
    # One input of 1 a row: what a unit of the first layer sums up stays inside the domain.
    layer = {
        "weights": (rng.uniform(-0.4, 0.4, (2, 3)) * width).tolist(),
        "bias": [middle - 0.1 * width, middle + 0.1 * width, middle + 0.05 * width],
        "activation": name,
    }
    last = {"weights": rng.normal(size=(3, 2)).tolist(), "bias": [0.1, -0.2]}
    body = {
        "layers": [layer, last | {"activation": "sigmoid"}],
        "inputs": rng.uniform(-1, 1, (3, 2)).tolist(),
        "targets": rng.uniform(size=(3, 2)).tolist(),
    }

    await assert_right(client, body)


@pytest.mark.parametrize("name", LOSSES)
async def test_the_gradient_of_a_loss_is_that_of_differences(client, name, rng):
    loss = LOSSES[name]
    targets = rng.uniform(0.1, 0.9, (3, 3))
    if loss.targets.is_edge:
        targets = rng.choice([-1.0, 1.0], (3, 3))
    if loss.targets.adds_up:
        targets /= np.sum(targets, axis=1, keepdims=True)
    last = CLASSES | {"activation": "identity" if name.endswith("logits") else "sigmoid"}
    body = {
        "layers": [HIDDEN, last],
        "targets": targets.tolist(),
        "loss": name,
        "sample_weights": [1, 0.5, 3],
        "regularization": {"l1": 0.1, "l2": 0.3},
    } | INPUTS

    await assert_right(client, body)


async def test_class_numbers_are_rows_of_zeros_and_a_one(client):
    rows = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]

    for last in ({}, {"loss": "kl_divergence"}):
        numbers = await ask(client, "gradient", JUDGED | last)
        answer = await ask(client, "gradient", JUDGED | last | {"targets": rows})
        assert numbers["gradients"] == answer["gradients"]
        np.testing.assert_allclose(
            array(answer["errors"]), array(answer["activations"]) - rows, rtol=1e-15
        )
        assert np.all(array(answer["active"]) == 1)


async def test_one_output_takes_targets_of_one_axis_or_two(client):
    flat = await ask(client, "gradient", REGRESSION)
    column = await ask(client, "gradient", REGRESSION | {"targets": [[1], [2], [0]]})

    assert flat["gradients"] == column["gradients"]
    assert flat["errors"]["shape"] == [3, 1]


async def test_the_gradient_by_the_inputs_comes_when_it_is_asked_for(client):
    answer = await ask(client, "gradient", REGRESSION | {"with_input_gradient": True})

    hidden = np.tanh(np.array(INPUTS["inputs"]) @ HIDDEN["weights"] + HIDDEN["bias"])
    errors = array(answer["errors"])
    back = errors @ np.array(NUMBER["weights"], dtype=float).T * (1 - hidden**2)
    expected = 2 / 3 * back @ np.array(HIDDEN["weights"]).T
    np.testing.assert_allclose(array(answer["gradients"]["inputs"]), expected, rtol=1e-13)


async def test_each_dead_neuron_is_named(client):
    hidden = HIDDEN | {"activation": "relu", "bias": [0, -100]}

    answer = await ask(client, "gradient", REGRESSION | {"layers": [hidden, NUMBER]})

    (warning,) = answer["warnings"]
    assert (warning["code"], warning["pointer"]) == ("dead_neuron", "/layers/0")
    assert "neuron 1 of layer 0" in warning["message"]


async def test_the_kinks_of_every_layer_are_told(client):
    hidden = HIDDEN | {"activation": "relu", "weights": [[0, 1], [1, 1]], "bias": [0, 0]}
    body = REGRESSION | {
        "layers": [hidden, NUMBER],
        "inputs": [[1, 0], [3, 1], [2, 0.5]],
        "regularization": {"l1": 1},
    }

    kinks = (await ask(client, "gradient", body))["conventions"]["kinks"]

    assert [(k["expression"], k["positions"]) for k in kinks] == [
        ("relu(layers[0].pre_activations)", [[0, 0]]),
        ("abs(layers[0].weights)", [[0, 0]]),
    ]


async def test_steps_learn_what_one_neuron_cannot(client):
    layers = [
        {"weights": [[1, -1, 0.5], [1, -0.5, -1]], "bias": [0, 0.5, 0], "activation": "tanh"},
        {"weights": [[0.5], [0.25], [-0.5]], "bias": [0], "activation": "sigmoid"},
    ]
    body = {
        "layers": layers,
        "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]],
        "targets": [0, 1, 1, 0],
        "loss": "bce",
        "optimizer": {"kind": "adam", "learning_rate": 0.1},
    }

    for _ in range(200):
        answer = await ask(client, "step", body)
        body["layers"] = [
            layer | moved for layer, moved in zip(layers, answer["layers"], strict=True)
        ]
        body["optimizer_state"] = answer["optimizer_state"]

    assert np.round(array(answer["activations"])[:, 0]).tolist() == [0, 1, 1, 0]
    assert answer["loss"] < 0.1


def with_layer(k, **fields):
    layers = [dict(layer) for layer in SMALL["layers"]]
    layers[k] |= fields
    return {"layers": [{n: v for n, v in x.items() if v is not None} for x in layers]}


# operation, fields, code, pointer, the message's words, the hint's.
ERRORS = [
    ("forward", {"layers": []}, "validation", "/layers", "found no layers, expected at least 1",
     None),
    ("forward", {"layers": [CLASSES] * 101}, "over_limit", "/layers",
     "found 101 layers, but at most 100", None),
    ("forward", {"layers": {}}, "validation", "/layers", "found an object, expected an array",
     None),
    ("forward", {"layers": [3]}, "validation", "/layers/0",
     "found the number 3, expected an object", None),
    ("forward", {"inputs": [[1, 2, 3]]}, "shape_mismatch", "/layers/0/weights",
     "the inputs give 3, layer 0 takes 2: its weights are of shape (2×2), inputs by outputs",
     None),
    ("forward", with_layer(1, weights=[[1, 0, -1]]), "shape_mismatch", "/layers/1/weights",
     "the outputs of layer 0 give 2, layer 1 takes 1: its weights are of shape (1×3)", None),
    ("forward", with_layer(1, bias=[0, 0]), "shape_mismatch", "/layers/1/bias",
     "layer 1: weights give 3, bias 2: a bias for each output", None),
    ("forward", with_layer(0, bias=0), "validation", "/layers/0/bias",
     "layer 0: bias: found shape (scalar), expected 1 axis: outputs", None),
    ("forward", with_layer(0, weights=[1, 2]), "validation", "/layers/0/weights",
     "layer 0: weights: found shape (2), expected 2 axes: inputs by outputs", None),
    ("forward", with_layer(0, bias=None), "validation", "/layers/0",
     "found no field 'bias', but it is required", None),
    ("forward", with_layer(0, bais=[0, 0]), "validation", "/layers/0/bais",
     "unknown field 'bais', expected weights, bias, activation", "did you mean 'bias'?"),
    ("forward", with_layer(1, activation="sofmax"), "validation", "/layers/1/activation",
     "activation: found 'sofmax'", "did you mean 'softmax'?"),
    ("forward", with_layer(1, activation={"kind": "elu", "axis": 0}), "validation",
     "/layers/1/activation/axis", "activation elu: found option 'axis'", None),
    ("forward", with_layer(0, weights=[[1e308, 0], [1e308, 0]]), "non_finite_result", None,
     "a pre-activation of layer 0 is inf at position [0, 0], expected a finite number", None),
    ("forward", with_layer(0, activation="log"), "non_finite_result", None,
     "an activation of layer 0 is nan at position [1, 1]", "another activation"),
    ("gradient", {"targets": [0, 1]}, "shape_mismatch", "/targets",
     "inputs 3 samples, targets 2", None),
    ("gradient", {"targets": [0, 1, 3]}, "domain_error", "/targets/2",
     "row 2 is 3, expected a class number from 0 to 2", None),
    ("gradient", {"targets": [0, 1.5, 2]}, "domain_error", "/targets/1",
     "row 1 is 1.5, expected a class number", None),
    ("gradient", {"targets": [0, 1, 2], "loss": "mse"}, "validation", "/targets",
     "targets: found shape (3), expected 2 axes: samples by outputs", None),
    ("gradient", {"targets": [[1, 0], [0, 1], [1, 0]]}, "shape_mismatch", "/targets",
     "the last layer gives 3, targets 2", None),
    ("gradient", {"targets": [[1, 0, 0], [0.5, 0, 0], [0, 1, 0]]}, "domain_error",
     "/targets/1", "row 1 adds up to 0.5; the loss cross_entropy takes probabilities", None),
    ("gradient", {"sample_weights": [1, 2]}, "shape_mismatch", "/sample_weights",
     "inputs 3 samples, sample_weights 2", None),
    ("step", {"optimizer": {"kind": "adam"}}, "validation", "/optimizer/learning_rate",
     "found no learning_rate", None),
]  # fmt: skip


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: f"{row[0]} {row[1]}"[:60])
async def test_an_error_tells_what_and_where(client, row):
    operation, fields, *expected = row

    await refused(client, f"/v1/network/{operation}", BODIES[operation] | fields, *expected)


async def test_a_network_of_a_hundred_layers_is_answered(client):
    layer = {"weights": [[0.5, 0.1], [0.2, 0.4]], "bias": [0.1, 0.1], "activation": "tanh"}
    body = {"layers": [layer] * 100, "targets": [[1, 0], [0, 1], [1, 1]]} | INPUTS

    answer = await ask(client, "gradient", body)

    assert len(answer["gradients"]["layers"]) == 100


async def test_a_network_over_the_budget_is_refused_before_it_runs(client):
    inputs, outputs = 2000, 1000
    layer = {
        "weights": {"shape": [inputs, outputs], "data": [0] * (inputs * outputs)},
        "bias": [0] * outputs,
        "activation": "tanh",
    }
    rows = 6000
    body = {"layers": [layer], "inputs": [[0] * inputs] * rows}

    response = await client.post("/v1/network/forward", json=body)

    (error,) = response.json()["errors"]
    assert response.json()["code"] == "budget_exceeded"
    assert (error["pointer"], error["hint"]) == ("/inputs", "send fewer samples at a time")
