"""Signals to stop, as a question that is asked often."""

import signal
from types import FrameType


class Stopping:
    """Whether a signal to stop has come. A handler only sets a flag: it takes no locks."""

    def __init__(self) -> None:
        self._has_begun = False

    def is_asked(self) -> bool:
        """Whether to stop."""
        return self._has_begun

    def listen(self, *signals: signal.Signals) -> None:
        """Handle these signals from now on."""
        for number in signals:
            signal.signal(number, self._begin)

    def _begin(self, _signal: int, _frame: FrameType | None) -> None:
        self._has_begun = True
