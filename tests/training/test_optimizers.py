"""The records of the optimizers: their rules say what they do, their options what they take."""

import tracemalloc

import numpy as np
import pytest

from service.computation.compute import Computer
from service.errors import DomainError, ValidationError
from service.settings import Limits
from service.training.optimizers import OPTIMIZERS
from service.training.rule_formulas import rule_formulas
from service.training.updater import chosen_optimizer

SIZE = 4


def kind_of(optimizer):
    return optimizer.kind


def values_of(optimizer, chosen, updater, w, g):
    """What the names of a rule stand for, at the step that comes."""
    state = updater.state()
    symbols = {o.symbol: chosen.options[o.name] for o in optimizer.options}
    slots = {f"{s.symbol}_0": state.slots[s.name] for s in optimizer.slots}
    numbers = {f"{symbol}_0": state.numbers[name] for name, symbol in optimizer.numbers.items()}
    count = {"t": updater.steps + 1}
    return symbols | slots | numbers | count | {"w": w, "g": g}


def evaluated(text, values):
    arrays = {name: np.asarray(value, float) for name, value in values.items()}
    return Computer(Limits()).run("evaluate", text, arrays).value


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_a_step_is_what_the_rule_says(optimizer, weight_decay, rng):
    given = {"kind": optimizer.kind, "learning_rate": 0.1, "weight_decay": weight_decay}
    chosen = chosen_optimizer(given)
    updater = chosen.updater(SIZE)
    w = rng.normal(size=SIZE)

    for _ in range(3):
        g = rng.normal(size=SIZE)
        values = values_of(optimizer, chosen, updater, w.copy(), g)
        updater.step(w, g)

        # A few roundings, in another order.
        np.testing.assert_allclose(w, evaluated(chosen.rule, values), rtol=1e-13)
        named = chosen.rule.rpartition("; ")[0]
        for slot in optimizer.slots:
            expected = evaluated(f"{named}; {slot.symbol}", values)
            np.testing.assert_allclose(updater.state().slots[slot.name], expected, rtol=1e-13)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_a_rule_is_shown_in_every_form(optimizer):
    rule = optimizer.rule({"weight_decay": 0.1})

    formulas = rule_formulas(rule)

    assert formulas.text == rule
    assert r"\eta" in formulas.latex
    assert formulas.mathml.startswith("<math")
    assert "w" in formulas.notation


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_a_step_makes_no_arrays(optimizer, weight_decay, rng):
    size = 20_000
    given = {"kind": optimizer.kind, "learning_rate": 0.1, "weight_decay": weight_decay}
    updater = chosen_optimizer(given).updater(size)
    w, g = rng.normal(size=size), rng.normal(size=size)
    gradient = g.copy()

    tracemalloc.start()
    updater.step(w, g)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < size
    assert (g == gradient).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_another_rate_is_that_of_the_step(optimizer, rng):
    start, g = rng.normal(size=SIZE), rng.normal(size=SIZE)
    given, chosen = start.copy(), start.copy()

    chosen_optimizer({"kind": optimizer.kind, "learning_rate": 0.2}).updater(SIZE).step(
        given, g
    )
    chosen_optimizer({"kind": optimizer.kind, "learning_rate": 0.1}).updater(SIZE).step(
        chosen, g, 0.2
    )

    assert (given == chosen).all()


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_a_gradient_of_zero_moves_nothing_but_by_weight_decay(optimizer):
    given = {"kind": optimizer.kind, "learning_rate": 0.1, "weight_decay": 0}
    w = np.ones(SIZE)

    chosen_optimizer(given).updater(SIZE).step(w, np.zeros(SIZE))

    assert (w == 1).all()


def test_the_schedule_scales_the_learning_rate():
    schedule = {"kind": "step", "every": 2, "gamma": 0.5}
    chosen = chosen_optimizer({"kind": "sgd", "learning_rate": 0.2, "schedule": schedule})

    assert [chosen.rate(step=9, epoch=epoch) for epoch in (0, 1, 2, 4)] == [0.2, 0.2, 0.1, 0.05]


def test_the_defaults_are_those_of_pytorch():
    options = chosen_optimizer({"kind": "nadam", "learning_rate": 1}).options

    assert options == {
        "learning_rate": 1.0,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "momentum_decay": 4e-3,
        "weight_decay": 0.0,
    }


WRONG = [
    (
        {"kind": "adma", "learning_rate": 1},
        ValidationError,
        "optimizer: found kind 'adma', expected one of sgd, momentum, nesterov, rmsprop, "
        "adagrad, adadelta, adam, adamw, nadam, lion",
        "/optimizer/kind",
        "did you mean 'adam'?",
    ),
    (
        {"learning_rate": 1},
        ValidationError,
        "optimizer: found none for kind, expected one of sgd, momentum, nesterov, rmsprop, "
        "adagrad, adadelta, adam, adamw, nadam, lion",
        "/optimizer/kind",
        None,
    ),
    (
        {"kind": "sgd"},
        ValidationError,
        "optimizer sgd: found no learning_rate, expected a finite number above 0",
        "/optimizer/learning_rate",
        None,
    ),
    (
        {"kind": "sgd", "learning_rate": 0},
        DomainError,
        "optimizer sgd: found learning_rate 0, expected a finite number above 0",
        "/optimizer/learning_rate",
        None,
    ),
    (
        {"kind": "sgd", "learning_rate": 10**400},
        DomainError,
        "optimizer sgd: found learning_rate inf, expected a finite number above 0",
        "/optimizer/learning_rate",
        None,
    ),
    (
        {"kind": "sgd", "learning_rate": "0.1"},
        ValidationError,
        "optimizer sgd: found a string for learning_rate, expected a finite number above 0",
        "/optimizer/learning_rate",
        None,
    ),
    (
        {"kind": "sgd", "learning_rate": True},
        ValidationError,
        "optimizer sgd: found true for learning_rate, expected a finite number above 0",
        "/optimizer/learning_rate",
        None,
    ),
    (
        {"kind": "adam", "learning_rate": 1, "beta_1": 0.5},
        ValidationError,
        "optimizer adam: found option 'beta_1', expected one of learning_rate, beta1, beta2, "
        "epsilon, weight_decay",
        "/optimizer/beta_1",
        "did you mean 'beta1'?",
    ),
    (
        {"kind": "momentum", "learning_rate": 1, "momentum": 1},
        DomainError,
        "optimizer momentum: found momentum 1, expected a number at least 0 and below 1",
        "/optimizer/momentum",
        None,
    ),
    (
        {"kind": "adam", "learning_rate": 1, "weight_decay": float("nan")},
        DomainError,
        "optimizer adam: found weight_decay nan, expected a finite number at least 0",
        "/optimizer/weight_decay",
        None,
    ),
    (
        {"kind": "sgd", "learning_rate": 1, "schedule": {"kind": "cosine", "epochs": 2.5}},
        DomainError,
        "schedule cosine: found epochs 2.5, expected an integer from 1 to 1000000000",
        "/optimizer/schedule/epochs",
        None,
    ),
]


@pytest.mark.parametrize(("given", "error", "message", "pointer", "hint"), WRONG)
def test_a_wrong_choice_is_told(given, error, message, pointer, hint):
    with pytest.raises(error, match=r"^(optimizer|schedule)") as caught:
        chosen_optimizer(given)

    assert caught.value.message == message
    assert (caught.value.faults[0].pointer, caught.value.faults[0].hint) == (pointer, hint)


def bounds():
    for optimizer in OPTIMIZERS:
        for option in optimizer.options:
            for bound, is_open in (
                (option.lower, option.is_lower_open),
                (option.upper, option.is_upper_open),
            ):
                if np.isfinite(bound):
                    name = f"{optimizer.kind}-{option.name}-{bound}"
                    yield pytest.param(optimizer.kind, option, bound, is_open, id=name)


@pytest.mark.parametrize(("kind", "option", "bound", "is_open"), list(bounds()))
def test_a_range_is_kept_to_its_bound(kind, option, bound, is_open):
    outside = bound - 1e-6 if bound == option.lower else bound + 1e-6
    given = {"kind": kind, "learning_rate": 0.1}

    with pytest.raises(DomainError, match=f"found {option.name} .*, expected {option.range}"):
        chosen_optimizer(given | {option.name: outside})
    if is_open:
        with pytest.raises(DomainError, match=option.range):
            chosen_optimizer(given | {option.name: bound})
    else:
        assert chosen_optimizer(given | {option.name: bound}).options[option.name] == bound
