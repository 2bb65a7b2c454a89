"""The NumPy function of a derivative: clashing names, sizes, imports, definitions."""

import gc

import numpy as np
import pytest

from service.calculus.rules.records import (
    ElementwiseFunction,
    MatrixFunction,
    ReductionFunction,
)
from service.calculus.rules.table import FUNCTIONS
from service.computation.compute import Computer
from service.language.lexemes import NAME
from service.rendering.formula import COMPARISONS
from service.rendering.numpy_code import numpy_function
from service.rendering.writer import written_formula
from service.settings import Limits
from tests.rendering.deriving import derived, shapes_of

LIMITS = Limits(max_expression_nodes=10_000)
POINT = {"x": np.array([0.3, 0.6]), "A": np.array([[1.0, 0.2], [0.1, 2.0]])}


def source_of(text, wrt, spec):
    shapes = shapes_of(spec)
    node, _ = derived(text, wrt, shapes)
    formula = written_formula(node, shapes)
    return numpy_function(formula, "derivative", shapes, "A derivative.", node.shape)


def called(source, *arguments):
    module = {}
    exec(source, module)
    return module["derivative"](*arguments)


def test_a_variable_called_np_leaves_numpy_another_name():
    source = source_of("sum(exp(np * x))", "x", "np: x:n")

    assert "import numpy as np_" in source
    np.testing.assert_allclose(called(source, 2.0, POINT["x"]), 2 * np.exp(2 * POINT["x"]))


def test_a_word_of_python_gets_an_underscore():
    source = source_of("lambda * x @ x", "x", "lambda: x:n")

    assert "def derivative(lambda_, x):" in source
    np.testing.assert_allclose(called(source, 3.0, POINT["x"]), 6 * POINT["x"])


def test_sizes_are_read_off_the_arguments():
    source = source_of("mean(x[1:]**2)", "x", "x:n+1")

    assert "n = x.shape[0] - 1" in source
    np.testing.assert_allclose(called(source, np.array([1.0, 2.0, 4.0])), [0.0, 2.0, 4.0])


def test_shared_parts_have_names():
    source = source_of("sum(sin(A @ x + b) * cos(A @ x + b))", "x", "A:m,n x:n b:m")

    assert source.count("A @ x + b") == 1


def test_special_functions_come_from_scipy():
    source = source_of("sum(erf(x)) + sum(lgamma(x))", "x", "x:n")

    assert "from scipy.special import digamma" in source


@pytest.mark.parametrize(
    "function",
    [f for f in FUNCTIONS.values() if f.numpy.startswith("def ")],
    ids=lambda f: f.name,
)
def test_a_function_that_numpy_lacks_is_defined_with_the_value_of_ours(function):
    module = {"np": np}
    exec(function.numpy, module)
    operands = [p.name for p in function.parameters if p.kind == "operand"]
    arguments = [POINT.get(name, POINT["x"]) for name in operands]
    names = [f"v{k}" for k in range(len(arguments))]
    text = f"{function.name}({', '.join(names)})"
    expected = Computer(Limits()).run(
        "evaluate", text, dict(zip(names, arguments, strict=True))
    )

    np.testing.assert_allclose(module[function.name](*arguments), expected.value, rtol=1e-12)


def test_every_function_of_a_graph_has_a_name_in_the_language():
    kinds = ElementwiseFunction | ReductionFunction | MatrixFunction
    records = [o for o in gc.get_objects() if isinstance(o, kinds)]
    named = {*FUNCTIONS, *COMPARISONS}

    unnamed = {
        r.name
        for r in records
        if r.name not in named and not getattr(r, "spelled", ()) and r.plain is None
    }

    assert unnamed == set()


@pytest.mark.parametrize(
    ("text", "wrt", "spec", "values"),
    [
        ("sum(erf(n) * tanh(x) * n)", "n", "n:n x:n", ([1.0, 2.0], [0.3, 0.4])),
        ("mean(n) * x[1] + mean(x) * n[0]", "x", "x:n n:n", ([1.0, 2.0], [0.3, 0.4])),
        ("mean(n) * x[-1]", "n", "x:n n:n", ([1.0, 2.0], [0.3, 0.4])),
        ("n * sum(m * x)", "x", "n: m:n x:n", (2.0, [0.5, 0.6], [0.3, 0.4])),
        ("φ * ϕ**2 * sum(x)", "ϕ", "φ: ϕ: x:n", (2.0, 3.0, [1.0, 2.0])),
        ("θ * ϑ**2 * sum(θ_ * x)", "x", "θ: ϑ: θ_: x:n", (2.0, 3.0, 0.5, [1.0, 2.0])),
        ("float * sum(x**2)", "x", "float: x:n", (2.0, [1.0, 2.0])),
        (
            "np * u1 * sum(exp(x) * cos(exp(x) + 1))",
            "x",
            "np: u1: x:np",
            (2.0, 3.0, [0.1, 0.2]),
        ),
        ("erf * sum(erf(x))", "x", "erf: x:erf", (2.0, [0.1, 0.2])),
        ("mean(x) * lambda", "x", "x:lambda lambda:", ([1.0, 2.0], 3.0)),
        ("sum(x) + mean(y)", "y", "x:m y:m+n", ([1.0, 2.0], [0.1, 0.2, 0.3])),
        (
            "mean(x[1:]) + sum(A @ A @ A @ A)",
            "A",
            "x:n A:n,n",
            ([1.0, 2.0], [[1.0, 0.2], [0.1, 2.0]]),
        ),
    ],
)
def test_names_that_python_would_confuse_are_kept_apart(text, wrt, spec, values):
    arguments = [np.array(v) for v in values]
    named = dict(zip(shapes_of(spec), arguments, strict=True))
    expected = Computer(LIMITS).run("gradient", text, named, wrt=[wrt]).gradients[wrt]

    found = called(source_of(text, wrt, spec), *arguments)

    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("ndim", [1, 2])
def test_a_long_sum_is_written_without_recursion(ndim):
    text = " + ".join(f"sin({k} * x)" for k in range(2, 400))
    spec = "x:n" if ndim == 1 else "x:n,m"
    x = np.full((2,) * ndim, 0.3)

    found = called(source_of(f"sum({text})", "x", spec), x)

    np.testing.assert_allclose(found, sum(k * np.cos(k * x) for k in range(2, 400)), rtol=1e-9)


def test_every_letter_of_a_name_is_one_of_python_s():
    letters = [chr(k) for k in range(0x400) if NAME.fullmatch(chr(k))]

    assert [x for x in letters if not x.isidentifier()] == []
