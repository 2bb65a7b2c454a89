"""Changes of an expression's JSON tree."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from numpy.random import Generator

from service.errors import GradserveError
from service.language.json_tree import tree_of
from service.language.parser import parse
from service.settings import Limits
from tests.hostile.choice import pick

OPERATIONS = (
    *("add", "subtract", "multiply", "divide", "power", "negate", "matmul", "transpose"),
    *("greater", "equal", "index", "stack", "let", "sin", "sum", "softmax", "ln", "norm2"),
    *("mutiply", "", "add ", "Add", "eval"),
)
LEAVES = (0, 1, -1, 2.5, -0.0, 1e308, 10**30, "x", "A", "e", "x y", "", "True", None, True, [])
OPTIONS = (
    *({"axis": 0}, {"axis": [0, 1]}, {"axis": []}, {"axis": None}, {"keepdims": True}),
    *({"axis": "x"}, {"index": [0]}, {"index": [{}, None]}, {"index": [{"step": -1}]}),
    *({"index": 3}, {"subscripts": "ij->ji"}, {"axis": {"op": "add"}}, {"k": 2}, {"a b": 1}),
)


def as_tree(text: str) -> Any:
    """The text as a tree; itself where it is not in the language."""
    try:
        return tree_of(parse(text, Limits()))
    except GradserveError:
        return text


def mutate_tree(rng: Generator, tree: Any, names: list[str]) -> Any:
    """The tree with one part changed."""
    changed = {"tree": deepcopy(tree)}
    places = [(changed, "tree"), *_places(changed["tree"])]
    holder, key = pick(rng, places)
    holder[key] = pick(rng, TREE_MUTATIONS)(rng, holder[key], names)
    return changed["tree"]


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Where every part of a tree is held: a container and its key."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if not isinstance(node, dict):
            continue
        args = node.get("args")
        if isinstance(args, list):
            for place, part in enumerate(args):
                yield args, place
                pending.append(part)


def _leaf(rng: Generator, _: Any, names: list[str]) -> Any:
    return pick(rng, (*LEAVES, *names, *names, *names))


def _operation(rng: Generator, node: Any, _: list[str]) -> Any:
    return node | {"op": pick(rng, OPERATIONS)} if isinstance(node, dict) else node


def _wrapped(rng: Generator, node: Any, _: list[str]) -> Any:
    return {"op": pick(rng, OPERATIONS), "args": [node]}


def _joined(rng: Generator, node: Any, names: list[str]) -> Any:
    return {"op": pick(rng, OPERATIONS), "args": [node, pick(rng, names)]}


def _fewer(rng: Generator, node: Any, _: list[str]) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("args"), list):
        return node
    return node | {"args": node["args"][: int(rng.integers(len(node["args"]) + 1))]}


def _options(rng: Generator, node: Any, _: list[str]) -> Any:
    return node | {"options": pick(rng, OPTIONS)} if isinstance(node, dict) else node


def _field(rng: Generator, node: Any, _: list[str]) -> Any:
    if not isinstance(node, dict):
        return {"op": node}
    return node | pick(rng, ({"arg": []}, {"args": "x"}, {"op": 3}, {"options": []}, {"": 1}))


TREE_MUTATIONS: tuple[Callable[[Generator, Any, list[str]], Any], ...] = (
    *(_leaf, _leaf, _leaf, _operation, _operation, _wrapped, _joined),
    *(_fewer, _options, _field),
)
