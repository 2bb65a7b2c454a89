"""Our speed against peers in one run: `python -m tests.benchmarks`, with the extra `bench`."""

import resource
import sys
from collections.abc import Callable
from itertools import count

import autograd
import autograd.numpy as anp
import jax
import jax.numpy as jnp
import numpy as np

from service.calculus.differentiate import gradient, jacobian
from service.calculus.dimensions import NamedSize
from service.calculus.graph import variable
from service.computation.analysis import AnalysisRequest
from service.computation.compute import Computer
from service.derivation.derive import DeriveRequest, derived
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.numeric.compile import compile_plan
from service.rendering.writer import written_formula
from service.settings import Limits
from tests.benchmarks import training
from tests.benchmarks.rounds import Result, Run, compare, table

LIMITS = Limits(max_answer_bytes=2**31, max_peak_bytes=2**31)
_unseen = count()


def neuron_loss(module: object, scale: float) -> Callable[..., object]:
    """The loss of a rectified neuron as a function of w and b, for a module like NumPy."""

    def loss(w: object, b: object, inputs: object, targets: object) -> object:
        return module.mean((targets - module.maximum(0, inputs @ w + scale * b)) ** 2)  # type: ignore[attr-defined]  # NumPy's interface

    return loss


def neuron(rows: int, columns: int, *, is_unseen: bool, rounds: int) -> Result:
    """The gradient of a neuron's loss in w and b."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(rows, columns)), rng.normal(size=rows)
    w, b = rng.normal(size=columns), np.array(0.1)
    values = {"X": inputs, "y": targets, "w": w, "b": b}
    computer = Computer(LIMITS)
    compiled = jax.jit(jax.grad(neuron_loss(jnp, 1.0), (0, 1)))

    def scale() -> float:
        return 1.0 + next(_unseen) / 1000 if is_unseen else 1.0

    def ours(_: int) -> None:
        text = f"mean((y - maximum(0, X @ w + {scale()} * b)) ** 2)"
        computer.run("gradient", text, values, ("w", "b"))

    def with_jax(_: int) -> None:
        function = compiled
        if is_unseen:
            function = jax.jit(jax.grad(neuron_loss(jnp, scale()), (0, 1)))
        jax.block_until_ready(function(w, b, inputs, targets))

    def with_autograd(_: int) -> None:
        autograd.grad(neuron_loss(anp, scale()), (0, 1))(w, b, inputs, targets)

    kind = "never seen" if is_unseen else "seen before"
    contenders: dict[str, Run] = {
        "gradserve": ours,
        "JAX jit": with_jax,
        "autograd": with_autograd,
    }
    return compare(f"gradient of a neuron's loss, {rows}×{columns}, {kind}", contenders, rounds)


def diagonal(size: int) -> Result:
    """The diagonal Jacobians of sin(x²)·exp(−wx)."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=size), rng.normal(size=size)
    computer = Computer(LIMITS)

    def function(w: object, x: object) -> object:
        return jnp.sin(x**2) * jnp.exp(-w * x)  # type: ignore[operator]  # arrays

    pulled = jax.jit(lambda w, x: jax.vjp(function, w, x)[1](jnp.ones_like(x)))
    contenders: dict[str, Run] = {
        "gradserve": lambda _: computer.run(
            "jacobian", "sin(x**2) * exp(-w * x)", {"w": w, "x": x}
        ),
        "JAX jit vjp of ones": lambda _: jax.block_until_ready(pulled(w, x)),
    }
    return compare(f"Jacobians of sin(x²)·exp(−wx), n = {size:,}, as diagonals", contenders, 9)


def factored() -> Result:
    """The Jacobian of U Vᵀ in U, which would be 2·10¹⁰ numbers."""
    rng = np.random.default_rng(0)
    values = {"U": rng.normal(size=(1000, 20)), "V": rng.normal(size=(1000, 20))}
    computer = Computer(LIMITS)
    return compare(
        "Jacobian of U @ V.T in U, 1000×1000×20, factored (dense: 2·10¹⁰ numbers)",
        {"gradserve": lambda _: computer.run("jacobian", "U @ V.T", values, ("U",))},
        9,
    )


def derivation() -> Result:
    """The closed form of a neuron's gradient with its steps, and a text alone."""
    shapes = {"X": ("N", "n"), "w": ("n",), "y": ("N",), "b": ()}
    sized = {n: tuple(NamedSize(((s, 1),)) for s in shape) for n, shape in shapes.items()}
    text = "mean((y - maximum(0, X @ w + {scale} * b)) ** 2)"

    def derive(*, steps: bool) -> None:
        expression = text.format(scale=1.0 + next(_unseen) / 1000)
        asked = AnalysisRequest(
            expression=expression, shapes=sized, sizes=frozenset(("N", "n"))
        )
        derived(DeriveRequest(analysis=asked, wrt=["w"], steps=steps), LIMITS)

    def only_text(_: int) -> None:
        expression = text.format(scale=1.0 + next(_unseen) / 1000)
        declared = Declarations(sized, frozenset(("N", "n")))
        found = elaborate(expression, parse(expression, LIMITS), declared, LIMITS)
        by = variable("w", sized["w"])
        written_formula(gradient(found.node, [by])[by])

    contenders: dict[str, Run] = {
        "derived with steps": lambda _: derive(steps=True),
        "derived": lambda _: derive(steps=False),
        "text alone": only_text,
    }
    return compare("the closed form of a neuron's gradient, never seen", contenders, 50)


def factored_hessian() -> Result:
    """The Hessian of a factorisation's loss in U, which would be 4·10⁸ numbers."""
    rng = np.random.default_rng(0)
    values = {
        "T": rng.normal(size=(1000, 1000)),
        "U": rng.normal(size=(1000, 20)),
        "V": rng.normal(size=(1000, 20)),
    }
    computer = Computer(LIMITS)
    text = "sum((T - U @ V.T)**2)"
    return compare(
        "Hessian of sum((T - U @ V.T)**2) in U, 1000×1000×20, factored",
        {"gradserve": lambda _: computer.run("hessian", text, values, ("U",))},
        9,
    )


def logistic_hessian(rows: int, columns: int) -> Result:
    """The Hessian of the logistic loss, beside the one matrix product that it contains."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(rows, columns)), np.sign(rng.normal(size=rows))
    w = rng.normal(size=columns) / columns**0.5
    values = {"X": inputs, "y": targets, "w": w}
    rooted = inputs * np.sqrt(rng.uniform(size=rows))[:, None]
    computer = Computer(LIMITS)
    text = "sum(log(1 + exp(-y * (X @ w))))"

    def loss(w: object, inputs: object, targets: object) -> object:
        return jnp.sum(jnp.logaddexp(0, -targets * (inputs @ w)))  # type: ignore[operator]  # arrays

    compiled = jax.jit(jax.hessian(loss))
    contenders: dict[str, Run] = {
        "gradserve": lambda _: computer.run("hessian", text, values, ("w",)),
        "NumPy A.T @ A alone": lambda _: rooted.T @ rooted,
        "JAX jit": lambda _: jax.block_until_ready(compiled(w, inputs, targets)),
    }
    return compare(f"Hessian of the logistic loss, {rows:,}×{columns}", contenders, 20)


def tanh_hessian(depth: int) -> Result:
    """The Hessian of a chain of tanh layers in the first weights, built as a graph."""
    statements = ["h0 = tanh(W0 @ x)"]
    statements += [f"h{k} = tanh(W{k} @ h{k - 1})" for k in range(1, depth)]
    text = "; ".join([*statements, f"sum(h{depth - 1} ** 2)"])

    def build(number: int) -> object:
        sizes = [number + 9 + k % 3 for k in range(depth + 1)]
        shapes: dict[str, tuple[int, ...]] = {"x": (sizes[0],)}
        shapes |= {f"W{k}": (sizes[k + 1], sizes[k]) for k in range(depth)}
        node = elaborate(text, parse(text, LIMITS), Declarations(shapes), LIMITS).node
        first = variable("W0", shapes["W0"])
        slope = gradient(node, [first])[first]
        return jacobian(slope, [first])[first]

    return compare(
        f"Hessian of {depth} tanh layers in the first weights, the graph",
        {"gradserve": build},
        9,
    )


def layers(depth: int, *, with_tanh: bool) -> Result:
    """The gradients of all weights of a deep chain: built, and compiled to a plan."""
    sizes = [7 + k % 3 for k in range(depth + 1)]
    name = "tanh" if with_tanh else ""
    statements = [f"h0 = {name}(W0 @ x)"]
    statements += [f"h{k} = {name}(W{k} @ h{k - 1})" for k in range(1, depth)]
    text = "; ".join([*statements, f"sum(h{depth - 1} ** 2)"])

    def build(number: int) -> tuple[object, dict[str, tuple[int, ...]]]:
        extra = number + 2
        shapes = {"x": (sizes[0] + extra,)}
        for k in range(depth):
            shapes[f"W{k}"] = (sizes[k + 1] + extra, sizes[k] + extra)
        node = elaborate(text, parse(text, LIMITS), Declarations(shapes), LIMITS).node
        weights = [variable(n, s) for n, s in shapes.items() if n != "x"]
        return (node, gradient(node, weights)), shapes

    def compiled(number: int) -> None:
        (node, gradients), _ = build(number + 1000)
        compile_plan([node, *gradients.values()])

    kind = "tanh" if with_tanh else "linear"
    return compare(
        f"all gradients of {depth} {kind} layers",
        {"gradserve, graphs": build, "gradserve, and plan": compiled},
        9,
    )


def main() -> None:
    """Run everything and print the table."""
    jax.config.update("jax_enable_x64", True)
    results = [
        neuron(100, 20, is_unseen=True, rounds=50),
        neuron(100, 20, is_unseen=False, rounds=200),
        neuron(10_000, 100, is_unseen=False, rounds=20),
        neuron(1_000_000, 20, is_unseen=False, rounds=5),
        diagonal(1_000_000),
        factored(),
        derivation(),
        layers(50, with_tanh=False),
        layers(20, with_tanh=True),
        factored_hessian(),
        logistic_hessian(10_000, 100),
        tanh_hessian(10),
        *(row() for row in training.rows()),
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{table(results)}\npeak memory of this process: {peak:,.0f} MiB\n")


main()
