"""Large columns that nothing changes are trained on where they lie: no second copy is made."""

import numpy as np
import pytest

from service.errors import DomainError
from service.settings import Limits
from service.training import preparing
from service.training.data import Columns, dataset_of
from service.training.expression_tasks import ExpressionTask
from service.training.model_tasks import ModelTask
from service.training.runs import Schedule
from service.training.tasks import Start, TrainingTask, prepared

NAMES = ("a", "b", "c", "y")
SCHEDULE = Schedule(epochs=3, batch_size=16, validation_fraction=0.2)
EXPRESSION = ExpressionTask(
    expression="mean((y - X @ w)**2)",
    parameters={"w": Start(shape=(3,))},
    columns={"X": ("a", "b", "c"), "y": "y"},
)
NEURON = ModelTask(targets=("y",), standardize=False)


def task_of(model):
    return TrainingTask(
        model=model, optimizer={"kind": "adam", "learning_rate": 0.05}, schedule=SCHEDULE
    )


@pytest.fixture
def dataset(rng):
    values = rng.normal(size=(200, 4))
    values[:, 3] = values[:, :3] @ [1, -2, 0.5]
    return dataset_of(values, NAMES)


@pytest.mark.parametrize("model", [EXPRESSION, NEURON], ids=["expression", "neuron"])
def test_large_columns_stay_in_place_and_give_the_same(model, dataset, monkeypatch, tmp_path):
    task = task_of(model)
    copied = prepared(task, dataset, Limits(), tmp_path)
    monkeypatch.setattr(preparing, "KEPT_BYTES", 0)
    monkeypatch.setattr("service.training.problems._MOST_COPIED_BYTES", 0)

    in_place = prepared(task, dataset, Limits(), tmp_path)

    columns = in_place.data.problem.columns.values()
    assert any(isinstance(c, Columns) and c.values is dataset.values for c in columns)
    assert in_place.run_identity()["rows"] == 200
    results = []
    for ready in (copied, in_place):
        trainer = ready.trainer()
        for _ in trainer.run():
            pass
        results.append(ready.result(trainer.result()))
    for name, expected in results[0].parameters.items():
        np.testing.assert_allclose(results[1].parameters[name], expected, rtol=1e-9)


def test_a_narrow_part_of_a_wide_table_is_copied(dataset, monkeypatch, tmp_path):
    monkeypatch.setattr(preparing, "KEPT_BYTES", 0)
    inputs, _ = dataset.select(["b"])

    found = preparing.Store(tmp_path).gathered("inputs", inputs)

    assert np.array_equal(found, dataset.values[:, 1:2])
    assert (tmp_path / "inputs.npy").exists()


def test_the_checksum_is_that_of_the_numbers_wherever_they_lie(dataset):
    inputs, _ = dataset.select(["c", "a"])

    assert preparing.checksum({"x": inputs}) == preparing.checksum({"x": inputs.array()})


def test_a_wrong_target_is_told_with_row_and_column(dataset):
    values = dataset.values.copy()
    values[:, 3] = 1
    values[4, 3] = 2
    task = task_of(ModelTask(targets=("y",), loss="binary_cross_entropy"))

    with pytest.raises(DomainError, match="targets: row 5, column 'y', is 2"):
        prepared(task, dataset_of(values, NAMES), Limits())
