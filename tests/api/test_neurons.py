"""One neuron through HTTP: its values, its gradient, its step, and what is wrong with each."""

import numpy as np
import pytest

from service.api.schemas.neurons import (
    NeuronForwardAnswer,
    NeuronGradientAnswer,
    NeuronStepAnswer,
)
from service.training.functions import ACTIVATIONS, LOSSES
from service.training.optimizers import OPTIMIZERS
from service.training.updater import chosen_optimizer
from tests.api.training import array, asked, refused

pytestmark = pytest.mark.anyio

MODELS = {
    "forward": NeuronForwardAnswer,
    "gradient": NeuronGradientAnswer,
    "step": NeuronStepAnswer,
}
RELU = {
    "weights": [1, -1],
    "bias": 0.5,
    "activation": "relu",
    "inputs": [[1, 2], [3, 1], [2, 2]],
}
JUDGED = RELU | {"targets": [1, 2, 0]}
STEP = JUDGED | {"optimizer": {"kind": "sgd", "learning_rate": 0.3}}
BODIES = {"forward": RELU, "gradient": JUDGED, "step": STEP}
ENTRYWISE = {name: f for name, f in ACTIVATIONS.items() if "softmax" not in name}
OF_NUMBERS = {name: f for name, f in LOSSES.items() if not f.targets.adds_up}
STEP_SIZE = 1e-5
# Central differences: h² of the third derivative, and the rounding of the loss over h.
CLOSE = {"rtol": 1e-6, "atol": 1e-6}


async def ask(client, operation, body):
    answer = await asked(client, f"/v1/neuron/{operation}", body)
    MODELS[operation].model_validate(answer)
    return answer


def without_bias(body):
    return {name: value for name, value in body.items() if name != "bias"}


async def differences(client, body):
    """The gradient of the loss by weights and bias, by central differences of the loss."""
    point = np.array([*body["weights"], body["bias"]], dtype=float)

    async def loss_at(moved):
        moved = body | {"weights": moved[:-1].tolist(), "bias": moved[-1]}
        return (await ask(client, "gradient", moved))["loss"]

    found = []
    for direction in np.eye(point.size) * STEP_SIZE:
        after, before = await loss_at(point + direction), await loss_at(point - direction)
        found.append((after - before) / (2 * STEP_SIZE))
    return np.array(found)


def gradient_of(answer):
    by = answer["gradients"]
    return np.append(array(by["weights"]), array(by["bias"]))


def neuron_at(pre_activations, rng, **fields):
    """A neuron of two inputs that sums up to these numbers."""
    z = np.asarray(pre_activations, dtype=float)
    first = rng.normal(size=z.size)
    second = (z - 0.25 - 1.5 * first) / -0.75
    inputs = np.stack([first, second], axis=1).tolist()
    return {"weights": [1.5, -0.75], "bias": 0.25, "inputs": inputs} | fields


def inside(function, rng, size):
    low, high = function.sample
    edge = 0.05 * (high - low)
    return rng.uniform(low + edge, high - edge, size)


async def test_a_neuron_answers_what_it_sums_up_and_gives(client):
    answer = await ask(client, "forward", RELU)

    assert array(answer["pre_activations"]).tolist() == [-0.5, 2.5, 0.5]
    assert array(answer["activations"]).tolist() == [0, 2.5, 0.5]
    assert answer["conventions"] == {"layout": "numerator", "loss_factor": None, "kinks": []}
    assert answer["warnings"] == []


async def test_a_gradient_comes_with_what_each_sample_contributes(client):
    answer = await ask(client, "gradient", JUDGED)

    assert answer["loss"] == 0.5
    assert set(answer["gradients"]) == {"weights", "bias"}
    assert array(answer["errors"]).tolist() == [0, 0.5, 0.5]
    assert array(answer["active"]).tolist() == [0, 1, 1]
    assert answer["conventions"]["loss_factor"] == "1/N"
    assert answer["cost"]["flops"] > 0


async def test_the_gradient_by_the_inputs_comes_when_it_is_asked_for(client):
    plain = await ask(client, "gradient", JUDGED | {"with_input_gradient": True})
    augmented = await ask(
        client,
        "gradient",
        without_bias(JUDGED)
        | {"weights": [1, -1, 0.5], "augmented": True, "with_input_gradient": True},
    )

    expected = np.outer([0, 1 / 3, 1 / 3], [1, -1])
    for answer in (plain, augmented):
        np.testing.assert_allclose(array(answer["gradients"]["inputs"]), expected, rtol=1e-15)


async def test_an_augmented_neuron_has_its_bias_among_the_weights(client):
    body = without_bias(STEP) | {"weights": [1, -1, 0.5], "augmented": True}

    plain, answer = await ask(client, "step", STEP), await ask(client, "step", body)

    assert set(answer["gradients"]) == {"weights"}
    assert "bias" not in answer
    assert array(answer["gradients"]["weights"]).tolist() == gradient_of(plain).tolist()
    np.testing.assert_allclose(array(answer["weights"]), [0.5, -1.3, 0.3], rtol=1e-15)


async def test_the_bias_of_an_augmented_neuron_is_free_of_the_penalty(client):
    penalty = {"regularization": {"l1": 0.5, "l2": 2}}
    body = without_bias(JUDGED) | {"weights": [1, -1, 0.5], "augmented": True} | penalty

    plain, answer = (
        await ask(client, "gradient", JUDGED | penalty),
        await ask(client, "gradient", body),
    )

    assert plain["loss"] == answer["loss"] == 0.5 + 0.5 * 2 + 2 / 2 * 2
    assert array(answer["gradients"]["weights"]).tolist() == gradient_of(plain).tolist()


async def test_sample_weights_count_by_their_share(client):
    weighted = JUDGED | {"sample_weights": [2, 0, 2]}
    pair = JUDGED | {"inputs": [[1, 2], [2, 2]], "targets": [1, 0]}

    answer, expected = (
        await ask(client, "gradient", weighted),
        await ask(client, "gradient", pair),
    )

    assert answer["conventions"]["loss_factor"] == "1/Σs"
    assert answer["loss"] == expected["loss"]
    assert gradient_of(answer).tolist() == gradient_of(expected).tolist()


async def test_sample_weights_may_be_of_any_scale(client):
    plain = await ask(client, "gradient", JUDGED)

    for scale in (1e-300, 1e308):
        answer = await ask(client, "gradient", JUDGED | {"sample_weights": [scale] * 3})
        np.testing.assert_allclose(gradient_of(answer), gradient_of(plain), rtol=1e-14)


async def test_a_neuron_that_no_sample_makes_active_is_called_dead(client):
    answer = await ask(client, "gradient", JUDGED | {"bias": -10})

    (warning,) = answer["warnings"]
    assert warning["code"] == "dead_neuron"
    assert "no sample makes the neuron active" in warning["message"]
    assert gradient_of(answer).tolist() == [0, 0, 0]
    assert array(answer["errors"]).tolist() == [0, 0, 0]


async def test_the_kinks_that_a_gradient_meets_are_told(client):
    body = JUDGED | {
        "bias": 1,
        "weights": [1, 0],
        "inputs": [[-1, 2], [0, 1], [2, 2]],
        "targets": [5, 1, 1],
        "loss": "mae",
        "regularization": {"l1": 0.25},
        "sample_weights": [1, 2, 1],
    }

    kinks = (await ask(client, "gradient", body))["conventions"]["kinks"]

    told = [(k["expression"], k["positions"], k["value"], k["subdifferential"]) for k in kinks]
    assert told == [
        ("relu(pre_activations)", [[0]], 0.0, [0.0, 1.0]),
        ("mae(activations, targets)", [[1]], 0.0, [-0.5, 0.5]),
        ("abs(weights)", [[1]], 0.0, [-0.25, 0.25]),
    ]
    assert [(k["start"], k["end"]) for k in kinks] == [(0, len(t[0])) for t in told]


@pytest.mark.parametrize("name", ENTRYWISE)
async def test_the_gradient_of_an_activation_is_that_of_differences(client, name, rng):
    z = inside(ENTRYWISE[name], rng, 6)
    body = neuron_at(z, rng, activation=name, targets=rng.normal(size=6).tolist())

    answer = await ask(client, "gradient", body)

    np.testing.assert_allclose(gradient_of(answer), await differences(client, body), **CLOSE)


@pytest.mark.parametrize("name", OF_NUMBERS)
async def test_the_gradient_of_a_loss_is_that_of_differences(client, name, rng):
    loss = OF_NUMBERS[name]
    z = inside(loss, rng, 6)
    targets = rng.choice([-1, 1], 6) if loss.targets.is_edge else inside(loss, rng, 6)
    if loss.targets.lowest == 0:
        targets = np.abs(targets) / 2
    body = neuron_at(
        z,
        rng,
        activation="identity",
        loss=name,
        targets=targets.tolist(),
        sample_weights=rng.uniform(0.5, 2, 6).tolist(),
        regularization={"l1": 0.1, "l2": 0.3},
    )

    answer = await ask(client, "gradient", body)

    np.testing.assert_allclose(gradient_of(answer), await differences(client, body), **CLOSE)


@pytest.mark.parametrize("z", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("name", ENTRYWISE)
async def test_an_activation_far_out_and_at_zero(client, name, z):
    def neuron(*points, **fields):
        return {
            "weights": [1],
            "bias": 0,
            "activation": name,
            "inputs": [[p] for p in points],
        } | fields

    step = 1e-4
    response = await client.post("/v1/neuron/forward", json=neuron(z - step, z, z + step))
    if response.status_code == 422:
        # Outside its domain, at a pole, or beyond the range of float64.
        assert response.json()["code"] == "non_finite_result"
        return
    before, value, after = array(response.json()["activations"])
    body = neuron(z, targets=[value - 0.5])
    response = await client.post("/v1/neuron/gradient", json=body)
    if response.status_code == 422:
        assert (name, z, response.json()["code"]) == ("cbrt", 0.0, "non_finite_result")
        return
    answer = response.json()
    slope = array(answer["gradients"]["bias"])
    if answer["conventions"]["kinks"]:
        (kink,) = answer["conventions"]["kinks"]
        low, high = kink["subdifferential"] or (0.0, 0.0)
        assert slope == kink["value"]
        assert low <= slope <= high
    else:
        # Where the second derivative jumps, differences are off by as much as the step.
        np.testing.assert_allclose(slope, (after - before) / (2 * step), rtol=1e-5, atol=2e-4)


@pytest.mark.parametrize("error", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("name", OF_NUMBERS)
async def test_a_loss_far_out_and_at_a_tie(client, name, error):
    target = 1.0
    body = {"weights": [1], "bias": 0, "activation": "identity", "loss": name}
    body |= {"inputs": [[target + error]], "targets": [target]}

    response = await client.post("/v1/neuron/gradient", json=body)

    if response.status_code == 422:
        # The logarithm of a probability outside of 0 to 1, or of a rate below 0.
        assert name in ("binary_cross_entropy", "poisson")
        assert response.json()["code"] == "non_finite_result"
        return
    answer = response.json()
    slope = array(answer["gradients"]["bias"])
    if answer["conventions"]["kinks"]:
        (kink,) = answer["conventions"]["kinks"]
        assert error == 0
        assert slope == kink["value"] == 0
        assert kink["subdifferential"][0] < 0 <= kink["subdifferential"][1] or name == "hinge"
    else:
        expected = (await differences(client, body))[-1]
        np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-4)


async def test_a_saturated_binary_cross_entropy_is_finite(client):
    body = JUDGED | {"activation": "sigmoid", "loss": "bce", "targets": [0, 1, 1]}

    answer = await ask(client, "gradient", body | {"weights": [1e4, 1e4], "bias": 0})

    assert answer["loss"] == 1e4
    np.testing.assert_allclose(array(answer["gradients"]["weights"]), [1 / 3, 2 / 3])


async def test_options_of_activation_and_loss_are_taken(client):
    body = JUDGED | {
        "activation": {"kind": "leaky_relu", "negative_slope": 0.5},
        "loss": {"kind": "huber", "delta": 0.25},
    }

    answer = await ask(client, "gradient", body)

    assert array(answer["activations"]).tolist() == [-0.25, 2.5, 0.5]
    assert answer["loss"] == np.mean([0.25 * (d - 0.125) for d in (1.25, 0.5, 0.5)])


async def test_a_step_tells_its_rule_its_rate_and_the_gradient_s_norm(client):
    answer = await ask(client, "step", STEP | {"gradient_clip": {"norm": 1}})
    before = gradient_of(answer)
    moved = np.append(array(answer["weights"]), array(answer["bias"]))

    assert answer["update_rule"]["text"] == "w - η * g"
    assert answer["update_rule"]["notation"] == "w − ηg"
    assert answer["update_rule"]["latex"] == r"\mathbf{w} - \eta \mathbf{g}"
    assert answer["update_rule"]["mathml"].startswith("<math ")
    assert answer["learning_rate"] == 0.3
    np.testing.assert_allclose(answer["gradient_norm"], np.linalg.norm(before), rtol=1e-15)
    np.testing.assert_allclose(
        moved, [1, -1, 0.5] - 0.3 * before / np.linalg.norm(before), rtol=1e-14
    )


@pytest.mark.parametrize("kind", [record.kind for record in OPTIMIZERS])
async def test_steps_go_on_from_the_state_of_the_last(client, kind):
    optimizer = {"kind": kind, "learning_rate": 0.05, "weight_decay": 0.01}
    body = STEP | {"optimizer": optimizer, "activation": "tanh"}
    updater = chosen_optimizer(optimizer).updater(3)
    vector, state = np.array([1, -1, 0.5]), None

    for _ in range(20):
        answer = await ask(client, "step", body | {"optimizer_state": state})
        updater.step(vector, gradient_of(answer))
        moved = np.append(array(answer["weights"]), array(answer["bias"]))
        assert moved.tolist() == vector.tolist()
        state = answer["optimizer_state"]
        assert state.replace("-", "").replace("_", "").isalnum()
        body |= {"weights": answer["weights"], "bias": answer["bias"]}


async def test_a_schedule_sets_the_rate_of_each_step(client):
    optimizer = {
        "kind": "sgd",
        "learning_rate": 1,
        "schedule": {
            "kind": "warmup",
            "steps": 4,
            "then": {"kind": "exponential", "gamma": 0.5},
        },
    }
    state, rates = None, []

    for _ in range(4):
        answer = await ask(
            client, "step", STEP | {"optimizer": optimizer, "optimizer_state": state}
        )
        state = answer["optimizer_state"]
        rates.append(answer["learning_rate"])

    assert rates == [0.25, 0.5 * 0.5, 0.75 * 0.25, 0.125]


async def test_null_is_as_good_as_left_out(client):
    nulls = {
        "optimizer_state": None,
        "gradient_clip": None,
        "regularization": None,
        "sample_weights": None,
        "optimizer": STEP["optimizer"] | {"schedule": None, "weight_decay": None},
    }

    answer, expected = await ask(client, "step", STEP | nulls), await ask(client, "step", STEP)

    assert answer["weights"] == expected["weights"]


STATE = "eyJ2ZXJzaW9uIjoxLCJraW5kIjoic2dkIiwic3RlcCI6MSwic2l6ZSI6MywibnVtYmVycyI6e319Cnu_kDc"
# operation, fields (None leaves one out), code, pointer, the message's words, the hint's.
ERRORS = [
    ("forward", {"inputs": [[1, 2, 3]]}, "shape_mismatch", "/inputs", "weights 2, inputs 3",
     None),
    ("forward", {"bias": None, "augmented": True}, "shape_mismatch", "/inputs",
     "weights 2, inputs 2: a weight for each input and the bias", None),
    ("forward", {"weights": []}, "validation", "/weights", "an axis of size 0", None),
    ("forward", {"weights": [[1, 2]]}, "validation", "/weights",
     "weights: found shape (1×2), expected 1 axis: inputs", None),
    ("forward", {"inputs": []}, "validation", "/inputs", "an axis of size 0", None),
    ("forward", {"inputs": [1, 2]}, "validation", "/inputs",
     "inputs: found shape (2), expected 2 axes: samples by inputs", "one sample is [[…]]"),
    ("forward", {"bias": [0.5]}, "validation", "/bias",
     "bias: found shape (1), expected a scalar", None),
    ("forward", {"bias": None}, "validation", "", "found no field 'bias'",
     '"augmented": true'),
    ("forward", {"augmented": True}, "validation", "/bias", "found bias with augmented", None),
    ("forward", {"augmented": 1}, "validation", "/augmented",
     "found the number 1, expected true or false", None),
    ("forward", {"activation": "relo"}, "validation", "/activation",
     "activation: found 'relo', expected one of", "did you mean 'relu'?"),
    ("forward", {"activation": 3}, "validation", "/activation",
     "found the number 3, expected a name, or an object", None),
    ("forward", {"activation": None}, "validation", "", "found no field 'activation'", None),
    ("forward", {"activation": {"kind": "elu", "alfa": 1}}, "validation", "/activation/alfa",
     "activation elu: found option 'alfa', expected alpha", None),
    ("forward", {"activation": {"kind": "elu", "a/~": 1}}, "validation", "/activation/a~1~0",
     "activation elu: found option 'a/~'", None),
    ("forward", {"activation": {"kind": "elu", "alpha": "1"}}, "validation",
     "/activation/alpha", "found a string for alpha, expected a finite number", None),
    ("forward", {"activation": "softmax"}, "validation", "/activation",
     "activation: found 'softmax', which is of several outputs", "/v1/network"),
    ("forward", {"activation": {"kind": "log_softmax"}}, "validation", "/activation/kind",
     "but a neuron has one", None),
    ("forward", {"targets": [1, 2, 3]}, "validation", "/targets", "unknown field 'targets'",
     None),
    ("forward", {"weights": [1e308, 1e308]}, "non_finite_result", None,
     "a pre-activation is inf at position [0]", "scale the inputs"),
    ("forward", {"activation": "exp", "weights": [1e3, 1e3]}, "non_finite_result", None,
     "an activation is inf at position [0]", None),
    ("gradient", {"targets": [1, 2]}, "shape_mismatch", "/targets",
     "inputs 3 samples, targets 2", None),
    ("gradient", {"targets": [[1], [2], [3]]}, "validation", "/targets",
     "targets: found shape (3×1), expected 1 axis: samples", None),
    ("gradient", {"targets": None}, "validation", "", "found no field 'targets'", None),
    ("gradient", {"loss": "msee"}, "validation", "/loss",
     "loss: found 'msee', expected one of", "did you mean 'mse'?"),
    ("gradient", {"loss": {"kind": "huber", "delta": -1}}, "domain_error", "/loss",
     "huber takes a positive delta, not -1", None),
    ("gradient", {"loss": {"delta": 1}}, "validation", "/loss/kind",
     "loss: found null, expected a name", None),
    ("gradient", {"loss": "cross_entropy"}, "validation", "/loss",
     "which compares the probabilities of classes", "binary_cross_entropy"),
    ("gradient", {"loss": "bce", "activation": "sigmoid"}, "domain_error", "/targets/1",
     "row 1 is 2; the loss binary_cross_entropy takes a probability from 0 to 1", None),
    ("gradient", {"loss": "hinge"}, "domain_error", "/targets/1",
     "row 1 is 2; the loss hinge takes -1 or 1", None),
    ("gradient", {"loss": "poisson", "targets": [1, 2, -3]}, "domain_error", "/targets/2",
     "row 2 is -3; the loss poisson takes a number from 0 on", None),
    ("gradient", {"sample_weights": [1, 2]}, "shape_mismatch", "/sample_weights",
     "inputs 3 samples, sample_weights 2", None),
    ("gradient", {"sample_weights": [1, -2, 1]}, "domain_error", "/sample_weights",
     "row 1 is -2, expected a number from 0 on", None),
    ("gradient", {"sample_weights": [0, 0, 0]}, "domain_error", "/sample_weights",
     "all are 0, expected one above 0", None),
    ("gradient", {"regularization": {"l2": -1}}, "domain_error", "/regularization/l2",
     "regularization: found l2 -1, expected a finite number at least 0", None),
    ("gradient", {"regularization": {"l3": 1}}, "validation", "/regularization/l3",
     "unknown field 'l3', expected l1, l2", None),
    ("gradient", {"learning_rate": 0.1}, "validation", "/learning_rate",
     "unknown field 'learning_rate'", None),
    ("gradient", {"activation": "identity", "loss": "poisson", "weights": [0, 0], "bias": 0},
     "non_finite_result", None, "the loss is inf", None),
    ("step", {"optimizer": None}, "validation", "/optimizer",
     "found null, expected an object: kind and its options", None),
    ("step", {"optimizer": "sgd"}, "validation", "/optimizer",
     "found a string, expected an object: kind and its options", None),
    ("step", {"optimizer": {"kind": "sgd"}}, "validation", "/optimizer/learning_rate",
     "optimizer sgd: found no learning_rate, expected a finite number above 0", None),
    ("step", {"optimizer": {"kind": "adm", "learning_rate": 1}}, "validation",
     "/optimizer/kind", "optimizer: found kind 'adm'", "did you mean 'adam'?"),
    ("step", {"optimizer": {"kind": "sgd", "learning_rate": -1}}, "domain_error",
     "/optimizer/learning_rate", "found learning_rate -1", None),
    ("step", {"optimizer": {"kind": "sgd", "learning_rate": 1, "momentum": 0.9}}, "validation",
     "/optimizer/momentum", "optimizer sgd: found option 'momentum'", None),
    ("step", {"optimizer": {"kind": "momentum", "learning_rate": 1, "momentum": 2}},
     "domain_error", "/optimizer/momentum",
     "found momentum 2, expected a number at least 0 and below 1", None),
    ("step", {"optimizer": {"kind": "sgd", "learning_rate": 1.7e308}}, "non_finite_result",
     "/optimizer/learning_rate", "the step leaves the range of float64", "smaller"),
    ("step", {"optimizer": {"kind": "sgd", "learning_rate": 1, "schedule": {"kind": "stp"}}},
     "validation", "/optimizer/schedule/kind", "schedule: found kind 'stp'", "'step'"),
    ("step", {"optimizer_state": "x"}, "validation", "/optimizer_state", "optimizer_state: ",
     "send the text of the last answer"),
    ("step", {"optimizer_state": 3}, "validation", "/optimizer_state",
     "found the number 3, expected a string", None),
    ("step", {"optimizer_state": STATE, "optimizer": {"kind": "adam", "learning_rate": 1}},
     "validation", "/optimizer_state", "found the state of sgd, expected adam", None),
    ("step", {"optimizer_state": STATE, "weights": [1], "inputs": [[1], [2], [3]]},
     "validation", "/optimizer_state", "found the state of 3 parameters, expected 2", None),
    ("step", {"gradient_clip": {}}, "validation", "/gradient_clip",
     "gradient_clip: found nothing, expected one of value, norm", None),
    ("step", {"gradient_clip": {"value": 1, "norm": 1}}, "validation", "/gradient_clip",
     "gradient_clip: found value and norm, expected one of value, norm", None),
    ("step", {"gradient_clip": {"norm": 0}}, "domain_error", "/gradient_clip/norm",
     "gradient_clip: found norm 0, expected a finite number above 0", None),
    ("step", {"gradient_clip": {"size": 1}}, "validation", "/gradient_clip/size",
     "unknown field 'size', expected value, norm", None),
]  # fmt: skip


@pytest.mark.parametrize("row", ERRORS, ids=lambda row: f"{row[0]} {row[1]}"[:60])
async def test_an_error_tells_what_and_where(client, row):
    operation, fields, *expected = row

    await refused(client, f"/v1/neuron/{operation}", BODIES[operation] | fields, *expected)
