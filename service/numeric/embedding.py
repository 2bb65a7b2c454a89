"""What a contraction's structural factors leave to do: slices before it, places after it."""

from collections.abc import Sequence

import numpy as np

from service.calculus.dimensions import known
from service.calculus.graph import Delta, Factor, OneHot, Selection
from service.numeric.assembly import Assembly, Slot
from service.numeric.plan import Values

# A letter as first + step · base; a base of None is a fixed position.
Image = tuple[int | None, int, int]


class Embedding:
    """Letters that structural factors tie to others or fix.

    `inner` are the letters that the product keeps; `placed` puts its result where the output
    wants it, zeros elsewhere.
    """

    def __init__(self, ndim: int, sizes: Sequence[int]) -> None:
        self.output = tuple(range(ndim))
        self.sizes = sizes
        self._images: dict[int, Image] = {}

    def restrict(self, factor: Factor) -> bool:
        """Take note of a structural factor; False where it must be stored and multiplied."""
        node, letters = factor.node, factor.letters
        if isinstance(node, OneHot):
            return self._tie(letters[0], (None, known(node.position), 0))
        if isinstance(node, Selection):
            return self._tie(letters[0], (letters[1], known(node.first), node.step))
        assert isinstance(node, Delta)
        return self._tie(letters[1], (letters[0], 0, 1)) or self._tie(
            letters[0], (letters[1], 0, 1)
        )

    def _tie(self, letter: int, image: Image) -> bool:
        if letter in self._images:
            return False
        if image[0] is not None and self._image(image[0])[0] == letter:
            return False
        self._images[letter] = image
        return True

    def _image(self, letter: int) -> Image:
        """What a letter is in the end, through all that it is tied to."""
        base: int | None = letter
        first, step = 0, 1
        while base is not None and base in self._images:
            base, start, stride = self._images[base]
            first, step = first + step * start, step * stride
        return base, first, step

    @property
    def bases(self) -> tuple[int, ...]:
        """The letters that are left once tied ones are told by others."""
        bases = (self._image(x)[0] for x in range(len(self.sizes)))
        return tuple(dict.fromkeys(base for base in bases if base is not None))

    @property
    def inner(self) -> tuple[int, ...]:
        """The letters of the product that the output depends on."""
        bases = (self._image(x)[0] for x in self.output)
        return tuple(dict.fromkeys(base for base in bases if base is not None))

    def sliced(
        self, assembly: Assembly, slot: Slot, letters: tuple[int, ...]
    ) -> tuple[Slot, tuple[int, ...]]:
        """An operand restricted to the entries that its letters let through."""
        if not any(x in self._images for x in letters):
            return slot, letters
        images = [self._image(x) for x in letters]
        picks = tuple(self._pick(image) for image in images)
        left = tuple(base for base, _, _ in images if base is not None)
        shape = tuple(self.sizes[x] for x in left)
        key = ("slice", *(str(pick) for pick in picks))
        return assembly.view(key, lambda x: x[picks], slot, shape), left

    def _pick(self, image: Image) -> slice | int:
        base, first, step = image
        if base is None:
            return first
        stop = first + step * self.sizes[base]
        return slice(first, stop if stop >= 0 else None, step)

    def placed(self, assembly: Assembly, slot: Slot) -> Slot:
        """The product over `inner`, spread to the output's axes."""
        places = tuple(self._image(x) for x in self.output)
        if places == tuple((x, 0, 1) for x in self.output):
            return slot
        inner = self.inner
        shape = tuple(self.sizes[x] for x in self.output)
        inner_shape = tuple(self.sizes[x] for x in inner)

        def call(values: Values) -> Values:
            result = np.zeros(shape)
            strides = dict.fromkeys(inner, 0)
            for stride, (base, _, step) in zip(result.strides, places, strict=True):
                if base is not None:
                    strides[base] += step * stride
            corner = result[tuple(slice(first, None) for _, first, _ in places)]
            steps = [strides[x] for x in inner]
            target = np.lib.stride_tricks.as_strided(corner, inner_shape, steps)
            target[...] = values
            return result

        return assembly.emit(("place", places, shape), call, (slot,), shape)
