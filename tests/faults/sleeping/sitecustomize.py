"""Sleep by `select` in processes under libfaketime.

It takes the absolute monotonic time that Python asks the system to sleep until for a time of
day, even where it is told to leave the monotonic clock alone: the system refuses that moment
with EINVAL. Nothing else of Python's waits is touched.
"""

import select
import time


def _sleep(seconds):
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = _sleep
