"""Valid requests to start from: every function, operator, shape rule and representation."""

from dataclasses import dataclass
from typing import Any

from service.calculus.rules.records import Function
from service.calculus.rules.table import FUNCTIONS

VECTORS = {"x": [0.5, 1.25, 2.0, 0.75], "y": [1.5, 0.25, 1.0, 2.5]}
NEURON = {
    "X": [[1, 2], [3, 1], [2, 2]],
    "y": [1, 2, 0],
    "w": [1.5, -1],
    "b": 0.5,
}
MATRICES = {"A": [[3, 1, 0.5], [0.25, 2, 1], [1, 0.5, 4]], "v": [1, -2, 0.5]}
OPERANDS = VECTORS | {"A": MATRICES["A"]}
FACTORS = {
    "U": {"shape": [3, 2], "dtype": "float64", "data": [1, 2, 3, 4, 5, 6]},
    "V": [[1, 0], [2, 1], [0, 3], [1, 1]],
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A request that is answered 200: its path and body."""

    path: str
    body: dict[str, Any]


def _seed(operation: str, expression: str, variables: Any, **fields: Any) -> Seed:
    return Seed(
        f"/v1/{operation}", {"expression": expression, "variables": variables, **fields}
    )


def evaluate(expression: str, variables: Any) -> Seed:
    return _seed("evaluate", expression, variables)


def gradient(expression: str, variables: Any, *wrt: str) -> Seed:
    return _seed("gradient", expression, variables, **({"wrt": list(wrt)} if wrt else {}))


def jacobian(expression: str, variables: Any, *wrt: str, representation: str = "auto") -> Seed:
    fields: dict[str, Any] = {"wrt": list(wrt)} if wrt else {}
    if representation != "auto":
        fields["representation"] = representation
    return _seed("jacobian", expression, variables, **fields)


def _call_of(function: Function) -> tuple[str, dict[str, Any]]:
    """A call of a function by its parameters' names, and the variables in it."""
    names = [p.name for p in function.parameters if p.is_required]
    operands = ["x > y" if name == "condition" else name for name in names]
    variables = {name: OPERANDS[name] for name in names if name != "condition"}
    return f"{function.name}({', '.join(operands)})", variables


def _seeds_of_functions() -> list[Seed]:
    """One request for each record of the table, over the three routes in turn."""
    seeds = []
    for place, function in enumerate(FUNCTIONS.values()):
        call, variables = _call_of(function)
        if place % 3 == 0:
            seeds.append(evaluate(call, variables))
        elif place % 3 == 1:
            seeds.append(gradient(f"sum({call})", variables))
        else:
            representation = ("auto", "dense", "factored")[place // 3 % 3]
            seeds.append(jacobian(call, variables, representation=representation))
    return seeds


SEEDS: tuple[Seed, ...] = (
    *_seeds_of_functions(),
    gradient("mean((y - maximum(0, X @ w + b))**2)", NEURON, "w", "b"),
    gradient("sum(log(1 + exp(-y * (X @ w + b))))", NEURON),
    jacobian("z = X @ w + b; sigmoid(z)", NEURON, "w"),
    jacobian("where(X @ w > 0, X @ w, 0.01 * (X @ w))", NEURON, "w", "X"),
    jacobian("U @ V.T", FACTORS, "U", "V"),
    jacobian("U @ V.T", FACTORS, "U", representation="dense"),
    gradient("sum((U @ Vᵀ - 1)**2) / 2", FACTORS),
    evaluate("U[:, 0] + U[:, -1] * 2.5e-3", FACTORS),
    jacobian("U[1:, ::-1]", FACTORS, "U"),
    jacobian("U[0] * V[:, None, :]", FACTORS, "V", representation="factored"),
    jacobian("A @ v", MATRICES, "A"),
    jacobian("v' · A · v", MATRICES, "v"),
    gradient("0.5 * v @ A @ v - log(det(A.T @ A))", MATRICES),
    jacobian("inv(A) @ v", MATRICES, "A", "v"),
    gradient("trace(A @ A.T) + logdet(A @ A.T)", MATRICES, "A"),
    jacobian("outer(v, v) + diag(v)", MATRICES, "v"),
    gradient("norm2(A @ v)**2 + norm1(v)", MATRICES, "v"),
    jacobian("softmax(A, axis=0)", MATRICES, "A"),
    jacobian("log(softmax(A @ v))", MATRICES, "v"),
    jacobian("sum(A, axis=1, keepdims=True) / A", MATRICES, representation="factored"),
    jacobian("max(A, axis=0) - min(A, axis=(0, 1))", MATRICES, "A"),
    evaluate("A / sum(A, axis=-1)[:, None]", MATRICES),
    jacobian("w * x", {"w": [1, -2, 3], "x": [3, 4, 5]}, "w"),
    jacobian("x + 3", {"x": [1, 2, 3]}),
    jacobian("x**2", {"x": [1, 2, 3]}, representation="dense"),
    jacobian("x / y - y / x", VECTORS, "y"),
    jacobian("sin(x**2) * exp(-y * x)", VECTORS, "x", representation="factored"),
    jacobian("x[1:3] ⊗ y[-2:]", VECTORS),
    jacobian("[3*a**2*b, 2*a + b**8]", {"a": 0.5, "b": -1}, "a", "b"),
    jacobian("[[a, b], [x[0], 1]] @ x[:2]", {"a": 0.5, "b": -1, "x": [1, 2, 3]}),
    gradient("θ**2 * π + e", {"θ": 3}, "θ"),
    gradient("u = x * y; v = tanh(u); sum(u * v) / norm2(v)", VECTORS, "x"),
    gradient("max(x[0], y[1], 1)", VECTORS),
    jacobian("(x >= y) * x + (x != 0.5) * y", VECTORS, "x"),
    evaluate("logsumexp(x) - log(sum(exp(x)))", VECTORS),
    jacobian("abs(x - y) ^ 1.5 .* sign(x)", VECTORS, "x"),
    jacobian(
        "x * row + column",
        {"x": 2, "row": [[1, 2, 3]], "column": [[1], [2]]},
        "row",
        "column",
    ),
    evaluate("T @ v", {"T": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "v": [1, -1]}),
    jacobian("sum(T, axis=(0, 2)) * 2", {"T": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}),
    gradient("sqrt(sum(x**2)) + relu(b)", VECTORS | {"b": {"shape": [], "data": [2]}}, "b"),
    jacobian("sqrt(x[0] * y)", VECTORS, "y"),
    gradient("sum(x[1:3] * y[:2]) ** 0.5", VECTORS, "x"),
    jacobian("log(x * y[0]) / x", VECTORS, "x"),
    jacobian("x**(y - 1)", VECTORS),
    gradient("det(A * A)", MATRICES, "A"),
    jacobian("inv(A * A)[0] @ v", MATRICES, "A"),
    evaluate("(2 * x / 3)**9 * y**-4", VECTORS),
)
