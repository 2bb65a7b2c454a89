"""What a syntax tree means, in plain NumPy and extended precision: independent of the service.

Each evaluation also notes on which side of every kink and jump it was, so that differences
are taken only where nothing between the points has a corner.
"""

import operator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from service.language.syntax import (
    Boolean,
    Call,
    Index,
    Let,
    Name,
    NewAxis,
    Number,
    Operation,
    Slice,
    Text,
    Tuple,
)
from tests.calculus import entry_functions, learning

Real = np.longdouble
CONSTANTS = {"pi": np.pi, "π": np.pi, "e": np.e}
COMPARISONS = {
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
}
OPERATIONS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "negate": np.negative,
    "matmul": np.matmul,
    "transpose": lambda x: transposed(x),
    "stack": lambda *parts: np.stack(parts),
}
OPTIONS = {"axis": None, "keepdims": False}
LEARNING = {"log_softmax": 1, "normalize": 1, "cosine_similarity": 2}


@dataclass
class Interpreter:
    """The values of an expression's variables, and the sides of kinks met so far."""

    values: dict
    sides: list = field(default_factory=list)
    nearest: float = np.inf

    def value(self, tree):
        match tree:
            case Number(value):
                return real(value)
            case Name(name):
                found = self.values.get(name)
                if found is None and name == "eye":
                    return None
                return found if found is not None else Real(CONSTANTS[name])
            case Operation(op, args):
                return self.operation(op, [self.value(part) for part in args])
            case Call(function, args, options):
                return self.call(function, args, dict(options))
            case Index(target, items):
                return self.value(target)[tuple(self.item(item) for item in items)]
            case Let(bindings, body):
                for name, bound in bindings:
                    self.values[name.name] = self.value(bound)
                return self.value(body)
        raise TypeError(tree)

    def operation(self, op, parts):
        if op in COMPARISONS:
            self.side(parts[0] - parts[1])
            return COMPARISONS[op](*parts).astype(Real)
        if any(part is None for part in parts):
            # eye alone has the size of what it is added to.
            other = next(part for part in parts if part is not None)
            parts = [np.eye(len(other), dtype=Real) if p is None else p for p in parts]
        return OPERATIONS[op](*parts)

    def item(self, item):
        match item:
            case Slice(first, stop, step):
                parts = [None if p is None else int(self.value(p)) for p in (first, stop, step)]
                return slice(*parts)
            case NewAxis():
                return None
        return int(self.value(item))

    def option(self, tree):
        match tree:
            case Boolean(value):
                return value
            case Tuple(items):
                return tuple(int(self.value(item)) for item in items)
            case Text(value):
                return value
        number = self.value(tree)
        return int(number) if number == int(number) else number

    def call(self, function, args, options):
        options = {name: self.option(value) for name, value in options.items()}
        if function in AXIS_FUNCTIONS:
            is_joined = function in ("max", "min") and len(args) > 1 and not options
            if not is_joined:
                options |= dict(zip(OPTIONS, map(self.option, args[1:]), strict=False))
                return self.along_axes(function, self.value(args[0]), options)
            function = f"{function}imum"
        if function in WITH_OPTIONS:
            return WITH_OPTIONS[function](*map(self.option_or_value, args), **options)
        if function in LEARNING:
            count = LEARNING[function]
            axis = options.get("axis", self.option(args[count]) if args[count:] else -1)
            return learning.FUNCTIONS[function](*map(self.value, args[:count]), axis)
        if function in learning.LOSSES:
            return learning.LOSSES[function](self, *map(self.value, args), **options)
        return FUNCTIONS[function](self, *(self.value(part) for part in args), **options)

    def option_or_value(self, tree):
        return self.option(tree) if isinstance(tree, Text | Tuple) else self.value(tree)

    def along_axes(self, function, x, options):
        options.setdefault("axis", -1 if function == "softmax" else None)
        return AXIS_FUNCTIONS[function](self, x, **options)

    def side(self, x):
        """x itself, after noting on which side of 0 it is, and how near to it."""
        self.sides.append(np.sign(x))
        self.nearest = min(self.nearest, np.min(np.abs(x), initial=np.inf))
        return x


def real(value):
    if isinstance(value, Fraction):
        return Real(value.numerator) / Real(value.denominator)
    return Real(value)


def transposed(x):
    return np.swapaxes(x, -1, -2) if x.ndim > 1 else x


def maximum(self, *parts):
    result = parts[0]
    for part in parts[1:]:
        self.side(result - part)
        result = np.maximum(result, part)
    return result


def minimum(self, *parts):
    return -maximum(self, *(-part for part in parts))


def where(self, condition, x, y):
    self.sides.append(condition != 0)
    return np.where(condition != 0, x, y)


def largest(self, x, axis, keepdims=False):
    top = np.max(x, axis=axis, keepdims=True)
    self.sides.append(x == top)
    return np.max(x, axis=axis, keepdims=keepdims)


def smallest(self, x, axis, keepdims=False):
    return -largest(self, -x, axis, keepdims)


def logsumexp(_, x, axis, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def norm1(self, x, axis, keepdims=False):
    return np.sum(np.abs(self.side(x)), axis=axis, keepdims=keepdims)


def norm2(_, x, axis, keepdims=False):
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def softmax(_, x, axis):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def det(matrix):
    """The determinant by cofactors of the first row."""
    if matrix.shape == (1, 1):
        return matrix[0, 0]
    rest = matrix[1:]
    return sum(
        (-1) ** k * entry * det(np.delete(rest, k, axis=1)) for k, entry in enumerate(matrix[0])
    )


def inv(matrix):
    """The inverse by Gauss-Jordan elimination with row exchanges."""
    size = len(matrix)
    work = np.concatenate((matrix, np.eye(size, dtype=Real)), axis=1)
    for k in range(size):
        pivot = k + int(np.argmax(np.abs(work[k:, k])))
        work[[k, pivot]] = work[[pivot, k]]
        work[k] /= work[k, k]
        for row in range(size):
            if row != k:
                work[row] -= work[row, k] * work[k]
    return work[:, size:]


def std(self, x, **options):
    deviation = np.sqrt(np.var(x, **options))
    self.side(deviation)
    return deviation


def norm_inf(self, x, axis, keepdims=False):
    return largest(self, np.abs(self.side(x)), axis, keepdims)


def matrix_power(matrix, exponent):
    result = np.eye(len(matrix), dtype=Real)
    factor = inv(matrix) if exponent < 0 else matrix
    for _ in range(abs(int(exponent))):
        result = result @ factor
    return result


def cross(x, y):
    parts = [x[..., (k + 1) % 3] * y[..., (k + 2) % 3] for k in range(3)]
    others = [x[..., (k + 2) % 3] * y[..., (k + 1) % 3] for k in range(3)]
    return np.stack([a - b for a, b in zip(parts, others, strict=True)], axis=-1)


def cofactor(matrix):
    size = len(matrix)
    if size == 1:
        return np.ones((1, 1), dtype=Real)
    minors = [
        [np.delete(np.delete(matrix, row, 0), column, 1) for column in range(size)]
        for row in range(size)
    ]
    signs = np.array(
        [[(-1) ** (row + column) for column in range(size)] for row in range(size)]
    )
    return signs * np.array([[det(minor) for minor in row] for row in minors], dtype=Real)


def shape_of(size):
    return size if isinstance(size, tuple) else (int(size),)


WITH_OPTIONS = {
    "einsum": np.einsum,
    "matrix_power": matrix_power,
    "zeros": lambda shape: np.zeros(shape_of(shape), dtype=Real),
    "ones": lambda shape: np.ones(shape_of(shape), dtype=Real),
    "eye": lambda n: np.eye(int(n), dtype=Real),
    # Of the shape that they are joined with: a number, broadcast.
    "vector": lambda value: Real(value),
    "matrix": lambda value: Real(value),
    "cumsum": lambda x, axis=0: np.cumsum(x, axis=int(axis)),
    "onehot": lambda n, k: np.eye(int(n), dtype=Real)[int(k)],
}
AXIS_FUNCTIONS = {
    "var": lambda _, x, **options: np.var(x, **options),
    "std": std,
    "norm_inf": norm_inf,
    "sum": lambda _, x, **options: np.sum(x, **options),
    "mean": lambda _, x, **options: np.mean(x, **options),
    "max": largest,
    "min": smallest,
    "prod": lambda _, x, **options: np.prod(x, **options),
    "logsumexp": logsumexp,
    "norm1": norm1,
    "norm2": norm2,
    "norm": norm2,
    "softmax": softmax,
}
FUNCTIONS = {
    "exp": lambda _, x: np.exp(x),
    "log": lambda _, x: np.log(x),
    "ln": lambda _, x: np.log(x),
    "sin": lambda _, x: np.sin(x),
    "cos": lambda _, x: np.cos(x),
    "tanh": lambda _, x: np.tanh(x),
    "sqrt": lambda _, x: np.sqrt(x),
    "abs": lambda self, x: np.abs(self.side(x)),
    "sign": lambda self, x: np.sign(self.side(x)),
    "sgn": lambda self, x: np.sign(self.side(x)),
    "relu": lambda self, x: np.maximum(self.side(x), 0),
    "sigmoid": lambda _, x: 1 / (1 + np.exp(-x)),
    "softplus": lambda _, x: np.log1p(np.exp(x)),
    "maximum": maximum,
    "minimum": minimum,
    **entry_functions.SMOOTH,
    **entry_functions.WITH_SIDES,
    "where": where,
    "dot": lambda _, x, y: np.dot(x, y),
    "outer": lambda _, x, y: np.outer(x, y),
    "diag": lambda _, x: np.diag(x),
    "trace": lambda _, x: np.trace(x),
    "tr": lambda _, x: np.trace(x),
    "inv": lambda _, x: inv(x),
    "solve": lambda _, x, y: inv(x) @ y,
    "cross": lambda _, x, y: cross(x, y),
    "cofactor": lambda _, x: cofactor(x),
    "det": lambda _, x: det(x),
    "logdet": lambda _, x: np.log(det(x)),
    "transpose": lambda _, x: transposed(x),
    "T": lambda _, x: transposed(x),
    "kron": lambda _, x, y: np.kron(x, y),
}


def evaluated(tree, values):
    """The value in extended precision, and the sides of every kink it met."""
    result, interpreter = interpreted(tree, values)
    return result, interpreter.sides


def interpreted(tree, values):
    """The value in extended precision, and the interpreter that has found it."""
    interpreter = Interpreter({name: np.asarray(v, dtype=Real) for name, v in values.items()})
    with np.errstate(all="ignore"):
        result = np.asarray(interpreter.value(tree), dtype=Real)
    return result, interpreter


def have_equal_sides(sides, others):
    return len(sides) == len(others) and all(map(np.array_equal, sides, others))


def directional_derivative(tree, values, directions):
    """Σ ∂value/∂variable · direction by central differences, and its estimated error.

    `directions` has one for each variable that moves, all of them at once.

    Three steps h, h/2, h/4, extrapolated to an error of h⁶; h shrinks until no kink lies
    between the points and the extrapolation has settled. None where it never does.
    """
    _, sides = evaluated(tree, values)
    here = {name: np.asarray(values[name], dtype=Real) for name in directions}
    by = {name: np.asarray(direction, dtype=Real) for name, direction in directions.items()}
    best = None
    for step in (2.0**-6, 2.0**-9, 2.0**-12, 2.0**-16, 2.0**-20):
        slopes = []
        for h in (step, step / 2, step / 4):
            points = [
                evaluated(tree, values | {n: here[n] + sign * h * by[n] for n in by})
                for sign in (1, -1)
            ]
            if not all(have_equal_sides(sides, found) for _, found in points):
                break
            slopes.append(operator.sub(*(value for value, _ in points)) / (2 * Real(h)))
        if len(slopes) < 3:
            continue
        once = [(4 * b - a) / 3 for a, b in pairwise(slopes)]
        twice = (16 * once[1] - once[0]) / 15
        error = np.abs(twice - once[1])
        if best is None or np.max(error, initial=0) < np.max(best[1], initial=0):
            best = (twice, error)
    return best
