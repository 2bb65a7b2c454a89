"""The Jacobians of several variables side by side, as one."""

from collections.abc import Sequence

import numpy as np

from service.computation.answers import Array, Columns, DenseTensor, StackedJacobian


def stacked_jacobian(
    ndim: int, names: Sequence[str], jacobians: Sequence[Array]
) -> StackedJacobian:
    """All Jacobians of an output of `ndim` axes as one, the variables' entries as columns."""
    flat = [j.reshape(*j.shape[:ndim], -1) for j in jacobians]
    ends = np.cumsum([part.shape[-1] for part in flat]).tolist()
    columns = tuple(
        Columns(name, end - part.shape[-1], end)
        for name, end, part in zip(names, ends, flat, strict=True)
    )
    whole = np.concatenate(flat, axis=-1)
    return StackedJacobian(DenseTensor(whole.shape, whole), columns)
