"""Valid requests to start from: every function, operator, shape rule and representation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from service.calculus.rules.records import Function
from service.calculus.rules.table import FUNCTIONS
from tests.hostile.tree_mutations import as_tree

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


# Functions whose operands fit together in a way of their own.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "solve": ("solve(A, v)", MATRICES),
    "onehot": ("onehot(4, 1) * x", VECTORS),
    "einsum": ("einsum('ij,j->i', A, v)", MATRICES),
    "cross": ("cross(v, A[0])", MATRICES),
    "eye": ("eye(3) @ A", MATRICES),
    "vector": ("vector(1) + x", VECTORS),
    "matrix": ("matrix(1) + A", MATRICES),
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A request that is answered 200: its path and body."""

    path: str
    body: dict[str, Any]


def _seed(operation: str, expression: Any, variables: Any, **fields: Any) -> Seed:
    return Seed(
        f"/v1/{operation}", {"expression": expression, "variables": variables, **fields}
    )


def _derive(expression: Any, shapes: Any, **fields: Any) -> Seed:
    return Seed("/v1/derive", {"expression": expression, "shapes": shapes, **fields})


def _check(expression: Any, variables: Any, wrt: str, claim: Any) -> Seed:
    body = {"expression": expression, "variables": variables, "wrt": wrt, "claim": claim}
    return Seed("/v1/check", body)


def _analyze(expression: Any, shapes: Any) -> Seed:
    return Seed("/v1/analyze", {"expression": expression, "shapes": shapes})


def evaluate(expression: Any, variables: Any) -> Seed:
    return _seed("evaluate", expression, variables)


def gradient(expression: Any, variables: Any, *wrt: str) -> Seed:
    return _seed("gradient", expression, variables, **({"wrt": list(wrt)} if wrt else {}))


def jacobian(expression: Any, variables: Any, *wrt: str, representation: str = "auto") -> Seed:
    fields: dict[str, Any] = {"wrt": list(wrt)} if wrt else {}
    if representation != "auto":
        fields["representation"] = representation
    return _seed("jacobian", expression, variables, **fields)


def hessian(expression: Any, variables: Any, *wrt: str, representation: str = "auto") -> Seed:
    fields: dict[str, Any] = {"wrt": list(wrt)} if wrt else {}
    return _seed("hessian", expression, variables, representation=representation, **fields)


def _call_of(function: Function) -> tuple[str, dict[str, Any]]:
    """A call of a function by its parameters' names, and the variables in it."""
    if function.name in CALLS:
        return CALLS[function.name]
    required = [p for p in function.parameters if p.is_required]
    operands = [
        "x > y" if p.name == "condition" else p.name if p.kind == "operand" else "1"
        for p in required
    ]
    variables = {
        p.name: _inside(OPERANDS.get(p.name, VECTORS["y"]), function)
        for p in required
        if p.kind == "operand" and p.name != "condition"
    }
    if "condition" in (p.name for p in required):
        variables = VECTORS | variables
    return f"{function.name}({', '.join(operands)})", variables


def _inside(value: Any, function: Function) -> Any:
    """The value, or as many numbers inside the interval the function is tested on."""
    low, high = function.sample
    if np.ndim(value) > 1 or (np.min(value) >= low and np.max(value) <= high):
        return value
    return np.linspace(low, high, np.size(value)).reshape(np.shape(value)).tolist()


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
    jacobian("A @ eye - 2*eye", MATRICES, "A"),
    Seed(
        "/v1/gradient",
        {
            "expression": "norm2(A*v - v)^2 + v'*A'*v",
            "dialect": "matrixcalculus",
            "variables": MATRICES,
            "wrt": ["v"],
        },
    ),
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
    hessian("mean((y - maximum(0, X @ w + b))**2)", NEURON, "w", "b"),
    hessian("sum(log(1 + exp(-y * (X @ w + b))))", NEURON, "w", representation="dense"),
    hessian("0.5 * v @ A @ v - log(det(A.T @ A))", MATRICES, representation="factored"),
    hessian("sum(x**3 / y)", VECTORS),
    hessian("sum((U @ V.T - 1)**2)", FACTORS, "U", "V"),
    _seed("jvp", "A @ v", MATRICES, tangents={"v": [1, 0, -1]}),
    _seed("jvp", "sin(x * y)", VECTORS, wrt=["x"], tangents={"x": [[1, 0, 0, 2]]}, many=True),
    _seed("jvp", "softmax(A @ v)", MATRICES, tangents={"v": [1, 2, 3], "A": MATRICES["A"]}),
    _seed("vjp", "A @ v", MATRICES, cotangent=[1, 0.5, -2]),
    _seed("vjp", "U @ V.T", FACTORS, wrt=["U"], cotangent={"shape": [3, 4], "data": [1] * 12}),
    _seed("vjp", "x / y", VECTORS, cotangent=[[1, 2, 3, 4], [0, 0, 1, 0]], many=True),
    _seed("hvp", "sum(exp(x) * y)", VECTORS, vectors={"x": [1, 0, 0, 1], "y": [0, 1, 2, 3]}),
    _seed(
        "hvp", "sum(exp(x) * y)", VECTORS, wrt=["x"], vectors={"x": [[1, 0, 0, 1]]}, many=True
    ),
    _seed("hvp", "v @ A @ v", MATRICES, vectors={"v": [0.5, 0, 1]}),
    _seed("jacobian", "A @ v", MATRICES, stack=True),
    _seed("jacobian", "tanh(w @ x + b)", NEURON | {"x": NEURON["X"]}, batch=["x"], wrt=["w"]),
    _seed(
        "hessian", "(w @ x + b)**2", NEURON | {"x": NEURON["X"]}, batch=["x"], wrt=["w", "b"]
    ),
    gradient(
        as_tree("z = X @ w + b; mean((y - maximum(0, z)[:, None][:, 0])**2, axis=(0,))"), NEURON
    ),
    jacobian(as_tree("einsum('ij,j->i', A, v) / sum(A, axis=1) - [v, v][0]"), MATRICES, "v"),
    _analyze("mean((y - maximum(0, X @ w + b))**2)", {"X": ["N", "n"], "b": []}),
    _analyze("A @ x[1:] + zeros(m) * n", {"A": ["m", "n"], "x": ["n+1"]}),
    _analyze(as_tree("norm2(A @ x - y)**2 / 2"), {}),
    _analyze("kron(x, [1, 2])", {"x": [3]}),
    Seed("/v1/analyze", {"expression": "A @ v", "variables": MATRICES}),
    _derive("mean((y - maximum(0, X @ w + b))**2)", {"X": ["N", "n"], "b": []}, wrt=["w"]),
    _derive("softmax(A @ x)", {}, steps=True),
    _derive(as_tree("norm2(A @ x - y)**2 / 2"), {"A": [3, 2]}, steps=True, detail="brief"),
    _derive("x @ A @ x", {"A": ["n", "n"]}, order=2, wrt=["x"], layout="denominator"),
    _derive("u = w * x; [sum(u), u @ u]", {}, steps=True, detail="full"),
    _check("v @ A @ v", MATRICES, "v", {"kind": "expression", "expression": "2 * A @ v"}),
    _check("sum(x * y)", VECTORS, "x", {"kind": "numbers", "tensor": [1, 2, 3]}),
    _seed(
        "vjp",
        "x / y",
        {"x": [[1, 2], [3, 4]], "y": [1, 2]},
        batch=["x"],
        cotangent=[[1, 0]] * 2,
    ),
)
