"""Weighted products of a matrix with itself, as in the Hessian of a linear model."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from scipy.special import expit

from service.computation.compute import Computer
from service.computation.requests import Request
from service.numeric import threads
from service.settings import Limits


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("sum(log(1 + exp(-y * (X @ w))))", lambda z, y: y**2 * expit(y * z) * expit(-y * z)),
        ("-sum(log(1 + exp(X @ w)))", lambda z, _: -expit(z) * expit(-z)),
        ("sum(sin(X @ w))", lambda z, _: -np.sin(z)),
        ("sum(exp(X @ w) * (y > 0))", lambda z, y: np.exp(z) * (y > 0)),
        ("sum((X @ w)**3 / y)", lambda z, y: 6 * z / y),
    ],
)
@pytest.mark.parametrize("rows", [50, 500, 20_000])
def test_the_hessian_of_a_linear_model_is_one_weighted_product(rng, text, weights, rows):
    inputs, targets = rng.normal(size=(rows, 20)), rng.choice([-2.0, 1.0], size=rows)
    w = rng.normal(size=20) / 5
    values = {"X": inputs, "y": targets, "w": w}

    answer = Computer(Limits()).run("hessian", text, values, ["w"], "dense")

    expected = (inputs.T * weights(inputs @ w, targets)) @ inputs
    found = answer.hessians["w"]["w"].tensor
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_weighted_product_of_samples_keeps_what_each_sample_sums(rng):
    inputs, w = rng.normal(size=(3, 400, 20)), rng.normal(size=20) / 5
    each = [
        Computer(Limits()).run("hessian", "sum(exp(X @ w))", {"X": x, "w": w}, ["w"], "dense")
        for x in inputs
    ]
    request = Request(
        operation="hessian",
        expression="sum(exp(X @ w))",
        variables={"X": inputs, "w": w},
        wrt=["w"],
        batch=["X"],
        representation="dense",
    )

    whole = Computer(Limits()).answer(request)

    for k, one in enumerate(each):
        found = whole.hessians["w"]["w"].tensor[k]
        np.testing.assert_allclose(found, one.hessians["w"]["w"].tensor, rtol=1e-10)


def test_two_halves_are_the_same_whether_a_thread_is_free_or_not(monkeypatch):
    taken = Event()
    busy = ThreadPoolExecutor(1)
    monkeypatch.setattr(threads, "_threads", lambda: busy)

    free = threads.in_halves(lambda start, stop: (start, stop), 7)
    busy.submit(taken.wait)
    alone = threads.in_halves(lambda start, stop: (start, stop), 7)
    taken.set()

    assert free == alone == ((0, 3), (3, 7))


def test_a_half_knows_what_its_caller_ignores():
    def work(start, stop):
        return np.log(np.zeros(stop - start))

    with np.errstate(divide="ignore"):
        first, second = threads.in_halves(work, 3)

    assert (len(first), len(second)) == (1, 2)
