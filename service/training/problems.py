"""What is trained: parameters, data by columns, and the graphs of a batch of rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.calculus.differentiate import gradient
from service.calculus.dimensions import Dimension, Shape
from service.calculus.graph import Node, variable
from service.errors import NotScalarError, UnknownNameError
from service.language.declarations import Declarations
from service.language.elaborate import elaborate
from service.language.parser import parse
from service.language.places import nearest, shown
from service.settings import Limits
from service.training.data import Columns, array_of
from service.training.models import (
    BIAS,
    INPUTS,
    SAMPLE_WEIGHTS,
    TARGETS,
    WEIGHTS,
    Model,
)
from service.training.passes import with_ones
from service.training.updates import Array

# Beyond this a copy of the inputs with a column of ones costs more memory than it saves time.
_MOST_COPIED_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class BatchGraphs:
    """What is minimised, the part of it that validation measures, and its gradient."""

    total: Node
    data_loss: Node
    gradients: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class Problem:
    """Initial parameters, data by variable, and the graphs for a number of rows.

    The first axis of each column counts the samples. `own` gives the parameters the names and
    shapes that the caller knows.
    """

    parameters: Mapping[str, Array]
    columns: Mapping[str, Array | Columns]
    graphs: Callable[[Dimension], BatchGraphs]
    own: Callable[[Mapping[str, Array]], dict[str, Array]] = dict

    @property
    def samples(self) -> int:
        """How many rows the data has."""
        return next(iter(self.columns.values())).shape[0]


def model_problem(
    model: Model,
    parameters: Mapping[str, Array],
    inputs: Array | Columns,
    targets: Array | Columns,
    sample_weights: Array | None = None,
) -> Problem:
    """The training of a neuron or a network, whatever `model.rows` is.

    A neuron's bias becomes the last of its weights, beside a column of ones (Parr & Howard,
    6.1), where the copy is small: a step then has half as many calls.
    """
    is_small = 8 * inputs.shape[0] * inputs.shape[1] <= _MOST_COPIED_BYTES
    is_joined = model.is_neuron and not model.is_augmented and is_small
    started = dict(parameters)
    if is_joined:
        inputs = with_ones(array_of(inputs))
        started = {WEIGHTS: np.append(parameters[WEIGHTS], parameters[BIAS])}
    columns: dict[str, Array | Columns] = {INPUTS: inputs, TARGETS: targets}
    if sample_weights is not None:
        columns[SAMPLE_WEIGHTS] = sample_weights

    def graphs(rows: Dimension) -> BatchGraphs:
        made = replace(
            model,
            rows=rows,
            is_augmented=is_joined or model.is_augmented,
            is_weighted=sample_weights is not None,
        )
        return BatchGraphs(made.total, made.data_loss, made.gradients)

    def own(found: Mapping[str, Array]) -> dict[str, Array]:
        if not is_joined:
            return {name: array.copy() for name, array in found.items()}
        joined = found[WEIGHTS]
        return {WEIGHTS: joined[:-1].copy(), BIAS: joined[-1].copy()}

    return Problem(started, columns, graphs, own)


def expression_problem(
    expression: str,
    parameters: Mapping[str, Array],
    columns: Mapping[str, Array | Columns],
    shared: Mapping[str, Array],
    limits: Limits,
) -> Problem:
    """The minimisation of any scalar expression over parameters, by rows of data.

    `columns` are the variables whose first axis counts samples; `shared` the other values.

    Raises:
        GradserveError: for whatever is wrong with the expression, with its place.
    """
    shapes: dict[str, Shape] = {n: a.shape for n, a in {**shared, **parameters}.items()}

    def graphs(rows: Dimension) -> BatchGraphs:
        declared = Declarations(shapes | {n: (rows, *a.shape[1:]) for n, a in columns.items()})
        found = elaborate(expression, parse(expression, limits), declared, limits)
        if found.node.ndim:
            raise NotScalarError(
                f"a loss is a scalar, not of shape {found.node.shape}",
                pointer="/expression",
                hint="take its sum or its mean",
            )
        by = [variable(n, a.shape) for n, a in parameters.items()]
        slopes = gradient(found.node, by)
        by_name = {v.name: slopes[v] for v in by}
        return BatchGraphs(found.node, found.node, by_name)

    return Problem(dict(parameters), dict(columns), graphs)


def check_names(known: Sequence[str], asked: Sequence[str], *, pointer: str) -> None:
    """Refuse a name that is not among those known.

    Raises:
        UnknownNameError: with the nearest one.
    """
    for place, name in enumerate(asked):
        if name not in known:
            close = nearest(name, known)
            raise UnknownNameError(
                f"found the name {shown(name)}, expected one of {', '.join(known)}",
                pointer=f"{pointer}/{place}",
                hint=f"did you mean {shown(close)}?" if close else None,
            )
