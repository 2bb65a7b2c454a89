"""Parts of a batch add up to the whole, or there is a reason why they cannot."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.numeric.compile import compile_plan
from service.numeric.execute import execute
from service.settings import Limits
from service.training.functions import LOSSES, chosen_activation, chosen_loss
from service.training.models import LayerShape, Model, Penalty
from service.training.problems import expression_problem, model_problem
from service.training.separable import Reason, Shares, shares

PARTS = (3, 1, 5)
ROWS = sum(PARTS)


def values_of(graphs, values):
    nodes = [graphs.total, graphs.data_loss, *graphs.gradients.values()]
    return [np.array(v) for v in execute(compile_plan(nodes), values)]


def check(problem):
    found = shares(problem, ROWS, PARTS)
    assert isinstance(found, Shares), found
    columns = {n: np.asarray(c) for n, c in problem.columns.items()}
    starts = np.cumsum((0, *PARTS))
    batches = [
        {n: c[a:b] for n, c in columns.items()} | dict(problem.parameters) | SHARED
        for a, b in pairwise(starts)
    ]
    for name, nodes in found.statistics.items():
        pairs = zip(nodes, batches, strict=True)
        total = sum(np.array(execute(compile_plan([n]), b)[0]) for n, b in pairs)
        for batch in batches:
            batch[name] = np.asarray(total)
    made = [values_of(g, b) for g, b in zip(found.parts, batches, strict=True)]
    whole = values_of(problem.graphs(ROWS), columns | dict(problem.parameters) | SHARED)
    for k, expected in enumerate(whole):
        sums = sum(m[k] for m in made)
        scale = max(1.0, *(float(np.max(np.abs(m[k]))) for m in made))
        # Rounding of sums in another order.
        np.testing.assert_allclose(sums, expected, rtol=1e-12, atol=1e-12 * scale)


SHARED = {"N": np.array(7.0), "A": np.arange(9.0).reshape(3, 3)}


def problem_of(text):
    rng = np.random.default_rng(1)
    columns = {"X": rng.normal(size=(ROWS, 3)), "y": rng.choice((-1.0, 1.0), ROWS)}
    columns["s"] = rng.uniform(0.5, 2.0, ROWS)
    parameters = {"w": rng.normal(size=3), "W": rng.normal(size=(3, 3))}
    return expression_problem(text, parameters, columns, SHARED, Limits())


# A neuron predicts no distribution.
MODELS = [
    pytest.param(loss, outputs, id=f"{loss}-{name}")
    for loss in LOSSES
    for outputs, name in ((None, "neuron"), (2, "network"))
    if outputs or not chosen_loss(loss).record.targets.adds_up
]


@pytest.mark.parametrize("is_weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("loss", "outputs"), MODELS)
def test_parts_of_every_model_add_up(loss, outputs, is_weighted, rng):
    activation = chosen_activation("sigmoid")
    layers = (LayerShape(3, outputs, activation),)
    if outputs:
        layers = (LayerShape(3, 4, activation), LayerShape(4, outputs, activation))
    model = Model(layers, chosen_loss(loss), 1, Penalty(l1=0.1, l2=0.3))
    parameters = {p.name: rng.normal(size=p.shape) for p in model.parameters}
    shape = (ROWS,) if outputs is None else (ROWS, outputs)
    weights = rng.uniform(0.5, 2.0, ROWS) if is_weighted else None
    targets = rng.uniform(0.2, 0.8, shape)
    check(model_problem(model, parameters, rng.normal(size=(ROWS, 3)), targets, weights))


@pytest.mark.parametrize(
    "text",
    """mean((y - X@w)**2) + 0.1*sum(w**2)|sum((y - X@w)**2)|(y - X@w) @ (y - X@w)/N
    sum(log(1 + exp(-y*(X@w))))|trace(X.T @ X @ W)|y @ X @ w/N + 3|sum(w**2)|mse(X@w, y)
    mean(norm2(X@W, axis=1))|mean(max(X@W, axis=1))|norm2(X@w - y)**2|huber(X@w, y)
    sum(logsumexp(X@W, axis=1))|mean(X, axis=0)@w|w@(X.T@X)@w/N|sum(s*(X@w-y)**2)/sum(s)
    mean((X@w - mean(y))**2)|mean(softmax(X@W)[:, 0])|sum(abs(X@w)) - norm2(w)|mean(X @ W)
    sum((y - mean(y))*(X@w))|var(y)*sum(w)|mean(where(X@w > 0, X@w, 0))
    sum(relu(X@W) @ A)|mean(y)**2*sum(w)|mean(X@w + w[0])""".replace("\n    ", "|").split("|"),
)
def test_parts_of_a_sum_over_rows_add_up(text):
    check(problem_of(text))


@pytest.mark.parametrize(
    "text",
    """norm2(X@w - y)|log(sum(exp(X@w)))|mean(X@w)**2|sum((X@w)@X)*sum(X@w)|max(X@w)
    sum(X@diag(w)@X.T)|sum(cumsum(X@w))|(X@w)[0]|sum((X@w)[0:2])|var(X@w)|std(X@w)
    prod(X@w)|exp(mean(X@w))|logdet(X.T@diag(s)@X + W)|sum(softmax(X@w, axis=0)*y)
    1/sum((X@w)**2)|sqrt(mse(X@w, y))|sum(exp(X@W@X.T))|max(y)*sum(w)""".replace(
        "\n    ", "|"
    ).split("|"),
)
def test_what_mixes_rows_has_a_reason(text):
    found = shares(problem_of(text), ROWS, PARTS)

    assert isinstance(found, Reason)
    assert "rows" in found.text


ATOMS = st.sampled_from(("y", "s", "(X@w)", "X[:, 1]", "norm2(X@W, axis=1)", "w[0]", "sum(w)"))
UNARY = ("sum({})", "mean({})", "tanh({})", "max({})", "norm2({})", "(-({}))", "abs({})")
BINARY = ("({} + {})", "({} - {})", "({} * {})", "({} / (1 + ({})**2))")


def _larger(inner):
    ones = st.builds(str.format, st.sampled_from((*UNARY, "({})**2")), inner)
    return ones | st.builds(str.format, st.sampled_from(BINARY), inner, inner)


@settings(max_examples=100, deadline=None)
@given(text=st.recursive(ATOMS, _larger, max_leaves=6))
def test_whatever_is_called_a_sum_over_rows_is_one(text):
    problem = problem_of(f"sum({text})")

    if isinstance(shares(problem, ROWS, PARTS), Shares):
        check(problem)
