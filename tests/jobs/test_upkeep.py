"""Upkeep: what is looked after from time to time, whatever becomes of the store."""

import time

from service.jobs.upkeep import Upkeep
from tests.jobs.stand_ins import Absent


def test_leases_are_looked_at_often_and_old_rows_seldom():
    store, now = Absent(), [0.0]
    upkeep = Upkeep(store, 30.0, sweep_seconds=10.0, clock=lambda: now[0])

    for _ in range(31):
        upkeep.look()
        now[0] += 1.0

    assert store.calls.count("reclaim") == 31
    assert store.calls.count("sweep") in (3, 4)


def test_a_store_that_is_away_does_not_end_it():
    store = Absent(failures=2)
    upkeep = Upkeep(store, 0.06)

    upkeep.start()
    until = time.monotonic() + 5
    while len(store.calls) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    upkeep.close()

    assert store.calls[:4] == ["reclaim"] * 4
