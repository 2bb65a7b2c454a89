"""Fifty steps of every optimizer, against PyTorch and, for lion, its paper's algorithm."""

import json
from pathlib import Path

import numpy as np
import pytest

from service.training.optimizers import OPTIMIZERS
from service.training.updater import chosen_optimizer
from tests.training.reference.problems import (
    INPUTS,
    MATRIX,
    SETTINGS,
    STARTS,
    STEPS,
    TARGETS,
    VECTOR,
)

CASES = json.loads((Path(__file__).parent / "reference/trajectories.json").read_text())["cases"]


def quadratic(w):
    return np.array(MATRIX) @ w - np.array(VECTOR)


def rosenbrock(w):
    valley = w[1] - w[0] ** 2
    return np.array([-2 * (1 - w[0]) - 400 * w[0] * valley, 200 * valley])


def logistic(w):
    inputs = np.array(INPUTS)
    errors = 1 / (1 + np.exp(-(inputs @ w))) - np.array(TARGETS)
    return inputs.T @ errors / len(errors)


GRADIENTS = {"quadratic": quadratic, "rosenbrock": rosenbrock, "logistic": logistic}


def name_of(case):
    return "-".join([case["kind"], case["problem"], *list(case["options"])[1:]])


def test_every_optimizer_has_reference_trajectories():
    assert {case["kind"] for case in CASES} == {o.kind for o in OPTIMIZERS} == set(SETTINGS)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_trajectory_is_that_of_the_reference(case):
    gradient = GRADIENTS[case["problem"]]
    w = np.array(STARTS[case["problem"]])
    updater = chosen_optimizer({"kind": case["kind"], **case["options"]}).updater(w.size)

    path = {}
    for step in range(1, STEPS + 1):
        updater.step(w, gradient(w))
        path[str(step)] = w.copy()

    # The gradients are written another way than PyTorch's; the last digits come from there.
    for step, expected in case["points"].items():
        assert path[step] == pytest.approx(expected, rel=1e-12, abs=1e-13), step
