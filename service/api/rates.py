"""How often a key may be used: a moving window in the memory of each process."""

import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.errors import RateLimitedError
from service.settings import SettingsError

Header = tuple[bytes, bytes]


class Rates:
    """Counts the requests of each key; `limit` as in `6000/minute`."""

    def __init__(self, limit: str) -> None:
        self._limit = _parsed(limit)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def spend(self, key_id: str) -> tuple[list[Header], RateLimitedError | None]:
        """Count a request: headers that tell what is left, and the refusal, if any."""
        is_allowed = self._limiter.hit(self._limit, key_id)
        stats = self._limiter.get_window_stats(self._limit, key_id)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = _headers(self._limit.amount, max(0, stats.remaining), seconds)
        return headers, None if is_allowed else _refusal(self._limit, seconds)


def _headers(limit: int, remaining: int, seconds: int) -> list[Header]:
    return [
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % remaining),
        (b"ratelimit-reset", b"%d" % seconds),
    ]


def _refusal(limit: RateLimitItem, seconds: int) -> RateLimitedError:
    error = RateLimitedError(
        f"the key is used more than rate_limit allows, {limit.amount} requests in "
        f"{limit.get_expiry()} s"
    )
    error.retry_after = seconds
    return error


def _parsed(limit: str) -> RateLimitItem:
    try:
        return parse(limit)
    except ValueError as error:
        raise SettingsError(
            f"GRADSERVE_RATE_LIMIT: found {limit!r}, expected a rate such as '6000/minute'"
        ) from error
