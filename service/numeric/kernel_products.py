"""Products with a kernel of their own: systems, running sums, symmetric and inner products."""

from functools import partial, reduce
from itertools import combinations
from math import prod

import numpy as np

from service.calculus.rules.matrices import solved_values
from service.numeric.alignment import Alignment
from service.numeric.assembly import Slot
from service.numeric.kernels import gram_values, matrix_values, running_sum, sum_of_rest
from service.numeric.operands import Letters, Operand

_LARGE = 4096


class KernelProducts(Alignment):
    """Operands of which some pairs have a better call than a matrix product."""

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
                scratch=4 * size * size + 2**17,
            )
            hazard = first.hazard or weight.hazard
            return [Operand(slot, (row, column), hazard=hazard)]
        return factors

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
