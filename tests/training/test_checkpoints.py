"""Checkpoints as bytes: the same bits after a round trip, and bytes that are none."""

import json
from dataclasses import fields
from hashlib import sha256

import numpy as np
import pytest

from service.errors import GradserveError, ValidationError
from service.settings import Limits
from service.training.checkpoints import decode_checkpoint, encode_checkpoint
from service.training.data import dataset_of
from service.training.optimizers import OPTIMIZERS
from service.training.runs import EarlyStopping, Schedule
from service.training.tasks import ModelTask, TrainingTask, prepared

RUN = {"rows": 40, "optimizer": "adam", "data": "0badcafe"}


def trained(rng, kind="adam", steps=7, **schedule):
    x = rng.normal(size=(40, 2))
    dataset = dataset_of(np.column_stack((x, x @ [1.0, -2.0] + 3)), ["a", "b", "y"])
    task = TrainingTask(
        model=ModelTask(targets=("y",)),
        optimizer={"kind": kind},
        schedule=Schedule(epochs=9, batch_size=16, **schedule),
    )
    trainer = prepared(task, dataset, Limits()).trainer()
    left = iter(range(steps))
    for _ in trainer.run(lambda: next(left, None) is None):
        pass
    return trainer.checkpoint()


def same(left, right):
    return all(
        np.array_equal(getattr(left, f.name), getattr(right, f.name))
        for f in fields(left)
        if f.name != "state"
    )


@pytest.mark.parametrize("kind", [o.kind for o in OPTIMIZERS])
@pytest.mark.parametrize(
    "schedule",
    [{}, {"validation_fraction": 0.2, "early_stopping": EarlyStopping(patience=3)}],
    ids=["plain", "validated"],
)
def test_a_checkpoint_is_the_same_bits_after_a_round_trip(rng, kind, schedule):
    before = trained(rng, kind, **schedule)

    after = decode_checkpoint(encode_checkpoint(before, RUN), RUN)

    assert same(before, after)
    assert before.state.kind == after.state.kind == kind
    assert before.state.numbers == after.state.numbers
    assert all(
        np.array_equal(before.state.slots[s], after.state.slots[s]) for s in after.state.slots
    )


def test_a_run_that_has_not_begun_has_a_checkpoint(rng):
    before = trained(rng, steps=0)

    assert same(before, decode_checkpoint(encode_checkpoint(before, RUN), RUN))


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({**RUN, "rows": 41}, "of another run, whose rows is 40, expected 41"),
        ({**RUN, "data": "feedbeef"}, 'whose data is "0badcafe", expected "feedbeef"'),
        ({"rows": 40}, 'whose optimizer is "adam", expected null'),
        ({**RUN, "batch_size": 3}, "whose batch size is null, expected 3"),
    ],
    ids=str,
)
def test_a_checkpoint_of_another_run_is_refused_with_what_differs(rng, run, message):
    data = encode_checkpoint(trained(rng), RUN)

    with pytest.raises(ValidationError, match=message):
        decode_checkpoint(data, run)


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"PK\x03\x04" * 50, b"gradserve-checkpoint 1\n", bytes(1000), b"x" * 10_000],
    ids=range(6),
)
def test_garbage_is_refused(data):
    with pytest.raises(ValidationError, match="checkpoint: found no checkpoint of gradserve"):
        decode_checkpoint(data, RUN)


def test_any_changed_byte_and_any_cut_is_refused(rng):
    data = encode_checkpoint(trained(rng), RUN)
    places = rng.integers(len(data), size=100)

    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1
        for wrong in (bytes(changed), data[:place]):
            with pytest.raises(ValidationError, match="checkpoint: found"):
                decode_checkpoint(wrong, RUN)


def test_another_version_is_refused(rng):
    data = encode_checkpoint(trained(rng), RUN).replace(b"checkpoint 1", b"checkpoint 2", 1)

    with pytest.raises(ValidationError, match="another version, expected version 1"):
        decode_checkpoint(data, RUN)


def signed(content):
    return b"gradserve-checkpoint 1 " + sha256(content).hexdigest().encode() + b"\n" + content


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": -1},
        {"epoch": 1.5},
        {"parameters": True},
        {"parameters": 2**60},
        {"epochs": 10**9},
        {"has_best": 1},
        {"validated": None},
        {"run": []},
        {"optimizer_state": 3},
        {"optimizer_state": "AAAA"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_header_that_no_run_has_is_refused_though_its_checksum_is_right(rng, changes):
    _, line, numbers = encode_checkpoint(trained(rng), RUN).split(b"\n", 2)
    header = json.dumps(json.loads(line) | changes).encode()

    with pytest.raises(GradserveError, match="found"):
        decode_checkpoint(signed(header + b"\n" + numbers), RUN)


def test_a_parameter_that_is_not_finite_is_refused(rng):
    content = encode_checkpoint(trained(rng), RUN).split(b"\n", 1)[1]
    start = content.find(b"\n") + 1 + 3 * 8
    nan = np.float64("nan").tobytes()

    with pytest.raises(ValidationError, match="a parameter that is not finite"):
        decode_checkpoint(signed(content[:start] + nan + content[start + 8 :]), RUN)
