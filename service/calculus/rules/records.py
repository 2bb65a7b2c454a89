"""What a record of the function tables holds; the tables themselves are beside this file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service.calculus.dimensions import Dimension, Shape
from service.calculus.graph import Node, Number

Array = NDArray[np.float64]
Option = int | tuple[int, ...] | bool | str | Number | Dimension | Shape | None


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function: an operand, all further ones, or an option.

    An option is a constant: `axis` an integer, several, or none; `flag` True or False;
    `integer`; `position`, an integer or a size; `number`, a finite one; `shape`, a size or
    several; `text`, a quoted string.
    """

    name: str
    kind: Literal[
        "operand", "operands", "axis", "flag", "integer", "position", "number", "shape", "text"
    ] = "operand"
    default: Option = None
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Kink:
    """Where a function has no derivative, and what is returned there.

    `watched` is the node to look at: positions where it is zero (`zero`), or less than one
    (`below_one`), are at the kink. `subdifferential` bounds each partial derivative; None at
    a jump. `value` is what each tied entry gets; of `below_one`, the watched number itself.
    """

    rule: str
    watched: Node
    value: float
    subdifferential: tuple[float, float] | None
    test: Literal["zero", "below_one"] = "zero"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ElementwiseFunction:
    """f, entry by entry; all arguments have the shape of the result.

    `partials[k]` is ∂f/∂(argument k) as a node in the arguments and y = f(arguments).
    `scratch`: arrays of the result's size that `forward` holds beside it at the most.
    `takes_masks`: `forward` takes booleans for indicators. `may_overflow`: finite arguments can
    give a result that is not finite, which a mask must hide. `is_magnitude`: f(x)² is x².

    A function that the language has under another name is `spelled` so: that name, then the
    numbers before its operands, or the function that it is applied to. One that it has not is
    `plain` in terms of others, of the same value wherever those are finite.
    """

    name: str
    forward: Callable[..., Array]
    partials: tuple[Callable[[tuple[Node, ...], Node], Node], ...]
    simplify: Callable[[tuple[Node, ...]], Node | None] = lambda _: None
    is_indicator: bool = False
    takes_masks: bool = False
    may_overflow: bool = False
    scratch: float = 0.0
    is_magnitude: bool = False
    is_symmetric: bool = False
    given_greater: Callable[[tuple[Node, ...], tuple[Node, ...]], Node | None] | None = None
    spelled: tuple[str, ...] = ()
    plain: Callable[..., Node] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReductionFunction:
    """f of all entries along some axes.

    The axes disappear, or follow the others `copies` times over. `partial` is ∂f/∂x as a node
    of x's shape, in x, y = f(x) spread over x's shape, and axes; where an entry of f depends on
    x in another way, `derivative` is ∂f/∂x as one more function, with one more copy of the
    axes. `square`, where given, is f(x)² as a node of f's shape. `scratch`: arrays of the
    larger of x's and f's size that `forward` holds at the most. `plain`: of x and the axes, the
    same in terms of functions of the language, where it is none of them.
    """

    name: str
    forward: Callable[[Array, tuple[int, ...]], Array]
    partial: Callable[[Node, Node, tuple[int, ...]], Node] | None = None
    derivative: Callable[[], "ReductionFunction"] | None = None
    copies: int = 0
    square: Callable[[Node, tuple[int, ...]], Node] | None = None
    scratch: float = 0.0
    plain: Callable[[Node, tuple[int, ...]], Node] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatrixFunction:
    """f of a whole square matrix A; its shape is that of A, `copies` times over.

    `derivative` gives ∂f/∂A as coefficient and factors: (node, letters) over the output's
    letters 0 … and the matrix's letters, which follow. `forward` is given finite matrices only,
    and may raise LinAlgError for a singular one. `scratch`: arrays of the larger of A's and the
    result's size that `forward` holds beside the result at the most. `plain`: the same in terms
    of functions of the language, where A is regular. `simplify`: a graph of the same value that
    does less, or None.
    """

    name: str
    copies: int
    forward: Callable[[Array], Array]
    derivative: Callable[[Node, Node], tuple[Number, list[tuple[Node, tuple[int, ...]]]]]
    flops_per_cube: int
    scratch: float = 0.0
    plain: Callable[[Node], Node] | None = None
    simplify: Callable[[Node], Node | None] | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets that a loss is for: numbers from `lowest` to `highest`.

    `is_edge`: only those two. `adds_up`: along the last axis they sum to 1.
    """

    text: str
    lowest: float
    highest: float
    is_edge: bool = False
    adds_up: bool = False


ANY_TARGETS = Targets("a finite number", -float("inf"), float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Function:
    """A function of the language: its name, what it takes, the graph it stands for.

    `build` takes the operands and then the options, already checked for count and kind, and
    raises ShapeMismatchError or NotSquareError for operands that do not fit. `kinks` takes the
    same and says where the derivative is a convention. `sample` is the interval its tests draw
    arguments from, inside its domain. With several operands, `folded_by` names the function
    of two that joins them. `is_entrywise`: each entry of the result comes from the operands'
    entries at its place. `numpy`: what stands for it in NumPy code, a name or the source of a
    function; NumPy's own function of this name where it is empty. `unknown_sizes`: how many
    sizes, found from use, `build` takes last where no option tells them.

    `rule` is what a derivation calls its derivative, `derivative of …` where it is empty, and
    `source` the work that states it. `definition`, of the ndim of its largest operand, is the
    text that a derivation splits it into in full, in its parameters; an option stands there in
    braces, `{axis}` and a flag with their comma and name.

    `of_samples`, of a loss: what each sample contributes, a vector over the first axis;
    `targets`: those that it is for. `nicknames`: other names in a training request.
    """

    name: str
    parameters: tuple[Parameter, ...]
    build: Callable[..., Node]
    summary: str
    latex: str
    kinks: Callable[..., tuple[Kink, ...]] = lambda *_: ()
    note: str = ""
    sample: tuple[float, float] = (-2.0, 2.0)
    aliases: tuple[str, ...] = ()
    folded_by: str | None = None
    is_entrywise: bool = False
    numpy: str = ""
    unknown_sizes: int = 0
    rule: str = ""
    source: str = ""
    definition: Callable[[int], str] | None = None
    of_samples: Callable[..., Node] | None = None
    targets: Targets = ANY_TARGETS
    nicknames: tuple[str, ...] = ()

    @property
    def needs_arguments(self) -> bool:
        """Whether it cannot be written without arguments."""
        return any(p.is_required for p in self.parameters)

    @property
    def formula(self) -> str:
        """The LaTeX of the function of its own parameters."""
        return self.latex.format_map({p.name: p.name for p in self.parameters})

    @property
    def arguments(self) -> str:
        """The signature as a reader writes it: `x, axis=None, keepdims=False`."""
        return ", ".join(_written(p) for p in self.parameters)


FunctionTable = Mapping[str, Function]


def _written(parameter: Parameter) -> str:
    if parameter.kind == "operands":
        return f"{parameter.name}, …"
    if parameter.kind == "text":
        return f'"{parameter.name}"'
    return parameter.name if parameter.is_required else f"{parameter.name}={parameter.default}"


def operands(*names: str) -> tuple[Parameter, ...]:
    """Required operand parameters by name."""
    return tuple(Parameter(name) for name in names)


AXIS = Parameter("axis", "axis", None, is_required=False)
KEEPDIMS = Parameter("keepdims", "flag", default=False, is_required=False)

__all__ = [
    "AXIS",
    "KEEPDIMS",
    "Array",
    "ElementwiseFunction",
    "Function",
    "FunctionTable",
    "Kink",
    "MatrixFunction",
    "Option",
    "Parameter",
    "ReductionFunction",
    "field",
    "operands",
]
