"""Syntax trees for tests: as S-expressions without places, as text, and drawn at random."""

from fractions import Fraction

from hypothesis import strategies as st

from service.language.syntax import (
    Boolean,
    Call,
    Index,
    Let,
    Name,
    NewAxis,
    Number,
    Operation,
    Slice,
    Text,
    Tuple,
)

_SYMBOLS = {
    "add": ("+", 2),
    "subtract": ("-", 2),
    "multiply": ("*", 3),
    "divide": ("/", 3),
    "matmul": ("@", 3),
    "negate": ("-", 4),
    "power": ("**", 5),
    "transpose": (".T", 6),
    "greater": (">", 1),
    "greater_equal": (">=", 1),
    "less": ("<", 1),
    "less_equal": ("<=", 1),
    "equal": ("==", 1),
    "not_equal": ("!=", 1),
}


def s_expression(node):
    """The node as `(add x f(y))`, without places."""
    match node:
        case Text(value):
            return repr(value)
        case Operation(op, args):
            return f"({' '.join([op, *map(s_expression, args)])})"
        case Call(function, args, options):
            return _call_text(function, args, options, s_expression)
        case Index(target, items):
            return f"(index {' '.join(map(s_expression, (target, *items)))})"
        case Slice(first, stop, step):
            return ":".join(map(s_expression, (first, stop, step)))
        case Tuple(items):
            return f"(tuple {' '.join(map(s_expression, items))})"
        case Let(bindings, body):
            named = [f"{name.name}={s_expression(value)}" for name, value in bindings]
            return f"(let {' '.join(named)} {s_expression(body)})"
    return _leaf_text(node)


def as_text(node, level=0):
    """The node in the numpy dialect, in parentheses where it binds less tightly than asked."""
    match node:
        case Tuple(items):
            return f"({', '.join(map(as_text, items))},)"
        case Slice(first, stop, step):
            return ":".join(map(as_text, (first, stop, step)))
        case Call(function, args, options):
            return _call_text(function, args, options, as_text)
        case Index(target, items):
            return f"{as_text(target, 6)}[{', '.join(map(as_text, items))}]"
        case Let(bindings, body):
            named = [f"{name.name} = {as_text(value)}" for name, value in bindings]
            return "\n".join([*named, as_text(body)])
        case Operation("stack", args):
            return f"[{', '.join(map(as_text, args))}]"
        case Operation(op, args):
            return _operation_text(op, args, level)
    return _leaf_text(node)


def _leaf_text(node):
    match node:
        case Number(value) | Boolean(value):
            return str(value)
        case Name(name):
            return name
        case Text(value):
            return f'"{value}"'
        case NewAxis():
            return "None"
    return ""


def _call_text(function, args, options, text_of):
    named = [f"{key}={text_of(value)}" for key, value in options]
    return f"{function}({', '.join([*map(text_of, args), *named])})"


def _operation_text(op, args, level):
    symbol, own = _SYMBOLS[op]
    if op == "negate":
        text = f"-{as_text(args[0], own)}"
    elif op == "transpose":
        text = f"{as_text(args[0], own)}.T"
    elif op == "power":
        text = f"{as_text(args[0], own + 1)}**{as_text(args[1], own - 1)}"
    else:
        left = own + 1 if own == 1 else own
        text = f"{as_text(args[0], left)} {symbol} {as_text(args[1], own + 1)}"
    return f"({text})" if own < level else text


def _made(kind, *parts):
    return st.builds(lambda *values: kind(*values, 0, 0), *parts)


_NAMES = st.sampled_from(["x", "y", "A", "b_1", "λ", "Σ2", "lambda", "_", "T", "e"])
_NUMBERS = st.builds(Fraction, st.integers(0, 2**63))
_FUNCTIONS = st.sampled_from(["exp", "sum", "T", "where", "ln"])
_LEAVES = _made(Name, _NAMES) | _made(Number, _NUMBERS)
_BINARY = [op for op in _SYMBOLS if op not in ("negate", "transpose")]


def _branches(inner):
    tuples = _made(Tuple, st.lists(inner, min_size=1, max_size=2).map(tuple))
    texts = _made(Text, st.sampled_from(["ij,j->i", "", "a'b"]))
    arguments = st.lists(inner | tuples | texts, max_size=3).map(tuple)
    values = inner | tuples | _made(Boolean, st.booleans())
    options = st.dictionaries(st.sampled_from(["axis", "keepdims"]), values, max_size=2)
    calls = st.builds(
        lambda function, args, named: Call(function, args, tuple(named.items()), 0, 0, 0),
        _FUNCTIONS,
        arguments,
        options,
    )
    part = st.none() | inner
    items = inner | _made(Slice, part, part, part) | st.just(NewAxis(0, 0))
    return st.one_of(
        _made(Operation, st.sampled_from(_BINARY), st.tuples(inner, inner)),
        _made(Operation, st.sampled_from(["negate", "transpose"]), st.tuples(inner)),
        _made(Operation, st.just("stack"), st.lists(inner, min_size=1, max_size=3).map(tuple)),
        _made(Index, inner, st.lists(items, min_size=1, max_size=3).map(tuple)),
        calls,
    )


VALUES = st.recursive(_LEAVES, _branches, max_leaves=20)
LETS = _made(
    Let,
    st.lists(st.tuples(_made(Name, _NAMES), VALUES), min_size=1, max_size=3).map(tuple),
    VALUES,
)
