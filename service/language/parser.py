"""Text to syntax tree: the limits, then Lark's LALR tables, the tree built as they run."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import ClassVar, Literal, get_args

from lark import Lark, Token, UnexpectedToken
from lark.lexer import Lexer, LexerState

from service.errors import OverLimitError
from service.language.dialects import matrixcalculus, numpy
from service.language.lexemes import Lexeme, lexemes_of, makes_node
from service.language.syntax import Call, Index, Let, NewAxis, Operation, Slice, Syntax, Tuple
from service.language.syntax_errors import explained
from service.language.tree_builder import TreeBuilder
from service.settings import Limits

_Part = Syntax | Slice | NewAxis


Dialect = Literal["numpy", "matrixcalculus"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)


def parse(text: str, limits: Limits, dialect: Dialect = "numpy") -> Syntax:
    """The syntax tree of a text; its operators have the names of the dialect.

    Raises:
        OverLimitError: the text is too long, its brackets or operators nest too deeply, or it
            has too many nodes; all but the nesting of operators is measured before parsing.
        ExpressionSyntaxError: the text is not in the language.
        UnknownNameError: a letter only looks like one that a name may have.
    """
    _check_length(text, limits.max_expression_characters)
    _check_brackets(text, limits.max_expression_nesting)
    lexemes = lexemes_of(text)
    nodes = _check_nodes(lexemes, limits.max_expression_nodes)
    try:
        tree: Syntax = _parser(dialect).parse(lexemes)  # type: ignore[assignment]  # what TreeBuilder.start gives
    except UnexpectedToken as error:
        raise explained(text, lexemes, error.token) from error
    if nodes > limits.max_expression_nesting:
        _check_operators(tree, limits.max_expression_nesting)
    return tree


def _check_length(text: str, allowed: int) -> None:
    if len(text) > allowed:
        message = (
            f"the expression has {len(text)} characters; "
            f"the limit max_expression_characters is {allowed}"
        )
        raise OverLimitError(message, start=allowed, end=len(text))


def _check_brackets(text: str, allowed: int) -> None:
    depth = deepest = place = 0
    for position, character in enumerate(text):
        if character in "([{":
            depth += 1
            if depth > deepest:
                deepest, place = depth, position
        elif character in ")]}":
            depth -= 1
    _check_nesting(deepest, allowed, place, place + 1)


def _check_nodes(lexemes: list[Lexeme], allowed: int) -> int:
    making = [lexeme for lexeme in lexemes if makes_node(lexeme)]
    if len(making) > allowed:
        message = (
            f"the expression has {len(making)} nodes; "
            f"the limit max_expression_nodes is {allowed}"
        )
        raise OverLimitError(message, start=making[allowed].start, end=making[-1].end)
    return len(making)


def _check_operators(tree: Syntax, allowed: int) -> None:
    """Check how deeply calls, brackets, negations and exponents nest in the tree.

    The left operands of a chain such as a + b + c stand side by side and do not count.
    """
    deepest, place = 0, tree
    pending: list[tuple[_Part, int]] = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > deepest and not isinstance(node, Slice | NewAxis):
            deepest, place = depth, node
        beside, within = _parts(node)
        pending += [(part, depth) for part in beside]
        pending += [(part, depth + 1) for part in within]
    _check_nesting(deepest, allowed, place.start, place.end)


def _parts(node: _Part) -> tuple[tuple[_Part, ...], tuple[_Part, ...]]:
    """The parts as deep as the node itself, and those one deeper."""
    match node:
        case Operation("negate" | "stack", args):
            return (), args
        case Operation("power", (base, exponent)):
            return (base,), (exponent,)
        case Operation(_, args):
            return args, ()
        case Call(_, args, options):
            return (), (*args, *(value for _, value in options))
        case Index(target, items):
            return (target,), items
        case Slice(first, stop, step):
            return tuple(part for part in (first, stop, step) if part is not None), ()
        case Tuple(items):
            return items, ()
        case Let(bindings, body):
            return (body, *(value for _, value in bindings)), ()
    return (), ()


def _check_nesting(measured: int, allowed: int, start: int, end: int) -> None:
    if measured > allowed:
        message = (
            f"the expression nests {measured} deep; "
            f"the limit max_expression_nesting is {allowed}"
        )
        raise OverLimitError(message, start=start, end=end)


class _Given(Lexer):
    """Hands the parser the lexemes it is called with, in place of a text to split."""

    __future_interface__: ClassVar[int] = 2

    def __init__(self, _configuration: object) -> None:
        pass

    def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[Token]:
        del parser_state
        return iter(lexer_state.text)  # type: ignore[call-overload, no-any-return]  # lexemes


_GRAMMAR = files("service.language").joinpath("grammar.lark").read_text("utf-8")
_OPERATIONS: Mapping[Dialect, Mapping[str, str]] = {
    "numpy": numpy.OPERATIONS,
    "matrixcalculus": matrixcalculus.OPERATIONS,
}


@cache
def _parser(dialect: Dialect) -> Lark:
    """The tables of a dialect, made when they are first needed: that takes a while."""
    builder = TreeBuilder(_OPERATIONS[dialect])
    return Lark(_GRAMMAR, parser="lalr", lexer=_Given, transformer=builder)
