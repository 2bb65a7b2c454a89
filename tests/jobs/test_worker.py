"""One worker: what it does with a claim, and what stops its work."""

import time
from itertools import count

import pytest

from service.jobs import watch
from service.jobs.job import Outcome
from service.jobs.store import LostClaimError
from service.jobs.worker import DID_NOT_YIELD, OUT_OF_MEMORY, Tools, Worker
from service.settings import Settings
from tests.jobs.stand_ins import CLAIM, Absent

LEASE = 0.3
DONE = Outcome(status="succeeded", result=b"1")


class Ended(BaseException):
    """The process has ended itself, with this code."""


def ending(code):
    raise Ended(code)


def worked(store, run, *, end_process=ending):
    """The jobs of the store, run by one worker until no more are waiting."""
    settings = Settings(lease_seconds=LEASE)
    tools = Tools(store=store, records=None, files=None, settings=settings, run=run)
    jobs = len(store.claims)

    def is_stopping():
        return store.calls.count("claim") > jobs

    Worker("owner", tools, is_stopping, end_process).run_until_stopped()


def patiently(reason_wanted, outcome, seconds=5.0):
    """A run that goes on until it is asked to stop for this reason."""

    def run(claim, store, records, files, settings, is_stopping, crew):
        until = time.monotonic() + seconds
        while is_stopping() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert is_stopping() == reason_wanted
        return outcome

    return run


def test_a_job_is_claimed_run_and_its_outcome_recorded():
    store = Absent(claims=[CLAIM, CLAIM])

    worked(store, lambda *_: DONE)

    assert store.outcomes == [DONE, DONE]
    assert store.calls[-1] == "worker_gone"


def test_a_store_that_is_away_is_asked_again_without_haste():
    store = Absent(failures=3, claims=[CLAIM])
    began = time.monotonic()

    worked(store, lambda *_: DONE)

    assert store.outcomes == [DONE]
    assert 1.0 < time.monotonic() - began < 3.0


def test_beats_keep_the_lease_while_the_job_runs():
    store = Absent(claims=[CLAIM])

    def run(*_):
        time.sleep(2 * LEASE)
        return DONE

    worked(store, run)

    assert 4 <= store.calls.count("beat") <= 8


def test_a_beat_that_loses_its_claim_stops_the_work_and_nothing_is_written():
    store = Absent(claims=[CLAIM])
    store.is_lost = True

    worked(store, patiently("lost", None))

    assert store.outcomes == []
    assert "finish" not in store.calls


def test_a_lease_that_ends_while_the_store_is_away_stops_the_work():
    store = Absent(claims=[CLAIM])

    def run(claim, patient, *rest):
        store.failures = 10**9
        try:
            return patiently("lost", None)(claim, patient, *rest)
        finally:
            store.failures = 0

    worked(store, run)

    assert store.outcomes == []


def test_a_cancellation_reaches_the_work():
    store = Absent(claims=[CLAIM])
    store.is_cancelled = True
    cancelled = Outcome(status="cancelled", checkpoint=b"1")

    worked(store, patiently("cancel", cancelled))

    assert store.outcomes == [cancelled]


def test_work_that_does_not_yield_is_marked_cancelled_and_ends_its_process(monkeypatch):
    monkeypatch.setattr(watch, "YIELD_SECONDS", 0.3)
    store, codes = Absent(claims=[CLAIM]), []
    store.is_cancelled = True

    def run(*_):
        while not codes:
            time.sleep(0.01)

    worked(store, run, end_process=codes.append)

    assert codes[0] == DID_NOT_YIELD
    assert store.outcomes[0].status == "cancelled"


def test_running_out_of_memory_ends_the_process():
    def run(*_):
        raise MemoryError

    with pytest.raises(Ended, match=str(OUT_OF_MEMORY)):
        worked(Absent(claims=[CLAIM]), run)


def test_what_nobody_foresaw_fails_the_job_and_the_worker_goes_on():
    store = Absent(claims=[CLAIM, CLAIM])
    runs = count()

    def run(*_):
        if next(runs) == 0:
            raise KeyError("x")
        return DONE

    worked(store, run)

    assert [outcome.status for outcome in store.outcomes] == ["failed", "succeeded"]
    assert store.outcomes[0].error["code"] == "internal"


def test_a_write_of_the_run_that_loses_its_claim_is_no_failure():
    def run(*_):
        raise LostClaimError

    store = Absent(claims=[CLAIM])

    worked(store, run)

    assert store.outcomes == []
