"""Syntax tree to graph: names, shapes and broadcasting; every operation with its place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.calculus.applications import stack
from service.calculus.dimensions import NamedSize, Shape, SizeFoundError, agree
from service.calculus.dimensions import shown as shown_shape
from service.calculus.graph import Node, variable
from service.calculus.numbers import from_float
from service.calculus.rules.records import Function, Kink
from service.calculus.rules.table import BY_ANY_NAME
from service.calculus.terms import number, size_of
from service.errors import (
    ExpressionSyntaxError,
    GradserveError,
    OverLimitError,
    ShapeMismatchError,
    UnknownNameError,
    WrongArgumentsError,
)
from service.language.calls import CallPlan, call_plan
from service.language.declarations import CONSTANTS, Declarations, FoundSizes, conventional_ndim
from service.language.dialects.matrixcalculus import translated
from service.language.indexing import index_node
from service.language.operators import OPERATORS, Entries
from service.language.parser import Dialect
from service.language.places import nearest, shown
from service.language.syntax import (
    Call,
    Index,
    Let,
    Name,
    Number,
    Operation,
    Syntax,
    parts_of,
)
from service.settings import Limits

_MOST_LABEL = 24


@dataclass(frozen=True, slots=True)
class Site:
    """One operation of the text: its place, what it made of what, how to make it again.

    `entries` says which entries of the operands an entry of the result comes from; `options`
    are those of a function.
    """

    start: int
    end: int
    node: Node
    operands: tuple[Node, ...]
    build: Callable[..., Node]
    kinks: Callable[[], tuple[Kink, ...]]
    name: str
    entries: Entries
    options: tuple[object, ...] = ()

    @property
    def is_entrywise(self) -> bool:
        """Whether an entry of the result comes from the operands' entries at its place."""
        return self.entries == "aligned"


@dataclass(frozen=True, slots=True)
class Elaborated:
    """The graph of an expression, its operations in evaluation order, the names it uses.

    `syntax`, in the numpy dialect, is what the graph was made from; `nodes` what its parts
    stand for, by identity. `assumed` are the names that have their shapes by convention.
    """

    node: Node
    syntax: Syntax
    nodes: Mapping[int, Node]
    sites: tuple[Site, ...]
    names: frozenset[str]
    shapes: Mapping[str, Shape]
    assumed: tuple[str, ...]


def elaborate(
    text: str,
    syntax: Syntax,
    declared: Declarations,
    limits: Limits,
    dialect: Dialect = "numpy",
) -> Elaborated:
    """The graph that a syntax tree of a dialect stands for, for these variables.

    Two sizes that have to be equal are made one where one of them is unknown, and the graph is
    built again: every shape rule is said once, by what builds the node.

    Raises:
        ExpressionError: for unknown names and functions, wrong arguments, shapes that clash,
            sizes that nothing tells.
        OverLimitError: for more than the allowed dimensions or graph nodes.
    """
    if dialect == "matrixcalculus":
        syntax = translated(syntax, declared.ndim_of)
    sizes = FoundSizes()
    while True:
        elaboration = _Elaboration(text, declared, limits, sizes)
        try:
            elaborated = elaboration.run(syntax)
        except SizeFoundError as found:
            sizes.bind(found)
            continue
        left = sizes.left()
        if not left:
            return elaborated
        if not declared.by_convention:
            if sizes.settle_at_one():
                continue
            raise WrongArgumentsError(
                f"the size of {left[0].owner} follows from nothing",
                start=left[0].start,
                end=left[0].end,
                hint="write the size, as in eye(3), ones(3) or zeros((3, 4))",
            )
        sizes.name_the_rest(declared.sizes | elaborated.names)


class _Elaboration:
    def __init__(
        self, text: str, declared: Declarations, limits: Limits, sizes: FoundSizes
    ) -> None:
        self.text = text
        self.limits = limits
        self.declared = declared
        self.sizes = sizes
        self.variables = {n: variable(n, shape) for n, shape in declared.shapes.items()}
        self.assumed: list[str] = []
        self.bound: dict[str, Node] = {}
        self.sites: list[Site] = []
        self.names: set[str] = set()
        self.nodes: dict[int, Node] = {}

    def run(self, syntax: Syntax) -> Elaborated:
        body = syntax
        if isinstance(syntax, Let):
            for name, value in syntax.bindings:
                self._bind(name, self._evaluate(value))
            body = syntax.body
        node = self._evaluate(body)
        shapes = {name: node.shape for name, node in self.variables.items()}
        sites, names = tuple(self.sites), frozenset(self.names)
        return Elaborated(node, syntax, self.nodes, sites, names, shapes, tuple(self.assumed))

    def _bind(self, name: Name, value: Node) -> None:
        if name.name in self.variables or name.name in self.bound:
            kind = "a variable" if name.name in self.variables else "an intermediate"
            raise ExpressionSyntaxError(
                f"the name {shown(name.name)} at {name.start}–{name.end} is already {kind}",
                start=name.start,
                end=name.end,
                hint="give the intermediate another name",
            )
        self.bound[name.name] = value

    def _evaluate(self, root: Syntax) -> Node:
        """The node of one statement, its parts first and without recursion."""
        done = self.nodes
        pending: list[tuple[Syntax, bool]] = [(root, False)]
        while pending:
            syntax, is_ready = pending.pop()
            if not is_ready:
                self._check_call(syntax)
                pending.append((syntax, True))
                pending.extend((part, False) for part in reversed(parts_of(syntax)))
                continue
            operands = [done[id(part)] for part in parts_of(syntax)]
            try:
                node = self._node(syntax, operands)
                self._check_dimensions(node)
            except GradserveError as error:
                raise error.at(syntax.start, syntax.end) from None
            done[id(syntax)] = node
        return done[id(root)]

    def _check_call(self, syntax: Syntax) -> None:
        """Refuse an unknown function before its arguments are looked at."""
        if isinstance(syntax, Call):
            declared = self.variables.keys() | self.bound.keys()
            if syntax.function in declared and syntax.function not in BY_ANY_NAME:
                inside = self.text[syntax.function_end : syntax.end].strip("() ")
                raise WrongArgumentsError(
                    f"{shown(syntax.function)} at {syntax.start}–{syntax.function_end} is a "
                    "variable, not a function",
                    start=syntax.start,
                    end=syntax.end,
                    hint=f"did you mean {syntax.function} * {self._clipped(inside)}?",
                )
            call_plan(syntax)

    def _check_dimensions(self, node: Node) -> None:
        if node.ndim > self.limits.max_dimensions:
            raise OverLimitError(
                f"a value of {node.ndim} dimensions is over the limit of "
                f"{self.limits.max_dimensions}"
            )

    def _node(self, syntax: Syntax, operands: Sequence[Node]) -> Node:
        if isinstance(syntax, Number):
            return number(syntax.value)
        if isinstance(syntax, Name):
            return self._named(syntax)
        if isinstance(syntax, Operation):
            return self._operation(syntax, operands)
        if isinstance(syntax, Call):
            return self._call(syntax, operands)
        if isinstance(syntax, Index):
            return self._index(syntax, operands)
        raise WrongArgumentsError(
            f"{self._clipped(self.text[syntax.start : syntax.end])} is not a value",
            hint="this form is only an option of a function, such as axis=(0, 1)",
        )

    def _named(self, syntax: Name) -> Node:
        name = syntax.name
        self.names.add(name)
        found = self.bound.get(name) or self.variables.get(name)
        if found is not None:
            return found
        if name in self.declared.sizes:
            return size_of(NamedSize(((name, 1),)))
        if name in CONSTANTS:
            return number(from_float(CONSTANTS[name]))
        function = BY_ANY_NAME.get(name)
        if function is not None and function.unknown_sizes and not function.needs_arguments:
            call = Call(name, (), (), syntax.start, syntax.end, syntax.end)
            return self._call(call, ())
        if self.declared.by_convention and (function is None or len(name) == 1):
            return self._assumed(syntax)
        close = nearest(name, [*self.variables, *self.bound])
        offer = f"; did you mean {shown(close)}?" if close else ""
        known = ", ".join(list(self.variables)[:10]) or "none"
        raise UnknownNameError(
            f"unknown name {shown(name)} at {syntax.start}–{syntax.end}{offer}",
            hint=f"declared variables: {known}",
        )

    def _assumed(self, syntax: Name) -> Node:
        """A variable that nobody declared, of the shape that its name has by convention."""
        name = syntax.name
        shape = tuple(
            self.sizes.of(name, axis, syntax.start, syntax.end)
            for axis in range(conventional_ndim(name))
        )
        self.variables[name] = variable(name, shape)
        self.assumed.append(name)
        return self.variables[name]

    def _operation(self, syntax: Operation, operands: Sequence[Node]) -> Node:
        if syntax.op == "stack":
            return self._recorded(syntax, "stack", tuple(operands), _stacked, entries="moved")
        record = OPERATORS[syntax.op]
        names = tuple(self._label(part) for part in syntax.args)
        return self._recorded(
            syntax,
            syntax.op,
            tuple(operands),
            lambda *nodes: record.build(*nodes, names=names),
            lambda: record.kinks(*operands),
            entries=record.entries,
        )

    def _call(self, syntax: Call, operands: Sequence[Node]) -> Node:
        plan: CallPlan = call_plan(syntax)
        values = dict(zip(map(id, parts_of(syntax)), operands, strict=True))
        if plan.folded is None:
            given = tuple(values[id(part)] for part in plan.operands)
            unknown = (
                self.sizes.of(plan.function.name, axis, syntax.start, syntax.end)
                for axis in range(plan.unknown_sizes)
            )
            options = (*plan.options(values), *unknown)
            return self._applied(syntax, plan.function, given, options)
        result = operands[0]
        for other in operands[1:]:
            result = self._applied(syntax, BY_ANY_NAME[plan.folded], (result, other), ())
        return result

    def _applied(
        self,
        syntax: Call,
        function: Function,
        operands: tuple[Node, ...],
        options: Sequence[object],
    ) -> Node:
        return self._recorded(
            syntax,
            function.name,
            operands,
            lambda *nodes: function.build(*nodes, *options),
            lambda: function.kinks(*operands, *options),
            entries="aligned" if function.is_entrywise else "mixed",
            options=tuple(options),
        )

    def _recorded(
        self,
        syntax: Syntax,
        name: str,
        operands: tuple[Node, ...],
        build: Callable[..., Node],
        kinks: Callable[[], tuple[Kink, ...]] = tuple,
        *,
        entries: Entries,
        options: tuple[object, ...] = (),
    ) -> Node:
        node = build(*operands)
        if entries == "aligned":
            self.sizes.note_broadcast(node.shape, [operand.shape for operand in operands])
        self.sites.append(
            Site(syntax.start, syntax.end, node, operands, build, kinks, name, entries, options)
        )
        return node

    def _index(self, syntax: Index, operands: Sequence[Node]) -> Node:
        values = dict(zip(map(id, parts_of(syntax)), operands, strict=True))
        return self._recorded(
            syntax,
            "index",
            (operands[0],),
            lambda target: index_node(target, syntax.items, values),
            entries="moved",
        )

    def _label(self, syntax: Syntax) -> str:
        return self._clipped(self.text[syntax.start : syntax.end])

    def _clipped(self, text: str) -> str:
        text = " ".join(text.split())
        return text if len(text) <= _MOST_LABEL else text[: _MOST_LABEL - 1] + "…"


def _stacked(*parts: Node) -> Node:
    first = parts[0]
    for part in parts:
        if part.ndim != first.ndim or not all(map(agree, first.shape, part.shape)):
            raise ShapeMismatchError(
                f"the parts of a vector have shapes ({shown_shape(first.shape)}) and "
                f"({shown_shape(part.shape)})",
                hint="all parts between [ and ] have one shape",
            )
    return stack(parts)
