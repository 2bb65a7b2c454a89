"""Claims: who gets which job, what may be written with it, and what becomes of lost ones."""

from dataclasses import replace

import pytest

from service.jobs.job import Outcome
from service.jobs.store import LostClaimError
from tests.contracts.submissions import submit

LEASE = 30.0
WRITES = {
    "beat": lambda work, claim: work.beat(claim, LEASE),
    "record_environment": lambda work, claim: work.record_environment(claim, {}),
    "report": lambda work, claim: work.report(claim, {}, []),
    "save_checkpoint": lambda work, claim: work.save_checkpoint(claim, b"late"),
    "finish": lambda work, claim: work.finish(claim, Outcome("succeeded", b"late")),
    "release": lambda work, claim: work.release(claim, b"late"),
}


def claimed_ids(store, count):
    return [store.work.claim(f"w{number}", LEASE).job.id for number in range(count)]


def test_a_claim_has_all_that_a_job_needs(store):
    job = submit(store)

    claim = store.work.claim("w", LEASE)

    assert (claim.job.id, claim.attempt, claim.request) == (job.id, 1, b"{}")
    assert (claim.checkpoint, claim.environment) == (None, None)
    assert claim.job == store.jobs.job("ada", job.id)
    assert store.work.claim("w", LEASE) is None


def test_the_environment_of_the_first_claim_stays(store):
    submit(store)

    first = store.work.claim("w", LEASE, {"threads": 1})
    store.work.release(first)
    second = store.work.claim("w", LEASE, {"threads": 2})

    assert first.environment == second.environment == {"threads": 1}


def test_large_contents_of_a_claim_come_from_files(store):
    submit(store, request=b"r" * 300_000)
    store.work.release(store.work.claim("w", LEASE), b"c" * 300_000)

    claim = store.work.claim("w", LEASE)

    assert (claim.request, claim.checkpoint) == (b"r" * 300_000, b"c" * 300_000)


def test_within_a_tenant_priority_comes_before_age(store):
    jobs = [submit(store, priority=priority) for priority in (0, 5, 0, 5)]

    found = claimed_ids(store, 4)

    assert found == [jobs[1].id, jobs[3].id, jobs[0].id, jobs[2].id]


def test_tenants_are_served_in_turn_however_many_jobs_they_have(store):
    many = [submit(store, "ada").id for _ in range(20)]
    first = claimed_ids(store, 3)
    single = submit(store, "bob").id

    following = claimed_ids(store, 2)

    assert first == many[:3]
    assert following == [single, many[3]]


def test_a_tenant_runs_no_more_jobs_than_its_cap(make_store):
    store = make_store(max_running_jobs_of_tenant=2)
    ids = [submit(store, "ada").id for _ in range(3)]
    claims = [store.work.claim("w", LEASE) for _ in range(2)]

    assert store.work.claim("w", LEASE) is None

    store.work.finish(claims[0], Outcome("succeeded", b""))
    assert store.work.claim("w", LEASE).job.id == ids[2]


@pytest.mark.parametrize("name", WRITES)
def test_a_write_with_a_lost_claim_is_refused(store, name):
    job = submit(store)
    stale = store.work.claim("w", LEASE)
    store.clock.move(LEASE + 1)
    assert store.work.reclaim() == 1
    fresh = store.work.claim("w", LEASE)

    with pytest.raises(LostClaimError):
        WRITES[name](store.work, stale)

    assert fresh.attempt == 2
    assert store.jobs.job("ada", job.id).status == "running"
    assert store.jobs.checkpoint("ada", job.id) is None


@pytest.mark.parametrize("name", WRITES)
def test_a_write_in_the_name_of_another_worker_is_refused(store, name):
    submit(store)
    claim = store.work.claim("w", LEASE)

    with pytest.raises(LostClaimError):
        WRITES[name](store.work, replace(claim, owner="v"))

    assert store.work.beat(claim, LEASE) is False


@pytest.mark.parametrize("name", WRITES)
def test_a_write_after_the_end_is_refused(store, name):
    job = submit(store)
    claim = store.work.claim("w", LEASE)
    done = store.work.finish(claim, Outcome("failed", error={"code": "diverged"}))

    with pytest.raises(LostClaimError):
        WRITES[name](store.work, claim)

    assert store.jobs.job("ada", job.id) == done


def test_a_job_fails_after_so_many_lost_claims(make_store):
    store = make_store(max_lost_claims=3)
    job = submit(store)
    for attempt in (1, 2, 3):
        assert store.work.claim("w", LEASE).attempt == attempt
        store.clock.move(LEASE + 1)
        assert store.work.reclaim() == 1

    found = store.jobs.job("ada", job.id)

    assert (found.status, found.error["code"]) == ("failed", "worker_lost")
    assert store.work.claim("w", LEASE) is None
    assert store.jobs.counters() == {("failed", "train"): 1}


def test_a_released_claim_is_not_a_lost_one(make_store):
    store = make_store(max_lost_claims=1)
    job = submit(store)
    for _ in range(5):
        store.work.release(store.work.claim("w", LEASE), b"kept")

    claim = store.work.claim("w", LEASE)

    assert (claim.job.id, claim.attempt, claim.checkpoint) == (job.id, 6, b"kept")


def test_the_jobs_of_a_dead_worker_are_taken_back_at_once(store):
    job, other = submit(store), submit(store)
    store.work.claim("dead", LEASE)
    store.work.claim("alive", LEASE)

    assert store.work.release_of("dead") == 1

    assert store.jobs.job("ada", job.id).status == "queued"
    assert store.jobs.job("ada", other.id).status == "running"


def test_a_beat_keeps_a_claim_beyond_its_first_lease(store):
    submit(store)
    claim = store.work.claim("w", LEASE)
    for _ in range(3):
        store.clock.move(LEASE - 1)
        assert store.work.beat(claim, LEASE) is False

    assert store.work.reclaim() == 0


@pytest.mark.parametrize("end", ["reclaim", "release", "release_of"])
def test_a_job_to_be_cancelled_is_never_handed_out_again(store, end):
    job = submit(store)
    claim = store.work.claim("w", LEASE)
    assert store.jobs.cancel("ada", job.id).cancel_requested
    assert store.work.beat(claim, LEASE) is True
    store.clock.move(LEASE + 1)

    {
        "reclaim": store.work.reclaim,
        "release": lambda: store.work.release(claim),
        "release_of": lambda: store.work.release_of("w"),
    }[end]()

    assert store.jobs.job("ada", job.id).status == "cancelled"
    assert store.work.claim("w", LEASE) is None
