"""Training tasks: planted weights found in own units, whatever the columns' units are."""

import numpy as np
import pytest

from service.errors import DomainError, GradserveError
from service.settings import Limits
from service.training import preparing
from service.training.checkpoints import decode_checkpoint, encode_checkpoint
from service.training.data import dataset_of
from service.training.models import BIAS, WEIGHTS
from service.training.optimizers import OPTIMIZERS
from service.training.runs import EarlyStopping, Schedule, StopWhen
from service.training.tasks import (
    DEFAULT_RATES,
    ExpressionTask,
    ModelTask,
    Start,
    TrainingTask,
    default_batch_rows,
    prepared,
)

TRUE = np.array([2.0, -0.03, 50.0])
NAMES = ["a", "b", "c", "price"]


@pytest.fixture
def houses(rng):
    x = rng.normal(size=(400, 3)) * [1, 100, 0.01] + [5, 1000, 0]
    return dataset_of(np.column_stack((x, x @ TRUE + 7)), NAMES)


def run_of(task, dataset, folder=None):
    ready = prepared(task, dataset, Limits(), folder)
    trainer = ready.trainer()
    for _ in trainer.run():
        pass
    return ready, ready.result(trainer.result())


def task_of(model, kind="adam", **schedule):
    schedule = {"epochs": 100, "batch_size": 32} | schedule
    return TrainingTask(model=model, optimizer={"kind": kind}, schedule=Schedule(**schedule))


@pytest.mark.parametrize(
    "loss", ["mse", {"kind": "huber", "delta": 0.5}, "mae", {"kind": "quantile", "level": 0.5}]
)
def test_a_neuron_finds_planted_weights_in_own_units(houses, loss):
    model = ModelTask(targets=("price",), loss=loss)

    _, found = run_of(task_of(model, validation_fraction=0.2, epochs=300), houses)

    # The absolute value's gradient never gets small, so its steps end at the rate's size.
    close = 1e-6 if loss == "mse" or "delta" in loss else 0.05
    np.testing.assert_allclose(found.parameters[WEIGHTS], TRUE, rtol=close)
    assert found.parameters[BIAS].shape == ()


@pytest.mark.parametrize("loss", ["mse", "mae", {"kind": "huber", "delta": 0.5}])
@pytest.mark.parametrize("kind", ["neuron", "network"])
def test_the_loss_is_told_in_own_units(houses, loss, kind):
    model = ModelTask(targets=("price",), loss=loss, kind=kind)
    ready, _ = run_of(task_of(model, epochs=1, batch_size=None), houses)
    start = ready.data.own(ready.data.problem.own(ready.data.problem.parameters))

    _, found = run_of(task_of(model, epochs=1, batch_size=None), houses)

    end = "" if kind == "neuron" else "_0"
    x, t = houses.values[:, :3], houses.values[:, 3]
    d = np.abs(np.ravel(x @ start[WEIGHTS + end] + start[BIAS + end]) - t)
    name = loss if isinstance(loss, str) else loss["kind"]
    each = {"mse": d**2, "mae": d, "huber": np.where(d < 0.5, d**2 / 2, 0.5 * (d - 0.25))}
    np.testing.assert_allclose(found.loss, each[name].mean(), rtol=1e-12)


def test_several_targets_keep_their_weight_against_each_other(rng):
    x = rng.normal(size=(200, 2))
    y = x @ [[1.0, 100.0], [2.0, -300.0]] + [5.0, 9.0]
    dataset = dataset_of(np.column_stack((x, y)), ["a", "b", "s", "t"])
    model = ModelTask(targets=("s", "t"), kind="network")

    _, found = run_of(task_of(model, epochs=400), dataset)

    np.testing.assert_allclose(found.parameters["weights_0"], [[1, 100], [2, -300]], rtol=1e-4)
    np.testing.assert_allclose(found.parameters["bias_0"], [5, 9], rtol=1e-4)


def test_the_loss_of_several_targets_is_told_in_own_units(rng):
    dataset = dataset_of(rng.normal(size=(50, 3)) * [1, 2, 30], ["a", "s", "t"])
    task = task_of(ModelTask(targets=("s", "t"), kind="network"), epochs=1, batch_size=None)
    ready, found = run_of(task, dataset)
    start = ready.data.own(ready.data.problem.parameters)

    d = dataset.values[:, :1] @ start["weights_0"] + start["bias_0"] - dataset.values[:, 1:]

    np.testing.assert_allclose(found.loss, np.sum(d**2) / 50, rtol=1e-12)


def test_hidden_layers_are_brought_to_own_units(houses):
    model = ModelTask(targets=("price",), kind="network", hidden=(8, 4))
    ready, found = run_of(task_of(model), houses)
    p, a = found.parameters, houses.values[:, :3]

    for k in range(3):
        a = a @ p[f"weights_{k}"] + p[f"bias_{k}"]
        a = np.maximum(a, 0) if k < 2 else a
    own = np.mean((a[:, 0] - houses.values[:, 3]) ** 2)

    # The history's loss is a mean over steps, each with the parameters before it.
    assert own == pytest.approx(found.loss, rel=0.5)
    assert own < 0.01 * houses.values[:, 3].var()
    assert ready.parameter_count == 3 * 8 + 8 + 8 * 4 + 4 + 4 + 1


def test_validation_rows_take_no_part_in_the_standardization(houses):
    model = ModelTask(targets=("price",))
    schedule = {"validation_fraction": 0.5, "epochs": 1}

    ready, _ = run_of(task_of(model, **schedule), houses)

    inputs = ready.data.problem.columns["inputs"]
    assert np.abs(inputs[:, :3].mean(axis=0)).max() > 1e-6


def test_class_numbers_become_rows(rng):
    x = rng.normal(size=(300, 2))
    label = np.argmax(x @ [[1.0, -1.0, 0.2], [0.5, 1.0, -1.0]], axis=1)
    dataset = dataset_of(np.column_stack((x, label)), ["a", "b", "class"])
    model = ModelTask(targets=("class",), kind="network", loss="cross_entropy")

    _, found = run_of(task_of(model, epochs=300), dataset)

    z = x @ found.parameters["weights_0"] + found.parameters["bias_0"]
    assert np.mean(np.argmax(z, axis=1) == label) > 0.98


def test_large_arrays_are_kept_in_files_with_the_same_result(houses, tmp_path, monkeypatch):
    task = task_of(ModelTask(targets=("price",), inputs=("c", "a")), epochs=2)
    _, kept = run_of(task, houses)
    monkeypatch.setattr(preparing, "KEPT_BYTES", 0)

    _, mapped = run_of(task, houses, tmp_path)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["inputs.npy", "targets.npy"]
    np.testing.assert_array_equal(kept.parameters[WEIGHTS], mapped.parameters[WEIGHTS])


def test_an_expression_is_minimised_by_columns_and_parameters(houses):
    model = ExpressionTask(
        expression="mean((price - X @ w - b)**2)",
        parameters={"w": Start(shape=(2,)), "b": Start(values=1.0)},
        columns={"X": ("a", "c")},
    )

    _, found = run_of(task_of(model, kind="adagrad", epochs=20), houses)

    assert {n: a.shape for n, a in found.parameters.items()} == {"w": (2,), "b": ()}
    assert found.loss < found.history[0].loss


def test_every_optimizer_has_a_default_rate():
    assert list(DEFAULT_RATES) == [o.kind for o in OPTIMIZERS]


@pytest.mark.parametrize("stop", [1, 6, 13, 20])
def test_a_run_goes_on_from_the_bytes_of_its_checkpoint_with_the_same_bits(houses, stop):
    model = ModelTask(targets=("price",), l2=0.01)
    task = task_of(
        model, epochs=4, validation_fraction=0.3, early_stopping=EarlyStopping(patience=2)
    )
    _, whole = run_of(task, houses)
    ready = prepared(task, houses, Limits())
    first, left = ready.trainer(), iter(range(stop))
    for _ in first.run(lambda: next(left, None) is None):
        pass
    data = encode_checkpoint(first.checkpoint(), ready.run_identity())

    ready = prepared(task, houses, Limits())
    second = ready.trainer(decode_checkpoint(data, ready.run_identity()))
    for _ in second.run():
        pass
    found = ready.result(second.result())

    assert found.history == whole.history
    np.testing.assert_array_equal(found.parameters[WEIGHTS], whole.parameters[WEIGHTS])


def test_a_loss_to_stop_at_is_in_own_units(houses):
    task = task_of(ModelTask(targets=("price",)), stop_when=StopWhen(loss=1e-6))

    _, found = run_of(task, houses)

    assert found.stopped_by == "stop_when"
    assert found.history[-1].loss <= 1e-6 < found.history[-2].loss


def test_a_batch_is_32_rows_or_all_that_are_trained_on():
    assert default_batch_rows(1000, 0.5, 0) == 32
    assert default_batch_rows(20, 0.0, 0) == 20
    assert default_batch_rows(20, 0.5, 0) == 10


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (ModelTask(targets=()), "found no target column"),
        (ModelTask(targets=("prize",)), "unknown column 'prize'; did you mean 'price'"),
        (ModelTask(targets=("price", "a")), "model neuron: found several targets"),
        (ModelTask(targets=("price",), hidden=(3,)), "model neuron: found hidden layers"),
        (
            ModelTask(targets=("price",), kind="network", hidden=(3, 0)),
            "hidden: found a layer of 0 units",
        ),
        (
            ModelTask(targets=("price",), activation="softmax"),
            "activation softmax: found a neu",
        ),
        (ModelTask(targets=("price",), l2=-1.0), "model: found l2 -1, expected a finite num"),
        (
            ModelTask(targets=("price",), loss="hinge"),
            r"targets: row 1, column 'price', is .* takes -1 or 1",
        ),
        (
            ModelTask(targets=("price",), kind="network", loss="cross_entropy"),
            "targets: row 1, column 'price', is .* expected a class number",
        ),
        (ExpressionTask(expression="mean(a)", parameters={}), "found no parameter"),
        (
            ExpressionTask(expression="w**2", parameters={"w": Start()}),
            "found no column of the data in the expression",
        ),
        (
            ExpressionTask(expression="mean(w * a)", parameters={"w": Start(shape=(0,))}),
            "parameter w: found the shape",
        ),
        (
            ExpressionTask(expression="mean(w * a)", parameters={"w": Start(values=[[1], 2])}),
            "parameter w: found values that are no array",
        ),
        (
            ExpressionTask(expression="mean(w * a)", parameters={"w": Start(values=1e999)}),
            "parameter w: found a value that is not finite",
        ),
        (
            ExpressionTask(
                expression="mean(w * a)", parameters={"w": Start()}, columns={"w": "a"}
            ),
            "found 'w' as a column and as a parameter",
        ),
        (
            ExpressionTask(
                expression="mean(w * a)", parameters={"w": Start()}, columns={"2x": "a"}
            ),
            "found the variable '2x'",
        ),
        (ExpressionTask(expression="w * a", parameters={"w": Start()}), "a loss is a scalar"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(houses, model, message):
    with pytest.raises(GradserveError, match=message):
        prepared(task_of(model), houses, Limits())


def test_too_many_classes_are_refused():
    dataset = dataset_of(np.array([[1.0, 0], [2, 1e7]]), ["a", "class"])
    model = ModelTask(targets=("class",), kind="network", loss="cross_entropy")

    with pytest.raises(GradserveError, match="expected at most 10000 classes"):
        prepared(task_of(model, batch_size=2), dataset, Limits())


def test_the_batch_fits_the_rows_that_are_trained_on(houses):
    ready = prepared(
        task_of(ModelTask(targets=("price",)), batch_size=300, validation_fraction=0.5),
        houses,
        Limits(),
    )

    with pytest.raises(DomainError, match="batch_size: found 300, expected between 1 and 200"):
        ready.trainer()
