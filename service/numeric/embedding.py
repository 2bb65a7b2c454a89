"""What a contraction's structural factors leave to do: slices before it, places after it."""

from collections.abc import Sequence

import numpy as np

from service.calculus.graph import Delta, Factor, OneHot, Selection
from service.numeric.assembly import Assembly, Slot
from service.numeric.plan import Values


class Embedding:
    """What selections and deltas leave to do: slices before the product, places after it.

    `inner` are the letters the product is computed over, one per output axis that is not
    fixed; `placed` puts its result where the output wants it, zeros elsewhere.
    """

    def __init__(self, output: list[int], sizes: Sequence[int]) -> None:
        self.output = tuple(output)
        self.inner = list(output)
        self.sizes = list(sizes)
        self._slices: dict[int, tuple[int, slice | int]] = {}
        self._places: dict[int, tuple[int, int, int] | int] = {}
        self._tied: list[tuple[int, int]] = []

    def restrict(self, factor: Factor, rest: list[Factor]) -> list[Factor]:
        """Take note of one structural factor; the other factors stay as they are."""
        node = factor.node
        if isinstance(node, Delta):
            root, twin = factor.letters
            self._tied.append((root, twin))
            self.inner.remove(twin)
            return rest
        if isinstance(node, OneHot):
            (letter,) = factor.letters
            if letter in self._slices or letter in self._places:
                return [*rest, factor]
            self._slices[letter] = (-1, node.position)
            if letter in self.inner:
                self._places[letter] = node.position
                self.inner.remove(letter)
            return rest
        assert isinstance(node, Selection)
        row, column = factor.letters
        if row == column or row in self._slices or any(row in pair for pair in self._tied):
            return [*rest, factor]
        count = self.sizes[column]
        stop = node.first + node.step * count
        self._slices[row] = (column, slice(node.first, stop if stop >= 0 else None, node.step))
        if row in self.inner:
            self._places[row] = (column, node.first, node.step)
            self.inner.remove(row)
            if column not in self.inner:
                self.inner.append(column)
        return rest

    def sliced(
        self, assembly: Assembly, slot: Slot, letters: tuple[int, ...]
    ) -> tuple[Slot, tuple[int, ...]]:
        """An operand's slot restricted to what the selections let through."""
        if not any(x in self._slices for x in letters):
            return slot, letters
        picks = tuple(self._slices[x][1] if x in self._slices else slice(None) for x in letters)
        left = tuple(self._slices[x][0] if x in self._slices else x for x in letters)
        left = tuple(x for x in left if x >= 0)
        shape = tuple(self.sizes[x] for x in left)
        key = ("slice", tuple(str(p) for p in picks))
        return assembly.view(key, lambda x: x[picks], slot, shape), left

    def placed(self, assembly: Assembly, slot: Slot) -> Slot:
        """The product over `inner`, spread to the output's axes."""
        if not self._places and not self._tied:
            return slot
        shape = tuple(self.sizes[x] for x in self.output)
        inner = tuple(self.inner)
        inner_shape = tuple(self.sizes[x] for x in inner)
        places = tuple(self._place(x) for x in self.output)

        def call(values: Values) -> Values:
            result = np.zeros(shape)
            strides = dict.fromkeys(inner, 0)
            for stride, (letter, _, step) in zip(result.strides, places, strict=True):
                if letter is not None:
                    strides[letter] += step * stride
            corner = result[tuple(slice(first, None) for _, first, _ in places)]
            steps = [strides[x] for x in inner]
            target = np.lib.stride_tricks.as_strided(corner, inner_shape, steps)
            target[...] = values
            return result

        return assembly.emit(("place", places, inner), call, (slot,), shape)

    def _place(self, letter: int) -> tuple[int | None, int, int]:
        """An output axis as an inner letter, or None where it is fixed; first and step."""
        letter = {twin: root for root, twin in self._tied}.get(letter, letter)
        where = self._places.get(letter, (letter, 0, 1))
        return (None, where, 0) if isinstance(where, int) else where
