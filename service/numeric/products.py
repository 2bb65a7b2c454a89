"""Lowering one contraction: views for what is only named, then the cheapest pair first.

No outer product is made while a letter is shared; masks are applied by selection before
anything they must hide is multiplied. At run time there are BLAS and broadcast calls only.
"""

from functools import reduce
from math import prod

import numpy as np

from service.calculus.graph import Number
from service.calculus.numbers import as_quotient
from service.numeric.kernel_products import KernelProducts
from service.numeric.masking import Masking
from service.numeric.operands import Letters, Operand, pairs_of

_LARGE = 4096


class Product(Masking, KernelProducts):
    """The operands of one contraction, multiplied out over an assembly."""

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
        for places in pairs_of(factors, self.output, self.sizes):
            first, second = (factors[k] for k in places)
            rest = [o for k, o in enumerate(factors) if k not in places]
            factors = [*rest, self._pair(first, second, rest)]
        result = factors[0] if factors else None
        return self._with_scalars(result, scalars, coefficient)

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
            lambda x: np.add.reduce(x, axis=lonely),
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

    def _matrix_product(
        self, first: Operand, second: Operand, contracted: list[int]
    ) -> Operand:
        shared = [x for x in first.letters if x in second.letters]
        batch = tuple(x for x in self._ordered(first, second) if x in shared)
        batch = tuple(x for x in batch if x not in contracted)
        left = tuple(x for x in self._ordered(first) if x not in shared)
        right = tuple(x for x in self._ordered(second) if x not in shared)
        inner = tuple(contracted)
        is_turned = not batch and left and not right and first.letters == (*inner, *left)
        if self._comes_first(right, left) or is_turned:
            # vᵀA needs no view of A transposed, as Aᵀv does.
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

    def _comes_first(self, right: Letters, left: Letters) -> bool:
        """Whether the output has the right operand's letters before the left's."""
        order = {x: k for k, x in enumerate(self.output)}
        far = len(order)
        return min((order.get(x, far) for x in right), default=far) < min(
            (order.get(x, far) for x in left), default=far
        )

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
