"""The model holds together, and the tables of its page are those that it prints."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.scaling import model
from tests.scaling.constants import (
    CHECKS,
    CLUSTER,
    MACHINE,
    POSTGRESQL,
    STORES,
    TOGETHER,
    Network,
)
from tests.scaling.tables import NETWORKS, TABLES
from tests.scaling.tenants import Setting, simulated

PAGE = (Path(__file__).resolve().parents[2] / "service/guide/scaling.md").read_text()
ROWS = 100_000


@pytest.mark.parametrize(("title", "make"), TABLES, ids=[title for title, _ in TABLES])
def test_the_page_has_the_table_as_it_is_printed(title, make):
    assert f"\n\n{make()}\n" in PAGE


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_step_gets_faster_up_to_its_best_number_of_workers_and_slower_past_it(network):
    best = model.best_workers(network, ROWS, MACHINE, CLUSTER)
    counts = range(2, 4 * int(best) + 4)
    seconds = {w: model.step_seconds(network, ROWS, w, MACHINE, CLUSTER) for w in counts}

    for fewer, more in pairwise(counts):
        if more <= best:
            assert seconds[more] < seconds[fewer]
        if fewer >= best:
            assert seconds[more] > seconds[fewer]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
@pytest.mark.parametrize("workers", [2, 7])
def test_at_break_even_a_shared_step_takes_as_long_as_one_alone(network, workers):
    seconds = model.break_even_seconds(network, workers, MACHINE, CLUSTER)
    rows = model.rows_of(network, seconds, MACHINE)

    found = model.speedup(network, rows, workers, MACHINE, CLUSTER)

    assert found == pytest.approx(1.0)


def test_the_rule_of_50_ms_is_never_wrong_for_two_workers_of_a_small_network():
    small = [n for n in NETWORKS if n.vector_bytes < 2_000_000]

    for network in small:
        even = model.break_even_seconds(network, 2, MACHINE, CLUSTER)
        assert even < model.SPLIT_STEP_SECONDS


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_more_rows_or_a_slower_network_never_make_a_step_shorter(network):
    slow = CLUSTER.with_network(CLUSTER.network_bytes_per_second / 10)
    for workers in (1, 2, 8):
        step = model.step_seconds(network, ROWS, workers, MACHINE, CLUSTER)

        assert step < model.step_seconds(network, 2 * ROWS, workers, MACHINE, CLUSTER)
        assert step <= model.step_seconds(network, ROWS, workers, MACHINE, slow)


def test_parameters_and_arithmetic_are_those_of_the_layers():
    network = Network((784, 256, 10))

    assert network.parameters == 784 * 256 + 256 + 256 * 10 + 10
    assert network.flops_per_row == 4 * 784 * 256 + 6 * 256 * 10


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_store_sees_through_fewer_jobs_the_longer_they_run_and_the_more_tenants(store):
    by_length = [model.most_jobs_per_second(s, store) for s in (0.0, 1.0, 10.0, 60.0)]
    by_tenants = [model.most_jobs_per_second(0.0, store, t) for t in (1, 10, 100)]

    assert by_length == sorted(by_length, reverse=True)
    assert by_tenants == sorted(by_tenants, reverse=True)


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_jobs_a_second_grow_with_workers_until_the_store_is_full(store):
    found = [model.jobs_per_second(n, 1.0, store) for n in (1, 10, 100, 1000, 10_000)]

    assert found == sorted(found)
    assert found[0] < 1.0
    assert found[-1] == model.most_jobs_per_second(1.0, store)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.network}x{check.rows}")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_model_is_within_a_factor_of_a_measured_step(check, workers):
    found = model.gradient_seconds(check.network, check.rows, workers, MACHINE, CLUSTER)

    assert 0.5 < found / check.seconds[workers] < 2.0


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_no_more_jobs_were_measured_than_a_store_sees_through(store):
    assert max(TOGETHER[store.name].values()) < model.most_jobs_per_second(0.0, store)


def test_simulated_jobs_a_second_are_those_of_the_formula():
    claim, finish = POSTGRESQL.seconds["claim"], POSTGRESQL.seconds["finish"]
    rng = np.random.default_rng(0)
    for workers, job in ((4, 0.5), (400, 0.5)):
        setting = Setting(workers, job, claim, finish)

        found = simulated(setting, {"one": [0.0] * 4000}, rng).jobs_per_second

        expected = min(workers / (job + claim + finish), 1 / (claim + finish))
        assert found == pytest.approx(expected, rel=0.1)


def test_in_turns_a_crowd_delays_a_single_job_by_one_job_of_each_worker():
    setting = Setting(2, 10.0, 0.01, 0.01)
    queues = {"crowd": [0.0] * 1000, "one": [15.0]}

    began = simulated(setting, queues, np.random.default_rng(0)).began

    (mine,) = began["one"]
    assert sum(15.0 < other < mine for other in began["crowd"]) <= 1


def test_the_simulation_runs_every_job_once():
    queues = {"one": [0.0, 1.0, 50.0], "two": [2.0] * 5}

    began = simulated(Setting(3, 1.0, 0.1, 0.1), queues, np.random.default_rng(0)).began

    assert {tenant: len(times) for tenant, times in began.items()} == {"one": 3, "two": 5}
    assert all(b >= a for t in queues for a, b in zip(queues[t], began[t], strict=True))
