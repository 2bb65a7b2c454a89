"""Prints, for a fixed list of expressions, the digests of derivatives and of their numbers.

Run by test_digests.py in processes with different PYTHONHASHSEED.
"""

import json
import sys
from hashlib import sha256

import numpy as np

from service.calculus.differentiate import gradient, jacobian
from service.calculus.graph import variable
from service.computation.compute import Computer
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.settings import Limits
from tests.numeric.dense import dense

LIMITS = Limits()
SHAPES = {
    "x": (3,),
    "y": (3,),
    "w": (4,),
    "A": (3, 4),
    "B": (4, 5),
    "C": (5, 5),
    "S": (3, 3),
    "T": (2, 3, 4),
    "a": (),
    "b": (),
}
EXPRESSIONS = (
    "x * y",
    "y * x + x * y * a",
    "a + b + 2 * a - b / 3",
    "x + y + a + b + sum(x) + sum(y)",
    "A @ w",
    "A @ B @ C",
    "(A @ B) @ (C @ C)",
    "A.T @ A @ A.T",
    "trace(A @ A.T @ S)",
    "trace(S @ S @ S @ S)",
    "sum(A @ B) * sum(w)",
    "x @ A @ B @ C @ B.T @ A.T @ y",
    "outer(x, w) * A + A",
    "T @ w",
    "T @ B",
    "sum(T, axis=(0, 2)) * x",
    "mean(T, axis=1) @ B",
    "sin(x) * cos(y) + exp(a * x)",
    "tanh(A @ w + x)",
    "maximum(x, y) * minimum(y, x)",
    "maximum(0, A @ w + b)",
    "mean((x - maximum(0, A @ w + b))**2)",
    "where(x > y, x**2, y**3)",
    "(x >= y) * (y != x) + (x == y)",
    "softmax(x * y)",
    "softmax(A, axis=0) * softmax(A, axis=1)",
    "log(softmax(A @ w))",
    "logsumexp(A, axis=1) - x",
    "log(1 + exp(A @ w))",
    "1 / (1 + exp(-x))",
    "exp(x) / sum(exp(x))",
    "x / norm2(x)",
    "norm2(A)**2 + norm1(A)",
    "sqrt(sum(A**2, axis=0))",
    "max(A, axis=1) + min(S, axis=0)",
    "inv(S + 9 * diag([1, 2, 3])) @ x",
    "det(S @ S.T) + logdet(S @ S.T + diag([1, 1, 1]))",
    "[x @ y, a, b * sum(x)]",
    "[[a, b], [b, a]] @ [a, b]",
    "A[1:, ::-1] * A[:2, :]",
    "A[:, 1] + x[0] * y[::-1]",
    "x[:, None] * w[None, :] + A",
    "diag(x) @ A + diag(diag(S)) @ A",
    "(a * x + b * y)**2 / (1 + x**2)",
    "abs(x)**1.5 + (x**2)**y",
    "u = A @ w; v = u * x; sum(u * v) + v @ u",
    "u = tanh(A @ w); softmax(A.T @ u) @ B",
    "(x + y) * (x - y) * (a + b) * (a - b)",
    "a * b * x[0] * y[1] * w[2] * S[0, 1] * C[3, 4] * T[1, 2, 3]",
    "sum((A @ B - A @ B @ C)**2) / 15",
)


def values():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def digests(expression):
    """Of the value, of the derivatives, of second derivatives where there are, of numbers."""
    node = elaborate(expression, parse(expression, LIMITS), Declarations(SHAPES), LIMITS).node
    variables = [variable(name, shape) for name, shape in SHAPES.items()]
    nodes = [node, *jacobian(node, variables).values()]
    if not node.shape:
        slopes = gradient(node, variables)
        nodes += [d for s in slopes.values() for d in jacobian(s, variables[:2]).values()]
    used = {name: value for name, value in values().items() if name in node.variables}
    answer = Computer(LIMITS).run("jacobian", expression, used)
    arrays = [answer.value, *(dense(found) for found in answer.jacobians.values())]
    numbers = sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays))
    return [n.digest.hex() for n in nodes] + [numbers.hexdigest()]


def main():
    json.dump({expression: digests(expression) for expression in EXPRESSIONS}, sys.stdout)


if __name__ == "__main__":
    main()
