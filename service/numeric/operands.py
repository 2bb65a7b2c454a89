"""The operands of a product, and which two of them to multiply first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

from service.numeric.assembly import Slot

Letters = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Operand:
    """A slot with a letter per axis.

    `inverse`: it divides; `hazard`: it may overflow; `counts`: it counts the entries of a mask,
    and where it is 0 it hides what it multiplies; `inverted`: the matrix whose inverse it is;
    `is_triangle`: it is 1 where its first letter is not below its second.
    """

    slot: Slot
    letters: Letters
    inverse: bool = False
    hazard: bool = False
    counts: bool = False
    inverted: Slot | None = None
    is_triangle: bool = False


def cheapest_pair(
    operands: Sequence[Operand], output: Letters, sizes: Sequence[int]
) -> tuple[Operand, Operand]:
    """The pair to multiply first: no outer product, then fewest products, then least result.

    Letters are bits here, since a long product asks for many thousands of pairs.
    """
    kept = sum(1 << x for x in output)
    masks = [sum(1 << x for x in o.letters) for o in operands]
    once = twice = more = 0
    for mask in masks:
        more |= twice & mask
        twice |= once & mask
        once |= mask
    only_two = twice & ~more & ~kept
    volumes: dict[int, int] = {}

    def volume(mask: int) -> int:
        if mask not in volumes:
            volumes[mask] = prod(n for x, n in enumerate(sizes) if mask >> x & 1)
        return volumes[mask]

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        first, second = masks[pair[0]], masks[pair[1]]
        both = first | second
        return volume(both), volume(both & ~(first & second & only_two))

    pairs = list(combinations(range(len(operands)), 2))
    first, second = min([p for p in pairs if masks[p[0]] & masks[p[1]]] or pairs, key=cost)
    return operands[first], operands[second]
