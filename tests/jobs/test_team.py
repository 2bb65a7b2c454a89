"""Jobs that several workers share: who is lost on the way changes no bit of the result."""

import numpy as np
import pytest

from service.errors import UnavailableError
from service.jobs.crew import Order
from service.jobs.environment import environment
from service.jobs.kinds import JOB_KINDS
from service.jobs.results import result_document
from service.jobs.runner import run, share_of
from service.jobs.splitting import split_of
from service.jobs.work import Work
from service.jobs.worker import Tools
from service.training.data import dataset_of
from tests.jobs.crew import Crew
from tests.jobs.fakes import claim_of
from tests.jobs.requests import train

RNG = np.random.default_rng(4)
TABLE = dataset_of(RNG.standard_normal((4000, 5)), ("a", "b", "c", "d", "t"))
REQUEST = train(
    {
        "kind": "network",
        "layers": [{"size": 8, "activation": "tanh"}, {"size": 1, "activation": "identity"}],
    },
    optimizer={"kind": "adam", "learning_rate": 0.01},
    epochs=6,
    batch_size=500,
    validation_fraction=0.25,
)


def shared(bench, crew, request=REQUEST, table=TABLE, split_step_seconds=1e-9):
    """The outcome, and what was recorded, of a job that may be shared."""
    bench.settings = bench.settings.model_copy(
        update={"split_step_seconds": split_step_seconds}
    )
    dataset = bench.dataset(table)
    asked = {**request, "data": {"dataset": dataset, "targets": ["t"]}}
    asked = {**asked, "workers": request.get("workers", 3)}
    claim = claim_of(JOB_KINDS["train"].submission(asked, bench.sources))
    outcome = bench.run(claim, crew=crew)
    assert outcome.status == "succeeded", outcome.error
    return result_document("train", outcome.result), bench.work.environment


def same_bits(found, expected):
    for one, other in zip(
        found["parameters"]["layers"], expected["parameters"]["layers"], strict=True
    ):
        for name in ("weights", "bias"):
            assert np.array_equal(one[name], other[name])
    assert found["validation_loss"] == expected["validation_loss"]
    assert found["loss"] == expected["loss"]


@pytest.fixture
def expected(bench, patient):
    """The result of the same parts, computed by the one that has the job."""
    return shared(bench, Crew(bench, {}))[0]


@pytest.mark.parametrize(
    "hands",
    [
        {"one": (None, None)},
        {"one": (None, None), "two": (None, None)},
        {"one": (3, "died"), "two": (None, None)},
        {"one": (0, "gone")},
        {"one": (5, "hung"), "two": (9, "died")},
        {"one": (None, "busy"), "two": (None, "refuses")},
    ],
)
def test_hands_that_come_and_go_change_no_bit(bench, expected, hands):
    crew = Crew(bench, hands)
    found, environment = shared(bench, crew)

    same_bits(found, expected)
    assert environment["split"]["parts"] == 3
    assert all(hand.has_left for hand in crew.hired.values())
    useful = [hand for hand in crew.hired.values() if hand.last != 0]
    if useful:
        assert sum(hand.calls for hand in useful) > 0


def test_a_split_run_finds_what_a_single_one_finds(bench, expected):
    single, environment = shared(bench, None)

    assert environment["split"] == {
        "parts": 1,
        "reason": "not split: the workers of this service are in no cluster",
    }
    for one, other in zip(
        single["parameters"]["layers"], expected["parameters"]["layers"], strict=True
    ):
        assert np.max(np.abs(one["weights"] - other["weights"])) < 1e-10


def test_short_steps_are_not_split_and_say_so(bench, patient):
    crew = Crew(bench, {"one": (None, None)})
    _, environment = shared(bench, crew, split_step_seconds=5.0)

    assert environment["split"]["parts"] == 1
    assert environment["split"]["reason"].startswith("not split: a step takes ")
    assert "less than the 5000 ms from which on" in environment["split"]["reason"]
    assert not crew.hired


def test_many_parameters_need_longer_steps(bench):
    asked = {**REQUEST, "data": {"dataset": bench.dataset(TABLE), "targets": ["t"]}}
    work = Work(
        claim_of(JOB_KINDS["train"].submission(asked, bench.sources)),
        bench.work,
        bench.records,
        bench.files,
        bench.settings,
        lambda: None,
        Crew(bench, {}),
    )

    few = split_of(work, 4, 0, lambda parts: 0.1, 1_000_000)
    many = split_of(work, 4, 0, lambda parts: 0.1, 3_200_000)

    assert (few.parts, many.parts) == (4, 1)
    assert many.reason == (
        "not split: a step takes 100 ms, less than the 192 ms from which on several workers "
        "are faster than one"
    )


def test_large_data_are_split_without_being_asked(bench, patient):
    bench.settings = bench.settings.model_copy(update={"split_dataset_bytes": 100_000})
    _, environment = shared(bench, Crew(bench, {}), {**REQUEST, "workers": 1})

    assert environment["split"]["parts"] == 2
    assert (
        "the data have 160,000 bytes, over split_dataset_bytes"
        in (environment["split"]["reason"])
    )


def test_a_later_attempt_keeps_to_the_parts_of_the_first(bench, expected):
    dataset = bench.dataset(TABLE)
    asked = {**REQUEST, "data": {"dataset": dataset, "targets": ["t"]}, "workers": 3}
    claim = claim_of(JOB_KINDS["train"].submission(asked, bench.sources))
    recorded = {"split": {"parts": 3, "reason": "as before"}}
    later = type(claim)(claim.job, "other", 2, claim.request, None, recorded)
    outcome = bench.run(later, crew=None)

    same_bits(result_document("train", outcome.result), expected)


def test_a_worker_of_other_numerics_lends_no_hand(bench):
    tools = Tools(bench.work, bench.records, bench.files, bench.settings, run)
    other = environment() | {"numpy": "1.0"}
    order = Order("job", "local", "train", b"", 2, other)

    with pytest.raises(UnavailableError) as told:
        share_of(tools, order)
    assert told.value.message == (
        f"other bits than the job's: numpy was 1.0, but is {np.__version__} here"
    )


def test_work_without_a_crew_is_the_default(bench):
    submission = JOB_KINDS["train"].submission(
        {**REQUEST, "data": {"dataset": bench.dataset(TABLE), "targets": ["t"]}}, bench.sources
    )
    work = Work(
        claim_of(submission),
        bench.work,
        bench.records,
        bench.files,
        bench.settings,
        lambda: None,
    )

    assert work.crew is None
