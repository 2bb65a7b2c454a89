"""Keys as they were a moment ago, so that few requests ask the store.

What is kept is bounded, and ids that do not exist are looked up one after the other, so that
many of them neither fill the memory nor load the store.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from service.access import Key, KeyStore

MOST_KEPT = 4096
_NOBODY = Key("", "", "", (), b"\0" * 32, 0.0)
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _Seen:
    key: Key | None
    store_time: float
    at: float  # of the clock of this process


class KeyLookups:
    """The keys of a store, each at most `seconds` old."""

    def __init__(
        self, keys: KeyStore, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys, self._seconds, self._clock = keys, seconds, clock
        self._known: OrderedDict[str, _Seen] = OrderedDict()
        self._unknown: OrderedDict[str, _Seen] = OrderedDict()
        self._for_known, self._for_unknown = CapacityLimiter(2), CapacityLimiter(1)
        self._for_any = CapacityLimiter(1)
        self._has_keys, self._has_keys_at = False, float("-inf")

    async def has_keys(self) -> bool:
        """Whether there is any key; once there is one, there always is."""
        if self._has_keys or self._clock() - self._has_keys_at < self._seconds:
            return self._has_keys
        return await self._asked(self._looked_for, self._for_any)

    async def opened(self, key_id: str, secret: str) -> Key | None:
        """The key, if the secret is its own and it is good now; in constant time."""
        seen = await self._seen(key_id)
        opens = (seen.key or _NOBODY).opens(secret, self._store_time(seen))
        return seen.key if opens else None

    async def is_live(self, key_id: str) -> bool:
        """Whether the key is neither revoked nor has expired."""
        seen = await self._seen(key_id)
        key = seen.key
        if key is None or key.revoked_at is not None:
            return False
        return key.expires_at is None or self._store_time(seen) < key.expires_at

    def _looked_for(self) -> bool:
        """In a thread: whether there is a key, unless another request asked by now."""
        at = self._clock()
        if not self._has_keys and at - self._has_keys_at >= self._seconds:
            self._has_keys, self._has_keys_at = self._keys.has_keys(), at
        return self._has_keys

    def _store_time(self, seen: _Seen) -> float:
        return seen.store_time + self._clock() - seen.at

    async def _seen(self, key_id: str) -> _Seen:
        seen = self._fresh(key_id)
        if seen is not None:
            return seen
        limiter = self._for_known if key_id in self._known else self._for_unknown
        return await self._asked(lambda: self._looked_up(key_id), limiter)

    def _fresh(self, key_id: str) -> _Seen | None:
        seen = self._known.get(key_id) or self._unknown.get(key_id)
        return seen if seen and self._clock() - seen.at < self._seconds else None

    def _looked_up(self, key_id: str) -> _Seen:
        """In a thread: what the store says, unless another request asked it by now."""
        if (seen := self._fresh(key_id)) is not None:
            return seen
        at = self._clock()
        seen = _Seen(self._keys.key(key_id), self._keys.now(), at)
        kept, other = self._known, self._unknown
        if seen.key is None:
            kept, other = other, kept
        other.pop(key_id, None)
        kept[key_id] = seen
        kept.move_to_end(key_id)
        while len(kept) > MOST_KEPT:
            kept.popitem(last=False)
        return seen

    async def _asked(self, ask: Callable[[], Found], limiter: CapacityLimiter) -> Found:
        return await to_thread.run_sync(ask, limiter=limiter)
