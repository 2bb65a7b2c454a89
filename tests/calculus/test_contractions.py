"""Random contractions with deltas, selections and one-hot rows against dense einsum."""

import os

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.calculus.graph import ONE, Factor, variable
from service.calculus.normal_form import contract
from service.calculus.selections import delta, one_hot, selection
from service.calculus.terms import add
from service.numeric.compile import compile_plan
from service.numeric.execute import execute

EXAMPLES = int(os.environ.get("GRADSERVE_TEST_EXAMPLES", "1000"))
LETTERS = "abcdefg"


def value_of(name, shape):
    rng = np.random.default_rng([*name.encode(), *shape])
    return rng.uniform(0.5, 2.0, size=shape)


@st.composite
def factors_over(draw, sizes):
    """A factor, the array it stands for, and its letters."""
    kind = draw(
        st.sampled_from(["variable", "variable", "delta", "selection", "one_hot", "sum"])
    )
    letters = st.sampled_from(sorted(sizes))
    if kind == "variable":
        places = tuple(draw(st.lists(letters, max_size=3)))
        shape = tuple(sizes[x] for x in places)
        name = f"v{draw(st.integers(0, 1))}_{'_'.join(map(str, shape))}"
        exponent = draw(st.sampled_from([1, 1, 1, 2, -1]))
        value = value_of(name, shape)
        return Factor(variable(name, shape), places, ONE * exponent), value**exponent
    first = draw(letters)
    size = sizes[first]
    if kind == "one_hot":
        position = draw(st.integers(0, size - 1))
        return Factor(one_hot(size, position), (first,)), np.eye(size)[position]
    second = draw(letters)
    if kind in ("delta", "sum") and sizes[second] != size:
        second = first
    if kind == "delta":
        return Factor(delta(size), (first, second)), np.eye(size)
    if kind == "sum":
        matrix = variable(f"m{size}", (size, size))
        both = add([(ONE, delta(size)), (-2 * ONE, matrix)], (size, size))
        return Factor(both, (first, second)), np.eye(size) - 2 * value_of(
            f"m{size}", (size, size)
        )
    count = sizes[second]
    step = draw(st.sampled_from([1, 1, 2, -1]))
    reach = (count - 1) * step
    low, high = max(0, -reach), min(size - 1, size - 1 - reach)
    if low > high:
        return Factor(one_hot(size, 0), (first,)), np.eye(size)[0]
    start = draw(st.integers(low, high))
    dense = np.zeros((size, count))
    dense[start + step * np.arange(count), np.arange(count)] = 1
    return Factor(selection(size, count, start, step), (first, second)), dense


@st.composite
def contractions(draw):
    """Factors with their arrays, output letters and sizes."""
    sizes = {k: draw(st.sampled_from([1, 2, 3, 3, 4])) for k in range(draw(st.integers(1, 5)))}
    parts = draw(st.lists(factors_over(sizes), min_size=1, max_size=5))
    output = tuple(draw(st.lists(st.sampled_from(sorted(sizes)), max_size=4)))
    return parts, output, sizes


def dense(parts, output, sizes):
    """The same contraction with every factor stored."""
    twin = {}
    operands = []
    for place, letter in enumerate(output):
        twin[place] = letter if letter not in output[:place] else 100 + place
        if twin[place] >= 100:
            operands += [np.eye(sizes[letter]), [letter, twin[place]]]
    for factor, array in parts:
        operands += [array, list(factor.letters)]
    for letter, size in sizes.items():
        operands += [np.ones(size), [letter]]
    names = {x: k for k, x in enumerate(dict.fromkeys(y for o in operands[1::2] for y in o))}
    numbered = [o if k % 2 == 0 else [names[x] for x in o] for k, o in enumerate(operands)]
    result = [names[twin[place]] for place in range(len(output))]
    return np.einsum(*numbered, result, optimize=True)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(contractions())
def test_a_contraction_equals_its_dense_einsum(case):
    parts, output, sizes = case

    node = contract([factor for factor, _ in parts], output, sizes)
    again = contract([factor for factor, _ in reversed(parts)], output, sizes)

    names = {f"{n}": node for n in node.variables}
    values = {}
    for name in names:
        shape = (
            (int(name[1:]),) * 2
            if name[0] == "m"
            else tuple(int(n) for n in name.split("_")[1:] if n)
        )
        values[name] = value_of(name, shape)
    (found,) = execute(compile_plan([node]), values)
    expected = dense(parts, output, sizes)
    assert found.shape == tuple(sizes[x] for x in output)
    # Sums of at most a few hundred products of numbers near 1 keep 12 digits.
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)
    assert again is node
