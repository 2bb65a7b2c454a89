"""What the operators of the language build: broadcasting, products, powers, picks.

Shapes broadcast as in NumPy: aligned at the last axis, an axis of size 1 is constant.
"""

from collections.abc import Callable, Sequence

from service.calculus.applications import apply_elementwise, apply_reduction
from service.calculus.axes import broadcast, transposed
from service.calculus.dimensions import Dimension, Shape, agree, shown
from service.calculus.graph import (
    ONE,
    Contraction,
    Elementwise,
    Factor,
    Node,
    Number,
    Reduction,
)
from service.calculus.normal_form import contract
from service.calculus.numbers import is_even, is_whole, multiplied, raised
from service.calculus.rules.elementwise import ABS, times
from service.calculus.rules.logarithms import POWER
from service.calculus.rules.records import ElementwiseFunction, Kink
from service.calculus.rules.reductions import NORM2
from service.calculus.selections import one_hot, selection
from service.calculus.stability import stable_product
from service.calculus.terms import add, filled, number_of, scaled, unit_part
from service.errors import ShapeMismatchError

_HALF = ONE / 2


def described(node: Node, name: str) -> str:
    """An operand as an error names it: `A (3×4)`."""
    return f"{name} ({shown(node.shape)})".strip()


def common_shape(action: str, *nodes: Node, names: Sequence[str] = ()) -> Shape:
    """The shape that all the nodes broadcast to; `names` say in an error what they are.

    Raises:
        ShapeMismatchError: when two axes differ and neither has size 1.
    """
    ndim = max(node.ndim for node in nodes)
    shape: list[Dimension] = [1] * ndim
    for node in nodes:
        for axis, size in enumerate(node.shape, start=ndim - node.ndim):
            if 1 not in (shape[axis], size) and not agree(shape[axis], size):
                labels = names or [""] * len(nodes)
                pairs = zip(nodes, labels, strict=True)
                shapes = " and ".join(described(n, label) for n, label in pairs)
                raise ShapeMismatchError(
                    f"cannot {action} {shapes}: the sizes {shape[axis]} and {size} differ",
                    hint="axes are aligned at the last one; a size of 1 fits any other",
                )
            if size != 1:
                shape[axis] = size
    return tuple(shape)


def expanded(node: Node, shape: Shape) -> Node:
    """A node broadcast to a shape that it fits."""
    if node.shape == shape:
        return node
    offset = len(shape) - node.ndim
    kept = [k for k, n in enumerate(node.shape) if n == shape[k + offset]]
    if len(kept) < node.ndim:
        letters = tuple(range(node.ndim))
        node = contract([Factor(node, letters)], kept, {})
    return broadcast(node, shape, [k + offset for k in kept])


def elementwise(
    action: str, function: ElementwiseFunction, *nodes: Node, names: Sequence[str] = ()
) -> Node:
    """A function of the table, its arguments broadcast."""
    shape = common_shape(action, *nodes, names=names)
    return apply_elementwise(function, *(expanded(node, shape) for node in nodes))


def of_one(function: ElementwiseFunction) -> Callable[[Node], Node]:
    """The constructor of a function of one argument."""
    return lambda x: apply_elementwise(function, x)


def of_two(action: str, function: ElementwiseFunction) -> Callable[[Node, Node], Node]:
    """The constructor of a function of two arguments, which are broadcast."""
    return lambda x, y: elementwise(action, function, x, y)


def added_entries(left: Node, right: Node, sign: int = 1, *, names: Sequence[str] = ()) -> Node:
    """left + right, or left − right with sign −1."""
    shape = common_shape("add" if sign > 0 else "subtract", left, right, names=names)
    return add([(ONE, expanded(left, shape)), (sign * ONE, expanded(right, shape))], shape)


def multiplied_entries(left: Node, right: Node, *, names: Sequence[str] = ()) -> Node:
    """left ⊗ right, entry by entry."""
    shape = common_shape("multiply", left, right, names=names)
    return stable_product(times(expanded(left, shape), expanded(right, shape)))


def divided(left: Node, right: Node, *, names: Sequence[str] = ()) -> Node:
    """left ⊘ right, entry by entry."""
    shape = common_shape("divide", left, right, names=names)
    parts = (expanded(left, shape), expanded(right, shape))
    return stable_product(times(*parts, exponents=(ONE, -ONE)))


def raised_to(base: Node, exponent: Node, *, names: Sequence[str] = ()) -> Node:
    """base ** exponent, entry by entry; a numeric exponent stays exact."""
    power = number_of(exponent)
    if power is None or not (float("-inf") < power < float("inf")):
        return elementwise("raise", POWER, base, exponent, names=names)
    shape = common_shape("raise", base, exponent, names=names)
    return stable_product(expanded(power_of(base, power), shape))


def power_of(base: Node, power: Number) -> Node:
    """base ** power, with √x² as |x| and √Σx² as the Euclidean norm."""
    coefficient, unit = unit_part(base)
    if is_whole(power) or coefficient < 0 or not isinstance(unit, Contraction):
        return times(base, exponents=(power,))
    if len(unit.factors) != 1 or not is_even(unit.factors[0].exponent):
        return times(base, exponents=(power,))
    scale = raised(coefficient, power)
    inner, letters, even = unit.factors[0]
    if len(unit.sizes) == unit.ndim:
        size = broadcast(apply_elementwise(ABS, inner), unit.shape, letters)
        return scaled(times(size, exponents=(multiplied(even, power),)), scale)
    if even == 2 and len(set(letters)) == len(letters):
        axes = [k for k, x in enumerate(letters) if x >= unit.ndim]
        kept = [x for x in letters if x < unit.ndim]
        norm = broadcast(apply_reduction(NORM2, inner, axes), unit.shape, kept)
        return scaled(times(norm, exponents=(2 * power,)), scale)
    return times(base, exponents=(power,))


def square_root(node: Node) -> Node:
    """√node, entry by entry."""
    return power_of(node, _HALF)


def root_kinks(node: Node) -> tuple[Kink, ...]:
    """The kink at 0 of a root that is an absolute value or a norm."""
    root = square_root(node)
    coefficient, inner = unit_part(root)
    if isinstance(inner, Contraction) and len(inner.factors) == 1:
        inner, _, exponent = inner.factors[0]
        if exponent != 1:
            return ()
    if isinstance(inner, Elementwise | Reduction) and inner.function in (ABS, NORM2):
        steepest = float(coefficient)
        return (Kink(inner.function.name, root, 0.0, (-steepest, steepest)),)
    return ()


def power_kinks(base: Node, exponent: Node) -> tuple[Kink, ...]:
    """The kinks of a power: those of a root, where the exponent is ½."""
    return root_kinks(base) if number_of(exponent) == _HALF else ()


def matrix_product(left: Node, right: Node, *, names: Sequence[str] = ("", "")) -> Node:
    """left @ right with NumPy's meaning; two vectors give their dot product.

    Raises:
        ShapeMismatchError: for scalars, and where the inner dimensions differ.
    """
    shapes = f"{described(left, names[0])} by {described(right, names[1])}"
    if not left.ndim or not right.ndim:
        raise ShapeMismatchError(
            f"cannot multiply {shapes}: @ needs vectors or matrices, not a scalar",
            hint="use * to multiply by a scalar",
        )
    inner_left = left.shape[-1]
    inner_right = right.shape[max(0, right.ndim - 2)]
    if not agree(inner_left, inner_right):
        raise ShapeMismatchError(
            f"cannot multiply {shapes}: the inner dimensions {inner_left} and {inner_right} "
            "differ"
        )
    batch = _batch_shape(left.shape[:-2], right.shape[:-2], shapes)
    row, column, inner = len(batch), len(batch) + 1, len(batch) + 2
    left_tail = (row, inner)[-left.ndim :]
    right_tail = (inner, column)[: right.ndim] if right.ndim > 1 else (inner,)
    factors = [
        _batched(node, batch, tail) for node, tail in ((left, left_tail), (right, right_tail))
    ]
    output = [*range(len(batch)), *left_tail[:-1], *(right_tail[1:] if right.ndim > 1 else ())]
    return stable_product(contract(factors, output, dict(enumerate(batch))))


def _batch_shape(left: Shape, right: Shape, shapes: str) -> Shape:
    if not left or not right:
        return left or right
    try:
        return common_shape("multiply", filled(ONE, left), filled(ONE, right))
    except ShapeMismatchError:
        raise ShapeMismatchError(
            f"cannot multiply {shapes}: the leading dimensions do not broadcast"
        ) from None


def _batched(node: Node, batch: Shape, tail: tuple[int, ...]) -> Factor:
    lead = node.shape[: node.ndim - len(tail)]
    offset = len(batch) - len(lead)
    kept = [k for k, n in enumerate(lead) if n == batch[k + offset]]
    if len(kept) < len(lead):
        letters = tuple(range(node.ndim))
        output = [*kept, *range(len(lead), node.ndim)]
        node = contract([Factor(node, letters)], output, {})
    return Factor(node, (*(k + offset for k in kept), *tail))


def transposed_matrix(node: Node) -> Node:
    """The last two axes exchanged; a vector or scalar is its own transpose."""
    if node.ndim < 2:
        return node
    axes = [*range(node.ndim - 2), node.ndim - 1, node.ndim - 2]
    return transposed(node, axes)


def picked(node: Node, axis: int, position: Dimension) -> Node:
    """The entries at one position of an axis; the axis disappears."""
    letters = tuple(range(node.ndim))
    row = Factor(one_hot(node.shape[axis], position), (axis,))
    return contract([Factor(node, letters), row], [x for x in letters if x != axis], {})


def sliced(node: Node, axis: int, first: Dimension, count: Dimension, step: int) -> Node:
    """The entries of an axis at first, first + step, and so on, so many of them."""
    size = node.shape[axis]
    if (first, count, step) == (0, size, 1):
        return node
    letters = tuple(range(node.ndim))
    chosen = selection(size, count, first, step)
    output = [node.ndim if x == axis else x for x in letters]
    return contract([Factor(node, letters), Factor(chosen, (axis, node.ndim))], output, {})


def with_new_axes(node: Node, places: Sequence[int]) -> Node:
    """Size-1 axes at the given places of the result."""
    ndim = node.ndim + len(places)
    kept = [k for k in range(ndim) if k not in places]
    sizes = iter(node.shape)
    shape = tuple(1 if k in places else next(sizes) for k in range(ndim))
    return broadcast(node, shape, kept)
