"""Columns brought to mean 0 and standard deviation 1, and layers brought back to own units."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from service.errors import BadDatasetError, DomainError, ShapeMismatchError
from service.training.data import Array, column_place


@dataclass(frozen=True, slots=True, eq=False)
class Standardization:
    """Standardized = (value − mean) / scale, column by column; both have shape (columns,).

    `constant` names the columns that have one value only: their scale is 1, so they become 0.
    """

    mean: Array
    scale: Array
    constant: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """What to tell of the constant columns, if there are any."""
        if not self.constant:
            return None
        names = ", ".join(self.constant[:10])
        more = f" and {len(self.constant) - 10} more" if len(self.constant) > 10 else ""
        return f"constant columns are only centred, to 0: {names}{more}"

    def apply(self, values: Array, out: Array | None = None) -> Array:
        """The values standardized, of the same shape (…, columns); `out` may be the values."""
        centred = np.subtract(values, self.mean, out=out)
        return np.divide(centred, self.scale, out=centred)

    def undo(self, values: Array) -> Array:
        """The values in their own units."""
        restored: Array = values * self.scale + self.mean
        return restored


def standardization(blocks: Iterable[Array], names: Sequence[str]) -> Standardization:
    """Mean and standard deviation (of the population: over N) of rows given block by block.

    Blocks are merged by Chan, Golub & LeVeque (1983), "Algorithms for computing the sample
    variance", eq. 2.1: one pass, without the cancellation of a mean of squares. Means count
    from the first row, so that a column far from 0 loses no digits of its deviation.

    Raises:
        BadDatasetError: there is no row, or the squares of a column exceed float64.
    """
    count = 0
    origin = mean = np.zeros(len(names))
    squares = np.zeros(len(names))
    lowest = np.full(len(names), np.inf)
    highest = np.full(len(names), -np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks:
            rows = len(block)
            if not rows:
                continue
            if not count:
                origin = block[0].copy()
            count += rows
            centred = block - origin
            block_mean = centred.mean(axis=0)
            centred -= block_mean
            shift = block_mean - mean
            # The second term mends what rounding of the mean itself adds to the squares.
            squares += np.einsum("ij,ij->j", centred, centred)
            squares -= centred.sum(axis=0) ** 2 / rows
            squares += shift * shift * ((count - rows) * (rows / count))
            mean = mean + shift * (rows / count)
            np.minimum(lowest, block.min(axis=0), out=lowest)
            np.maximum(highest, block.max(axis=0), out=highest)
    if not count:
        raise BadDatasetError("found no row to standardize by, expected at least one")
    mean = origin + mean
    is_finite = np.isfinite(squares) & np.isfinite(mean)
    if not is_finite.all():
        column = int(np.flatnonzero(~is_finite)[0])
        raise BadDatasetError(
            f"{column_place(names, column)}: found numbers whose squares are beyond the range "
            "of float64, expected smaller ones to standardize"
        )
    # By its extremes a column of one value is told from one whose variance is rounding only.
    scale = np.sqrt(np.maximum(squares, 0.0) / count)
    is_constant = (lowest == highest) | (scale == 0)
    mean = np.where(lowest == highest, lowest, mean)
    constant = tuple(name for name, flag in zip(names, is_constant, strict=True) if flag)
    return Standardization(mean, np.where(is_constant, 1.0, scale), constant)


def to_own_units(
    weights: Array,
    bias: Array,
    inputs: Standardization,
    targets: Standardization | None = None,
) -> tuple[Array, Array]:
    """Weights and bias that give on own inputs what these give on standardized ones.

    With z = (x − m)/s: z·W + b = x·(W/s) + (b − (m/s)·W). `weights` have shape (in,) or
    (in, out), `bias` () or (out,). With `targets`, a linear output is in their units as well.

    Raises:
        ShapeMismatchError: the weights do not fit the standardized columns.
        DomainError: weights or bias overflow in own units.
    """
    _check_fit(weights, inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        own = weights / _along_inputs(inputs.scale, weights)
        shift = bias - inputs.mean @ own
        if targets is not None:
            out_scale, out_mean = _of_outputs(targets, weights)
            own, shift = own * out_scale, shift * out_scale + out_mean
    return _finite(own, shift)


def to_standardized_units(
    weights: Array,
    bias: Array,
    inputs: Standardization,
    targets: Standardization | None = None,
) -> tuple[Array, Array]:
    """The inverse of `to_own_units`, for a start or a checkpoint given in own units."""
    _check_fit(weights, inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        shift = bias + inputs.mean @ weights
        scaled = weights * _along_inputs(inputs.scale, weights)
        if targets is not None:
            out_scale, out_mean = _of_outputs(targets, weights)
            scaled, shift = scaled / out_scale, (shift - out_mean) / out_scale
    return _finite(scaled, shift)


def _of_outputs(targets: Standardization, weights: Array) -> tuple[Array, Array]:
    """Scale and mean of the outputs: numbers for a single neuron, whose weights have ndim 1."""
    columns = weights.shape[1] if weights.ndim == 2 else 1
    if len(targets.scale) != columns:
        raise ShapeMismatchError(
            f"weights have shape {weights.shape}, so {columns} outputs, "
            f"but {len(targets.scale)} target columns are standardized"
        )
    if weights.ndim == 1:
        return targets.scale[0], targets.mean[0]
    return targets.scale, targets.mean


def _along_inputs(scale: Array, weights: Array) -> Array:
    return scale[:, None] if weights.ndim == 2 else scale


def _check_fit(weights: Array, inputs: Standardization) -> None:
    if weights.ndim not in (1, 2) or len(weights) != len(inputs.scale):
        raise ShapeMismatchError(
            f"weights have shape {weights.shape}, but {len(inputs.scale)} columns are "
            "standardized, expected one row of weights for each"
        )


def _finite(weights: Array, bias: Array) -> tuple[Array, Array]:
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise DomainError(
            "weights or bias are not finite in the other units, "
            "expected columns whose standard deviation is not that far from 1"
        )
    return weights, np.asarray(bias)
