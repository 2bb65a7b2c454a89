"""The node kinds of the graph: immutable, interned by a process-independent digest.

Equal sub-expressions are one object, so `is` compares values of the whole calculus. Nodes are
made by the constructors of `normal_form`, which alone call the classes below.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from service.calculus.dimensions import Dimension, Shape
from service.deadline import check_deadline
from service.errors import OverLimitError

if TYPE_CHECKING:
    from service.calculus.rules.records import (
        ElementwiseFunction,
        MatrixFunction,
        ReductionFunction,
    )

Number = Fraction | float

ONE = Fraction(1)


class Node:
    """A value of the calculus: its shape, its digest and the variables it depends on.

    `is_symmetric` says that a square matrix is its own transpose by its formula.
    """

    __slots__ = ("__weakref__", "digest", "is_symmetric", "shape", "variables")

    shape: Shape
    digest: bytes
    variables: frozenset[str]
    is_symmetric: bool

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def operands(self) -> tuple["Node", ...]:
        """The nodes this one is made of."""
        return ()

    def __reduce__(self) -> str:
        raise TypeError("graphs hold functions and do not pickle: send the expression's text")


class Variable(Node):
    """A name with its shape."""

    __slots__ = ("name",)
    name: str


class Constant(Node):
    """A literal array, hashed by its bytes."""

    __slots__ = ("value",)
    value: NDArray[np.float64]


class Size(Node):
    """A dimension that is still a name, as a scalar."""

    __slots__ = ("dimension",)
    dimension: Dimension


class Delta(Node):
    """The identity δ_ij; a factor that is never stored."""

    __slots__ = ()


class Selection(Node):
    """S_ij = 1 where i = first + step·j; a factor that is never stored."""

    __slots__ = ("first", "step")
    first: Dimension
    step: int


class OneHot(Node):
    """A row of the identity: 1 at `position`, else 0; a factor that is never stored."""

    __slots__ = ("position",)
    position: Dimension


class Triangle(Node):
    """T_ij = 1 where i ≥ j: a running sum over j, stored only where it is not summed over."""

    __slots__ = ()


class Pairing(Node):
    """P_pij = 1 where p = i · (size of j) + j: two axes as one, stored only if it must be."""

    __slots__ = ()


class Factor(NamedTuple):
    """A node inside a contraction, with a letter per axis and an exponent."""

    node: Node
    letters: tuple[int, ...]
    exponent: Number = ONE


class Contraction(Node):
    """coefficient · Σ over summed letters of the product of the factors.

    Letters 0 … ndim-1 are the output's axes by position, the rest are summed; `sizes` has one
    entry per letter. An output letter that no factor carries is a broadcast.
    """

    __slots__ = ("coefficient", "factors", "sizes")
    coefficient: Number
    factors: tuple[Factor, ...]
    sizes: Shape

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return tuple(factor.node for factor in self.factors)


class Sum(Node):
    """A linear combination of terms of one shape."""

    __slots__ = ("terms",)
    terms: tuple[tuple[Number, Node], ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return tuple(node for _, node in self.terms)


class Elementwise(Node):
    """One function of the registry, index by index; every argument has the node's shape."""

    __slots__ = ("arguments", "function")
    function: "ElementwiseFunction"
    arguments: tuple[Node, ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return self.arguments


class Reduction(Node):
    """A function of all entries along some axes; those axes disappear."""

    __slots__ = ("argument", "axes", "function")
    function: "ReductionFunction"
    argument: Node
    axes: tuple[int, ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return (self.argument,)


class LinearAlgebra(Node):
    """A function of whole matrices: inv, det, logdet, cofactor."""

    __slots__ = ("arguments", "function")
    function: "MatrixFunction"
    arguments: tuple[Node, ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return self.arguments


class Stack(Node):
    """Parts of one shape along a new first axis."""

    __slots__ = ("parts",)
    parts: tuple[Node, ...]

    @property
    def operands(self) -> tuple[Node, ...]:
        """The nodes this one is made of."""
        return self.parts


_Kind = TypeVar("_Kind", bound=Node)
_interned: WeakValueDictionary[bytes, Node] = WeakValueDictionary()
_interning = Lock()


class Construction:
    """How many nodes may still be made, and how many the limit allows."""

    __slots__ = ("left", "limit")

    def __init__(self, limit: int) -> None:
        self.left = limit
        self.limit = limit


_construction: ContextVar[Construction | None] = ContextVar("construction", default=None)


@contextmanager
def construction_limit(limit: int) -> Iterator[None]:
    """Within this context, more than `limit` constructor calls raise OverLimitError."""
    token = _construction.set(Construction(limit))
    try:
        yield
    finally:
        _construction.reset(token)


def count_construction() -> None:
    """Count one constructor call against the limits of the context.

    Raises:
        OverLimitError: when the limit of nodes is used up.
        DeadlineExceededError: when the time is over.
    """
    check_deadline()
    construction = _construction.get()
    if construction is not None:
        construction.left -= 1
        if construction.left < 0:
            raise _over(construction)


def counted(make: Callable[[], tuple[Node, int]]) -> Node:
    """What `make` gives beside how many constructor calls it took, now or when it was kept.

    Raises:
        OverLimitError: when the limit of nodes is used up.
        DeadlineExceededError: when the time is over.
    """
    check_deadline()
    construction = _construction.get()
    if construction is None:
        return make()[0]
    before = construction.left
    node, count = make()
    construction.left = before - count
    if construction.left < 0:
        raise _over(construction)
    return node


@contextmanager
def calls_counted() -> Iterator[Callable[[], int]]:
    """Within this context constructor calls are counted, whether or not they are limited."""
    found = _construction.get()
    construction = found or Construction(sys.maxsize)
    before = construction.left
    token = None if found else _construction.set(construction)
    try:
        yield lambda: before - construction.left
    finally:
        if token is not None:
            _construction.reset(token)


def _over(construction: Construction) -> OverLimitError:
    return OverLimitError(
        f"the expression and its derivatives need more than {construction.limit} graph nodes, "
        "the limit",
        hint="name intermediates, or ask for fewer variables at a time",
    )


def digest_of(kind: str, *parts: bytes) -> bytes:
    """A digest that no two different contents share and that no process salts."""
    content = [kind.encode()]
    for part in parts:
        content += (len(part).to_bytes(4, "little"), part)
    return blake2b(b"".join(content), digest_size=16).digest()


def text_bytes(*values: object) -> bytes:
    """Plain values as bytes for a digest."""
    return repr(values).encode()


def intern_node(
    cls: type[_Kind], digest: bytes, shape: Shape, operands: Sequence[Node], **fields: object
) -> _Kind:
    """The one node with this digest, made if there is none."""
    found = _interned.get(digest)
    if found is None:
        node = cls()
        node.shape = shape
        node.digest = digest
        node.is_symmetric = False
        if len(operands) == 1:
            node.variables = operands[0].variables
        else:
            node.variables = frozenset().union(*(o.variables for o in operands))
        for name, value in fields.items():
            setattr(node, name, value)
        with _interning:
            found = _interned.setdefault(digest, node)
    return found  # type: ignore[return-value]  # the digest starts with the kind


def variable(name: str, shape: Shape) -> Variable:
    """A name with its shape."""
    digest = digest_of("variable", text_bytes(name, shape))
    return intern_node(Variable, digest, shape, (), name=name, variables=frozenset((name,)))


def topological(roots: Sequence[Node], within: frozenset[str] | None = None) -> list[Node]:
    """Every node below the roots, operands first; only those that depend on `within`."""
    order: list[Node] = []
    seen: set[int] = set()
    pending: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while pending:
        node, expanded = pending.pop()
        if expanded:
            order.append(node)
            continue
        if id(node) in seen or (within is not None and within.isdisjoint(node.variables)):
            continue
        seen.add(id(node))
        pending.append((node, True))
        pending.extend((operand, False) for operand in reversed(node.operands))
    return order
