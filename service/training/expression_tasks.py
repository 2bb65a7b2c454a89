"""A scalar expression over parameters and columns of data, as a problem to train."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from service.calculus.rules.table import FUNCTIONS
from service.errors import (
    DomainError,
    ExpressionError,
    NonFiniteInputError,
    ShapeMismatchError,
    UnknownNameError,
    ValidationError,
)
from service.language.lexemes import NAME
from service.language.places import nearest, shown
from service.settings import Limits
from service.training.data import Array, Columns, Dataset
from service.training.initializers import chosen_initializer
from service.training.preparing import Prepared, Store
from service.training.problems import expression_problem

_CONSTANT_STARTS = {"zeros": 0.0, "ones": 1.0}
# Apart from the streams of the epochs, of the split and of a model's weights.
_START_STREAM = (0, 0, 0, 3)
_MOST_ENTRIES = 2**27


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A parameter's first values: given, or drawn by an initializer in a shape."""

    kind: str = "zeros"
    options: Mapping[str, object] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    values: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionTask:
    """A scalar expression to minimise; its variables are parameters and columns of the data.

    `columns`: the columns that a variable stands for, shape (N, columns), or by one name alone
    (N,). A column whose name the expression uses need not be told. `arrays` are variables
    whose rows are given as they are, with any number of axes behind the first.
    """

    expression: str
    parameters: Mapping[str, Start]
    columns: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


def prepared_expression(
    asked: ExpressionTask, seed: int, dataset: Dataset, limits: Limits, store: Store
) -> Prepared:
    """The problem of an expression.

    Raises:
        GradserveError: a name is unknown, or what the expression lacks, with its place.
    """
    if not asked.parameters:
        raise DomainError("found no parameter, expected at least one", pointer="/parameters")
    named = _columns(asked, dataset)
    if not named and not asked.arrays:
        raise DomainError(
            "found no column of the data in the expression, expected at least one",
            pointer="/expression",
            hint=f"columns: {', '.join(shown(name) for name in dataset.names[:10])}",
        )
    columns: dict[str, Array | Columns] = dict(asked.arrays)
    for name, names in named.items():
        is_vector = isinstance(names, str)
        chosen = _selected(name, (names,) if isinstance(names, str) else names, dataset)
        columns[name] = store.gathered(f"column_{len(columns)}", chosen, is_vector=is_vector)
    rng = np.random.Generator(np.random.PCG64([seed, *_START_STREAM]))
    started = {name: _started(name, start, rng) for name, start in asked.parameters.items()}
    about: dict[str, object] = {
        "kind": "expression",
        "expression": asked.expression,
        "columns": {n: c if isinstance(c, str) else list(c) for n, c in named.items()},
        "parameters": {name: list(array.shape) for name, array in started.items()},
    }
    problem = expression_problem(asked.expression, started, columns, {}, limits)
    # What is wrong with the expression is told now, rather than at the first step.
    try:
        problem.graphs(dataset.rows)
    except UnknownNameError as error:
        raise _with_columns(error, asked.expression, dataset) from error
    return Prepared(problem, about)


def _with_columns(
    error: UnknownNameError, expression: str, dataset: Dataset
) -> UnknownNameError:
    """The same error, whose hint tells the column that was probably meant."""
    fault = error.faults[0]
    close = nearest(expression[fault.start : fault.end], dataset.names)
    if close is not None:
        hint = f"did you mean the column {shown(close)}?"
        error.faults = (replace(fault, hint=hint), *error.faults[1:])
    return error


def _selected(variable: str, names: tuple[str, ...], dataset: Dataset) -> Columns:
    try:
        return dataset.select(names)[0]
    except ExpressionError as error:
        fault = replace(error.faults[0], pointer=f"/columns/{variable}")
        error.faults = (fault, *error.faults[1:])
        raise


def _columns(asked: ExpressionTask, dataset: Dataset) -> dict[str, tuple[str, ...] | str]:
    """The columns of each variable: those told, and those the expression names itself."""
    for name in (*asked.columns, *asked.arrays, *asked.parameters):
        if not NAME.fullmatch(name):
            raise ValidationError(
                f"found the variable {shown(name)}, expected a name of letters and digits",
                pointer="/columns",
            )
        if name in asked.parameters and (name in asked.columns or name in asked.arrays):
            raise ValidationError(
                f"found {shown(name)} as a column and as a parameter, expected one of the two",
                pointer="/columns",
            )
    used = set(re.findall(NAME.pattern, asked.expression))
    taken = {*asked.columns, *asked.arrays, *asked.parameters, *FUNCTIONS}
    return dict(asked.columns) | {n: n for n in dataset.names if n in used - taken}


def _started(name: str, start: Start, rng: np.random.Generator) -> Array:
    pointer = f"/parameters/{name}"
    if start.values is not None:
        try:
            found = np.array(start.values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ShapeMismatchError(
                f"parameter {name}: found values that are no array of numbers, expected rows "
                "of the same length",
                pointer=pointer,
            ) from error
        if not np.isfinite(found).all():
            raise NonFiniteInputError(
                f"parameter {name}: found a value that is not finite", pointer=pointer
            )
        return found
    if (
        any(size < 1 for size in start.shape)
        or np.prod(start.shape, dtype=float) > _MOST_ENTRIES
    ):
        raise ShapeMismatchError(
            f"parameter {name}: found the shape {start.shape}, expected sizes of at least 1 "
            f"and at most {_MOST_ENTRIES:,} entries",
            pointer=pointer,
        )
    if start.kind in _CONSTANT_STARTS and not start.options:
        return np.full(start.shape, _CONSTANT_STARTS[start.kind])
    chosen = chosen_initializer({"kind": start.kind, **start.options}, pointer=pointer)
    return chosen.weights(start.shape or (1,), rng).reshape(start.shape)
