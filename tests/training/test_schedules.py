"""The schedules at known values, their formulas, and what is wrong with a choice."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.computation.compute import Computer
from service.errors import DomainError, ValidationError
from service.settings import Limits
from service.training.rule_formulas import rule_formulas
from service.training.schedules import SCHEDULES, chosen_schedule

CASES = json.loads((Path(__file__).parent / "reference/schedules.json").read_text())["cases"]


def factors(given, count=13):
    schedule = chosen_schedule(given)
    return [schedule.factor(step=t, epoch=t) for t in range(count)]


def evaluated(text, values):
    arrays = {name: np.asarray(v, float) for name, v in values.items() if name in text}
    return float(Computer(Limits()).run("evaluate", text, arrays).value)


def kind_of(value):
    return value.kind if hasattr(value, "kind") else value["schedule"]["kind"]


@pytest.mark.parametrize("case", CASES, ids=kind_of)
def test_the_factors_are_those_of_pytorch(case):
    # PyTorch computes each rate from the last, so that roundings add up.
    assert factors(case["schedule"]) == pytest.approx(case["factors"], rel=1e-13, abs=1e-15)


def test_every_schedule_has_reference_values():
    known = {case["schedule"]["kind"] for case in CASES} | {"constant"}

    assert known == {schedule.kind for schedule in SCHEDULES}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=kind_of)
def test_a_formula_gives_the_factors(schedule):
    given = {o.name: 3 if o.is_integer else 0.5 for o in schedule.options}
    values = {o.symbol: given[o.name] for o in schedule.options} | {"η": 1}

    expected = [evaluated(schedule.text, values | {"t": t}) for t in range(8)]

    found = factors({"kind": schedule.kind, **given}, 8)
    assert found == pytest.approx(expected, rel=1e-14)
    assert rule_formulas(schedule.text).latex


def test_no_schedule_is_a_constant_one():
    assert factors(None, 2) == factors({"kind": "constant"}, 2) == [1.0, 1.0]


def test_steps_and_epochs_are_told_apart():
    given = {"kind": "warmup", "steps": 4, "then": {"kind": "exponential", "gamma": 0.5}}

    assert chosen_schedule(given).factor(step=1, epoch=0) == 0.5
    assert chosen_schedule(given).factor(step=100, epoch=2) == 0.25


def test_the_cosine_stays_at_its_minimum():
    assert factors({"kind": "cosine", "epochs": 2, "minimum": 0.2}, 5)[2:] == [0.2, 0.2, 0.2]


def test_a_schedule_without_an_end_goes_to_zero():
    late = chosen_schedule({"kind": "exponential", "gamma": 0.5}).factor(step=0, epoch=10**9)

    assert late == 0


WRONG = [
    (
        "cosine",
        ValidationError,
        "schedule: found a string, expected an object with its kind",
        "",
    ),
    (
        {"kind": "step"},
        ValidationError,
        "schedule step: found no every, expected an integer from 1 to 1000000000",
        "/every",
    ),
    (
        {"kind": "exponential", "gamma": 1.5},
        DomainError,
        "schedule exponential: found gamma 1.5, expected a number above 0 and at most 1",
        "/gamma",
    ),
    (
        {"kind": "constant", "gamma": 1},
        ValidationError,
        "schedule constant: found option 'gamma', expected none",
        "/gamma",
    ),
    (
        {"kind": "constant", "then": None},
        ValidationError,
        "schedule constant: found option 'then', expected none",
        "/then",
    ),
    (
        {"kind": "warmup", "steps": 2, "then": {"kind": "warmup", "steps": 2}},
        ValidationError,
        "schedule: found kind 'warmup', expected one of constant, step, exponential, cosine, "
        "inverse_scaling",
        "/then/kind",
    ),
    (
        {"kind": "warmup", "steps": 2, "then": {"kind": "step", "every": 0}},
        DomainError,
        "schedule step: found every 0, expected an integer from 1 to 1000000000",
        "/then/every",
    ),
]


@pytest.mark.parametrize(("given", "error", "message", "place"), WRONG)
def test_a_wrong_schedule_is_told(given, error, message, place):
    with pytest.raises(error, match=r"^schedule") as caught:
        chosen_schedule(given)

    assert caught.value.message == message
    assert caught.value.faults[0].pointer == "/schedule" + place
