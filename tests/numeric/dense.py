"""All the numbers of a structured derivative, by plain einsum: independent of the service."""

from math import prod

import numpy as np

from service.computation.answers import (
    DenseTensor,
    DiagonalTensor,
    IdentityFactor,
    IdentityTensor,
    OnesFactor,
    TensorFactor,
    ZeroTensor,
)


def dense(derivative):
    shape = derivative.shape
    size = prod(shape[: len(shape) // 2])
    match derivative:
        case ZeroTensor():
            return np.zeros(shape)
        case IdentityTensor(scale=scale):
            return (scale * np.eye(size)).reshape(shape)
        case DiagonalTensor(diagonal=diagonal):
            return np.diag(diagonal.reshape(-1)).reshape(shape)
        case DenseTensor(tensor=tensor):
            return tensor
    terms = [
        term.coefficient * np.einsum(term.equation, *map(stored, term.factors))
        for term in derivative.terms
    ]
    return sum(terms, np.zeros(shape))


def stored(factor):
    match factor:
        case TensorFactor(tensor=tensor):
            return tensor
        case IdentityFactor(size=size):
            return np.eye(size)
        case OnesFactor(size=size):
            return np.ones(size)
    raise TypeError(factor)


def dense_batch(found, one):
    """All the numbers of a batch of derivatives; an identity is one for each sample."""
    if isinstance(found, DiagonalTensor):
        half = len(one.shape) // 2
        eye = np.eye(int(np.prod(one.shape[:half]))).reshape(one.shape)
        numbers = found.diagonal
        return numbers.reshape(*numbers.shape, *(1,) * half) * eye
    if isinstance(found, IdentityTensor):
        return np.broadcast_to(dense(IdentityTensor(one.shape, found.scale)), found.shape)
    return dense(found)
