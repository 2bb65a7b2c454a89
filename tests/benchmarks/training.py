"""Epochs of stochastic gradient descent beside JAX's scan and PyTorch's loop."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from service.training.fit import Trainer
from service.training.functions import chosen_activation, chosen_loss
from service.training.models import LayerShape, Model
from service.training.problems import model_problem
from service.training.runs import Schedule
from service.training.updater import chosen_optimizer
from tests.benchmarks.rounds import Result, Run, compare

ROWS, COLUMNS, RATE = 200_000, 100, 0.01
ACTIVATIONS = {
    "relu": lambda module, z: module.maximum(z, 0),
    "identity": lambda _, z: z,
    "tanh": lambda module, z: module.tanh(z),
}
LOSSES = {
    "mse": lambda module, d: d**2,
    "log_cosh": lambda module, d: module.log(module.cosh(d)),
}


def epoch(activation: str, batch: int, loss: str = "mse", rounds: int = 15) -> Result:
    """One epoch over 200,000 × 100 numbers; PyTorch where it is installed."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(ROWS, COLUMNS))
    weights = rng.normal(size=COLUMNS) / COLUMNS
    targets = inputs @ rng.normal(size=COLUMNS) + rng.normal(size=ROWS)
    contenders: dict[str, Run] = {
        "gradserve": ours(activation, loss, batch, inputs, targets, weights),
        "JAX scan": with_jax(activation, loss, batch, inputs, targets, weights),
    }
    torch_loop = with_torch(activation, loss, batch, inputs, targets, weights)
    if torch_loop is not None:
        contenders["PyTorch loop"] = torch_loop
    title = f"epoch of {ROWS:,} x {COLUMNS}, {activation} neuron, {loss}, batch {batch}"
    return compare(title, contenders, rounds)


def ours(
    activation: str,
    loss: str,
    batch: int,
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
) -> Run:
    """The training loop, an epoch at a time; it shuffles, the peers do not."""
    layer = LayerShape(COLUMNS, None, chosen_activation(activation))
    model = Model((layer,), chosen_loss(loss), 1)
    problem = model_problem(model, {"weights": weights, "bias": np.array(0.0)}, inputs, targets)
    optimizer = chosen_optimizer({"kind": "sgd", "learning_rate": RATE})
    trainer = Trainer(problem, optimizer, Schedule(epochs=10_000, batch_size=batch))
    progress = trainer.run()
    return lambda _: next(p for p in progress if p.step == 0)


def with_jax(
    activation: str,
    loss: str,
    batch: int,
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
) -> Run:
    """The whole epoch as one compiled scan, whole batches only."""
    steps = ROWS // batch
    x = jnp.asarray(inputs[: steps * batch].reshape(steps, batch, COLUMNS))
    y = jnp.asarray(targets[: steps * batch].reshape(steps, batch))

    def cost(parameters: tuple, x: object, y: object) -> object:
        w, b = parameters
        found = ACTIVATIONS[activation](jnp, x @ w + b)
        return jnp.mean(LOSSES[loss](jnp, found - y))

    def step(parameters: tuple, batch_of: tuple) -> tuple:
        value, slopes = jax.value_and_grad(cost)(parameters, *batch_of)
        return tuple(p - RATE * g for p, g in zip(parameters, slopes, strict=True)), value

    run = jax.jit(lambda parameters: jax.lax.scan(step, parameters, (x, y)))
    state = [(jnp.asarray(weights), jnp.asarray(0.0))]

    def once(_: int) -> None:
        found, values = run(state[0])
        state[0] = jax.block_until_ready(found)
        jax.block_until_ready(values)

    return once


def with_torch(
    activation: str,
    loss: str,
    batch: int,
    inputs: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
) -> Run | None:
    """The usual eager loop with torch.optim.SGD; None where there is no PyTorch."""
    try:
        import torch  # an extra of its own: it takes 200 MB
    except ImportError:
        return None
    torch.set_default_dtype(torch.float64)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    w = torch.tensor(weights, requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([w, b], RATE)

    def once(_: int) -> None:
        for start in range(0, ROWS, batch):
            optimizer.zero_grad()
            z = x[start : start + batch] @ w + b
            found = torch.clamp(z, min=0) if activation == "relu" else z
            found = torch.tanh(z) if activation == "tanh" else found
            cost = torch.mean(LOSSES[loss](torch, found - y[start : start + batch]))
            cost.backward()
            optimizer.step()

    return once


def rows() -> Iterator[Callable[[], Result]]:
    """The rows to be measured, each when asked for; the last three are unseen variants."""
    for activation, batch, loss in (
        ("relu", 1024, "mse"),
        ("relu", 32, "mse"),
        ("identity", 1024, "mse"),
        ("tanh", 1024, "mse"),
        ("tanh", 32, "mse"),
        ("identity", 1024, "log_cosh"),
    ):
        yield lambda a=activation, n=batch, c=loss: epoch(a, n, c)
