"""Rounds of random faults with jobs running: `python -m tests.faults.rounds 200`.

Each round waits for jobs that run, waits a random moment more, and kills, freezes or stops
something. No job is hit more than twice, save the poison one, which is hit whenever it runs.
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.house import LEASE_SECONDS, House, freeze, is_alive, stop, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.tasks import training
from tests.faults.undisturbed import Undisturbed

WORKERS = 3
WAITING = 4  # jobs that are kept waiting or running
KINDS = 6  # different jobs, so that few have to be run undisturbed
MOST_HITS = 2
LONGEST_MOMENT = 0.3
FAULTS = {"worker": 10, "frozen": 3, "parent": 4, "api": 3, "stop": 2}


class Rounds:
    """A house, its server, and what has been done to them."""

    def __init__(self, house, seed):
        self.house, self.rng = house, random.Random(seed)
        self.hits, self.done, self.hit_rounds = Counter(), Counter(), 0
        self.poison = house.submit(training(30, seed=99))
        self.submitted = 0
        self._serve()

    def _serve(self):
        self.server, _ = self.house.serve("--http-processes", "2", workers=WORKERS)

    def run(self, rounds):
        """So many rounds, then the end of all jobs."""
        for _ in range(rounds):
            self._top_up()
            self._round()
        self._hit_poison_until_it_fails()

    def _top_up(self):
        open_jobs = self.house.rows(
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') AND id != ?", self.poison
        )
        for _ in range(WAITING - len(open_jobs)):
            self.house.submit(training(0.8 + 0.2 * (self.submitted % KINDS)))
            self.submitted += 1

    def _round(self):
        fault = self.rng.choices(list(FAULTS), FAULTS.values())[0]
        victims = wait_for(self._victims, told="jobs that run")
        if fault in ("parent", "stop") and any(self._is_spent(row) for row in self._running()):
            fault = "worker"
        time.sleep(self.rng.uniform(0, LONGEST_MOMENT))
        victim = self.rng.choice(victims)
        before = {row["id"]: row for row in self._running()}
        getattr(self, f"_{fault}")(victim)
        self.done[fault] += 1
        hit = self._hit(before)
        self.hit_rounds += bool(hit) or (fault in ("api", "stop") and bool(before))
        told(f"{fault}: hit {len(hit)} of {len(before)}")

    def _running(self):
        rows = self.house.rows("SELECT * FROM jobs WHERE status = 'running'")
        return [row for row in rows if is_alive(int(row["owner"].split("-")[1]))]

    def _victims(self):
        """Jobs that run and may be hit, those with something to lose first."""
        return [row for row in self._running() if not self._is_spent(row)]

    def _is_spent(self, row):
        most = 3 if row["id"] == self.poison else MOST_HITS
        return row["lost_claims"] >= most

    def _hit(self, before):
        """The jobs that lost their worker: it ended, or another has them."""
        hit = []
        for job_id, then in before.items():
            row = self.house.row(job_id)
            is_gone = not is_alive(int(then["owner"].split("-")[1]))
            is_lost = row["lost_claims"] > then["lost_claims"]
            if is_lost or (is_gone and row["finished_at"] is None):
                hit.append(job_id)
        self.hits.update(hit)
        return hit

    def _worker(self, victim):
        self._kill(victim, signal.SIGKILL)
        pid = int(victim["owner"].split("-")[1])
        wait_for(lambda: not is_alive(pid), told="the end of what was killed")

    def _kill(self, victim, number):
        try:
            os.kill(int(victim["owner"].split("-")[1]), number)
        except ProcessLookupError:
            return

    def _frozen(self, victim):
        pid = int(victim["owner"].split("-")[1])
        if not is_alive(pid):
            return
        freeze(self.house, pid, in_the_way=False)
        time.sleep(LEASE_SECONDS * 1.5)
        self._kill(victim, signal.SIGCONT)

    def _parent(self, _):
        self.server.kill()
        self.server.wait()
        self._serve()

    def _api(self, _):
        children = [
            pid
            for pid in self.house.processes()
            if b"multiprocessing.spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        if children:
            os.kill(self.rng.choice(children), signal.SIGKILL)

    def _stop(self, _):
        stop(self.server)
        assert self.house.processes() == []
        self._serve()

    def _hit_poison_until_it_fails(self):
        while not self.house.job(self.poison).is_finished:
            for row in self._running():
                if row["id"] == self.poison:
                    self._worker(row)
                    self.hits[self.poison] += 1
            time.sleep(0.2)


def told(line):
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run_rounds(house, rounds, seed, reference):
    """Rounds, and whether all is as it has to be after them."""
    campaign = Rounds(house, seed)
    campaign.run(rounds)
    check(house, reference, failed={campaign.poison})
    lost = lost_claims(house)
    share = campaign.hit_rounds / rounds
    jobs, most = len(lost), max(count for job, count in lost.items() if job != campaign.poison)
    told(
        f"{rounds} rounds (seed {seed}): {dict(campaign.done)}; {share:.0%} hit a running job; "
        f"{jobs} jobs, {lost.total()} claims lost, at most {most} of one job"
    )
    assert share >= 0.8
    assert (lost.pop(campaign.poison), most <= MOST_HITS) == (3, True)
    stop(campaign.server)
    assert house.processes() == []


def main():
    """Run as many rounds as are asked for."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    with TemporaryDirectory() as folder, Undisturbed(Path(folder)) as reference:
        place = Path(folder) / "house"
        place.mkdir()
        house = House(place)
        try:
            run_rounds(house, rounds, seed, reference)
        finally:
            house.close()


if __name__ == "__main__":
    main()
