"""From a JSON tree to text: a name is a variable, a number a constant, an object an operation.

It is written in the numpy dialect, with the place of each of its nodes, and goes on as text.
"""

from dataclasses import dataclass

from service.errors import OverLimitError
from service.language.tree_parts import Json, Node, parts_of_tree
from service.settings import Limits


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node of the tree stands in its text, and its JSON pointer."""

    start: int
    end: int
    pointer: str


@dataclass(frozen=True, slots=True)
class WrittenTree:
    """A tree as text, and the places of its nodes, each before its parts."""

    text: str
    spans: tuple[Span, ...]

    def pointer_at(self, start: int, end: int) -> str:
        """The JSON pointer of the innermost node around a place of the text."""
        around = [s for s in self.spans if s.start <= start and end <= s.end]
        return min(reversed(around), key=lambda s: s.end - s.start).pointer if around else ""


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the node whose span has this position."""

    position: int


def written(tree: Json, limits: Limits) -> WrittenTree:
    """The tree as text; whatever is said of the text later can be told of the tree.

    Raises:
        ValidationError: it is not a tree; with the pointer to what is wrong.
        UnknownFunctionError: an operation is not in the language.
        WrongArgumentsError: an operator has too few or too many operands.
        OverLimitError: the tree has too many nodes, or its text too many characters.
    """
    text: list[str] = []
    length = 0
    spans: list[Span] = []
    pending: list[str | Node | _End] = [Node(tree, 0, "")]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            text.append(part)
            length += len(part)
            _check_size(length, len(spans), limits)
        elif isinstance(part, _End):
            opened = spans[part.position]
            spans[part.position] = Span(opened.start, length, opened.pointer)
        else:
            _check_width(part.tree, limits)
            own, parts = parts_of_tree(part.tree, part.pointer)
            is_group = own < part.level
            end = _End(len(spans))
            spans.append(Span(length + is_group, length, part.pointer))
            pending += reversed(["(" * is_group, *parts, end, ")" * is_group])
    return WrittenTree("".join(text), tuple(spans))


def _check_width(tree: Json, limits: Limits) -> None:
    """Refuse what holds more parts than a tree may have nodes, before they are looked at."""
    if isinstance(tree, dict):
        options = tree.get("options")
        held = [tree.get("args"), options]
        if isinstance(options, dict) and len(options) <= limits.max_expression_nodes:
            held += options.values()
        for part in held:
            if isinstance(part, list | dict) and len(part) > limits.max_expression_nodes:
                raise _too_many_nodes(limits)


def _too_many_nodes(limits: Limits) -> OverLimitError:
    return OverLimitError(
        f"the tree has more nodes than the limit max_expression_nodes, "
        f"{limits.max_expression_nodes}",
        pointer="",
    )


def _check_size(characters: int, nodes: int, limits: Limits) -> None:
    if nodes > limits.max_expression_nodes:
        raise _too_many_nodes(limits)
    if characters > limits.max_expression_characters:
        raise OverLimitError(
            f"the tree's text has more characters than the limit max_expression_characters, "
            f"{limits.max_expression_characters}",
            pointer="",
        )
