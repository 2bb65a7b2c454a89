"""Changes of an expression's text, and of the tree that it may become."""

import re
from collections.abc import Callable
from typing import Any

from numpy.random import Generator

from service.calculus.rules.table import BY_ANY_NAME
from tests.hostile.choice import pick
from tests.hostile.tree_mutations import as_tree, mutate_tree

MOST_CHARACTERS = 600
TREES = 0.15

TOKEN = re.compile(r"\s+|\d+\.?\d*(?:[eE][-+]?\d+)?|[^\W\d]\w*|\*\*|[<>=!]=|\.T\b|.", re.S)
FUNCTION_NAMES = tuple(BY_ANY_NAME)
OPERATORS = ("+", "-", "*", "/", "**", "@", "·", "⊗", "⊘", "^", ".*", ">", "<=", "==", "!=")
NUMBERS = (
    *("0", "1", "-1", "2", "0.5", "3", "-0.5", "1e308", "-1e308", "1e-320", "1e-999", "1e999"),
    *("9007199254740993", "1000000", "1e16", "5e-324", "64", "007", "1.", ".5", "-2", "1/3"),
)
INDICES = (
    *("[0]", "[-1]", "[1:]", "[::-1]", "[:, None]", "[None]", "[..., 0]", "[0, 0]", "[99]"),
    *("[:, 1]", "[5:1]", "[::0]", "[::2]", "[1.5]", "[x]", "[:]", "[None, :, None]"),
)
SUFFIXES = (".T", "'", "ᵀ", "**2", "**0.5", "**-1", "**0", *INDICES)
OPTIONS = ("axis=0", "axis=1", "axis=-1", "axis=9", "axis=(0, 1)", "axis=None", "keepdims=True")
STRANGE = (*"\0é×−х\u202e\n;=,([)'\\$",)


def mutate_expression(rng: Generator, body: dict[str, Any]) -> None:
    """Change the expression, once: its text, or its tree, which a text may become."""
    text = body.get("expression")
    names = list(body.get("variables") or "x")
    if isinstance(text, dict):
        body["expression"] = mutate_tree(rng, text, names)
    if not isinstance(text, str) or not text:
        return
    if rng.random() < TREES:
        body["expression"] = as_tree(text)
        return
    changed = pick(rng, EXPRESSION_MUTATIONS)(rng, text, names)
    if len(changed) <= MOST_CHARACTERS:
        body["expression"] = changed


def _tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def _replace_like(rng: Generator, text: str, names: list[str]) -> str:
    """One token for another of its kind."""
    tokens = _tokens(text)
    place = int(rng.integers(len(tokens)))
    token = tokens[place]
    if token in BY_ANY_NAME:
        tokens[place] = pick(rng, FUNCTION_NAMES)
    elif token in OPERATORS:
        tokens[place] = pick(rng, OPERATORS)
    elif token[0].isdigit():
        tokens[place] = pick(rng, NUMBERS)
    elif token.isidentifier():
        tokens[place] = pick(rng, names)
    return "".join(tokens)


def _delete(rng: Generator, text: str, _: list[str]) -> str:
    tokens = _tokens(text)
    del tokens[int(rng.integers(len(tokens)))]
    return "".join(tokens)


def _swap(rng: Generator, text: str, _: list[str]) -> str:
    tokens = _tokens(text)
    first, second = rng.integers(len(tokens), size=2)
    tokens[first], tokens[second] = tokens[second], tokens[first]
    return "".join(tokens)


def _insert(rng: Generator, text: str, names: list[str]) -> str:
    pool = (names, FUNCTION_NAMES, OPERATORS, NUMBERS, SUFFIXES, STRANGE, OPTIONS)
    tokens = _tokens(text)
    tokens.insert(int(rng.integers(len(tokens) + 1)), pick(rng, pick(rng, pool)))
    return "".join(tokens)


def _wrap(rng: Generator, text: str, _: list[str]) -> str:
    """The value in a call; what comes before the last statement stays before it."""
    before, separator, last = text.rpartition(";")
    option = f", {pick(rng, OPTIONS)}" if rng.random() < 0.2 else ""
    return f"{before}{separator}{pick(rng, FUNCTION_NAMES)}({last}{option})"


def _wrap_name(rng: Generator, text: str, names: list[str]) -> str:
    """One variable in a call, a power, a transpose or an index."""
    name = pick(rng, names)
    form = f"{pick(rng, FUNCTION_NAMES)}({name})"
    if rng.random() < 0.4:
        form = f"{name}{pick(rng, SUFFIXES)}"
    return re.sub(rf"\b{re.escape(name)}\b", lambda _: form, text, count=1)


def _append(rng: Generator, text: str, names: list[str]) -> str:
    other = pick(rng, (pick(rng, names), pick(rng, NUMBERS), text.rpartition(";")[2]))
    return f"{text} {pick(rng, OPERATORS)} {other}"


def _nest(rng: Generator, text: str, names: list[str]) -> str:
    """The value in the place of a variable in itself."""
    before, separator, last = text.rpartition(";")
    name = re.escape(pick(rng, names))
    nested = re.sub(rf"\b{name}\b", lambda _: f"({last.strip()})", last, count=1)
    return f"{before}{separator}{nested}"


def _name_it(rng: Generator, text: str, _: list[str]) -> str:
    """The value as an intermediate that is used twice."""
    before, separator, last = text.rpartition(";")
    ending = pick(rng, ("t * t", "sum(t)", "t + t.T", "t / t", "[t, t]", "t - 2*t", "t @ t"))
    return f"{before}{separator} t = {last}; {ending}"


def _index(rng: Generator, text: str, _: list[str]) -> str:
    before, separator, last = text.rpartition(";")
    return f"{before}{separator}({last}){pick(rng, SUFFIXES)}"


def _total(_: Generator, text: str, __: list[str]) -> str:
    before, separator, last = text.rpartition(";")
    return f"{before}{separator}sum({last})"


EXPRESSION_MUTATIONS: tuple[Callable[[Generator, str, list[str]], str], ...] = (
    *(_replace_like, _replace_like, _replace_like, _wrap_name, _wrap_name, _append),
    *(_delete, _swap, _insert, _wrap, _nest, _name_it, _index, _total),
)
