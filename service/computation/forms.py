"""How the outputs of a plan become the answer: each result's structure, and where it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from service.calculus.axes import broadcast, transposed
from service.calculus.dimensions import numbers
from service.calculus.graph import Node, Variable
from service.calculus.structure import (
    LETTERS,
    Diagonal,
    Identity,
    Special,
    TermStructure,
    Zero,
    entries,
    special_structure,
    stored_numbers,
    term_structures,
)
from service.calculus.terms import is_zero
from service.computation.answers import (
    Array,
    DenseTensor,
    DiagonalTensor,
    Factor,
    FactoredTensor,
    IdentityFactor,
    IdentityTensor,
    OnesFactor,
    Path,
    Representation,
    Result,
    StructuredTensor,
    TensorFactor,
    Term,
    ZeroTensor,
)

Lift = Callable[[Node], Node]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A result an operation is asked for: its place in the answer, and its node.

    `of` and `by` are what is differentiated by what, where the result is answered by its
    structure. `is_many`: the first axis counts directions.
    """

    path: Path
    node: Node
    of: Node | None = None
    by: Variable | None = None
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How one result is answered; `outputs` count the plan's outputs.

    A special structure or terms, or neither for all the numbers.
    """

    path: Path
    shape: tuple[int, ...]
    outputs: tuple[int, ...]
    is_structured: bool = False
    special: Special | None = None
    terms: tuple[TermStructure, ...] | None = None

    def result(self, outputs: Sequence[Array]) -> Result:
        """The result that the plan's outputs make."""
        arrays = [outputs[k] for k in self.outputs]
        return self._structured(arrays) if self.is_structured else arrays[0]

    def _structured(self, arrays: Sequence[Array]) -> StructuredTensor:
        if isinstance(self.special, Zero):
            return ZeroTensor(self.shape)
        if isinstance(self.special, Identity):
            return IdentityTensor(self.shape, float(arrays[0]))
        if isinstance(self.special, Diagonal):
            return DiagonalTensor(self.shape, arrays[0])
        if self.terms is None:
            return DenseTensor(self.shape, arrays[0])
        rest = iter(arrays)
        terms = [_term(term, rest.__next__, len(self.shape)) for term in self.terms]
        return FactoredTensor(self.shape, tuple(terms))


class Outputs:
    """The nodes a plan is to compute, each once."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._places: dict[Node, int] = {}

    def index(self, node: Node) -> int:
        """The place of a node among the outputs."""
        if node not in self._places:
            self._places[node] = len(self.nodes)
            self.nodes.append(node)
        return self._places[node]


def form_of(
    wanted: Wanted, outputs: Outputs, representation: Representation, lift: Lift | None
) -> Form:
    """How a result is answered; `lift` gives a node its axis of samples, in front."""
    node = lift(wanted.node) if lift else wanted.node
    if wanted.of is None:
        if lift and wanted.is_many:
            node = transposed(node, (1, 0, *range(2, node.ndim)))
        return Form(wanted.path, numbers(node.shape), (outputs.index(node),))
    shape = numbers(node.shape)
    dense = Form(wanted.path, shape, (), is_structured=True)
    special = None
    if representation == "auto" and not _is_plain_number(wanted):
        special = special_structure(wanted.node, wanted.of.ndim)
        special = _lifted_special(special, wanted.of, lift) if lift else special
    if special is not None:
        used = tuple(outputs.index(n) for n in _stored(special))
        return Form(wanted.path, shape, used, is_structured=True, special=special)
    if representation != "dense" and not (
        representation == "auto" and _is_plain_number(wanted) and not lift
    ):
        terms = tuple(term_structures(node))
        if representation == "factored" or 2 * stored_numbers(list(terms)) <= entries(shape):
            return _factored(wanted.path, shape, terms, outputs)
    return Form(dense.path, shape, (outputs.index(node),), is_structured=True)


def _is_plain_number(wanted: Wanted) -> bool:
    """Whether a derivative is a number by a number, and neither zero nor that of itself."""
    return not wanted.node.shape and wanted.of is not wanted.by and not is_zero(wanted.node)


def _stored(special: Special) -> tuple[Node, ...]:
    if isinstance(special, Identity):
        return (special.scale,)
    return (special.diagonal,) if isinstance(special, Diagonal) else ()


def _lifted_special(special: Special | None, of: Node, lift: Lift) -> Special | None:
    """The structure per sample; a scale that differs between samples is a diagonal."""
    if isinstance(special, Identity):
        scale = lift(special.scale)
        if scale.variables and scale is not broadcast(special.scale, scale.shape, ()):
            return Diagonal(lift(broadcast(special.scale, of.shape, ())))
    if isinstance(special, Diagonal):
        return Diagonal(lift(special.diagonal))
    return special


def _factored(
    path: Path, shape: tuple[int, ...], terms: tuple[TermStructure, ...], outputs: Outputs
) -> Form:
    stored = []
    for term in terms:
        stored.append(outputs.index(term.scale))
        stored += [outputs.index(f.tensor) for f in term.factors if f.tensor is not None]
    return Form(path, shape, tuple(stored), is_structured=True, terms=terms)


def _term(term: TermStructure, next_array: Callable[[], Array], ndim: int) -> Term:
    scale = next_array()
    coefficient = float(term.coefficient) * float(scale)
    factors: list[Factor] = []
    for f in term.factors:
        size = int(str(f.size))
        if f.tensor is not None:
            factors.append(TensorFactor(next_array()))
        else:
            factors.append(IdentityFactor(size) if len(f.letters) == 2 else OnesFactor(size))
    if not factors:
        factors.append(TensorFactor(np.ones((), scale.dtype)))
    return Term(coefficient, term.equation(ndim), tuple(factors))


def one_term(derivative: StructuredTensor) -> StructuredTensor:
    """A dense derivative as a factored one whose only factor it is."""
    assert isinstance(derivative, DenseTensor)
    letters = LETTERS[: len(derivative.shape)]
    term = Term(1.0, f"{letters}->{letters}", (TensorFactor(derivative.tensor),))
    return FactoredTensor(derivative.shape, (term,))


def arrays_of(result: Result) -> list[Array]:
    """Every number that a result stores, as arrays."""
    if isinstance(result, np.ndarray):
        return [result]
    if isinstance(result, DenseTensor):
        return [result.tensor]
    if isinstance(result, DiagonalTensor):
        return [result.diagonal]
    if isinstance(result, IdentityTensor):
        return [np.array(result.scale)]
    arrays: list[Array] = []
    if isinstance(result, FactoredTensor):
        for term in result.terms:
            arrays.append(np.array(term.coefficient))
            arrays += [f.tensor for f in term.factors if isinstance(f, TensorFactor)]
    return arrays


def is_finite(result: Result) -> bool:
    """Whether every number of a result is finite."""
    return all(bool(np.isfinite(array).all()) for array in arrays_of(result))
