"""The operands of a product, and which two of them to multiply first."""

from collections.abc import Iterator, Sequence
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


Pair = tuple[int, int]
_MOST_SEARCHED = 10  # factors, of which all orders are looked at
_PRODUCTS_OF_A_CUT = 1000  # that are computed while one of 3^n ways to cut sets is looked at
_GAIN = 1.2  # from which on another order is worth it: equal ones share what they compute


def pairs_of(
    operands: Sequence[Operand], output: Letters, sizes: Sequence[int]
) -> Iterator[Pair]:
    """Which two to multiply, again and again, as places in the list of those that are left.

    The product of two comes last in the list. The cheapest pair is first; where that computes
    for longer than all orders are looked at, the cheapest of them is taken: for the gradient by
    the first weights of a network, the cheapest pairs lead to an array of samples by weights.
    """
    search = _Search([_bits(o.letters) for o in operands], _bits(output), sizes)
    cost, pairs = search.greedy()
    count = len(search.groups)
    if 2 < count <= _MOST_SEARCHED and cost > 3**count * _PRODUCTS_OF_A_CUT:
        best, others = search.cheapest()
        if best * _GAIN < cost:
            pairs = others
    return iter(pairs)


class _Search:
    """Orders of multiplication; letters, and sets of groups, are bits here.

    A group are the operands with the same letters, which are multiplied with each other first.
    """

    def __init__(self, masks: list[int], kept: int, sizes: Sequence[int]) -> None:
        self.masks, self.kept, self._sizes = masks, kept, sizes
        self._volumes: dict[int, int] = {}
        self.groups: dict[int, list[int]] = {}
        for place, mask in enumerate(masks):
            self.groups.setdefault(mask, []).append(place)

    def volume(self, mask: int) -> int:
        """How many entries an array with these letters has."""
        found = self._volumes.get(mask)
        if found is None:
            found = prod(n for x, n in enumerate(self._sizes) if mask >> x & 1)
            self._volumes[mask] = found
        return found

    def greedy(self) -> tuple[int, list[Pair]]:
        """The cheapest pair first: what it costs in all, and the pairs."""
        masks, pairs = list(self.masks), []
        total = 0
        while len(masks) > 1:
            first, second, result = self._cheapest_pair(masks)
            total += self.volume(masks[first] | masks[second]) + self.volume(result)
            pairs.append((first, second))
            rest = [mask for k, mask in enumerate(masks) if k not in (first, second)]
            masks = [*rest, result]
        return total, pairs

    def _cheapest_pair(self, masks: list[int]) -> tuple[int, int, int]:
        """No outer product, then fewest products, then least result."""
        once = twice = more = 0
        for mask in masks:
            more |= twice & mask
            twice |= once & mask
            once |= mask
        only_two = twice & ~more & ~self.kept

        def result(pair: Pair) -> int:
            first, second = masks[pair[0]], masks[pair[1]]
            return (first | second) & ~(first & second & only_two)

        def cost(pair: Pair) -> tuple[int, int]:
            both = masks[pair[0]] | masks[pair[1]]
            return self.volume(both), self.volume(result(pair))

        every = list(combinations(range(len(masks)), 2))
        pair = min([p for p in every if masks[p[0]] & masks[p[1]]] or every, key=cost)
        return *pair, result(pair)

    def cheapest(self) -> tuple[int, list[Pair]]:
        """The order with the fewest products in all, over all ways to cut sets in two."""
        count, masks = len(self.groups), list(self.groups)
        letters = [0] * (1 << count)
        for chosen in range(1, 1 << count):
            low = (chosen & -chosen).bit_length() - 1
            letters[chosen] = letters[chosen & (chosen - 1)] | masks[low]
        everything = (1 << count) - 1
        needed = [
            letters[chosen] & (self.kept | letters[everything ^ chosen])
            for chosen in range(1 << count)
        ]
        costs = [0] * (1 << count)
        cuts = [0] * (1 << count)
        for chosen in range(1, 1 << count):
            if chosen & (chosen - 1):
                costs[chosen], cuts[chosen] = self._cheapest_cut(chosen, needed, costs)
        inside = sum(2 * self.volume(m) * (len(g) - 1) for m, g in self.groups.items())
        return costs[everything] + inside, self._pairs(everything, cuts)

    def _cheapest_cut(
        self, chosen: int, needed: list[int], costs: list[int]
    ) -> tuple[int, int]:
        """What the product of a set costs, and one side of its last pair."""
        best: tuple[bool, int, int] | None = None
        part = (chosen - 1) & chosen
        while part:
            other = chosen ^ part
            if part > other:
                is_outer = not needed[part] & needed[other]
                cost = costs[part] + costs[other] + self.volume(needed[part] | needed[other])
                if best is None or (is_outer, cost) < best[:2]:
                    best = is_outer, cost, part
            part = (part - 1) & chosen
        assert best is not None
        return best[1] + self.volume(needed[chosen]), best[2]

    def _pairs(self, everything: int, cuts: list[int]) -> list[Pair]:
        """The cuts as pairs of places, the innermost first, those of the groups before."""
        left: list[object] = list(range(len(self.masks)))
        pairs: list[Pair] = []

        def join(one: object, other: object, joined: object) -> None:
            first, second = sorted((left.index(one), left.index(other)))
            pairs.append((first, second))
            left[:] = [*(x for k, x in enumerate(left) if k not in (first, second)), joined]

        for place, members in enumerate(self.groups.values()):
            last: object = members[0]
            for count, member in enumerate(members[1:]):
                join(last, member, (place, count))
                last = place, count
            left[left.index(last)] = f"{1 << place}"
        waiting, order = [everything], []
        while waiting:
            chosen = waiting.pop()
            if chosen & (chosen - 1):
                order.append(chosen)
                waiting += [cuts[chosen], chosen ^ cuts[chosen]]
        for chosen in reversed(order):
            join(f"{cuts[chosen]}", f"{chosen ^ cuts[chosen]}", f"{chosen}")
        return pairs


def _bits(letters: Letters) -> int:
    return sum(1 << x for x in letters)
