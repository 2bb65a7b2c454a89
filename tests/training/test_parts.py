"""Steps computed part by part, against the same run as a whole."""

import numpy as np
import pytest

from service.settings import Limits
from service.training.data import dataset_of
from service.training.expression_tasks import ExpressionTask, Start
from service.training.layer_tasks import LayerTask
from service.training.model_tasks import ModelTask
from service.training.parts import bounds_of
from service.training.runs import Schedule
from service.training.tasks import TrainingTask, prepared

ROWS, COLUMNS = 1_000_000, 50
OPTIMIZERS = {"sgd": 0.05, "momentum": 0.02, "adam": 0.01}


class Alone:
    """A team of one, which computes all parts in two goes and sums them in order."""

    def __init__(self, parts):
        self.parts = parts

    def gradient(self, epoch, step, vector, *, is_measured):
        half = self.parts.count // 2
        found = []
        for numbers in (range(half, self.parts.count), range(half)):
            answer = self.parts.gradients(epoch, step, vector, numbers, is_measured=is_measured)
            found = answer + found
        return sum(loss for loss, _ in found), sum(slopes for _, slopes in found)

    def losses(self, vector, count):
        half = count // 2
        after = self.parts.losses(vector, half, count)
        return self.parts.losses(vector, 0, half) + after


def run(ready, count=None):
    """What a run finds, as a whole or in so many parts."""
    team = None
    if count is not None:
        parts = ready.parts(count)
        assert parts.reason() is None
        team = Alone(parts)
    trainer = ready.trainer(None, team)
    for _ in trainer.run():
        pass
    return ready.result(trainer.result())


def agree(found, expected, tolerance):
    for name, array in expected.parameters.items():
        scale = max(1.0, float(np.max(np.abs(array))))
        assert np.max(np.abs(found.parameters[name] - array)) <= tolerance * scale
    for one, other in zip(found.history, expected.history, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=tolerance)
        assert one.gradient_norm == pytest.approx(other.gradient_norm, rel=1e-6, abs=tolerance)
        if other.validation_loss is not None:
            assert one.validation_loss == pytest.approx(other.validation_loss, rel=tolerance)


@pytest.fixture(scope="module")
def large():
    rng = np.random.default_rng(7)
    values = rng.standard_normal((ROWS, COLUMNS + 1))
    weights = np.linspace(-2, 2, COLUMNS)
    values[:, -1] = values[:, :-1] @ weights + 0.1 * values[:, -1]
    return dataset_of(values, [f"x{k}" for k in range(COLUMNS)] + ["y"])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_million_rows_in_parts_give_what_they_give_as_a_whole(large, kind):
    task = TrainingTask(
        model=ModelTask(targets=("y",), standardize=False),
        optimizer={"kind": kind, "learning_rate": OPTIMIZERS[kind]},
        schedule=Schedule(epochs=2, batch_size=100_000, seed=1, validation_fraction=0.1),
    )
    ready = prepared(task, large, Limits())
    agree(run(ready, 2), run(ready), 1e-10)


RNG = np.random.default_rng(3)
X = RNG.standard_normal((203, 4))
TABLE = dataset_of(
    np.column_stack([X, X @ [1, -2, 3, 0.5] + 1, RNG.integers(0, 3, 203)]),
    ["a", "b", "c", "d", "y", "k"],
)


def network(**options):
    layers = (LayerTask(activation="tanh", units=5), LayerTask(activation="softmax", units=3))
    return ModelTask(
        targets=("k",),
        inputs=("a", "b", "c", "d"),
        kind="network",
        loss="cross_entropy",
        layers=layers,
        **options,
    )


MODELS = {
    "neuron": ModelTask(targets=("y",), inputs=("a", "b", "c", "d"), l1=0.01, l2=0.1),
    "network": network(l2=0.05),
    "mean": ExpressionTask(
        expression="mean((y - X @ w - b)**2) + 0.1*sum(w**2)",
        parameters={"w": Start(shape=(4,)), "b": Start()},
        columns={"X": ("a", "b", "c", "d"), "y": "y"},
    ),
    "sum": ExpressionTask(
        expression="0.01*sum(log(1 + exp(X @ w))) - 0.01*sum(y * (X @ w)) + sum(w**2)",
        parameters={"w": Start(shape=(4,))},
        columns={"X": ("a", "b", "c", "d"), "y": "y"},
    ),
}


@pytest.fixture(params=["kept", "gathered"])
def _way(request, monkeypatch):
    """How the rows of a batch come together: of small data, and as if they were large."""
    if request.param == "gathered":
        monkeypatch.setattr("service.training.batches.KEPT_BYTES", 0)
        monkeypatch.setattr("service.training.batches.WINDOW_BYTES", 4096)


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("batch_size", [None, 32, 50])
@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("name", MODELS)
def test_any_number_of_parts_gives_the_whole(name, count, batch_size):
    # Not by adam: a bias of standardized columns has a gradient of rounding errors alone, and
    # adam makes whole steps of them.
    schedule = Schedule(epochs=3, batch_size=batch_size, seed=5, validation_fraction=0.2)
    task = TrainingTask(
        model=MODELS[name],
        optimizer={"kind": "momentum", "learning_rate": 0.02},
        schedule=schedule,
    )
    ready = prepared(task, TABLE, Limits())
    agree(run(ready, count), run(ready), 1e-10)


def test_a_loss_that_needs_all_rows_at_once_says_so():
    task = TrainingTask(
        model=ExpressionTask(
            expression="norm(y - X @ w)",
            parameters={"w": Start(shape=(4,))},
            columns={"X": ("a", "b", "c", "d"), "y": "y"},
        ),
        optimizer={"kind": "sgd", "learning_rate": 0.02},
        schedule=Schedule(epochs=1, batch_size=None),
    )
    parts = prepared(task, TABLE, Limits()).parts(2)

    assert parts.reason() == (
        "the loss is no sum over rows: norm2(y - X @ w) needs all rows at once"
    )


@pytest.mark.usefixtures("_way")
def test_steps_may_be_asked_for_in_any_order():
    schedule = Schedule(epochs=3, batch_size=32, seed=5)
    optimizer = {"kind": "sgd", "learning_rate": 0.02}
    ready = prepared(
        TrainingTask(model=MODELS["neuron"], optimizer=optimizer, schedule=schedule),
        TABLE,
        Limits(),
    )
    vector = ready.first_vector() + 0.3
    in_order, at_random = ready.parts(2), ready.parts(2)
    places = [(epoch, step) for epoch in range(3) for step in range(7)]
    expected = {p: in_order.gradients(*p, vector, (0, 1), is_measured=True) for p in places}

    for place in RNG.permutation(places):
        found = at_random.gradients(*map(int, place), vector, (1,), is_measured=True)
        again = at_random.gradients(*map(int, place), vector, (0,), is_measured=True)
        for (loss, slopes), (told, gradient) in zip(
            again + found, expected[tuple(place)], strict=True
        ):
            assert loss == told
            assert np.array_equal(slopes, gradient)


def test_fewer_rows_than_parts_leave_some_empty():
    assert bounds_of(2, 4) == [(0, 0), (0, 1), (1, 1), (1, 2)]
