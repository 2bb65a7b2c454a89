"""Asking a store that is away for a while, until it answers or the claim is lost."""

import time
from collections.abc import Callable
from typing import TypeVar

from service.errors import StorageFullError, UnavailableError
from service.jobs.store import LostClaimError

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
Answer = TypeVar("Answer")


def insist(
    call: Callable[[], Answer],
    is_lost: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """What the store answers, asked again after pauses that grow while it is away.

    Raises:
        LostClaimError: the claim is lost, so that nothing may be said with it any more.
    """
    pause = FIRST_PAUSE
    while True:
        if is_lost():
            raise LostClaimError
        try:
            return call()
        except (UnavailableError, StorageFullError):
            sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
