"""Diagonals and powers of slots."""

from math import prod

import numpy as np

from service.numeric.assembly import Assembly, Slot

_MULTIPLIED_POWERS = 4


def diagonal_of(
    assembly: Assembly, slot: Slot, letters: tuple[int, ...]
) -> tuple[Slot, tuple[int, ...]]:
    """The entries where axes of the same letter agree."""
    while len(set(letters)) < len(letters):
        first, second = next(
            (k, m)
            for k, x in enumerate(letters)
            for m, y in enumerate(letters[k + 1 :], k + 1)
            if x == y
        )
        kept = [k for k in range(len(letters)) if k not in (first, second)]
        shape = (*(slot.shape[k] for k in kept), slot.shape[first])
        slot = assembly.view(
            ("diagonal", first, second),
            lambda x, a=first, b=second: x.diagonal(axis1=a, axis2=b),
            slot,
            shape,
        )
        letters = (*(letters[k] for k in kept), letters[first])
    return slot, letters


def powered(assembly: Assembly, slot: Slot, exponent: float) -> Slot:
    """The slot to a positive power, by the cheapest call."""
    if exponent == 1 or slot.is_mask:
        return slot
    named = {0.5: np.sqrt, 2.0: np.square}
    flops = prod(slot.shape) * 20
    if exponent in named:
        return assembly.emit(
            ("power", exponent), named[exponent], (slot,), slot.shape, flops=flops
        )
    if exponent.is_integer() and exponent <= _MULTIPLIED_POWERS:
        half = powered(assembly, slot, 2.0)
        other = half if exponent == _MULTIPLIED_POWERS else slot
        return assembly.emit(("multiply",), np.multiply, (half, other), slot.shape)
    pair = (slot, assembly.number(exponent))
    return assembly.emit(("power of number",), np.power, pair, slot.shape, flops=flops)
