"""The constructors: every node is made here, and so is always in normal form.

Sources: Laue, Mitterreiter, Giesen, "Computing Higher Order Derivatives of Matrix and Tensor
Expressions", NeurIPS 2018; "A Simple and Efficient Tensor Calculus", AAAI 2020. Every rewrite
reduces the number of sums, structural factors or factors, so none can undo another.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from service.calculus.canonical import canonical_factors
from service.calculus.dimensions import Dimension, Shape
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Number,
    Pairing,
    Sum,
    calls_counted,
    count_construction,
    counted,
)
from service.calculus.numbers import added, is_whole, keeps_range, multiplied, raised
from service.calculus.pairings import without_free, without_twins
from service.calculus.reduced_sums import centred, split_sum, turned_sum
from service.calculus.selections import (
    STRUCTURAL,
    delta,
    is_indicator,
    is_structured,
    resolve,
)
from service.calculus.simpler_factors import chosen_beside, even_power, flattens
from service.calculus.terms import (
    ZERO,
    add,
    filled,
    scaled,
    size_of,
    unit_part,
    unwrapped,
)

_MOST_FACTORS = 12
_MOST_DISTRIBUTED = 8
_KEPT = 4096

Sizes = dict[int, Dimension]
_Given = tuple[tuple[Factor, ...], object, tuple[int, ...], tuple[tuple[int, Dimension], ...]]


def contract(
    factors: Iterable[Factor],
    output: Sequence[int],
    sizes: Mapping[int, Dimension],
    coefficient: Number = ONE,
) -> Node:
    """coefficient · Σ Π factors over every letter not in `output`, in normal form.

    Letters are any integers; `sizes` gives those that no factor carries. A letter that stands
    twice in `output` puts the result on a diagonal. Shape: the sizes of `output`.
    """
    given = tuple(factors)
    kinds = tuple([type(f.exponent) for f in given])  # 1/2 and 0.5 are equal, not the same
    product = given, kinds, tuple(output), tuple(sizes.items())
    return counted(lambda: _made(product, coefficient))


@lru_cache(_KEPT, typed=True)
def _made(product: _Given, coefficient: Number) -> tuple[Node, int]:
    """The node of a product and how many calls make it; kept, as graphs are made repeatedly."""
    factors, _, output, sizes = product
    with calls_counted() as count:
        count_construction()
        node = _Product([*factors], [*output], dict(sizes), coefficient).normal_form()
        return node, count()


class _Product:
    """One contraction on its way to normal form."""

    __slots__ = ("coefficient", "factors", "fresh", "output", "sizes")

    def __init__(
        self, factors: list[Factor], output: list[int], sizes: Sizes, coefficient: Number
    ) -> None:
        self.factors = factors
        self.output = output
        self.sizes = sizes
        self.coefficient = coefficient
        for f in factors:
            sizes.update(zip(f.letters, f.node.shape, strict=True))
        self.fresh = max(sizes, default=-1) + 1

    def normal_form(self) -> Node:
        shape = tuple(self.sizes[x] for x in self.output)
        self._spread_output()
        self._flatten()
        if self.coefficient == 0:
            return filled(ZERO, shape)
        distributed = self._distributed()
        if distributed is not None:
            return distributed
        self._resolve_pairings()
        if any(isinstance(f.node, STRUCTURAL) for f in self.factors):
            before = set(self.factors)
            resolved = resolve(self.factors, self.output, self.sizes)
            if resolved is None:
                return filled(ZERO, shape)
            self.factors = resolved
            made = [f for f in resolved if f not in before]
            if any(isinstance(f.node, Sum | Pairing) or flattens(f) for f in made):
                return contract(resolved, self.output, self.sizes, self.coefficient)
        self._orient()
        self._merge()
        self._sum_lonely_letters()
        self._close_components()
        if self.coefficient == 0:
            return filled(ZERO, shape)
        return self._cancelled() or self._canonical(shape)

    def _resolve_pairings(self) -> None:
        if any(isinstance(f.node, Pairing) for f in self.factors):
            self.factors, gone = without_free(without_twins(self.factors), self.output)
            for letter in gone.difference(*(f.letters for f in self.factors)):
                del self.sizes[letter]

    def _new_letter(self, size: Dimension) -> int:
        letter = self.fresh
        self.fresh += 1
        self.sizes[letter] = size
        return letter

    def _spread_output(self) -> None:
        """A letter twice in the output becomes two, tied by a delta."""
        seen: set[int] = set()
        for position, letter in enumerate(self.output):
            if letter in seen:
                size = self.sizes[letter]
                twin = self._new_letter(size)
                self.output[position] = twin
                self.factors.append(Factor(delta(size), (letter, twin)))
            seen.add(letter)

    def _flatten(self) -> None:
        """Factors of factors take their place, the small ones first, up to the cap."""
        self.factors = [_narrowed(even_power(f)) for f in self.factors]
        while True:
            nested = [f for f in self.factors if flattens(f, self.coefficient)]
            nested.sort(key=lambda f: (len(f.node.operands), f.node.digest, f.letters))
            room = _MOST_FACTORS - len(self.factors) if len(self.factors) > 1 else None
            is_done = True
            for f in nested:
                count = len(f.node.operands) - 1
                fits = room is None or count <= max(room, 0)
                if fits and flattens(f, self.coefficient):
                    room = None if room is None else room - count
                    self.factors = [g for g in self.factors if g is not f]
                    self._inline(f)
                    is_done = False
            if is_done:
                self.factors = [self._without_number(f) for f in self.factors]
                return

    def _without_number(self, factor: Factor) -> Factor:
        """A scalar factor that stays a node of its own, its number moved to the product's."""
        node, letters, exponent = factor
        if not isinstance(node, Contraction) or node.ndim or node.coefficient == 1:
            return factor
        if not is_whole(exponent) or not keeps_range(
            node.coefficient, exponent, self.coefficient
        ):
            return factor
        self.coefficient = multiplied(self.coefficient, raised(node.coefficient, exponent))
        return Factor(unit_part(node)[1], letters, exponent)

    def _inline(self, factor: Factor) -> None:
        inner = factor.node
        assert isinstance(inner, Contraction)
        self.coefficient = multiplied(
            self.coefficient, raised(inner.coefficient, factor.exponent)
        )
        letters = list(factor.letters)
        letters += (self._new_letter(size) for size in inner.sizes[inner.ndim :])
        for f in inner.factors:
            exponent = multiplied(f.exponent, factor.exponent)
            inner_letters = tuple(letters[x] for x in f.letters)
            self.factors.append(_narrowed(even_power(Factor(f.node, inner_letters, exponent))))

    def _distributed(self) -> Node | None:
        """Σ of products, over a Sum with a structural term or under a pure permutation."""
        alone = len(self.factors) == 1
        for position, f in enumerate(self.factors):
            if not isinstance(f.node, Sum) or f.exponent != 1:
                continue
            if alone and list(f.letters) == self.output:
                continue
            permuted = alone and sorted(f.letters) == sorted(self.output)
            terms = f.node.terms
            if not permuted and (
                len(terms) > _MOST_DISTRIBUTED or not any(is_structured(t) for _, t in terms)
            ):
                continue
            rest = self.factors[:position] + self.factors[position + 1 :]
            products = [
                (c, contract([*rest, Factor(t, f.letters)], self.output, self.sizes))
                for c, t in terms
            ]
            shape = tuple(self.sizes[x] for x in self.output)
            return scaled(add(products, shape), self.coefficient)
        return None

    def _orient(self) -> None:
        """Sums over two letters the way round that has fewer transposes: Sᵀ and S are one."""
        if len(self.factors) == 1 and self.factors[0].exponent == 1:
            return
        for position, f in enumerate(self.factors):
            if isinstance(f.node, Sum) and f.node.ndim == 2 and not f.node.is_symmetric:
                sign, turned = turned_sum(f.node, contract)
                if turned is not None and (sign == 1 or is_whole(f.exponent)):
                    self.factors[position] = Factor(turned, f.letters[::-1], f.exponent)
                    self.coefficient = multiplied(self.coefficient, raised(sign, f.exponent))

    def _merge(self) -> None:
        """Equal factors add exponents, indicators are idempotent, exponent 0 drops."""
        exponents: dict[tuple[Node, tuple[int, ...]], Number] = {}
        indicators: list[Factor] = []
        for f in self.factors:
            letters = tuple(sorted(f.letters)) if f.node.is_symmetric else f.letters
            key = (f.node, letters)
            exponents[key] = (
                added(exponents[key], f.exponent) if key in exponents else f.exponent
            )
        merged: list[Factor] = []
        for (node, letters), exponent in exponents.items():
            if exponent == 0:
                continue
            if exponent > 0 and is_indicator(node):
                merged.append(Factor(node, letters))
                if isinstance(node, Elementwise):
                    indicators.append(merged[-1])
            else:
                merged.append(Factor(node, letters, exponent))
        self.factors = merged
        if any(even_power(f) is not f for f in merged):
            self._flatten()
            self._merge()
            return
        for indicator in indicators:
            self._select_beside(indicator)

    def _select_beside(self, indicator: Factor) -> None:
        """Beside [a > b] at the same letters, maximum(a, b) is a."""
        node = indicator.node
        assert isinstance(node, Elementwise)
        if node.function.name != "greater":
            return
        changed = False
        for position, f in enumerate(self.factors):
            if f.letters == indicator.letters and f is not indicator:
                chosen = chosen_beside(f.node, node.arguments)
                if chosen is not None:
                    self.factors[position] = Factor(chosen, f.letters, f.exponent)
                    changed = True
        if changed:
            self._flatten()
            self._merge()

    def _sum_lonely_letters(self) -> None:
        """A summed letter that no factor carries multiplies by its size."""
        carried = {x for f in self.factors for x in f.letters}.union(self.output)
        for letter in [x for x in self.sizes if x not in carried]:
            size = self.sizes.pop(letter)
            if isinstance(size, int):
                self.coefficient = multiplied(self.coefficient, ONE * size)
            else:
                self.factors.append(Factor(size_of(size), ()))
                self._merge()

    def _close_components(self) -> None:
        """A connected part with no output letter becomes a scalar node of its own."""
        output = set(self.output)
        groups: list[tuple[set[int], list[Factor]]] = []
        for f in self.factors:
            letters = {x for x in f.letters if x not in output}
            mine = [g for g in groups if g[0] & letters] if letters else []
            joined = [g for part in mine for g in part[1]] + [f]
            groups = [g for g in groups if not any(g is part for part in mine)]
            groups.append((letters.union(*(part[0] for part in mine)), joined))
        closed = [
            g for g in groups if g[0] and not any(x in output for f in g[1] for x in f.letters)
        ]
        if not closed or (len(groups) == 1 and not output and self.coefficient == 1):
            return
        kept = [f for g in groups if not any(g is c for c in closed) for f in g[1]]
        for _, part in closed:
            scalar = contract(part, (), {})
            if isinstance(scalar, Contraction) and len(scalar.sizes) == 0:
                self.coefficient = multiplied(self.coefficient, scalar.coefficient)
                kept += scalar.factors
            else:
                kept.append(Factor(scalar, ()))
        self.factors = kept
        self._merge()

    def _cancelled(self) -> Node | None:
        """A Sum reduced over letters of its own, split where terms then cancel."""
        for position, f in enumerate(self.factors):
            if f.exponent != 1 or centred(f.node) is None:
                continue
            others = self.factors[:position] + self.factors[position + 1 :]
            kept = {x for g in others for x in g.letters}.union(self.output)
            letters = [x for x in dict.fromkeys(f.letters) if x in kept]
            if len(letters) == len(set(f.letters)):
                continue
            places = {x: k for k, x in enumerate(dict.fromkeys(f.letters))}
            pattern = tuple(places[x] for x in f.letters)
            split = split_sum(f.node, pattern, tuple(places[x] for x in letters), contract)
            if split is not None:
                rest = [*others, Factor(split, tuple(letters))]
                sizes = {x: n for x, n in self.sizes.items() if x in kept}
                return contract(rest, self.output, sizes, self.coefficient)
        return None

    def _canonical(self, shape: Shape) -> Node:
        position = {x: p for p, x in enumerate(self.output)}
        ndim = len(self.output)
        placed = [
            Factor(f.node, tuple(position.get(x, x + ndim) for x in f.letters), f.exponent)
            for f in self.factors
        ]
        factors, labels = canonical_factors(placed, ndim)
        sizes = shape + tuple(self.sizes[x - ndim] for x in labels[ndim:])
        return unwrapped(self.coefficient, factors, ndim, sizes)


def _narrowed(factor: Factor) -> Factor:
    """A factor that stays opaque, without the axes along which it is constant."""
    node = factor.node
    if not isinstance(node, Contraction) or flattens(factor):
        return factor
    carried = sorted({x for f in node.factors for x in f.letters if x < node.ndim})
    if len(carried) == node.ndim:
        return factor
    inner = contract(node.factors, carried, {}, node.coefficient)
    return Factor(inner, tuple(factor.letters[x] for x in carried), factor.exponent)
