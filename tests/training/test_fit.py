"""The training loop: what it learns, when it stops, how it goes on, what it refuses."""

import numpy as np
import pytest
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

from service.calculus.numbers import from_float
from service.errors import DivergedError, DomainError, ValidationError
from service.settings import Limits
from service.training.clipping import Clip
from service.training.fit import Trainer
from service.training.functions import chosen_activation, chosen_loss
from service.training.initializers import chosen_initializer
from service.training.models import LayerShape, Model, Penalty
from service.training.optimizers import OPTIMIZERS
from service.training.passes import forward
from service.training.problems import expression_problem, model_problem
from service.training.runs import EarlyStopping, Schedule, StopWhen
from service.training.updater import chosen_optimizer

LIMITS = Limits()


def neuron(features, activation="identity", loss="mse", l2=0.0):
    layer = LayerShape(features, None, chosen_activation(activation))
    return Model((layer,), chosen_loss(loss), 1, Penalty(l2=from_float(l2)))


def neuron_problem(inputs, targets, activation="identity", loss="mse", l2=0.0, weights=None):
    weights = np.zeros(inputs.shape[1]) if weights is None else weights
    model = neuron(inputs.shape[1], activation, loss, l2)
    return model_problem(model, {"weights": weights, "bias": np.array(0.0)}, inputs, targets)


def optimizer(kind="sgd", learning_rate=0.1, **options):
    return chosen_optimizer({"kind": kind, "learning_rate": learning_rate, **options})


def trained(problem, chosen, **schedule):
    trainer = Trainer(problem, chosen, Schedule(**schedule))
    for _ in trainer.run():
        pass
    return trainer.result()


def test_a_linear_neuron_finds_the_least_squares(rng):
    inputs = rng.normal(size=(500, 4))
    targets = inputs @ [1.0, -2.0, 0.5, 3.0] + 0.7 + rng.normal(size=500)

    found = trained(neuron_problem(inputs, targets), optimizer(), epochs=400).parameters

    augmented = np.column_stack((inputs, np.ones(500)))
    best = np.linalg.lstsq(augmented, targets)[0]
    np.testing.assert_allclose(np.append(found["weights"], found["bias"]), best, atol=1e-6)


def test_a_logistic_neuron_with_l2_is_logistic_regression(rng):
    inputs = rng.normal(size=(400, 3))
    targets = (inputs @ [1.5, -1.0, 0.3] + 0.4 + rng.logistic(size=400) > 0).astype(float)
    l2 = 0.02

    problem = neuron_problem(inputs, targets, "sigmoid", "binary_cross_entropy", l2)
    found = trained(problem, optimizer(learning_rate=1.0), epochs=1500).parameters

    # Its objective is C Σ ℓ + ½ w·w, ours 1/N Σ ℓ + ½ l2 w·w.
    peer = LogisticRegression(C=1 / (400 * l2), tol=1e-12, max_iter=1000).fit(inputs, targets)
    np.testing.assert_allclose(found["weights"], peer.coef_[0], atol=1e-5)
    np.testing.assert_allclose(found["bias"], peer.intercept_[0], atol=1e-5)


def test_a_rectified_neuron_finds_planted_weights_within_the_statistical_error(rng):
    planted, noise = rng.normal(size=6), 0.2
    inputs = rng.normal(size=(100_000, 6))
    targets = np.maximum(0, inputs @ planted + 0.3) + noise * rng.normal(size=100_000)

    problem = neuron_problem(inputs, targets, "relu", weights=0.1 * np.ones(6))
    found = trained(problem, optimizer(learning_rate=0.5), epochs=150).parameters

    active = np.column_stack((inputs, np.ones(100_000)))[inputs @ planted + 0.3 > 0]
    errors = noise * np.sqrt(np.diag(np.linalg.inv(active.T @ active)))
    deviations = np.append(found["weights"] - planted, found["bias"] - 0.3)
    assert np.all(np.abs(deviations) < 5 * errors)


def network_problem(sizes, activations, loss, inputs, targets, seed):
    rng = np.random.default_rng(seed)
    glorot = chosen_initializer({"kind": "glorot_uniform"})
    layers, parameters = [], {}
    for k, activation in enumerate(activations):
        layers.append(LayerShape(sizes[k], sizes[k + 1], chosen_activation(activation)))
        parameters[f"weights_{k}"] = glorot.weights((sizes[k], sizes[k + 1]), rng)
        parameters[f"bias_{k}"] = np.zeros(sizes[k + 1])
    model = Model(tuple(layers), chosen_loss(loss), 1)
    return model, model_problem(model, parameters, inputs, targets)


def accuracy(model, found, inputs, targets):
    at = Model(model.layers, model.loss, len(inputs))
    data = {"inputs": inputs, "targets": targets}
    return np.mean((forward(at, found, data, LIMITS).activations > 0.5) == (targets > 0.5))


@pytest.mark.parametrize("seed", range(5))
def test_a_network_learns_exclusive_or(seed):
    inputs = np.tile([[0.0, 0], [0, 1], [1, 0], [1, 1]], (25, 1))
    targets = (inputs[:, :1] != inputs[:, 1:]).astype(float)
    model, problem = network_problem(
        (2, 8, 1), ("tanh", "sigmoid"), "binary_cross_entropy", inputs, targets, seed
    )

    found = trained(
        problem, optimizer("adam", 0.05), epochs=200, batch_size=20, seed=seed
    ).parameters

    assert accuracy(model, found, inputs, targets) >= 0.99


@pytest.mark.parametrize("seed", range(5))
def test_a_network_learns_two_moons(seed):
    inputs, classes = make_moons(1000, noise=0.1, random_state=seed)
    targets = classes[:, None].astype(float)
    model, problem = network_problem(
        (2, 16, 16, 1),
        ("relu", "relu", "sigmoid"),
        "binary_cross_entropy",
        inputs,
        targets,
        seed,
    )

    found = trained(
        problem, optimizer("adam", 0.01), epochs=150, batch_size=50, seed=seed
    ).parameters

    assert accuracy(model, found, inputs, targets) >= 0.99


def small_problem():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(53, 3))
    targets = np.tanh(inputs @ [1.0, -1.0, 0.5]) + 0.1 * rng.normal(size=53)
    return neuron_problem(inputs, targets, "tanh", weights=0.1 * np.ones(3))


@pytest.mark.parametrize("kind", [o.kind for o in OPTIMIZERS])
def test_a_run_that_goes_on_takes_the_same_steps_with_the_same_bits(kind):
    schedule = Schedule(
        epochs=5,
        batch_size=8,
        seed=7,
        validation_fraction=0.2,
        early_stopping=EarlyStopping(patience=50),
    )
    chosen = optimizer(kind, 0.01, schedule={"kind": "exponential", "gamma": 0.9})
    whole = Trainer(small_problem(), chosen, schedule)
    list(whole.run())
    expected = whole.result()
    rng = np.random.default_rng(len(kind))

    for stop in rng.integers(0, expected.steps, 10):
        asked = iter(range(int(stop) + 1))
        first = Trainer(small_problem(), chosen, schedule)
        list(first.run(lambda asked=asked: next(asked, None) is None))
        second = Trainer(small_problem(), chosen, schedule, first.checkpoint())
        list(second.run())
        found = second.result()
        assert found.history == expected.history
        for name, array in expected.parameters.items():
            assert found.parameters[name].tobytes() == array.tobytes()


def test_an_expression_is_trained_as_the_neuron_that_it_is(rng):
    inputs, targets = rng.normal(size=(40, 3)), rng.normal(size=40)
    schedule = {"epochs": 3, "batch_size": 8, "seed": 5}
    problem = expression_problem(
        "mean((y - relu(X @ w + b))**2)",
        {"w": np.array([0.3, -0.2, 0.1]), "b": np.array(0.0)},
        {"X": inputs, "y": targets},
        {},
        LIMITS,
    )

    found = trained(problem, optimizer("adam"), **schedule)
    neuron_found = trained(
        neuron_problem(inputs, targets, "relu", weights=np.array([0.3, -0.2, 0.1])),
        optimizer("adam"),
        **schedule,
    )

    np.testing.assert_allclose(
        found.parameters["w"], neuron_found.parameters["weights"], rtol=1e-10
    )
    assert found.loss == pytest.approx(neuron_found.loss, rel=1e-12)


def test_the_history_has_a_line_for_each_epoch():
    result = trained(small_problem(), optimizer(), epochs=4, batch_size=10)

    assert [line.epoch for line in result.history] == [1, 2, 3, 4]
    assert all(line.validation_loss is None for line in result.history)
    assert result.history[-1].loss < result.history[0].loss
    assert (result.epochs, result.steps, result.stopped_by) == (4, 24, "epochs")


def test_it_stops_early_with_the_best_parameters():
    result = trained(
        small_problem(),
        optimizer(learning_rate=1.2),
        epochs=500,
        batch_size=8,
        validation_fraction=0.3,
        early_stopping=EarlyStopping(patience=3),
    )

    losses = [line.validation_loss for line in result.history]
    assert result.stopped_by == "early_stopping"
    assert len(losses) == losses.index(min(losses)) + 4


def test_it_stops_at_a_loss_or_a_gradient():
    by_loss = trained(small_problem(), optimizer(), epochs=500, stop_when=StopWhen(loss=0.05))
    by_norm = trained(
        small_problem(), optimizer(), epochs=5000, stop_when=StopWhen(gradient_norm=1e-3)
    )

    assert by_loss.stopped_by == "stop_when"
    assert by_loss.loss <= 0.05 < by_loss.history[-2].loss
    assert by_norm.gradient_norm <= 1e-3 < by_norm.history[-2].gradient_norm


def test_a_clipped_step_is_as_long_as_allowed():
    problem = small_problem()
    result = trained(problem, optimizer(learning_rate=1.0), epochs=1, clip=Clip(norm=1e-3))

    before = np.append(0.1 * np.ones(3), 0.0)
    after = np.append(result.parameters["weights"], result.parameters["bias"])
    assert np.linalg.norm(after - before) == pytest.approx(1e-3)
    assert result.gradient_norm > 1e-3


def test_it_is_cancelled_between_steps():
    asked = iter(range(8))
    trainer = Trainer(small_problem(), optimizer(), Schedule(epochs=100, batch_size=10))

    list(trainer.run(lambda: next(asked, None) is None))

    assert trainer.result().stopped_by == "cancelled"
    assert trainer.result().steps == 8


def test_a_divergence_tells_where_and_keeps_the_last_good_parameters():
    rng = np.random.default_rng(0)
    inputs, targets = 1e3 * rng.normal(size=(20, 2)), rng.normal(size=20)
    trainer = Trainer(
        neuron_problem(inputs, targets), optimizer(learning_rate=1e3), Schedule(epochs=500)
    )

    with pytest.raises(
        DivergedError, match=r"the loss is not finite in epoch \d+, step 1; the "
    ):
        list(trainer.run())

    assert all(np.all(np.isfinite(a)) for a in trainer.result().parameters.values())


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        ({"epochs": 0}, DomainError, "epochs: found 0, expected at least 1"),
        ({"epochs": 1, "batch_size": 54}, DomainError, "found 54"),
        ({"epochs": 1, "batch_size": 0}, DomainError, "found 0"),
        ({"epochs": 1, "validation_fraction": 1.5}, DomainError, "found 1.5"),
    ],
)
def test_what_cannot_be_run_is_refused(schedule, error, message):
    with pytest.raises(error, match=message):
        Trainer(small_problem(), optimizer(), Schedule(**schedule))


def test_a_checkpoint_of_another_optimizer_is_refused():
    first = Trainer(small_problem(), optimizer(), Schedule(epochs=1))
    list(first.run())

    with pytest.raises(ValidationError, match="found the state of sgd, expected adam"):
        Trainer(small_problem(), optimizer("adam"), Schedule(epochs=2), first.checkpoint())


def test_progress_tells_rate_and_time_left():
    trainer = Trainer(small_problem(), optimizer(), Schedule(epochs=3, batch_size=10))

    told = list(trainer.run())

    assert [p.epoch for p in told] == [1, 2, 3]
    assert all(p.samples_per_second > 0 for p in told)
    assert told[-1].seconds_left == 0
