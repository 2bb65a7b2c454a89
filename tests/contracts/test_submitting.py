"""Submitting: one job for each key, bounded queues, nothing left of what was refused."""

import pytest

from service.errors import (
    IdempotencyKeyReusedError,
    NotFoundError,
    QueueFullError,
)
from service.jobs.datasets import Described
from service.training.data import Column
from tests.contracts.submissions import key, submission, submit

HOURS = 3600.0
LARGE = b"x" * (300 * 1024)
STRANGE = "a\0b\ud800 é 'quoted' \"twice\" 🙂"
DESCRIBED = Described(
    format="csv", rows=3, columns=(Column("x", "int64", -1.0, 2.0),), bytes=10, sha256="ab" * 32
)


def test_a_new_job_waits_and_is_told_as_it_is(store):
    job = submit(store, name="first", priority=3, metadata={"a": "b"}, kind="evaluate")

    assert job == store.jobs.job("ada", job.id)
    assert (job.kind, job.name, job.status, job.priority) == ("evaluate", "first", "queued", 3)
    assert (job.attempt, job.version, job.metadata) == (0, 1, {"a": "b"})
    assert [event.data for event in store.jobs.events("ada", job.id)] == [
        {"status": "queued", "attempt": 0}
    ]


def test_any_text_of_a_client_is_kept_as_it_came(store):
    job = submit(store, name=STRANGE, metadata={STRANGE: STRANGE})

    found = store.jobs.job("ada", job.id)

    assert (found.name, found.metadata) == (STRANGE, {STRANGE: STRANGE})


def test_a_large_request_is_a_file_and_comes_back(store):
    job = submit(store, request=LARGE)

    assert store.jobs.request("ada", job.id) == LARGE
    assert len(store.files()) == 1
    assert store.work.claim("w", 30).request == LARGE


@pytest.mark.parametrize("text", ["k", STRANGE, "x" * 5000])
def test_the_same_key_is_one_job_told_as_it_was(store, text):
    first, is_earlier = store.jobs.submit("ada", submission(LARGE), key(text))
    store.work.claim("w", 30)

    again = store.jobs.submit("ada", submission(LARGE), key(text))

    assert (is_earlier, again) == (False, (first, True))
    assert len(store.files()) == 1


def test_the_same_key_with_another_body_is_refused_and_leaves_nothing(store):
    store.jobs.submit("ada", submission(), key())

    with pytest.raises(IdempotencyKeyReusedError, match="expected a new key"):
        store.jobs.submit("ada", submission(LARGE), key(body=b"other"))

    assert store.files() == []
    assert store.jobs.depth()["queued"] == 1


def test_the_job_of_a_key_is_found_without_submitting(make_store):
    store = make_store(idempotency_hours=24)
    job, _ = store.jobs.submit("ada", submission(), key())
    store.jobs.delete("ada", job.id)

    assert store.jobs.submitted("ada", key()) == job
    assert store.jobs.submitted("ada", key("other")) is None
    assert store.jobs.submitted("bob", key()) is None
    with pytest.raises(IdempotencyKeyReusedError, match="expected a new key"):
        store.jobs.submitted("ada", key(body=b"other"))
    store.clock.move(24.1 * HOURS)
    assert store.jobs.submitted("ada", key()) is None


def test_keys_of_two_tenants_are_two(store):
    first = store.jobs.submit("ada", submission(), key())

    other, is_earlier = store.jobs.submit("bob", submission(), key(body=b"other"))

    assert not is_earlier
    assert other.id != first[0].id


def test_a_key_outlives_its_job_and_ends_after_its_hours(make_store):
    store = make_store(idempotency_hours=24)
    job, _ = store.jobs.submit("ada", submission(), key())
    store.jobs.delete("ada", job.id)

    store.clock.move(23.9 * HOURS)
    assert store.jobs.submit("ada", submission(), key()) == (job, True)

    store.clock.move(0.2 * HOURS)
    later, is_earlier = store.jobs.submit("ada", submission(), key(body=b"other"))
    assert (later.id != job.id, is_earlier) == (True, False)


def test_a_sweep_forgets_keys_whose_time_is_over(make_store):
    store = make_store(idempotency_hours=1)
    store.jobs.submit("ada", submission(), key())

    assert store.work.sweep() == 0
    store.clock.move(2 * HOURS)
    assert store.work.sweep() == 1


@pytest.mark.parametrize("bound", ["max_queued_jobs", "max_queued_jobs_of_tenant"])
def test_a_full_queue_refuses_and_uses_no_key_up(make_store, bound):
    store = make_store(**{bound: 3})
    for _ in range(3):
        submit(store)

    with pytest.raises(QueueFullError, match="found 3 jobs"):
        store.jobs.submit("ada", submission(LARGE), key())

    assert store.files() == []
    store.work.claim("w", 30)
    assert store.jobs.submit("ada", submission(), key(body=b"other"))[1] is False


def test_one_tenants_full_queue_is_not_anothers(make_store):
    store = make_store(max_queued_jobs_of_tenant=1)
    submit(store, "ada")

    assert submit(store, "bob").status == "queued"


@pytest.mark.parametrize("which", ["another's", "none", "malformed"])
def test_a_dataset_that_is_not_there_refuses_the_job(store, which):
    foreign = store.records.datasets.add_dataset("bob", None, DESCRIBED).id
    dataset = {"another's": foreign, "none": "ds_" + "0" * 26, "malformed": "\0"}[which]

    with pytest.raises(NotFoundError, match="no such dataset") as caught:
        submit(store, datasets=(dataset,))

    assert caught.value.faults[0].pointer == "/data/dataset"
    assert store.jobs.depth()["queued"] == 0
