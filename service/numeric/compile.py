"""Graph to plan: every node of a request's answers lowered once, structure used, cost known."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.calculus.dimensions import known, numbers
from service.calculus.graph import (
    ONE,
    Constant,
    Contraction,
    Delta,
    Elementwise,
    Factor,
    LinearAlgebra,
    Node,
    Number,
    OneHot,
    Pairing,
    Reduction,
    Selection,
    Stack,
    Sum,
    Triangle,
    Variable,
    topological,
)
from service.calculus.numbers import is_whole
from service.calculus.rules.matrices import INV
from service.calculus.selections import STRUCTURAL
from service.deadline import check_deadline
from service.numeric.assembly import Assembly, Slot
from service.numeric.embedding import Embedding
from service.numeric.entries import diagonal_of, powered
from service.numeric.fusion import SCRATCH, fused_elementwise, fused_reduction, fused_sum
from service.numeric.kernels import filled_identity, stacked_matrix_values
from service.numeric.masks import hidden_masks, is_count
from service.numeric.operands import Operand
from service.numeric.pairs import Split, splits_of, with_split_axes
from service.numeric.plan import Plan, Values
from service.numeric.products import Product
from service.numeric.sums import broadcast, combined, scaled_slot, summation_of


def compile_plan(outputs: Sequence[Node]) -> Plan:
    """The plan that computes these nodes, whose sizes are all numbers."""
    lowering = _Lowering()
    slots = [lowering.slot_of(node) for node in outputs]
    shapes = [numbers(node.shape) for node in outputs]
    return lowering.assembly.plan(list(zip(slots, shapes, strict=True)))


class _Lowering:
    """Slots of nodes; an axis along which a node is constant is stored with size 1."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self._slots: dict[Node, Slot] = {}
        self._hazards: dict[Node, bool] = {}

    def slot_of(self, root: Node) -> Slot:
        """The slot of a node, its operands lowered before it."""
        if root in self._slots:
            return self._slots[root]
        for node in topological([root]):
            if node not in self._slots and not isinstance(node, STRUCTURAL):
                check_deadline()
                self._slots[node] = self._lower(node)
                self._hazards[node] = self._is_hazard(node)
        if root not in self._slots:
            self._slots[root] = self._structural(root)
        return self._slots[root]

    def _is_hazard(self, node: Node) -> bool:
        """Whether a node may be non-finite although the variables are finite."""
        if isinstance(node, LinearAlgebra):
            return True
        if isinstance(node, Elementwise) and node.function.may_overflow:
            return True
        if isinstance(node, Contraction) and any(
            f.exponent < 0 or not is_whole(f.exponent) for f in node.factors
        ):
            return True
        return any(self._hazards.get(o, False) for o in node.operands)

    def _lower(self, node: Node) -> Slot:
        return _LOWERED[type(node)](self, node)

    def _variable(self, node: Variable) -> Slot:
        return self.assembly.input(node.name, numbers(node.shape))

    def _constant(self, node: Constant) -> Slot:
        return self.assembly.constant(node.digest, lambda: node.value)

    def _triangle(self, node: Triangle) -> Slot:
        size, _ = shape = numbers(node.shape)
        return self.assembly.emit(("triangle", shape), lambda: np.tri(size), (), shape)

    def _pairing(self, node: Pairing) -> Slot:
        size, *_ = shape = numbers(node.shape)
        return self.assembly.emit(
            ("pairing", shape), lambda: np.eye(size).reshape(shape), (), shape
        )

    def _structural(self, node: Node) -> Slot:
        shape = numbers(node.shape)
        if isinstance(node, Delta):
            return self.assembly.emit(
                ("identity", shape), lambda: filled_identity(shape[0]), (), shape
            )
        column = np.arange(shape[-1])
        places: tuple[NDArray[np.int64], ...]
        if isinstance(node, Selection):
            places = (column * node.step + known(node.first), column)
        else:
            assert isinstance(node, OneHot)
            places = (np.array(node.position),)

        def make() -> Values:
            result = np.zeros(shape)
            result[places] = 1.0
            return result

        return self.assembly.emit(("structural", node.digest), make, (), shape)

    def _numeric(self, slot: Slot) -> Slot:
        """A slot as numbers, where it holds booleans."""
        if not slot.is_mask:
            return slot
        return self.assembly.emit(
            ("float",), lambda x: x.astype(np.float64), (slot,), slot.shape
        )

    def _whole(self, node: Node) -> Slot:
        """The slot of a node as numbers, with the axes along which it is constant."""
        slot = self._numeric(self.slot_of(node))
        full = numbers(node.shape)
        if slot.shape == full:
            return slot
        return self.assembly.view(
            ("spread", full), lambda x: np.broadcast_to(x, full), slot, full
        )

    def _elementwise(self, node: Elementwise) -> Slot:
        fused = fused_elementwise(node)
        if fused is not None:
            name, kernel, inner, is_reduced = fused
            slot = self._whole(inner) if is_reduced else self._numeric(self.slot_of(inner))
            work = prod(slot.shape) * 20
            return self.assembly.emit(
                name,
                kernel,
                (slot,),
                slot.shape,
                flops=work,
                scratch=SCRATCH * prod(slot.shape),
            )
        function = node.function
        slots = [self.slot_of(a) for a in node.arguments]
        if not function.takes_masks:
            slots = [self._numeric(s) for s in slots]
        shape = broadcast(slots)
        is_ufunc = isinstance(function.forward, np.ufunc)
        return self.assembly.emit(
            (function.name,),
            function.forward,
            slots,
            shape,
            flops=prod(shape) * (1 if is_ufunc and len(slots) > 1 else 20),
            is_mask=function.is_indicator,
            scratch=function.scratch * prod(shape),
        )

    def _reduction(self, node: Reduction) -> Slot:
        slot = self._whole(node.argument)
        forward, axes = node.function.forward, node.axes
        key, kernel = fused_reduction(node) or (
            (node.function.name, axes),
            lambda x: np.asarray(forward(x, axes)),
        )
        return self.assembly.emit(
            key,
            kernel,
            (slot,),
            numbers(node.shape),
            flops=max(prod(slot.shape), prod(numbers(node.shape))) * 20,
            scratch=node.function.scratch * max(prod(slot.shape), prod(numbers(node.shape))),
        )

    def _linear_algebra(self, node: LinearAlgebra) -> Slot:
        (matrix,) = node.arguments
        slot = self._whole(matrix)
        shape = numbers(node.shape)
        function = node.function
        flops = prod(slot.shape[:-2]) * function.flops_per_cube
        flops *= slot.shape[-1] ** (3 if function.copies < 2 else 2 * function.copies + 1)
        return self.assembly.emit(
            (function.name,),
            lambda x: stacked_matrix_values(function.forward, shape, x),
            (slot,),
            shape,
            flops=flops,
            scratch=function.scratch * max(prod(slot.shape), prod(shape)),
        )

    def _stack(self, node: Stack) -> Slot:
        slots = [self._numeric(self.slot_of(part)) for part in node.parts]
        part_shape = numbers(node.shape[1:])

        def call(*parts: Values) -> Values:
            result = np.empty((len(parts), *part_shape))
            for k, part in enumerate(parts):
                result[k] = part
            return result

        return self.assembly.emit(("stack", part_shape), call, slots, numbers(node.shape))

    def _sum(self, node: Sum) -> Slot:
        fused = fused_sum(node)
        if fused is not None:
            key, kernel, inner, coefficient = fused
            slot = self._numeric(self.slot_of(inner))
            size = prod(slot.shape)
            slot = self.assembly.emit(
                key, kernel, (slot,), slot.shape, flops=size * 20, scratch=SCRATCH * size
            )
            return scaled_slot(self.assembly, slot, coefficient)
        order = summation_of(node)
        totals = [(ONE, combined(self.assembly, self._slots_of(g))) for g in order.groups]
        terms = self._slots_of((*order.rest, *order.small))
        return combined(self.assembly, [*totals, *terms])

    def _slots_of(self, terms: Sequence[tuple[Number, Node]]) -> list[tuple[Number, Slot]]:
        return [(coefficient, self._numeric(self.slot_of(t))) for coefficient, t in terms]

    def _contraction(self, node: Contraction) -> Slot:
        unpaired = with_split_axes(node)
        if unpaired is not None:
            return self.assembly.reshaped(self._whole(unpaired), numbers(node.shape))
        sizes = numbers(node.sizes)
        embedding = Embedding(node.ndim, sizes)
        rest = [
            f
            for f in node.factors
            if not (isinstance(f.node, STRUCTURAL) and embedding.restrict(f))
        ]
        rest += hidden_masks(rest, [self._may_overflow(f) for f in rest])
        rest, splits = splits_of(rest, node)
        operands = [self._operand(f, embedding) for f in rest]
        for split in splits:
            operands = [self._split(o, split, sizes) for o in operands]
        output = embedding.inner
        told = {pair for pair, _, _ in splits}
        operands += self._uncarried(embedding, operands, sizes, told)
        product = Product(self.assembly, sizes, output)
        result = product.result(operands, node.coefficient)
        carried = tuple(x for x in output if x in result.letters)
        axes = tuple(result.letters.index(x) for x in carried)
        shape = tuple(sizes[x] if x in carried else 1 for x in output)
        slot = product._viewed(result.slot, axes, shape)
        return embedding.placed(self.assembly, self._numeric(slot))

    def _uncarried(
        self,
        embedding: Embedding,
        operands: Sequence[Operand],
        sizes: Sequence[int],
        told: Set[int],
    ) -> list[Operand]:
        """The sizes of summed letters along which every operand is constant.

        `told` are the letters that others tell.
        """
        carried = {x for o in operands for x in o.letters}.union(embedding.inner, told)
        return [
            Operand(self.assembly.number(float(sizes[x])), ())
            for x in embedding.bases
            if x not in carried
        ]

    def _split(self, operand: Operand, split: Split, sizes: Sequence[int]) -> Operand:
        """The operand with two letters in place of the one that pairs them."""
        pair, first, second = split
        if pair not in operand.letters:
            return operand
        axis = operand.letters.index(pair)
        letters = (*operand.letters[:axis], first, second, *operand.letters[axis + 1 :])
        shape = (*operand.slot.shape[:axis], sizes[first], sizes[second])
        shape += operand.slot.shape[axis + 1 :]
        slot, letters = diagonal_of(
            self.assembly, self.assembly.reshaped(operand.slot, shape), letters
        )
        return replace(operand, slot=slot, letters=letters, inverted=None, is_triangle=False)

    def _may_overflow(self, factor: Factor) -> bool:
        node, _, exponent = factor
        return self._hazards.get(node, False) or exponent < 0 or not is_whole(exponent)

    def _operand(self, factor: Factor, embedding: Embedding) -> Operand:
        node, letters, exponent = factor
        slot = self.slot_of(node)
        hazard = self._may_overflow(factor)
        thin = [k for k, n in enumerate(node.shape) if slot.shape[k] == 1 and n != 1]
        if thin:
            kept = tuple(n for k, n in enumerate(slot.shape) if k not in thin)
            slot = self.assembly.reshaped(slot, kept)
            letters = tuple(x for k, x in enumerate(letters) if k not in thin)
        slot, letters = embedding.sliced(self.assembly, slot, letters)
        slot, letters = diagonal_of(self.assembly, slot, letters)
        inverse = exponent < 0
        is_inverse = isinstance(node, LinearAlgebra) and node.function is INV
        inverted = None
        if is_inverse and node.ndim == 2 and exponent == 1 and slot is self.slot_of(node):
            inverted = self._whole(node.operands[0])
        slot = powered(self.assembly, slot, abs(float(exponent)))
        counts = not inverse and is_count(node)
        is_triangle = isinstance(node, Triangle) and slot is self.slot_of(node)
        return Operand(slot, letters, inverse, hazard, counts, inverted, is_triangle)


_LOWERED: Mapping[type[Node], Callable[[_Lowering, Any], Slot]] = {
    Variable: _Lowering._variable,
    Constant: _Lowering._constant,
    Triangle: _Lowering._triangle,
    Pairing: _Lowering._pairing,
    Contraction: _Lowering._contraction,
    Sum: _Lowering._sum,
    Elementwise: _Lowering._elementwise,
    Reduction: _Lowering._reduction,
    LinearAlgebra: _Lowering._linear_algebra,
    Stack: _Lowering._stack,
}
