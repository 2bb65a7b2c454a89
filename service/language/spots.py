"""The spot in an expression where parsing stopped, and its surroundings, for a message."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from service.errors import ExpressionSyntaxError
from service.language.lexemes import Lexeme

CLOSING = {"LEFT_PARENTHESIS": ")", "LEFT_BRACKET": "]"}
OPENING = {"RIGHT_PARENTHESIS": "LEFT_PARENTHESIS", "RIGHT_BRACKET": "LEFT_BRACKET"}
ENDS_OPERAND = frozenset({"NAME", "NUMBER", "TRANSPOSE", "STRING", "BOOLEAN", "NONE", *OPENING})
BOUNDARIES = frozenset({"_COMMA", "_ASSIGN", "_SEPARATOR", "COLON"})

_LONGEST_QUOTED = 40


@dataclass(frozen=True)
class Spot:
    """The first word that fits no rule (`found`) among the others."""

    text: str
    lexemes: list[Lexeme]
    position: int

    @cached_property
    def found(self) -> Lexeme:
        """The word that does not fit; of type END after the last."""
        return self.at(self.position)

    @cached_property
    def before(self) -> Lexeme:
        """The word before it; of type END before the first."""
        return self.at(self.position - 1)

    @cached_property
    def opened(self) -> list[int]:
        """Positions of the brackets open at the spot, the innermost last."""
        positions: list[int] = []
        for position, lexeme in enumerate(self.lexemes[: self.position]):
            if lexeme.type in CLOSING:
                positions.append(position)
            elif lexeme.type in OPENING and positions:
                positions.pop()
        return positions

    @property
    def is_after_operand(self) -> bool:
        """Whether an operator could stand here."""
        return self.before.type in ENDS_OPERAND

    @property
    def is_joined(self) -> bool:
        """Whether no space parts the word from the one before it."""
        return self.position > 0 and self.before.end == self.found.start

    @property
    def bracket(self) -> str:
        """What the innermost open bracket is of: a call, group, index or stack, or nothing."""
        if not self.opened:
            return ""
        position = self.opened[-1]
        kind, previous = self.at(position).type, self.at(position - 1).type
        if kind == "LEFT_BRACKET":
            return "index" if previous in ENDS_OPERAND else "stack"
        return "call" if previous == "NAME" else "group"

    @property
    def opener(self) -> str:
        """The innermost open bracket and its place, for a message."""
        lexeme = self.at(self.opened[-1])
        return f"{lexeme.text!r} opened at {lexeme.start}"

    @property
    def closing(self) -> str:
        """What closes the innermost open bracket."""
        return CLOSING[self.at(self.opened[-1]).type]

    def at(self, position: int) -> Lexeme:
        """The word at a position; one of type END and no text beyond the first or last."""
        if 0 <= position < len(self.lexemes):
            return self.lexemes[position]
        end = self.lexemes[-1].end if self.lexemes and position > 0 else 0
        return Lexeme("END", "", end, end)

    def error(
        self, message: str, hint: str | None = None, place: Lexeme | None = None
    ) -> ExpressionSyntaxError:
        """The error at a word, by default the one that does not fit."""
        place = place or self.found
        return ExpressionSyntaxError(message, start=place.start, end=place.end, hint=hint)

    def quoted(self, first: int, last: int) -> str:
        """The text from one word to another, or `…` where it is long or has no end."""
        part = self.text[self.at(first).start : self.at(last).end]
        if 0 <= first <= last < len(self.lexemes) and len(part) <= _LONGEST_QUOTED:
            return part if part.isprintable() else "…"
        return "…"

    def beginning(self, boundaries: AbstractSet[str]) -> int:
        """The position after the last boundary before the spot, outside inner brackets."""
        depth = 0
        for position in range(self.position - 1, -1, -1):
            kind = self.at(position).type
            depth += (kind in OPENING) - (kind in CLOSING)
            if depth < 0 or (depth == 0 and kind in boundaries):
                return position + 1
        return 0

    def ending(self, boundaries: AbstractSet[str]) -> int:
        """The position before the first boundary after the spot, outside inner brackets."""
        depth = 0
        for position in range(self.position + 1, len(self.lexemes)):
            kind = self.at(position).type
            depth += (kind in CLOSING) - (kind in OPENING)
            if depth < 0 or (depth == 0 and kind in boundaries):
                return position - 1
        return len(self.lexemes) - 1

    def operand_before(self) -> int:
        """The position of the first word of the operand that ends before the spot."""
        position = self.position - 1
        while True:
            if self.at(position).type in OPENING:
                position = self._opened_at(position)
                previous, kind = self.at(position - 1).type, self.at(position).type
                if kind == "LEFT_PARENTHESIS" or previous not in ENDS_OPERAND:
                    return position - (kind == "LEFT_PARENTHESIS" and previous == "NAME")
            elif self.at(position).type != "TRANSPOSE":
                return max(position, 0)
            position -= 1

    def operand_after(self, position: int) -> int:
        """The position of the last word of the operand that begins at a position."""
        position = self.closed_at(position)
        while True:
            following = self.at(position + 1).type
            is_call = following == "LEFT_PARENTHESIS" and self.at(position).type == "NAME"
            if following in ("TRANSPOSE", "LEFT_BRACKET") or is_call:
                position = self.closed_at(position + 1)
            else:
                return position

    def closed_at(self, position: int) -> int:
        """The position of the bracket that closes the one given; itself if it is no bracket."""
        depth = 0
        for i in range(position, len(self.lexemes)):
            kind = self.at(i).type
            depth += (kind in CLOSING) - (kind in OPENING)
            if depth <= 0:
                return i
        return len(self.lexemes)

    def _opened_at(self, position: int) -> int:
        depth = 0
        for i in range(position, -1, -1):
            kind = self.at(i).type
            depth += (kind in OPENING) - (kind in CLOSING)
            if depth == 0:
                return i
        return 0
