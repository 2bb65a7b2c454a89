"""The nearest known name, as a hint."""

from collections.abc import Iterable

from service.language.places import nearest, shown


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """`did you mean …?` with the nearest known name, or None."""
    near = nearest(name, known)
    return f"did you mean {shown(near)}?" if near else None
