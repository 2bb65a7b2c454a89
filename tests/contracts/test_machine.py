"""Any order of what submitters, workers and accidents do keeps the promises of the store.

A small model in memory says what each step must answer; what no step may break is looked at
after each.
"""

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from service.errors import (
    AlreadyFinishedError,
    IdempotencyKeyReusedError,
    InUseError,
    NotFinishedError,
    NotFoundError,
    QueueFullError,
)
from service.jobs.job import TERMINAL, Outcome
from service.jobs.store import LostClaimError
from tests.contracts.stores import emptied
from tests.contracts.submissions import key, submission

LEASE, MOST_LOST, MOST_QUEUED, MOST_RUNNING = 30.0, 2, 6, 2
TENANTS = ("ada", "bob")
OWNERS = ("v", "w")
# How often each is taken; one rule takes them, as Hypothesis leaves whole rules out of a run.
STEPS = (
    ["submit"] * 5
    + ["claim"] * 5
    + ["write"] * 5
    + ["cancel_or_delete"] * 2
    + ["time_passes", "reclaim", "crash"] * 2
    + ["sweep"]
)


@dataclass
class Modelled:
    """What must be true of a job."""

    tenant: str
    priority: int
    number: int
    status: str = "queued"
    attempt: int = 0
    lost: int = 0
    owner: str | None = None
    lease_until: float = 0.0
    is_cancelled: bool = False
    checkpoint: bytes | None = None
    result: bytes | None = None
    events: list = field(default_factory=lambda: ["queued"])

    def become(self, status):
        self.status = status
        self.events.append(status)

    def lose(self):
        self.lost += 1
        self.back("failed" if self.lost >= MOST_LOST else "queued")

    def back(self, status):
        self.become("cancelled" if self.is_cancelled else status)


class StoreMachine(RuleBasedStateMachine):
    """Steps in any order, against one store."""

    store = None

    def __init__(self):
        super().__init__()
        emptied(self.store.records.database)
        self.jobs, self.claims, self.keys, self.turns = {}, [], {}, {}
        self.now, self.turn, self.numbers = 0.0, 0, count()

    @rule(data=st.data(), step=st.sampled_from(STEPS))
    def go_on(self, data, step):
        getattr(self, step)(lambda values: data.draw(st.sampled_from(values)))

    def submit(self, draw):
        tenant, priority = draw(TENANTS), draw((0, 1))
        text, body = draw((None, None, "k", "l")), draw((b"a", b"b"))
        asked = submission(body, priority=priority)
        given = None if text is None else key(text, body)
        known = self.keys.get((tenant, text)) if text else None
        waiting = sum(job.status == "queued" for job in self.jobs.values())
        if known is not None and known[1] != body:
            with pytest.raises(IdempotencyKeyReusedError, match="another body"):
                self.store.jobs.submit(tenant, asked, given)
        elif known is not None:
            assert self.store.jobs.submit(tenant, asked, given) == (known[0], True)
        elif waiting >= MOST_QUEUED:
            with pytest.raises(QueueFullError, match="waiting"):
                self.store.jobs.submit(tenant, asked, given)
        else:
            job, is_earlier = self.store.jobs.submit(tenant, asked, given)
            assert (is_earlier, job.id in self.jobs) == (False, False)
            self.jobs[job.id] = Modelled(tenant, priority, next(self.numbers))
            self.turns.setdefault(tenant, 0)
            if text is not None:
                self.keys[tenant, text] = (job, body)

    def claim(self, draw):
        owner = draw(OWNERS)
        claim = self.store.work.claim(owner, LEASE)
        waiting = [
            (self.turns[job.tenant], job.tenant, -job.priority, job.number, job_id)
            for job_id, job in self.jobs.items()
            if job.status == "queued" and self.running(job.tenant) < MOST_RUNNING
        ]
        if not waiting:
            assert claim is None
            return
        job = self.jobs[claim.job.id]
        assert claim.job.id == min(waiting)[-1]
        job.become("running")
        job.attempt, job.owner, job.lease_until = job.attempt + 1, owner, self.now + LEASE
        self.turn += 1
        self.turns[job.tenant] = self.turn
        assert (claim.attempt, claim.checkpoint) == (job.attempt, job.checkpoint)
        self.claims.append(claim)

    def write(self, draw):
        if not self.claims:
            return
        claim = draw(self.claims)
        name = draw(("beat", "report", "checkpoint", "release", "done", "failed"))
        content = draw((b"", b"1", b"22"))
        job = self.jobs.get(claim.job.id)
        work = self.store.work
        writing = {
            "beat": lambda: work.beat(claim, LEASE),
            "report": lambda: work.report(claim, {"epoch": 1}, []),
            "checkpoint": lambda: work.save_checkpoint(claim, content),
            "release": lambda: work.release(claim, content),
            "done": lambda: work.finish(claim, Outcome("succeeded", content)),
            "failed": lambda: work.finish(claim, Outcome("failed", error={"code": "x"})),
        }[name]
        if job is None or job.status != "running" or job.attempt != claim.attempt:
            with pytest.raises(LostClaimError):
                writing()
            return
        answer = writing()
        if name in ("beat", "report"):
            assert answer == job.is_cancelled
        if name == "beat":
            job.lease_until = self.now + LEASE
        if name in ("checkpoint", "release"):
            job.checkpoint = content
        if name == "release":
            job.back("queued")
        if name in ("done", "failed"):
            job.become("succeeded" if name == "done" else "failed")
            job.result = content if name == "done" else None

    def cancel_or_delete(self, draw):
        if not self.jobs:
            return
        is_deleted, job_id = draw((False, False, True)), draw(list(self.jobs))
        job = self.jobs[job_id]
        if is_deleted and job.status == "running":
            with pytest.raises(InUseError, match="running"):
                self.store.jobs.delete(job.tenant, job_id)
        elif is_deleted:
            self.store.jobs.delete(job.tenant, job_id)
            del self.jobs[job_id]
            with pytest.raises(NotFoundError, match="no such job"):
                self.store.jobs.job(job.tenant, job_id)
        elif job.status in TERMINAL:
            with pytest.raises(AlreadyFinishedError, match=job.status):
                self.store.jobs.cancel(job.tenant, job_id)
        else:
            job.is_cancelled = True
            if job.status == "queued":
                job.become("cancelled")
            assert self.store.jobs.cancel(job.tenant, job_id).status == job.status

    def time_passes(self, draw):
        seconds = draw((0.9, 20.0, 31.0))
        self.store.clock.move(seconds)
        self.now += seconds

    def reclaim(self, _draw):
        over = [job for job in self.running_jobs() if job.lease_until < self.now]
        assert self.store.work.reclaim() == len(over)
        for job in over:
            job.lose()
        assert all(job.lease_until >= self.now for job in self.running_jobs())

    def crash(self, draw):
        owner = draw(OWNERS)
        theirs = [job for job in self.running_jobs() if job.owner == owner]
        assert self.store.work.release_of(owner) == len(theirs)
        for job in theirs:
            job.lose()

    def sweep(self, _draw):
        self.store.work.sweep()

    @invariant()
    def each_job_is_as_the_model_says(self):
        for job_id, job in self.jobs.items():
            found = self.store.jobs.job(job.tenant, job_id)
            assert (found.status, found.attempt) == (job.status, job.attempt)
            assert found.is_finished == (found.finished_at is not None)
            assert self.store.jobs.checkpoint(job.tenant, job_id) == job.checkpoint
            events = self.store.jobs.events(job.tenant, job_id)
            assert [e.data["status"] for e in events if e.name == "status"] == job.events
            assert [event.number for event in events] == list(range(1, found.version + 1))
            assert job.lost <= MOST_LOST
            if job.status == "succeeded":
                assert self.store.jobs.result(job.tenant, job_id) == job.result
            else:
                with pytest.raises(NotFinishedError, match=job.status):
                    self.store.jobs.result(job.tenant, job_id)

    @invariant()
    def all_are_counted(self):
        depth = self.store.jobs.depth()
        statuses = [job.status for job in self.jobs.values()]
        assert depth["queued"] == statuses.count("queued")
        assert depth["running"] == statuses.count("running")

    def running_jobs(self):
        return [job for job in self.jobs.values() if job.status == "running"]

    def running(self, tenant):
        return sum(job.tenant == tenant for job in self.running_jobs())


def test_no_order_of_steps_breaks_a_promise(make_store, backend):
    store = make_store(
        max_lost_claims=MOST_LOST,
        max_queued_jobs=MOST_QUEUED,
        max_running_jobs_of_tenant=MOST_RUNNING,
    )
    machine = type("Machine", (StoreMachine,), {"store": store})
    chosen = settings(
        max_examples=20 if backend == "sqlite" else 12,
        stateful_step_count=35,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # making a failure smaller takes minutes
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(machine, settings=chosen)
