"""Rounds of random faults with jobs running: `python -m tests.faults.rounds 200`.

Each round waits for jobs that run, waits a random moment more, and kills, freezes or stops
something; then it looks at all that has to be true. No job is hit more than twice, save the
poison one, which is hit until it fails.
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
from tests.faults.invariants import check, check_now
from tests.faults.processes import children_of, halted, is_server, is_worker
from tests.faults.tasks import training
from tests.faults.undisturbed import Undisturbed

WORKERS = 3
WAITING = 4  # jobs that are kept waiting or running
KINDS = 6  # different jobs, so that few have to be run undisturbed
MOST_HITS, HITS_OF_POISON = 2, 3
LONGEST_MOMENT = 0.2
# What happens in twenty rounds, in random order. `worker` and `parent` are aimed at jobs that
# run, `any_worker` is not; `api` kills a process that answers requests.
DECK = {"worker": 10, "any_worker": 1, "parent": 3, "api": 1, "frozen": 3, "stop": 2}
KILLS = ("worker", "any_worker", "parent", "api")


class Rounds:
    """A house, its server, and what has been done to them."""

    def __init__(self, house, seed, reference):
        self.house, self.rng, self.reference = house, random.Random(seed), reference
        self.done, self.hitting, self.hits = Counter(), Counter(), Counter()
        self.poison = house.submit(training(30, seed=99))
        self.submitted, self._deck, self._checked = 0, [], set()
        self._serve()

    def _serve(self):
        self.server, _ = self.house.serve("--http-processes", "2", workers=WORKERS)

    def run(self, rounds):
        """So many rounds, then the end of the poison job."""
        for number in range(1, rounds + 1):
            fault = self._next_fault()
            hit = getattr(self, f"_{fault}")()
            self._count(fault, hit)
            told(f"{number}: {fault} hit {len(hit)} running")
            self._look()
        while not self.house.job(self.poison).is_finished:
            self._hit_poison()
            self._look()

    def kills(self):
        """How many kills there were, and how many of them hit a job that ran."""
        return tuple(
            sum(counts[name] for name in KILLS) for counts in (self.done, self.hitting)
        )

    def _count(self, fault, hit):
        self.done[fault] += 1
        self.hitting[fault] += bool(hit)
        if fault != "stop":  # which gives jobs back
            self.hits.update(hit)

    def _look(self):
        check_now(self.house, self.reference, self._checked, failing={self.poison})
        wait_for(lambda: not self._strangers(), told="the end of processes without a parent")

    def _strangers(self):
        return {*self.house.processes()} - {self.server.pid, *children_of(self.server.pid)}

    def _top_up(self):
        open_jobs = self.house.rows(
            "SELECT id FROM jobs WHERE status IN ('queued', 'running') AND id != ?", self.poison
        )
        for _ in range(WAITING - len(open_jobs)):
            self.house.submit(training(0.5 + 0.1 * (self.submitted % KINDS)))
            self.submitted += 1

    def _next_fault(self):
        if not self._deck:
            self._deck = [name for name, count in DECK.items() for _ in range(count)]
            self.rng.shuffle(self._deck)
        return self._deck.pop()

    def _running(self):
        """The jobs that are run by a process, by that process."""
        rows = self.house.rows("SELECT id, owner FROM jobs WHERE status = 'running'")
        found = {int(row["owner"].split("-")[1]): row["id"] for row in rows}
        return {pid: job_id for pid, job_id in found.items() if is_alive(pid)}

    def _some_running(self):
        """The same, once there are any; what waits for its moment long does not run out."""
        self._top_up()
        return wait_for(self._running, told="jobs that run")

    def _may_be_hit(self, job_id):
        return self.hits[job_id] < (HITS_OF_POISON if job_id == self.poison else MOST_HITS)

    def _moment(self):
        time.sleep(self.rng.uniform(0, LONGEST_MOMENT))

    def _aimed(self, kill):
        """Halt workers at a moment, and kill if all they run may be hit; what that hit."""

        def hit():
            found = self._some_running()
            self._moment()
            pids = self._targets(kill, found)
            with halted(pids):
                running = {p: job_id for p, job_id in self._running().items() if p in pids}
                if not running or not all(map(self._may_be_hit, running.values())):
                    return None
                kill(pids)
            wait_for(lambda: not any(map(is_alive, pids)), told="the end of what was killed")
            return list(running.values())

        return wait_for(hit, told="a job to be hit")

    def _targets(self, kill, running):
        if kill == self._kill_parent:
            return self._workers()
        wanted = [pid for pid, job_id in running.items() if self._may_be_hit(job_id)]
        return [self.rng.choice(wanted)] if wanted else []

    def _workers(self):
        return [pid for pid in children_of(self.server.pid) if is_worker(pid)]

    def _worker(self):
        return self._aimed(kill_all)

    def _any_worker(self):
        self._top_up()
        self._moment()
        pid = self.rng.choice(wait_for(self._workers, told="workers"))
        with halted([pid]):
            running = self._running()
            if pid in running and not self._may_be_hit(running[pid]):
                return []
            kill_all([pid])
        wait_for(lambda: not is_alive(pid), told="the end of what was killed")
        return [running[pid]] if pid in running else []

    def _kill_parent(self, _):
        self.server.kill()
        self.server.wait()

    def _parent(self):
        hit = self._aimed(self._kill_parent)
        self._serve()
        return hit

    def _api(self):
        self._moment()
        children = [pid for pid in children_of(self.server.pid) if is_server(pid)]
        kill_all([self.rng.choice(children)])
        return []

    def _frozen(self):
        def frozen():
            running = self._some_running()
            self._moment()
            wanted = [pid for pid, job_id in running.items() if self._may_be_hit(job_id)]
            if not wanted or not is_alive(pid := self.rng.choice(wanted)):
                return None
            freeze(self.house, pid, in_the_way=False)
            job_id = self._running().get(pid)
            if job_id is None or not self._may_be_hit(job_id):
                os.kill(pid, signal.SIGCONT)
                return None
            return pid, job_id

        pid, job_id = wait_for(frozen, told="a job to be hit")
        before = self.house.row(job_id)["lost_claims"]
        time.sleep(LEASE_SECONDS * 1.5)
        kill_all([pid], signal.SIGCONT)
        return [job_id] if self.house.row(job_id)["lost_claims"] > before else []

    def _stop(self):
        self._some_running()
        self._moment()
        running = self._running()
        stop(self.server)
        rows = map(self.house.row, running.values())
        given_back = [row["id"] for row in rows if row["status"] == "queued"]
        self.house.wait_for_nobody()
        self._serve()
        return given_back

    def _hit_poison(self):
        pids = [pid for pid, job_id in self._running().items() if job_id == self.poison]
        with halted(pids):
            if pids and self._running().get(pids[0]) == self.poison:
                kill_all(pids)
                self._count("worker", [self.poison])
        wait_for(lambda: not any(map(is_alive, pids)), told="the end of what was killed")


def kill_all(pids, number=signal.SIGKILL):
    """Send a signal to those that are still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def told(line):
    """Write a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run_rounds(house, rounds, seed, reference):
    """Rounds, and whether all is as it has to be after them."""
    campaign, began = Rounds(house, seed, reference), time.monotonic()
    campaign.run(rounds)
    check(house, reference, failed={campaign.poison})
    rows = house.rows("SELECT id, lost_claims FROM jobs")
    lost = {row["id"]: row["lost_claims"] for row in rows}
    kills, hitting = campaign.kills()
    seconds = time.monotonic() - began
    most = max(count for job_id, count in lost.items() if job_id != campaign.poison)
    told(
        f"{rounds} rounds (seed {seed}) in {seconds:.0f} s: {dict(campaign.done)}; "
        f"{hitting} of {kills} kills ({hitting / kills:.0%}) hit a running job; "
        f"{campaign.hitting['frozen']} of {campaign.done['frozen']} frozen beyond a lease, "
        f"{campaign.hitting['stop']} of {campaign.done['stop']} stopped with jobs given back; "
        f"{len(lost)} jobs, {sum(lost.values())} claims lost, at most {most} of one job"
    )
    assert hitting >= 0.8 * kills
    assert (lost[campaign.poison], most <= MOST_HITS) == (HITS_OF_POISON, True)
    stop(campaign.server)
    house.wait_for_nobody()


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
