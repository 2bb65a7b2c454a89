"""Upkeep: what is looked after from time to time, whatever becomes of the store."""

import time

from service.jobs.upkeep import SWEEPS_PER_LOOK_AT_FILES, UNNAMED_SECONDS, Upkeep
from tests.jobs.stand_ins import Absent


class Files:
    """Records and files that note what is asked of them."""

    def __init__(self):
        self.cleared, self.forgotten = 0, []

    def kept_files(self):
        return {"named"}

    def clear(self):
        self.cleared += 1

    def forget_all_but(self, kept, older_than_seconds):
        self.forgotten.append((kept, older_than_seconds))
        return 1


def upkeep_of(store, files, lease_seconds, **options):
    return Upkeep(store, files, files, lease_seconds, **options)


def test_leases_are_looked_at_often_and_old_rows_seldom():
    store, now = Absent(), [0.0]
    upkeep = upkeep_of(store, Files(), 30.0, sweep_seconds=10.0, clock=lambda: now[0])

    for _ in range(31):
        upkeep.look()
        now[0] += 1.0

    assert store.calls.count("reclaim") == 31
    assert store.calls.count("sweep") in (3, 4)


def test_a_store_that_is_away_does_not_end_it():
    store = Absent(failures=2)
    upkeep = upkeep_of(store, Files(), 0.06)

    upkeep.start()
    until = time.monotonic() + 5
    while len(store.calls) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    upkeep.close()

    assert store.calls[:4] == ["reclaim"] * 4


def looked_after(lease_seconds, looks):
    files, now = Files(), [0.0]
    upkeep = upkeep_of(Absent(), files, lease_seconds, sweep_seconds=10.0, clock=lambda: now[0])
    for _ in range(looks):
        now[0] += 10.0
        upkeep.look()
    return files


def test_what_is_left_is_cleared_often_and_files_that_nobody_names_are_forgotten_seldom():
    files = looked_after(30.0, SWEEPS_PER_LOOK_AT_FILES)

    assert files.cleared == SWEEPS_PER_LOOK_AT_FILES
    assert files.forgotten == [({"named"}, UNNAMED_SECONDS)]


def test_a_file_may_wait_for_its_record_as_long_as_a_job_may_try():
    files = looked_after(7200.0, SWEEPS_PER_LOOK_AT_FILES)

    assert files.forgotten == [({"named"}, 72_000.0)]
