"""Workers whose time of day is two hours off: they neither take nor keep what is not theirs.

The clock that counts from the machine's start is left as it is: no process has another one.
"""

import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.house import LEASE_SECONDS, ROOT, House, frozen, wait_for
from tests.faults.invariants import check, lost_claims
from tests.faults.processes import children_of, is_worker
from tests.faults.tasks import training
from tests.postgres import new_database, running_postgresql
from tests.slowness import slowness

pytestmark = pytest.mark.faults

HOURS = 2
LONG = 2.0 * LEASE_SECONDS


@pytest.fixture(scope="module")
def library():
    """The file of libfaketime, which is installed where it is missing."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        prefix = ["sudo"] if shutil.which("sudo") else []
        subprocess.run([*prefix, "apt-get", "update", "-qq"], check=True)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "faketime"]
        subprocess.run([*prefix, *install], check=True)
        found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return str(found[0])


def wrong_by(hours, library):
    """The variables of a process whose clock is wrong by so many hours."""
    return {
        "LD_PRELOAD": library,
        "FAKETIME": f"{hours:+}h",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": f"{ROOT / 'tests' / 'faults' / 'sleeping'}:{ROOT}",
    }


@pytest.fixture
def house(database, tmp_path):
    with ExitStack() as stack:
        variables = {}
        if database == "postgresql":
            server = stack.enter_context(running_postgresql())
            variables["database_url"] = stack.enter_context(new_database(server))
        found = House(tmp_path, **variables)
        stack.callback(found.close)
        yield found


@pytest.mark.parametrize(("database", "hours"), [("sqlite", -HOURS), ("postgresql", HOURS)])
def test_a_worker_whose_clock_is_wrong_neither_steals_nor_keeps(
    house, reference, library, hours
):
    wrong = wrong_by(hours, library)
    right, skewed = house.run("worker"), house.run("worker", environment=wrong)
    wait_for(lambda: house.jobs.live_workers() == 2, told="both workers")
    with frozen(house, one_of(skewed)):
        first = house.submit(training(LONG))
        assert house.worker_of(first, checkpoint=True) == one_of(right)
    second = house.submit(training(LONG, seed=1))
    assert house.worker_of(second, checkpoint=True) == one_of(skewed)

    time.sleep(1.2 * LEASE_SECONDS)
    before = lost_claims(house)
    right.kill()  # and its worker with it, so that nobody gives the lease back
    began = time.monotonic()
    wait_for(lambda: lost_claims(house)[first] == 1, told="the end of a dead lease")

    assert before == {first: 0, second: 0}
    assert time.monotonic() - began < (LEASE_SECONDS + 3) * slowness()
    check(house, reference)
    assert lost_claims(house) == {first: 1, second: 0}
    assert [house.job(job_id).attempt for job_id in (first, second)] == [2, 1]
    for job in map(house.job, (first, second)):
        assert 0 <= job.started_at - job.created_at < 10 * slowness()
        assert 0 < job.finished_at - job.started_at < 30 * slowness()


@pytest.mark.parametrize("hours", [-HOURS, HOURS])
def test_what_a_wrong_clock_is_here(library, hours):
    """The other test is worth nothing if it is right, or if all clocks are wrong."""
    told = "import time; b = time.monotonic(); time.sleep(0.2); print(time.time(), b)"
    words, wrong = ["python3", "-c", told], wrong_by(hours, library)

    done = subprocess.run(words, env=wrong, capture_output=True, text=True, check=True)

    moment, since_start = map(float, done.stdout.split())
    assert moment - time.time() == pytest.approx(hours * 3600, abs=60)
    assert since_start == pytest.approx(time.monotonic(), abs=60)


def one_of(process):
    """The one worker that this process looks after."""
    (pid,) = [pid for pid in children_of(process.pid) if is_worker(pid)]
    return pid
