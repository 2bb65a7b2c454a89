"""Every function of the table: its first and second derivatives by central differences."""

import numpy as np
import pytest

from service.calculus.differentiate import gradient, jacobian
from service.calculus.rules.table import FUNCTIONS
from tests.calculus.expressions.axes import REDUCTIONS
from tests.calculus.expressions.entries import BINARY, UNARY, WITH_OPTIONS
from tests.calculus.expressions.losses import LOSSES
from tests.calculus.nodes import node_of, numbers_of, variables

SPECIAL = {
    "softmax": ["softmax(A)", "softmax(A, axis=0)", "softmax(x)"],
    "log_softmax": ["log_softmax(A)", "log_softmax(A, axis=0)", "log_softmax(x)"],
    "normalize": ["normalize(A)", "normalize(A, axis=0)", "normalize(x)"],
    "cosine_similarity": ["cosine_similarity(x, y)", "cosine_similarity(A, y, axis=1)"],
    "huber": ["huber(x, y, 0.5)", "huber(A, y, delta=0.7)"],
    "quantile": ["quantile(x, y, 0.9)", "quantile(A, y, level=0.2)"],
    "where": ["where(x > y, x**2 * y, sin(x))", "where(x, y**2, x)"],
    "clip": ["clip(x, y, 1)", "clip(x, -1, y**2)"],
    "dot": ["dot(x, y)", "dot(A, y)", "dot(x, S)"],
    "outer": ["outer(x, y)", "outer(x, x * y)"],
    "diag": ["diag(x)", "diag(S)", "diag(diag(x) @ S)"],
    "trace": ["trace(S)", "trace(S @ S)"],
    "inv": ["inv(S + 9 * diag([1, 1, 1]))"],
    "det": ["det(S)", "det(S.T @ S)"],
    "logdet": ["logdet(S @ S.T + diag([1, 2, 3]))"],
    "cumsum": ["cumsum(x)", "cumsum(A, axis=0)", "cumsum(A, 1)", "cumsum(x) * cumsum(y)"],
    "einsum": ['einsum("ij,j->i", A, x)', 'einsum("ii,i->i", S, x)'],
    "matrix_power": ["matrix_power(S, 3)"],
    "solve": ["solve(S + 9 * diag([1, 1, 1]), x)"],
    "cross": ["cross(x, y)", "cross(A, x)"],
    "cofactor": ["cofactor(S)"],
    "kron": ["kron(x, y)", "kron(A, S)", "kron(A, x)", "kron(S, S)[1:5, 2]", "sum(kron(A, A))"],
    "zeros": ["zeros(3) + x**2"],
    "ones": ["ones((2, 3)) * x**2"],
    "eye": ["eye(3) * x**2"],
    "vector": ["vector(2) * x**2"],
    "matrix": ["matrix(2) + A**2"],
    "onehot": ["onehot(3, 1) * x**2"],
    "transpose": ["transpose(A)", "transpose(S) @ S"],
}
TEXTS = [
    *(f"{name}(x)" for name, _ in UNARY),
    *(f"{name}(x, y)" for name, _ in BINARY),
    *(f"{name}({inside})" for name, _ in REDUCTIONS for inside in ("x", "A", "A, axis=0")),
    *(text.format(x="x") for texts in WITH_OPTIONS.values() for text in texts),
    *(f"{name}({inside})" for name in LOSSES for inside in ("x, y", "A, A**2 / 3")),
    *(text for texts in SPECIAL.values() for text in texts),
]
SAMPLES = {f"{name}(x)": f.sample for name, f in UNARY} | {
    f"{name}(x, y)": f.sample for name, f in [*BINARY, *LOSSES.items()]
}
SAMPLES |= {f"{name}(A, A**2 / 3)": f.sample for name, f in LOSSES.items()}
SAMPLES |= {f"polygamma({k}, x)": (0.8, 4.0) for k in (0, 1, 3)}
SHAPES = {"x": (3,), "y": (3,), "A": (2, 3), "S": (3, 3)}
STEP = 1e-3


def values_for(text, rng):
    low, high = SAMPLES.get(text, (-2.0, 2.0))
    # Away from the ends, where a step could leave the domain.
    margin = (high - low) / 20
    return {
        name: rng.uniform(low + margin, high - margin, size=shape)
        for name, shape in SHAPES.items()
    }


def differences(function, values, name):
    """∂function/∂values[name] by five points, error h⁴: shape output + variable."""
    columns = []
    for place in np.ndindex(values[name].shape):
        slopes = []
        for h in (STEP, 2 * STEP):
            step = np.zeros(values[name].shape)
            step[place] = h
            points = [function(values | {name: values[name] + s * step}) for s in (1, -1)]
            slopes.append((points[0] - points[1]) / (2 * h))
        columns.append((4 * slopes[0] - slopes[1]) / 3)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + values[name].shape)


def values_of(node, values):
    return numbers_of(node, **{name: values[name] for name in node.variables})


def test_the_texts_call_every_function_of_the_table():
    called = {text.split("(")[0] for text in TEXTS}

    assert set(FUNCTIONS) <= called


@pytest.mark.parametrize("text", TEXTS)
def test_the_jacobian_of_a_function_is_that_of_central_differences(text, rng):
    root = node_of(text, **SHAPES)
    values = values_for(text, rng)

    found = jacobian(root, variables(**SHAPES))

    for v, derivative in found.items():
        expected = differences(lambda point: values_of(root, point), values, v.name)
        # h⁴ is 1e-12 and rounding 1e-16 / h, times derivatives of at most a few hundred.
        np.testing.assert_allclose(values_of(derivative, values), expected, atol=1e-8)


@pytest.mark.parametrize("text", TEXTS)
def test_the_hessian_of_a_function_is_that_of_central_differences(text, rng):
    shape = node_of(text, **SHAPES).shape
    weights = rng.normal(size=shape)
    root = node_of(f"sum(({text}) * c)", c=shape, **SHAPES)
    values = values_for(text, rng) | {"c": weights}
    used = [v for v in variables(**SHAPES) if v.name in root.variables]

    slopes = gradient(root, used)

    for v, slope in slopes.items():
        for other, second in jacobian(slope, used).items():
            expected = differences(lambda point: values_of(slope, point), values, other.name)  # noqa: B023
            # As above; the sixth derivatives are larger.
            np.testing.assert_allclose(
                values_of(second, values), expected, atol=1e-6, err_msg=f"{v.name} {other.name}"
            )
