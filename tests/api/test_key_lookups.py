"""Lookups of keys: few questions to the store, bounded memory, nothing older than allowed."""

import asyncio

import pytest

from service.access import SCOPES, Key, hash_of, new_token
from service.api.key_lookups import MOST_KEPT, KeyLookups

pytestmark = pytest.mark.anyio


class Counted:
    """A store of one key that counts what it is asked."""

    def __init__(self, key=None):
        self.found, self.asked = key, 0

    def now(self):
        return 100.0

    def key(self, key_id):
        self.asked += 1
        return self.found if self.found and self.found.id == key_id else None

    def has_keys(self):
        self.asked += 1
        return self.found is not None


@pytest.fixture
def key_and_secret():
    key_id, secret = new_token()
    return Key(key_id, "a", "n", SCOPES, hash_of(secret), 0.0, expires_at=105.0), secret


async def test_many_requests_at_once_ask_once(key_and_secret):
    key, secret = key_and_secret
    store = Counted(key)
    lookups = KeyLookups(store, 2.0, clock=lambda: 0.0)

    found = await asyncio.gather(*(lookups.opened(key.id, secret) for _ in range(50)))
    await asyncio.gather(*(lookups.has_keys() for _ in range(50)))

    assert set(map(id, found)) == {id(key)}
    assert store.asked == 2


async def test_an_unknown_id_is_remembered_and_what_is_remembered_is_bounded():
    store = Counted()
    lookups = KeyLookups(store, 2.0, clock=lambda: 0.0)

    for _ in range(3):
        assert await lookups.opened("f" * 16, "0" * 64) is None
    assert store.asked == 1
    for number in range(MOST_KEPT + 10):
        lookups._looked_up(f"{number:016x}")

    assert len(lookups._unknown) == MOST_KEPT


async def test_many_unknown_ids_do_not_drive_out_those_that_are_known(key_and_secret):
    key, secret = key_and_secret
    store = Counted(key)
    lookups = KeyLookups(store, 2.0, clock=lambda: 0.0)
    await lookups.opened(key.id, secret)
    for number in range(MOST_KEPT + 10):
        lookups._looked_up(f"{number:016x}")
    asked = store.asked

    assert await lookups.opened(key.id, secret) is key
    assert store.asked == asked


async def test_a_key_ends_at_its_time_between_two_questions(key_and_secret):
    key, secret = key_and_secret
    now = [0.0]
    lookups = KeyLookups(Counted(key), 60.0, clock=lambda: now[0])

    assert await lookups.opened(key.id, secret) is key
    now[0] = 5.5

    assert await lookups.opened(key.id, secret) is None
    assert not await lookups.is_live(key.id)
