"""Einstein's subscripts: parsed and checked against the operands they name."""

from collections.abc import Sequence

from service.calculus.dimensions import Dimension, agree, shown
from service.calculus.graph import Factor, Node
from service.errors import ShapeMismatchError, WrongArgumentsError


def subscripts_of(text: str, operands: Sequence[Node]) -> tuple[list[Factor], tuple[int, ...]]:
    """The factors of `ij,jk->ik` and its output letters, as numpy.einsum reads it.

    Without an arrow the output has the letters that stand once, in alphabetical order.

    Raises:
        WrongArgumentsError: the text is not subscripts for so many operands.
        ShapeMismatchError: a subscript's letters do not fit its operand's axes.
    """
    spaceless = text.replace(" ", "")
    for letter in spaceless.replace("->", "").replace(",", ""):
        if not (letter.isascii() and letter.isalpha()):
            raise WrongArgumentsError(
                f"the subscripts {text!r} hold {letter!r}, expected letters, commas and one ->",
                hint='einsum("ij,j->i", A, x)',
            )
    inputs, arrow, output = spaceless.partition("->")
    parts = inputs.split(",")
    if len(parts) != len(operands):
        raise WrongArgumentsError(
            f"the subscripts {text!r} are for {len(parts)} operands, found {len(operands)}"
        )
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    sizes: dict[str, Dimension] = {}
    factors = [
        _factor(part, node, place, sizes)
        for place, (part, node) in enumerate(zip(parts, operands, strict=True), 1)
    ]
    for letter in output:
        if letter not in sizes:
            raise WrongArgumentsError(f"the output's letter {letter} is in no operand")
        if output.count(letter) > 1:
            raise WrongArgumentsError(f"the output has the letter {letter} twice")
    return factors, tuple(map(ord, output))


def _factor(part: str, node: Node, place: int, sizes: dict[str, Dimension]) -> Factor:
    """One operand with its letters, whose sizes are taken note of."""
    if len(part) != node.ndim:
        raise ShapeMismatchError(
            f"the subscript {part!r} of operand {place} has {len(part)} letters, but its shape "
            f"is ({shown(node.shape)})"
        )
    for letter, size in zip(part, node.shape, strict=True):
        if not agree(sizes.setdefault(letter, size), size):
            raise ShapeMismatchError(
                f"the letter {letter} has size {sizes[letter]} before, but size {size} in "
                f"operand {place}"
            )
    return Factor(node, tuple(map(ord, part)))
