"""Jobs as those see them who submit and look: reading, pages, cancelling, deleting, tenants."""

import math
from base64 import urlsafe_b64encode

import pytest

from service.errors import (
    AlreadyFinishedError,
    InUseError,
    NotFinishedError,
    NotFoundError,
    ValidationError,
)
from service.jobs.job import Outcome
from service.training.runs import Epoch
from tests.contracts.submissions import submit

LEASE = 30.0
LARGE = b"y" * (300 * 1024)
DAY = 86_400.0
READS = {
    "job": lambda jobs, tenant, job: jobs.job(tenant, job),
    "cancel": lambda jobs, tenant, job: jobs.cancel(tenant, job),
    "delete": lambda jobs, tenant, job: jobs.delete(tenant, job),
    "request": lambda jobs, tenant, job: jobs.request(tenant, job),
    "result": lambda jobs, tenant, job: jobs.result(tenant, job),
    "checkpoint": lambda jobs, tenant, job: jobs.checkpoint(tenant, job),
    "history": lambda jobs, tenant, job: jobs.history(tenant, job),
    "events": lambda jobs, tenant, job: jobs.events(tenant, job),
}


def epoch(number, loss=1.0):
    return Epoch(number, loss, None, 0.5, 0.1)


def finished(store, status="succeeded", **outcome):
    submit(store)
    return store.work.finish(store.work.claim("w", LEASE), Outcome(status, **outcome))


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("job_id", ["job_" + "0" * 26, "", "\0", "job_\ud800", "x" * 10_000])
def test_an_unknown_job_is_not_found(store, name, job_id):
    with pytest.raises(NotFoundError, match=r"^found no such job$"):
        READS[name](store.jobs, "ada", job_id)


@pytest.mark.parametrize("name", READS)
def test_anothers_job_is_answered_as_one_that_does_not_exist(store, name):
    job = finished(store, result=b"r", checkpoint=b"c", history=(epoch(1),))

    with pytest.raises(NotFoundError, match=r"^found no such job$"):
        READS[name](store.jobs, "bob", job.id)

    assert store.jobs.job("ada", job.id) == job
    assert store.jobs.jobs("bob").items == ()


def test_pages_go_from_the_newest_to_the_oldest_and_miss_none(store):
    ids = [submit(store).id for _ in range(7)]
    submit(store, "bob")
    pages, after = [], None
    while True:
        page = store.jobs.jobs("ada", limit=3, after=after)
        pages.append([job.id for job in page.items])
        after = page.next
        if after is None:
            break

    assert pages == [ids[6:3:-1], ids[3:0:-1], ids[:1]]


def test_a_list_keeps_to_a_status_and_a_kind(store):
    done, waits = finished(store, result=b""), submit(store, kind="evaluate")

    assert [job.id for job in store.jobs.jobs("ada", status="succeeded").items] == [done.id]
    assert [job.id for job in store.jobs.jobs("ada", kind="evaluate").items] == [waits.id]
    assert store.jobs.jobs("ada", status="failed").items == ()


@pytest.mark.parametrize(
    "after",
    ["", "x", "\0", "é", "=" * 5, "A" * 1000]
    + [
        urlsafe_b64encode(text).decode()
        for text in (b"01 job_0\n", b"99999999999999999999 job_0")
    ]
    + [urlsafe_b64encode(text).decode().rstrip("=") for text in (b"-1 job_0", b"1", b"\xff")],
)
def test_a_cursor_that_no_page_gave_is_refused(store, after):
    with pytest.raises(ValidationError, match="after: found"):
        store.jobs.jobs("ada", after=after)


def test_a_job_that_waits_is_cancelled_at_once(store):
    job = store.jobs.cancel("ada", submit(store).id)

    assert (job.status, job.cancel_requested, job.version) == ("cancelled", True, 2)
    assert job.finished_at is not None
    assert store.work.claim("w", LEASE) is None
    with pytest.raises(AlreadyFinishedError, match="found the job cancelled"):
        store.jobs.cancel("ada", job.id)


def test_a_job_that_runs_is_asked_to_end_as_often_as_one_likes(store):
    job = submit(store)
    claim = store.work.claim("w", LEASE)

    for _ in range(2):
        assert store.jobs.cancel("ada", job.id).status == "running"

    assert store.work.report(claim, {}, []) is True
    assert store.work.finish(claim, Outcome("cancelled", checkpoint=b"c")).status == "cancelled"
    assert store.jobs.checkpoint("ada", job.id) == b"c"


def test_a_deleted_job_leaves_nothing_once_it_is_swept(store):
    job = submit(store, request=LARGE)
    claim = store.work.claim("w", LEASE)
    with pytest.raises(InUseError, match="found the job running"):
        store.jobs.delete("ada", job.id)
    store.work.report(claim, {}, [epoch(number) for number in range(5000)])
    store.work.finish(claim, Outcome("succeeded", result=LARGE, checkpoint=LARGE))
    assert len(store.files()) == 3

    store.jobs.delete("ada", job.id)

    assert store.files() == []
    assert store.jobs.versions([job.id]) == {}
    store.work.sweep()
    with store.records.database.engine.connect() as connection:
        for table in ("events", "history", "blobs", "leftovers", "jobs"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_old_jobs_are_forgotten_after_their_days(make_store):
    store = make_store(job_retention_days=2)
    old = finished(store, result=LARGE)
    store.clock.move(DAY)
    young = finished(store, result=b"")
    waiting = submit(store)
    store.clock.move(1.5 * DAY)

    assert store.work.sweep() == 1

    assert old.id not in {job.id for job in store.jobs.jobs("ada").items}
    assert [job.id for job in store.jobs.jobs("ada").items] == [waiting.id, young.id]
    assert store.files() == []


@pytest.mark.parametrize("status", ["queued", "running", "failed", "cancelled"])
def test_there_is_a_result_only_of_a_job_that_has_succeeded(store, status):
    job = submit(store)
    if status != "queued":
        claim = store.work.claim("w", LEASE)
    if status in ("failed", "cancelled"):
        store.work.finish(claim, Outcome(status, result=b"none"))

    with pytest.raises(NotFinishedError, match=f"found the job {status}"):
        store.jobs.result("ada", job.id)


def test_what_is_told_of_a_run_is_kept(store):
    job = submit(store)
    claim = store.work.claim("w", LEASE)
    store.work.record_environment(claim, {"threads": 1})
    store.work.report(claim, {"epoch": 2}, [epoch(1), epoch(2, math.inf)])
    store.work.report(claim, {"epoch": 3}, [epoch(2, 9.0), epoch(3, math.nan)])
    store.work.save_checkpoint(claim, LARGE)
    store.work.save_checkpoint(claim, b"last")
    store.work.finish(claim, Outcome("succeeded", b"r", progress={"epoch": 4}))

    history = store.jobs.history("ada", job.id)
    events = store.jobs.events("ada", job.id, after=2)

    assert [line.epoch for line in history] == [1, 2, 3]
    assert history[1].loss == math.inf
    assert math.isnan(history[2].loss)
    assert store.jobs.history("ada", job.id, after=1, limit=1) == history[1:2]
    assert [event.number for event in events] == [3, 4, 5, 6]
    assert [event.data.get("epoch") for event in events] == [2, 3, 4, None]
    assert store.jobs.result("ada", job.id) == b"r"
    assert store.jobs.checkpoint("ada", job.id) == b"last"
    assert store.files() == []
    assert store.jobs.job("ada", job.id).progress == {"epoch": 4}


def test_status_events_stay_and_old_progress_goes(store):
    job = submit(store)
    claim = store.work.claim("w", LEASE)
    for number in range(1, 1201):
        store.work.report(claim, {"epoch": number}, [])

    events = store.jobs.events("ada", job.id, limit=5000)

    assert [event.name for event in events[:2]] == ["status", "status"]
    assert 1000 <= len(events) <= 1102
    assert events[-1].data == {"epoch": 1200}
    assert store.jobs.versions([job.id, "\0"]) == {job.id: 1202}


def test_depth_counters_and_workers_are_of_all_tenants(store):
    submit(store, "ada")
    store.work.claim("w", LEASE)
    submit(store, "bob")
    store.clock.move(5)
    store.work.count("worker_restarts")
    store.work.count("worker_restarts", by=2)
    store.work.worker_seen("w", LEASE)
    store.work.worker_seen("v", LEASE)
    store.work.worker_gone("v")

    depth = store.jobs.depth()

    assert (depth["queued"], depth["running"]) == (1, 1)
    assert depth["oldest_queued_seconds"] == pytest.approx(5, abs=0.1)
    assert store.jobs.counters() == {("worker_restarts", ""): 3}
    assert store.jobs.live_workers() == 1
    store.clock.move(LEASE + 1)
    assert store.jobs.live_workers() == 0
    store.jobs.ping()
