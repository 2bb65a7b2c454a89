"""Lowering one contraction: views for what is only named, then the cheapest pair first.

No outer product is made while a letter is shared; masks are applied by selection before
anything they must hide is multiplied. At run time there are BLAS and broadcast calls only.
"""

from collections.abc import Sequence
from functools import partial, reduce
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.calculus.graph import Number
from service.calculus.numbers import as_quotient
from service.calculus.rules.matrices import solved_values
from service.numeric.assembly import Assembly, Slot
from service.numeric.kernels import (
    gram_values,
    matrix_values,
    running_sum,
    select_values,
    sum_of_rest,
)
from service.numeric.operands import Letters, Operand, cheapest_pair

_LARGE = 4096


class Product:
    """The operands of one contraction, multiplied out over an assembly."""

    def __init__(self, assembly: Assembly, sizes: Sequence[int], output: Letters) -> None:
        self.assembly = assembly
        self.sizes = sizes
        self.output = output

    def result(self, operands: list[Operand], coefficient: Number) -> Operand:
        """coefficient · Σ Π operands, over the output letters that some operand carries."""
        masks = [o for o in operands if o.slot.is_mask]
        if any(o.hazard for o in operands):
            masks += [self._occupied(o) for o in operands if o.counts]
        factors = [o for o in operands if not o.slot.is_mask]
        factors = self._masked(factors, self._merged_masks(masks))
        scalars = [o for o in factors if not o.letters]
        factors = [self._summed(o, factors) for o in factors if o.letters]
        factors.sort(key=lambda o: (o.inverse, o.slot.position))
        factors = self._gram(factors)
        while len(factors) > 1:
            first, second = cheapest_pair(factors, self.output, self.sizes)
            rest = [o for o in factors if o is not first and o is not second]
            factors = [*rest, self._pair(first, second, rest)]
        result = factors[0] if factors else None
        return self._with_scalars(result, scalars, coefficient)

    def _size(self, letters: Sequence[int] | frozenset[int]) -> int:
        return prod(self.sizes[x] for x in letters)

    def _shape(self, letters: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.sizes[x] for x in letters)

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

    def _summed(self, operand: Operand, operands: list[Operand]) -> Operand:
        """The operand summed over the letters that nothing else needs."""
        needed = set(self.output).union(*(o.letters for o in operands if o is not operand))
        lonely = tuple(k for k, x in enumerate(operand.letters) if x not in needed)
        if not lonely:
            return operand
        if operand.is_triangle and len(lonely) == 1:
            return self._counted(operand, lonely[0])
        operand = self._direct(operand)
        letters = tuple(x for x in operand.letters if x in needed)
        slot = self.assembly.emit(
            ("sum", lonely),
            lambda x: np.sum(x, axis=lonely),
            (operand.slot,),
            self._shape(letters),
            flops=prod(operand.slot.shape),
        )
        return Operand(slot, letters, hazard=operand.hazard)

    def _pair(self, first: Operand, second: Operand, rest: list[Operand]) -> Operand:
        needed = set(self.output).union(*(o.letters for o in rest))
        contracted = [x for x in first.letters if x in second.letters and x not in needed]
        if not contracted:
            return self._multiplied(first, second, self._ordered(first, second))
        if len(contracted) == 1 == len(set(first.letters) & set(second.letters)):
            for matrix, other in ((first, second), (second, first)):
                if matrix.inverted:
                    return self._solved(matrix, self._direct(other), contracted[0])
                if matrix.is_triangle:
                    return self._running_sum(matrix, self._direct(other), contracted[0])
        return self._matrix_product(self._direct(first), self._direct(second), contracted)

    def _gram(self, factors: list[Operand]) -> list[Operand]:
        """The factors, a large one twice beside weights joined into one symmetric matrix.

        That is Σ w · x_i x_j over all other letters of x, as in the Hessian of a linear model.
        """
        for first, second in combinations(factors, 2):
            if first.slot is not second.slot or prod(first.slot.shape) < _LARGE:
                continue
            apart = [p for p in zip(first.letters, second.letters, strict=True) if p[0] != p[1]]
            if len(apart) != 1:
                continue
            ((row, column),) = apart
            summed = tuple(x for x in first.letters if x != row)
            weights = [o for o in factors if o is not first and o is not second]
            if (
                not weights
                or not {row, column} <= set(self.output)
                or not set(summed).isdisjoint(self.output)
                or any(not set(o.letters) <= set(summed) for o in weights)
            ):
                continue
            weight = reduce(lambda a, b: self._multiplied(a, b, self._ordered(a, b)), weights)
            slots = (
                self._aligned(first, (*summed, row)),
                self._aligned(self._direct(weight), (*summed, row)),
            )
            size = self.sizes[row]
            slot = self.assembly.emit(
                ("gram",),
                gram_values,
                slots,
                (size, size),
                flops=2 * size * prod(first.slot.shape),
                scratch=2 * size * size + 2**16,
            )
            hazard = first.hazard or weight.hazard
            return [Operand(slot, (row, column), hazard=hazard)]
        return factors

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

    def _matrix_product(
        self, first: Operand, second: Operand, contracted: list[int]
    ) -> Operand:
        shared = [x for x in first.letters if x in second.letters]
        batch = tuple(x for x in self._ordered(first, second) if x in shared)
        batch = tuple(x for x in batch if x not in contracted)
        left = tuple(x for x in self._ordered(first) if x not in shared)
        right = tuple(x for x in self._ordered(second) if x not in shared)
        inner = tuple(contracted)
        if self._comes_first(right, left):
            first, second, left, right = second, first, right, left
        flops = 2 * self._size((*batch, *left, *right, *inner))
        lead = self._shape(batch)
        k, m, n = self._size(inner), self._size(left), self._size(right)
        if not left and not right:
            slot = self._inner_product(first, second, batch, inner)
            return Operand(slot, batch, hazard=first.hazard or second.hazard)
        row = (m,) if left or batch else ()
        column = (n,) if right or batch else ()
        slots = (
            self._grouped(first, (*batch, *left, *inner), (*lead, *row, k)),
            self._grouped(second, (*batch, *inner, *right), (*lead, k, *column)),
        )
        slot = self.assembly.emit(
            ("matmul",), np.matmul, slots, (*lead, *row, *column), flops=flops
        )
        letters = (*batch, *left, *right)
        slot = self._viewed(slot, tuple(range(len(slot.shape))), self._shape(letters))
        return Operand(slot, letters, hazard=first.hazard or second.hazard)

    def _inner_product(
        self, first: Operand, second: Operand, batch: Letters, inner: Letters
    ) -> Slot:
        """Σ first · second over the inner letters, at once where neither has to be copied."""
        letters = (*batch, *inner)
        is_plain = all(
            o.letters == letters and not o.slot.is_scattered for o in (first, second)
        )
        lead, length = (batch, self._size(inner)) if is_plain else (letters[:-1], 0)
        shape = (*self._shape(lead), length or self.sizes[inner[-1]])
        slots = [self._grouped(o, letters, shape) for o in (first, second)]
        flops = 2 * self._size(letters)
        slot = self.assembly.emit(
            ("vecdot",), np.vecdot, (min(slots), max(slots)), shape[:-1], flops=flops
        )
        axes = tuple(range(len(batch), len(lead)))
        if not axes:
            return slot
        call = partial(np.sum, axis=axes)
        return self.assembly.emit(("sum", axes), call, (slot,), self._shape(batch))

    def _solved(self, inverse: Operand, right: Operand, letter: int) -> Operand:
        """An inverse times `right` over one letter, without the inverse."""
        matrix = inverse.inverted
        assert matrix is not None
        row, column = inverse.letters
        if row == letter:
            row, matrix = column, self._viewed(matrix, (1, 0), matrix.shape[::-1])
        rest = tuple(x for x in self._ordered(right) if x != letter)
        size, columns = self.sizes[letter], (self._size(rest),) if rest else ()
        grouped = self._grouped(right, (letter, *rest), (size, *columns))
        slot = self.assembly.emit(
            ("solve",),
            lambda a, b: matrix_values(solved_values, b.shape, a, b),
            (matrix, grouped),
            (size, *columns),
            flops=size**3 + 2 * size**2 * prod(columns),
            scratch=2 * size**2 + 3 * size * (2 + prod(columns)),
        )
        letters = (row, *rest)
        slot = self._viewed(slot, tuple(range(len(slot.shape))), self._shape(letters))
        return Operand(slot, letters, hazard=True)

    def _running_sum(self, triangle: Operand, operand: Operand, letter: int) -> Operand:
        """Σ over the letter of triangle · operand: sums of what is not after, or not before."""
        axis = operand.letters.index(letter)
        row, column = triangle.letters
        call = running_sum if letter == column else sum_of_rest
        slot = self.assembly.emit(
            (call.__name__, axis),
            partial(call, axis=axis),
            (operand.slot,),
            operand.slot.shape,
            scratch=prod(operand.slot.shape),
        )
        other = row if letter == column else column
        letters = tuple(other if x == letter else x for x in operand.letters)
        return Operand(slot, letters, hazard=operand.hazard)

    def _counted(self, triangle: Operand, axis: int) -> Operand:
        """The triangle summed over one of its letters: 1, 2, … or …, 2, 1."""
        (letter,) = (x for k, x in enumerate(triangle.letters) if k != axis)
        size = self.sizes[letter]
        steps = (size, 0, -1) if axis == 0 else (1, size + 1)
        slot = self.assembly.emit(
            ("counted", *steps), lambda: np.arange(*steps, dtype=np.float64), (), (size,)
        )
        return Operand(slot, (letter,))

    def _comes_first(self, right: Letters, left: Letters) -> bool:
        """Whether the output has the right operand's letters before the left's."""
        order = {x: k for k, x in enumerate(self.output)}
        far = len(order)
        return min((order.get(x, far) for x in right), default=far) < min(
            (order.get(x, far) for x in left), default=far
        )

    def _grouped(self, operand: Operand, letters: Letters, shape: tuple[int, ...]) -> Slot:
        """The operand as a matrix: axes in this order, then grouped to this shape."""
        axes = tuple(operand.letters.index(x) for x in letters)
        return self._viewed(operand.slot, axes, shape)

    def _with_scalars(
        self, result: Operand | None, scalars: list[Operand], coefficient: Number
    ) -> Operand:
        multiplier, divisor = as_quotient(coefficient)
        if multiplier != 1 or not (result or scalars):
            scalars = [*scalars, Operand(self.assembly.number(multiplier), ())]
        if divisor != 1:
            scalars = [*scalars, Operand(self.assembly.number(divisor), (), inverse=True)]
        if result is not None and prod(result.slot.shape) >= _LARGE:
            scalars = (
                [reduce(lambda a, b: self._multiplied(a, b, ()), scalars)] if scalars else []
            )
        for o in scalars:
            result = o if result is None else self._multiplied(result, o, result.letters)
        assert result is not None
        return self._direct(result)


def _as_float(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return mask.astype(np.float64)
