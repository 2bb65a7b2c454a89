"""How far a file is on its way: one line that is drawn anew on a terminal."""

from collections.abc import Callable
from time import monotonic
from typing import TextIO

_CLEAR = "\r\x1b[K"
_SECONDS_BETWEEN = 0.1
_UNITS = ("B", "kB", "MB", "GB", "TB")


class TransferLine:
    """Tells of bytes and their rate; nothing where the stream is no terminal."""

    def __init__(
        self, stream: TextIO, label: str, total: int, clock: Callable[[], float] = monotonic
    ) -> None:
        self._stream, self._label, self._total, self._clock = stream, label, total, clock
        self._is_shown = stream.isatty()
        self._started = self._last = clock()
        self._count = 0

    def add(self, count: int) -> None:
        """So many more bytes have gone."""
        self._count += count
        now = self._clock()
        if self._is_shown and now - self._last >= _SECONDS_BETWEEN:
            self._last = now
            rate = size_text(round(self._count / (now - self._started)))
            share = self._count / self._total if self._total else 1.0
            done = f"{size_text(self._count)} of {size_text(self._total)} ({share:.0%})"
            self._stream.write(f"{_CLEAR}{self._label}  {done}  {rate}/s")
            self._stream.flush()

    def close(self) -> None:
        """Wipe the line, so that what follows begins in its place."""
        if self._is_shown:
            self._stream.write(_CLEAR)
            self._stream.flush()


def size_text(count: int) -> str:
    """A number of bytes as people read it: `12.3 MB`."""
    size, place = float(count), 0
    while size >= 999.95 and place < len(_UNITS) - 1:
        size, place = size / 1000, place + 1
    return f"{size:.1f} {_UNITS[place]}" if place else f"{count} B"
