"""How far a training run is: one line that is drawn anew on a terminal, else a few lines."""

from typing import TextIO

from service.training.runs import Progress

_BAR = 20
_PLAIN_LINES = 10
_CLEAR = "\r\x1b[K"


class ProgressLine:
    """Tells of progress on a stream; `close` leaves the terminal on a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._told = 0
        self._is_open = False

    def show(self, progress: Progress, loss: float | None) -> None:
        """Tell of it; `loss` is that of the last step in own units."""
        if self._is_terminal:
            self._stream.write(f"{_CLEAR}{_drawn(progress, loss)}")
            self._is_open = True
        else:
            every = -(-progress.epochs // _PLAIN_LINES)
            if progress.step or progress.epoch < self._told + every:
                return
            self._told = progress.epoch
            self._stream.write(f"{_plain(progress, loss)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Wipe the line, so that what follows begins in its place."""
        if self._is_open:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_open = False


def _drawn(progress: Progress, loss: float | None) -> str:
    done = progress.epoch + progress.step / max(1, progress.steps)
    filled = min(_BAR, int(_BAR * done / progress.epochs))
    bar = "#" * filled + "-" * (_BAR - filled)
    return f"[{bar}] {_plain(progress, loss)}"


def _plain(progress: Progress, loss: float | None) -> str:
    parts = [f"epoch {progress.epoch}/{progress.epochs}"]
    if loss is not None:
        parts.append(f"loss {loss:.5g}")
    parts.append(f"{progress.samples_per_second:,.0f} rows/s")
    if progress.seconds_left is not None:
        parts.append(f"{_clock(progress.seconds_left)} left")
    return "  ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
