"""A store that answers, or does not answer, as a test says; and a job to claim."""

from service.errors import UnavailableError
from service.jobs.job import Submission
from service.jobs.store import LostClaimError
from tests.jobs.fakes import claim_of

CLAIM = claim_of(Submission(kind="train", request=b"{}"))
JOB = CLAIM.job


class Absent:
    """A store that is away for so many calls, or until it is told to be back."""

    def __init__(self, failures=0, claims=()):
        self.failures, self.claims = failures, list(claims)
        self.calls, self.told, self.outcomes = [], [], []
        self.is_cancelled = self.is_lost = False

    def _answer(self, name):
        self.calls.append(name)
        if self.failures > 0:
            self.failures -= 1
            raise UnavailableError("away")
        if self.is_lost and name not in ("worker_seen", "claim", "worker_gone"):
            raise LostClaimError

    def claim(self, owner, lease_seconds, environment=None):
        self._answer("claim")
        return self.claims.pop(0) if self.claims else None

    def beat(self, claim, lease_seconds):
        self._answer("beat")
        return self.is_cancelled

    def record_environment(self, claim, environment):
        self._answer("record_environment")

    def report(self, claim, progress, history):
        self._answer("report")
        self.told += history
        return self.is_cancelled

    def save_checkpoint(self, claim, checkpoint):
        self._answer("save_checkpoint")

    def finish(self, claim, outcome):
        self._answer("finish")
        self.outcomes.append(outcome)
        return JOB

    def release(self, claim, checkpoint=None):
        self._answer("release")

    def release_of(self, owner):
        self._answer("release_of")
        self.told.append(owner)
        return 1

    def count(self, name, label="", by=1):
        self._answer(name)

    def worker_seen(self, owner, lease_seconds):
        self._answer("worker_seen")

    def worker_gone(self, owner):
        self._answer("worker_gone")

    def reclaim(self):
        self._answer("reclaim")
        return 0

    def sweep(self):
        self._answer("sweep")
        return 0
