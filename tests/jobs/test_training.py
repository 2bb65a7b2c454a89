"""Trainings run as jobs: what they find, against `service.training` itself and closed forms."""

import numpy as np
import pytest

from service.jobs.kinds import JOB_KINDS
from service.jobs.results import predict, result_document
from service.training.data import dataset_of
from service.training.expression_tasks import ExpressionTask, Start
from service.training.layer_tasks import LayerTask
from service.training.model_tasks import ModelTask
from service.training.runs import Schedule
from service.training.tasks import TrainingTask, prepared
from tests.jobs.fakes import claim_of
from tests.jobs.requests import (
    CLASSES,
    INPUTS,
    NETWORK,
    NEURON,
    REQUESTS,
    TARGETS,
    expression,
    train,
)

ADAM = {"kind": "adam", "learning_rate": 0.05}
NAMES = ("a", "b", "c", "t")
TABLE = dataset_of(np.column_stack([INPUTS, TARGETS]), NAMES)


def submitted(bench, request):
    return JOB_KINDS["train"].submission(request, bench.sources)


def found(bench, request):
    outcome = bench.run(claim_of(submitted(bench, request)))
    assert outcome.status == "succeeded", outcome.error
    return outcome, result_document("train", outcome.result)


def directly(bench, model, schedule, table=TABLE, optimizer=None):
    task = TrainingTask(model=model, optimizer=optimizer or ADAM, schedule=schedule)
    ready = prepared(task, table, bench.settings.limits)
    trainer = ready.trainer()
    for _ in trainer.run():
        pass
    return ready.result(trainer.result())


def test_a_neuron_has_the_bits_of_the_training_itself(bench):
    _, result = found(bench, REQUESTS["standardized"])
    layer = LayerTask(activation="identity", weights=NEURON["weights"], bias=NEURON["bias"])
    model = ModelTask(targets=("t",), layers=(layer,), standardize=True)
    expected = directly(
        bench, model, Schedule(epochs=12, batch_size=32, seed=3, validation_fraction=0.2)
    )

    assert np.array_equal(result["parameters"]["weights"], expected.parameters["weights"])
    assert result["parameters"]["bias"] == expected.parameters["bias"]
    assert result["validation_loss"] == expected.validation_loss
    assert (result["epochs"], result["steps"]) == (12, 60)


def test_a_network_has_the_bits_of_the_training_itself(bench):
    _, result = found(bench, REQUESTS["network"])
    layers = (
        LayerTask(activation="tanh", units=8),
        LayerTask(activation="identity", units=1, initializer={"kind": "normal"}),
    )
    model = ModelTask(targets=("t",), kind="network", layers=layers, standardize=True)
    expected = directly(bench, model, Schedule(epochs=12, batch_size=17, seed=3))

    for k, layer in enumerate(result["parameters"]["layers"]):
        assert np.array_equal(layer["weights"], expected.parameters[f"weights_{k}"])
        assert np.array_equal(layer["bias"], expected.parameters[f"bias_{k}"])


def test_an_expression_has_the_bits_of_the_training_itself(bench):
    _, result = found(bench, expression())
    options = {"standard_deviation": 0.1}
    model = ExpressionTask(
        expression="mean((X @ w + b - y)**2)",
        parameters={
            "w": Start(kind="normal", options=options, shape=(3,)),
            "b": Start(values=0.0),
        },
        columns={"X": ("a", "b", "c"), "y": "t"},
    )
    expected = directly(bench, model, Schedule(epochs=12, batch_size=32, seed=3))

    for name, array in expected.parameters.items():
        assert np.array_equal(result["parameters"][name], array)


@pytest.mark.parametrize("standardize", [False, True])
def test_a_linear_neuron_finds_least_squares(bench, standardize):
    request = train(
        NEURON,
        standardize=standardize,
        batch_size=200,
        epochs=4000 if not standardize else 300,
        optimizer={"kind": "sgd", "learning_rate": 0.02 if not standardize else 0.3},
        stop_when={"gradient_norm": 1e-13},
    )
    outcome, result = found(bench, request)
    design = np.column_stack([INPUTS, np.ones(200)])
    expected, *_ = np.linalg.lstsq(design, TARGETS)

    # The condition of the design is about 10, the gradient at most 1e-12.
    assert np.allclose(result["parameters"]["weights"], expected[:3], atol=1e-10)
    assert np.allclose(result["parameters"]["bias"], expected[3], atol=1e-10)
    predicted = predict("train", outcome.result, INPUTS, bench.settings.limits)
    assert np.allclose(predicted, design @ expected, atol=1e-9)


def test_a_start_in_own_units_stays_what_it_is_with_standardize(bench):
    request = train(NEURON, standardize=True, epochs=1)
    request["optimizer"] = {"kind": "sgd", "learning_rate": 1e-300}
    _, result = found(bench, request)

    # To standardized units and back: a rounding each.
    assert np.allclose(result["parameters"]["weights"], NEURON["weights"], rtol=1e-14)
    assert np.allclose(result["parameters"]["bias"], NEURON["bias"], rtol=1e-13)


def test_layers_that_are_given_keep_own_units_beside_those_that_are_drawn(bench):
    given = {"weights": np.ones((8, 1)), "bias": np.zeros(1), "activation": "identity"}
    model = {"kind": "network", "layers": [NETWORK["layers"][0], given]}
    request = train(model, standardize=True, epochs=1)
    request["optimizer"] = {"kind": "sgd", "learning_rate": 1e-300}
    _, result = found(bench, request)

    assert np.allclose(result["parameters"]["layers"][1]["weights"], 1.0, rtol=1e-13)


def test_classes_are_learned_from_their_numbers(bench):
    outcome, result = found(bench, REQUESTS["classifier"] | {"epochs": 200})

    predicted = predict("train", outcome.result, INPUTS, bench.settings.limits)
    assert predicted.shape == (200, 3)
    assert np.allclose(predicted.sum(axis=1), 1)
    assert (predicted.argmax(axis=1) == CLASSES).mean() > 0.95
    assert result["loss"] < 0.2


def test_a_network_may_have_more_outputs_than_there_are_classes(bench):
    model = {"kind": "network", "layers": [{"size": 5, "activation": "softmax"}]}
    request = REQUESTS["classifier"] | {"model": model}
    outcome, _ = found(bench, request)

    predicted = predict("train", outcome.result, INPUTS[:1], bench.settings.limits)
    assert predicted.shape == (1, 5)


def test_columns_of_a_dataset_are_the_same_as_the_numbers_themselves(bench):
    dataset = bench.dataset(TABLE)
    data = {"dataset": dataset, "targets": ["t"]}
    _, by_dataset = found(bench, train(NEURON, data=data))
    _, inline = found(bench, REQUESTS["neuron"])
    _, chosen = found(bench, train(NEURON, data=data | {"inputs": ["a", "b", "c"]}))

    for result in (by_dataset, chosen):
        assert np.array_equal(result["parameters"]["weights"], inline["parameters"]["weights"])


def test_an_expression_takes_columns_of_a_dataset(bench):
    dataset = bench.dataset(TABLE)
    model = expression()["model"] | {"columns": {"X": ["a", "b", "c"], "y": "t"}}
    _, by_dataset = found(bench, train(model, data={"dataset": dataset}))
    _, inline = found(bench, expression())

    assert np.array_equal(by_dataset["parameters"]["w"], inline["parameters"]["w"])


def test_what_ends_at_once_is_told_with_its_end_alone(bench):
    outcome, _ = found(bench, REQUESTS["standardized"])

    assert bench.work.told == []
    assert [line.epoch for line in outcome.history] == list(range(1, 13))
    assert all(line.validation_loss is not None for line in outcome.history)
    assert outcome.progress["epoch"] == 12


def test_training_that_diverges_fails_with_what_was_last_good(bench):
    request = train(NEURON, optimizer={"kind": "sgd", "learning_rate": 1e6}, epochs=200)
    outcome = bench.run(claim_of(submitted(bench, request)))

    assert outcome.status == "failed"
    assert outcome.error["code"] == "diverged"
    details = outcome.error["details"]
    assert details["epoch"] < 200
    assert details["step"] >= 1
    assert np.isfinite(details["loss"])
    assert f"epoch {details['epoch']}, step {details['step']}" in outcome.error["message"]
    assert outcome.checkpoint is not None
    assert len(outcome.history) + len(bench.work.history) < 200


def test_an_expression_predicts_nothing(bench):
    outcome, _ = found(bench, expression())

    with pytest.raises(Exception, match="found an expression, expected a job that has trained"):
        predict("train", outcome.result, INPUTS, bench.settings.limits)


def test_another_number_of_inputs_is_told(bench):
    outcome, _ = found(bench, REQUESTS["neuron"])

    with pytest.raises(Exception, match="weights 3, inputs 2"):
        predict("train", outcome.result, INPUTS[:, :2], bench.settings.limits)
