"""Pairings: two indices as one, the first one slower. They are what merges and splits axes."""

from service.calculus.dimensions import Dimension, combined
from service.calculus.graph import Factor, Pairing, digest_of, intern_node, text_bytes
from service.calculus.selections import delta
from service.errors import ShapeMismatchError


def pairing(first: Dimension, second: Dimension) -> Pairing:
    """P of shape (first · second, first, second) with P_pij = 1 where p = i · second + j.

    Raises:
        ShapeMismatchError: both sizes are names, and so is their product.
    """
    if isinstance(first, int):
        size = combined(0, second, first)
    elif isinstance(second, int):
        size = combined(0, first, second)
    else:
        raise ShapeMismatchError(
            f"an axis would have the size {first} times {second}, a product of names",
            hint="give one of the operands a shape of numbers",
        )
    digest = digest_of("pairing", text_bytes(first, second))
    return intern_node(Pairing, digest, (size, first, second), ())


def without_twins(factors: list[Factor]) -> list[Factor]:
    """The factors with a delta in place of what a second, equal pairing says.

    P_pij P_pkl = P_pij δ_ik δ_jl and P_pij P_qij = P_pij δ_pq.
    """
    kept: list[Factor] = []
    for factor in factors:
        twin = next((f for f in kept if _are_twins(f, factor)), None)
        if twin is None:
            kept.append(factor)
            continue
        kept += [
            Factor(delta(size), (mine, other))
            for mine, other, size in zip(
                twin.letters, factor.letters, factor.node.shape, strict=True
            )
            if mine != other
        ]
    return kept


def _are_twins(first: Factor, second: Factor) -> bool:
    if not isinstance(first.node, Pairing) or first.node is not second.node:
        return False
    return first.letters[0] == second.letters[0] or first.letters[1:] == second.letters[1:]


def without_free(factors: list[Factor], output: list[int]) -> tuple[list[Factor], set[int]]:
    """The factors without the pairings that only say which index a free one is.

    Σ_p P_pij is 1 for all i and j; the letters p that have gone are the second result. Σ_ij
    P_pij is 1 for all p as well, and i and j have gone then.
    """
    gone: set[int] = set()
    kept = list(factors)
    for factor in factors:
        if not isinstance(factor.node, Pairing):
            continue
        elsewhere = set(output).union(*(f.letters for f in kept if f is not factor))
        pair, (first, second) = factor.letters[0], factor.letters[1:]
        if pair not in elsewhere:
            free = {pair}
        elif first != second and first not in elsewhere and second not in elsewhere:
            free = {first, second}
        else:
            continue
        gone |= free
        kept = [f for f in kept if f is not factor]
    return kept, gone
