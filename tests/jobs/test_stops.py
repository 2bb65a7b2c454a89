"""Jobs that are stopped and gone on with: the same bits as a run that nobody disturbs."""

import random
from dataclasses import replace

import numpy as np
import pytest

from service.errors import UnavailableError
from service.jobs.kinds import JOB_KINDS
from service.jobs.packing import unpack
from service.training.data import dataset_of
from tests.jobs.fakes import Bench, claim_of
from tests.jobs.requests import NEURON, REQUESTS, train

LONG = train(NEURON, epochs=10**5, optimizer={"kind": "sgd", "learning_rate": 1e-9})


def submitted(bench, request):
    return JOB_KINDS["train"].submission(request, bench.sources)


class Stop:
    """Asks for a stop once it was looked at so often."""

    def __init__(self, reason, after):
        self.reason, self.after, self.looks = reason, after, 0

    def __call__(self):
        self.looks += 1
        return self.reason if self.looks > self.after else None


@pytest.mark.parametrize("name", REQUESTS)
def test_a_run_resumed_at_any_step_has_the_same_bits(tmp_path, name):
    bench = Bench(tmp_path, checkpoint_seconds=1e-9)
    undisturbed = claim_of(submitted(bench, REQUESTS[name]))
    expected = bench.run(undisturbed)
    expected_history = dict(bench.work.history)

    drawn = random.Random(name)
    claim, stops = replace(undisturbed), 0
    bench.work.history.clear()
    while True:
        stop = Stop(drawn.choice(["shutdown", "lost"]), drawn.randrange(2, 40))
        outcome = bench.run(claim, stop)
        if outcome is not None:
            break
        stops += 1
        kept = bench.work.released if stop.reason == "shutdown" else bench.work.checkpoints
        claim = replace(
            claim,
            checkpoint=kept[-1] if kept else claim.checkpoint,
            environment=bench.work.environment,
        )

    assert stops > 1
    assert outcome.result == expected.result
    told = bench.work.history | {line.epoch: line for line in outcome.history}
    assert told == expected_history | {line.epoch: line for line in expected.history}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_run_that_is_lost_at_its_very_end_ends_there_again(tmp_path, name):
    bench = Bench(tmp_path, checkpoint_seconds=1e-9)
    claim = claim_of(submitted(bench, REQUESTS[name]))
    expected = bench.run(claim)
    epochs = unpack(expected.result)["result"]["epochs"]
    assert (epochs < 12) == (name in {"early", "good enough"})

    outcome = bench.run(replace(claim, checkpoint=bench.work.checkpoints[-1]))

    assert outcome.result == expected.result
    assert [line.epoch for line in outcome.history] == list(range(1, epochs + 1))


def test_a_cancelled_job_keeps_its_last_checkpoint(bench):
    outcome = bench.run(claim_of(submitted(bench, LONG)), Stop("cancel", 500))

    assert outcome.status == "cancelled"
    assert outcome.result is None
    assert unpack(outcome.checkpoint)["result"]["parameters"].keys() == {"weights", "bias"}
    assert outcome.progress["epoch"] > 1


def test_a_cancellation_that_a_report_tells_of_stops_the_job(bench):
    bench.work.is_cancelled = True

    outcome = bench.run(claim_of(submitted(bench, LONG)))

    assert outcome.status == "cancelled"


def test_shutdown_releases_the_job_with_its_checkpoint(bench):
    outcome = bench.run(claim_of(submitted(bench, LONG)), Stop("shutdown", 500))

    assert outcome is None
    assert len(bench.work.released) == 1
    assert bench.work.released[0] is not None


def test_a_lost_job_is_dropped_at_once(bench):
    outcome = bench.run(claim_of(submitted(bench, LONG)), Stop("lost", 500))

    assert outcome is None
    assert bench.work.released == []


def test_a_write_that_is_refused_drops_the_job(bench):
    claim = claim_of(submitted(bench, LONG))
    bench.work.lost = True

    assert bench.run(claim) is None
    assert bench.work.released == []


def test_a_job_that_is_to_stop_before_it_begins_does_nothing(bench):
    claim = claim_of(submitted(bench, LONG))

    assert bench.run(claim, lambda: "cancel").status == "cancelled"
    assert bench.run(claim, lambda: "shutdown") is None
    assert bench.work.released == [None]


@pytest.mark.parametrize("after", [2, 5, 10, 20])
def test_a_job_stops_while_its_data_are_prepared(bench, after):
    values = np.random.default_rng(0).normal(size=(200_000, 4))
    dataset = bench.dataset(dataset_of(values, ("a", "b", "c", "t")))
    data = {"dataset": dataset, "targets": ["t"]}
    claim = claim_of(submitted(bench, train(NEURON, data=data, standardize=True)))

    outcome = bench.run(claim, Stop("cancel", after))

    assert outcome.status == "cancelled"
    assert bench.work.told == []


def test_a_store_that_is_busy_does_not_end_a_job(bench):
    claim = replace(claim_of(submitted(bench, REQUESTS["neuron"])), environment={})
    bench.work.busy = UnavailableError("the store cannot be reached")

    outcome = bench.run(claim)

    assert outcome.status == "succeeded"
    assert [line.epoch for line in outcome.history] == list(range(1, 13))


def test_a_checkpoint_of_another_job_is_not_gone_on_from(bench):
    first = claim_of(submitted(bench, LONG))
    bench.run(first, Stop("shutdown", 500))
    submission = submitted(bench, REQUESTS["neuron"])
    expected = bench.run(claim_of(submission))

    other = replace(claim_of(submission), checkpoint=bench.work.released[0])
    assert bench.run(other).result == expected.result

    broken = replace(claim_of(submission), checkpoint=bench.work.released[0][:-9])
    assert bench.run(broken).result == expected.result


def test_checkpoints_are_kept_as_often_as_the_setting_says(tmp_path):
    bench = Bench(tmp_path, checkpoint_seconds=0.05)
    request = LONG | {"epochs": 3000}

    bench.run(claim_of(submitted(bench, request)))

    assert len(bench.work.checkpoints) >= 3
    document = unpack(bench.work.checkpoints[-1])
    assert np.all(np.isfinite(document["result"]["parameters"]["weights"]))
