"""What a row of a table of published derivatives is, and the values it is checked at."""

from dataclasses import dataclass

import numpy as np

# Every letter of a shape is 1 somewhere; `t`, for tall, is above all others. Different letters
# are different numbers, so that a swapped axis cannot pass.
SIZES = (
    {"m": 3, "n": 4, "p": 2, "q": 5, "t": 6},
    {"m": 1, "n": 2, "p": 3, "q": 4, "t": 5},
    {"m": 2, "n": 1, "p": 4, "q": 3, "t": 5},
    {"m": 4, "n": 3, "p": 1, "q": 2, "t": 6},
    {"m": 2, "n": 3, "p": 4, "q": 1, "t": 5},
)


@dataclass(frozen=True, slots=True)
class Row:
    """A published derivative.

    `shapes` names variables with their axes and a kind of values: "x n, S n n spd, c". `by` are
    the variables differentiated by, one per order. `reference` is the published derivative in
    NumPy, typed from the source, of shape output + variables: a scalar's by a matrix has the
    matrix's shape. `note` says where the source and its own layout or sign differ from it.
    """

    id: str
    source: str
    expression: str
    shapes: str
    by: str
    reference: str
    note: str = ""

    @property
    def variables(self):
        """Name: (axes as letters or digits, kind)."""
        parsed = {}
        for declared in self.shapes.split(", "):
            name, *axes = declared.split()
            kind = axes.pop() if axes and len(axes[-1]) > 1 else "plain"
            parsed[name] = (tuple(axes), kind)
        return parsed

    @property
    def sizes(self):
        """The sizes to be checked, without those that give the same shapes again."""
        letters = sorted(
            {a for axes, _ in self.variables.values() for a in axes if a in "mnpqt"}
        )
        distinct = {tuple(sizes[a] for a in letters): sizes for sizes in SIZES}
        return list(distinct.values())

    @property
    def wrt(self):
        """The variables differentiated by, one per order."""
        return self.by.split()

    def values(self, sizes, rng):
        """Random values of the variables, each of its kind."""
        return {
            name: KINDS[kind](tuple(sizes.get(a) or int(a) for a in axes), rng)
            for name, (axes, kind) in self.variables.items()
        }

    def expected(self, values, sizes):
        """The published derivative at these values."""
        return np.array(eval(self.reference, NUMPY | sizes | values), dtype=float)


def plain(shape, rng):
    """Entries of both signs, none close to 0."""
    return rng.uniform(0.2, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def positive(shape, rng):
    return rng.uniform(0.3, 2.0, shape)


def symmetric(shape, rng):
    half = plain(shape, rng)
    return (half + half.T) / 2


def invertible(shape, rng):
    """A matrix near a multiple of the identity, of positive determinant."""
    return rng.uniform(-1, 1, shape) + (shape[0] + 1) * np.eye(shape[0])


def positive_definite(shape, rng):
    half = rng.uniform(-1, 1, shape)
    return half @ half.T / shape[0] + np.eye(shape[0])


def full_rank(shape, rng):
    """A rectangular matrix whose singular values are all between 1 and 2."""
    rows, columns = shape
    left, _ = np.linalg.qr(rng.normal(size=(rows, min(shape))))
    right, _ = np.linalg.qr(rng.normal(size=(columns, min(shape))))
    return left * rng.uniform(1, 2, min(shape)) @ right.T


def probabilities(shape, rng):
    """Positive entries that add up to 1 along the last axis."""
    weights = rng.uniform(0.5, 1.5, shape)
    return weights / weights.sum(axis=-1, keepdims=True)


def joint(shape, rng):
    """Probabilities of pairs: symmetric, of sum 1, and 0 for an item with itself."""
    weights = rng.uniform(0.5, 1.5, shape) * (1 - np.eye(shape[0]))
    return (weights + weights.T) / (2 * weights.sum())


def classes(shape, rng):
    """A 1 in each row, and 0 elsewhere."""
    return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]


KINDS = {
    "plain": plain,
    "positive": positive,
    "unit": lambda shape, rng: rng.uniform(0.1, 0.9, shape),
    "signs": lambda shape, rng: rng.choice([-1.0, 1.0], shape),
    "binary": lambda shape, rng: rng.choice([0.0, 1.0], shape),
    "counts": lambda shape, rng: rng.integers(0, 5, shape).astype(float),
    "ones": lambda shape, _: np.ones(shape),
    "identity": lambda shape, _: np.eye(shape[0]),
    "far": lambda shape, rng: rng.uniform(5, 6, shape),
    "tiny": lambda shape, rng: rng.uniform(0.01, 0.1, shape),
    "joint": joint,
    "sym": symmetric,
    "inv": invertible,
    "spd": positive_definite,
    "full": full_rank,
    "probabilities": probabilities,
    "classes": classes,
}


def unvec(matrix, *shape):
    """A derivative ∂ vec F / ∂ (vec X)ᵀ, columns stacked, as a tensor of F's shape + X's."""
    return np.reshape(matrix, shape, order="F")


def commutation(rows, columns):
    """K with K vec A = vec Aᵀ for an A of rows × columns, columns stacked."""
    places = np.arange(rows * columns).reshape(rows, columns, order="F")
    return np.eye(rows * columns)[places.ravel()]


def powers(matrix, last):
    """I, A, A², … up to the power `last`."""
    return [np.linalg.matrix_power(matrix, k) for k in range(last + 1)]


NUMPY = {
    "unvec": unvec,
    "commutation": commutation,
    "powers": powers,
    **{
        name: getattr(np, name)
        for name in (
            *(
                "abs",
                "arctan",
                "array",
                "cos",
                "cosh",
                "cumsum",
                "diag",
                "einsum",
                "exp",
                "eye",
            ),
            *("kron", "log", "log1p", "maximum", "mean", "newaxis", "ones", "outer", "prod"),
            *("sign", "sin", "sinh", "sqrt", "stack", "sum", "tanh", "trace", "vdot", "where"),
            *("zeros", "zeros_like", "pi", "max", "min", "tile", "ones_like", "concatenate"),
            *("delete", "swapaxes", "cross", "dot", "multiply"),
        )
    },
    **{
        name: getattr(np.linalg, name)
        for name in ("det", "inv", "matrix_power", "norm", "pinv", "slogdet", "solve")
    },
    "range": range,
    "sum_of": sum,
}
