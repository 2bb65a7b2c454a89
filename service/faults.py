"""The root of all deliberate errors, and the faults it carries; the tree is in errors.py."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of a problem's `errors`: where, what was found, what was expected.

    `start` and `end` count Unicode code points of the expression; `pointer` is an RFC 6901
    JSON pointer into the request body.
    """

    message: str
    pointer: str | None = None
    start: int | None = None
    end: int | None = None
    hint: str | None = None

    def within(self, pointer: str) -> "Fault":
        """This fault with a pointer, unless it already has one."""
        return replace(self, pointer=pointer) if self.pointer is None else self


class GradserveError(Exception):
    """The root of every error that is an answer; carries one or more faults.

    The docstring of a class with a code is its page: title, meaning, → what to do.
    `retry_after` is the whole seconds after which to try again, where that helps; `details`
    are figures for programs, as values of JSON.
    """

    code: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]
    meaning: ClassVar[str]
    remedy: ClassVar[str]
    retry_after: int | None = None

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "code"):
            title, _, page = (cls.__doc__ or cls.code).partition("\n\n")
            meaning, _, remedy = page.partition("→ ")
            cls.title = title.rstrip(".")
            cls.meaning, cls.remedy = " ".join(meaning.split()), " ".join(remedy.split())

    def __init__(
        self,
        message: str,
        *,
        pointer: str | None = None,
        start: int | None = None,
        end: int | None = None,
        hint: str | None = None,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, object] = {}
        self.faults = faults or (Fault(message, pointer, start, end, hint),)

    def at(self, start: int, end: int) -> "GradserveError":
        """This error with a place, unless it already has one."""
        if self.faults[0].start is None:
            self.faults = (replace(self.faults[0], start=start, end=end), *self.faults[1:])
        return self
