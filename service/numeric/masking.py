"""Masks in a product: selected into what they must hide before anything is multiplied."""

from math import prod

import numpy as np
from numpy.typing import NDArray

from service.numeric.alignment import Alignment
from service.numeric.assembly import Slot
from service.numeric.kernels import select_values
from service.numeric.operands import Operand


class Masking(Alignment):
    """Operands of which some are masks."""

    def _merged_masks(self, masks: list[Operand]) -> list[Operand]:
        """Masks over the same letters joined into one."""
        merged: dict[frozenset[int], Operand] = {}
        for mask in masks:
            key = frozenset(mask.letters)
            if key in merged:
                first = merged[key]
                aligned = self._aligned(mask, first.letters)
                slot = self.assembly.emit(
                    ("and",),
                    np.logical_and,
                    (first.slot, aligned),
                    first.slot.shape,
                    is_mask=True,
                )
                mask = Operand(slot, first.letters)  # the joined mask
            merged[key] = mask
        return list(merged.values())

    def _occupied(self, counts: Operand) -> Operand:
        """Where a count is not 0, as a mask."""
        zero = self.assembly.number(0.0)
        slot = self.assembly.emit(
            ("not_equal",), np.not_equal, (counts.slot, zero), counts.slot.shape, is_mask=True
        )
        return Operand(slot, counts.letters)

    def _masked(self, factors: list[Operand], masks: list[Operand]) -> list[Operand]:
        """The factors with each mask selected into those that it must hide from."""
        for mask in masks:
            own = frozenset(mask.letters)
            factors = [self._uncrossed(mask, o) for o in factors]
            equal = [o for o in factors if frozenset(o.letters) == own]
            under = [o for o in factors if o.hazard and frozenset(o.letters) < own]
            joined = (
                equal + [o for o in under if o.letters] + [o for o in under if not o.letters]
            )
            over = [o for o in factors if o.hazard and frozenset(o.letters) > own]
            factors = [o for o in factors if not any(o is g for g in joined + over)]
            factors += [self._selected(mask, o) for o in over]
            if joined:
                whole = joined[0]
                for o in joined[1:]:
                    whole = self._multiplied(whole, o, self._ordered(whole, o))
                factors.append(self._selected(mask, whole))
            elif not over or own - {x for o in over for x in o.letters}:
                factors.append(Operand(self._as_numbers(mask.slot), mask.letters))
        return factors

    def _uncrossed(self, mask: Operand, operand: Operand) -> Operand:
        """The operand; one that may overflow only where some entry of the mask sees it.

        That is for letters of which neither has all of the other's: what the mask hides
        altogether must not become 0 · inf when the two are multiplied.
        """
        own, letters = frozenset(mask.letters), frozenset(operand.letters)
        if not operand.hazard or own <= letters or letters <= own:
            return operand
        axes = tuple(k for k, x in enumerate(mask.letters) if x not in letters)
        shared = tuple(x for x in mask.letters if x in letters)
        slot = self.assembly.emit(
            ("any", axes),
            lambda x: np.asarray(np.any(x, axis=axes)),
            (mask.slot,),
            self._shape(shared),
            flops=prod(mask.slot.shape),
            is_mask=True,
        )
        return self._selected(Operand(slot, shared), operand)

    def _as_numbers(self, slot: Slot) -> Slot:
        return self.assembly.emit(("float",), _as_float, (slot,), slot.shape)

    def _selected(self, mask: Operand, values: Operand) -> Operand:
        values = self._direct(values)
        letters = values.letters if len(values.letters) >= len(mask.letters) else mask.letters
        slots = (self._aligned(mask, letters), self._aligned(values, letters))
        shape = self._shape(letters)
        slot = self.assembly.emit(("select",), select_values, slots, shape)
        return Operand(slot, letters, hazard=values.hazard)


def _as_float(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return mask.astype(np.float64)
