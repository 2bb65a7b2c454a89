"""Operands side by side: views with the same axes in the same order, multiplied by entry."""

from collections.abc import Sequence
from math import prod

import numpy as np

from service.numeric.assembly import Assembly, Slot
from service.numeric.operands import Letters, Operand


class Alignment:
    """Operands over letters of known sizes, of which those of the output come first."""

    def __init__(self, assembly: Assembly, sizes: Sequence[int], output: Letters) -> None:
        self.assembly = assembly
        self.sizes = sizes
        self.output = output

    def _size(self, letters: Sequence[int] | frozenset[int]) -> int:
        return prod(self.sizes[x] for x in letters)

    def _shape(self, letters: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.sizes[x] for x in letters)

    def _direct(self, operand: Operand) -> Operand:
        """The operand without a pending division."""
        if not operand.inverse:
            return operand
        shape = operand.slot.shape
        slot = self.assembly.emit(("reciprocal",), np.reciprocal, (operand.slot,), shape)
        return Operand(slot, operand.letters, hazard=operand.hazard)

    def _aligned(self, operand: Operand, letters: Letters) -> Slot:
        """The operand as a view with these axes, size 1 where it lacks one."""
        axes = tuple(operand.letters.index(x) for x in letters if x in operand.letters)
        shape = tuple(self.sizes[x] if x in operand.letters else 1 for x in letters)
        return self._viewed(operand.slot, axes, shape)

    def _viewed(self, slot: Slot, axes: tuple[int, ...], shape: tuple[int, ...]) -> Slot:
        if axes != tuple(range(len(axes))):
            moved = tuple(slot.shape[a] for a in axes)
            slot = self.assembly.view(
                ("transpose", axes), lambda x: x.transpose(axes), slot, moved
            )
        return self.assembly.reshaped(slot, shape)

    def _ordered(self, *operands: Operand) -> Letters:
        """The letters of the operands: the output's in its order, then the others."""
        carried = dict.fromkeys(x for o in operands for x in o.letters)
        front = [x for x in self.output if x in carried]
        return (*front, *(x for x in carried if x not in self.output))

    def _multiplied(self, first: Operand, second: Operand, letters: Letters) -> Operand:
        if first.inverse and not second.inverse:
            first, second = second, first
        divides = second.inverse and not first.inverse
        name, call = ("divide", np.divide) if divides else ("multiply", np.multiply)
        slots = (self._aligned(first, letters), self._aligned(second, letters))
        if name == "multiply":
            slots = (min(slots), max(slots))
        slot = self.assembly.emit((name,), call, slots, self._shape(letters))
        hazard = first.hazard or second.hazard
        return Operand(slot, letters, first.inverse and second.inverse, hazard)

    def _grouped(self, operand: Operand, letters: Letters, shape: tuple[int, ...]) -> Slot:
        """The operand as a matrix: axes in this order, then grouped to this shape."""
        axes = tuple(operand.letters.index(x) for x in letters)
        return self._viewed(operand.slot, axes, shape)
