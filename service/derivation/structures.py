"""The name of a derivative's structure, with sizes or without."""

from typing import Literal

from service.calculus.dimensions import extent
from service.calculus.graph import Node
from service.calculus.structure import (
    Diagonal,
    Identity,
    Special,
    Zero,
    special_structure,
    stored_numbers,
    term_structures,
)

StructureName = Literal["zero", "identity", "diagonal", "dense", "factored"]

_NAMES: dict[type[Special], StructureName] = {
    Zero: "zero",
    Identity: "identity",
    Diagonal: "diagonal",
}


def structure_name(node: Node, of: Node, by: Node) -> StructureName:
    """The structure with which /v1/jacobian answers; a size that is a name counts as large."""
    special = special_structure(node, of.ndim)
    is_number = not node.ndim and of is not by and not isinstance(special, Zero)
    if special is not None and not is_number:
        return _NAMES[type(special)]
    stored = 2 * stored_numbers(term_structures(node))
    return "factored" if not is_number and stored <= extent(node.shape) else "dense"
