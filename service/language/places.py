"""Places in a text for messages: the line and a caret, names shown safely, the nearest one."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from service.errors import GradserveError
from service.language.characters import is_unsafe

_WIDTH = 80
_LONGEST_SHOWN = 60
_LONGEST_NEAREST = 64
_SHORTEST_CORRECTED = 3
_SHORTEST_COMPLETED = 4


def excerpt(text: str, start: int, end: int) -> str:
    """Three lines: `line L, column C`, at most 80 characters of the line, and the carets.

    Whatever could move the carets or act on a terminal is replaced one for one.
    """
    start = min(max(start, 0), len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    length = (len(text) if line_end < 0 else line_end) - line_start
    column = start - line_start
    stop = max(column + 1, min(end - line_start, length))
    longest = max(length, stop)
    left = 0
    if longest > _WIDTH:
        margin = max((_WIDTH - (stop - column)) // 2, 1)
        left = max(0, min(column - margin, longest - _WIDTH))
    right = min(left + _WIDTH, length)
    window = "".join(map(_plain, text[line_start + left : line_start + right]))
    if left > 0:
        window = "…" + window[1:]
    if right < length:
        window = window[:-1] + "…"
    carets = " " * (column - left) + "^" * (min(stop, left + _WIDTH) - column)
    number = text.count("\n", 0, start) + 1
    return f"line {number}, column {column + 1}\n{window}\n{carets}"


def located(
    error: GradserveError, text: str, pointer_at: Callable[[int, int], str] | None = None
) -> GradserveError:
    """The same error, with the excerpt at the end of the message of each fault with a place.

    Where the text stands for a tree, `pointer_at` gives the pointer to the node at a place, and
    the fault has that instead of the place.
    """
    faults = []
    for fault in error.faults:
        if fault.start is None:
            faults.append(fault)
            continue
        end = fault.start if fault.end is None else fault.end
        where = f"\n{excerpt(text, fault.start, end)}"
        message = fault.message if fault.message.endswith(where) else fault.message + where
        pointer = fault.pointer or "/expression"
        if pointer_at is None:
            faults.append(replace(fault, message=message, pointer=pointer))
        else:
            pointer += pointer_at(fault.start, end)
            faults.append(
                replace(fault, message=message, pointer=pointer, start=None, end=None)
            )
    if error.message == error.faults[0].message:
        error.message = faults[0].message
        error.args = (error.message,)
    error.faults = tuple(faults)
    return error


def describe(value: object) -> str:
    """What was found, in words for the reader: `a string`, `true`, `the number 3`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that the name was probably meant to be, if one is close enough.

    Names equal but for case and underscores come first, then few slips of the fingers, then
    a candidate that the name begins. A name of one or two letters is only corrected in case.
    """
    if len(name) > _LONGEST_NEAREST:
        return None
    known = sorted(set(candidates) - {name})
    folded = _folded(name)
    alike = [candidate for candidate in known if _folded(candidate) == folded]
    if alike:
        return min(alike, key=lambda candidate: candidate.casefold() != name.casefold())
    if len(folded) < _SHORTEST_CORRECTED:
        return None
    allowed = 1 if len(folded) <= 4 else 2 if len(folded) <= 8 else 3
    slips = {
        candidate: distance
        for candidate in known
        if abs(len(other := _folded(candidate)) - len(folded)) <= allowed
        and len(other) >= _SHORTEST_CORRECTED
        and (distance := _slips(folded, other, allowed)) <= allowed
    }
    if slips:
        return min(slips, key=lambda candidate: (slips[candidate], candidate[0] != name[0]))
    if len(folded) >= _SHORTEST_COMPLETED:
        longer = [candidate for candidate in known if _folded(candidate).startswith(folded)]
        return min(longer, key=len, default=None)
    return None


def shown(name: str) -> str:
    """The input in quotes for a message: escaped, and clipped to 60 characters."""
    quote = '"' if "'" in name and '"' not in name else "'"
    pieces = [_escaped(character, quote) for character in name[:_LONGEST_SHOWN]]
    room = _LONGEST_SHOWN - 2
    if len(name) <= _LONGEST_SHOWN and sum(map(len, pieces)) <= room:
        return f"{quote}{''.join(pieces)}{quote}"
    kept = ""
    for piece in pieces:
        if len(kept) + len(piece) >= room:
            break
        kept += piece
    return f"{quote}{kept}…{quote}"


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    return "\ufffd" if is_unsafe(character) else character


def _escaped(character: str, quote: str) -> str:
    if character in ("\\", quote):
        return f"\\{character}"
    if is_unsafe(character) or (character.isspace() and character != " "):
        return ascii(character)[1:-1] if ord(character) < 0x300 else _numbered(character)
    return character


def _numbered(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _slips(left: str, right: str, allowed: int) -> int:
    """How many letters are added, missing, wrong or swapped; at most one past the allowed."""
    before: list[int] = []
    previous = list(range(len(right) + 1))
    for i, letter in enumerate(left):
        current = [i + 1]
        for j, other in enumerate(right):
            cost = min(current[j] + 1, previous[j + 1] + 1, previous[j] + (letter != other))
            if i and j and letter == right[j - 1] and left[i - 1] == other:
                cost = min(cost, before[j - 1] + 1)
            current.append(cost)
        if min(current) > allowed:
            return allowed + 1
        before, previous = previous, current
    return previous[-1]
