"""The state of an optimizer: the same bits after a round trip, and texts that are none."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from zlib import crc32

import numpy as np
import pytest

from service.errors import ValidationError
from service.training.optimizers import OPTIMIZERS
from service.training.states import OptimizerState, decode_state, encode_state
from service.training.updater import chosen_optimizer

SIZE = 3


def kind_of(optimizer):
    return optimizer.kind


def chosen(kind):
    return chosen_optimizer({"kind": kind, "learning_rate": 0.01, "weight_decay": 0.1})


def state_of(kind, rng, size=SIZE):
    updater = chosen(kind).updater(size)
    w = rng.normal(size=size)
    for _ in range(4):
        updater.step(w, rng.normal(size=size))
    return updater.state()


def packed(header, numbers=b""):
    """A text whose checksum is right, whatever it holds."""
    line = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = line + b"\n" + numbers
    return urlsafe_b64encode(body + crc32(body).to_bytes(4, "little")).decode().rstrip("=")


def header(**fields):
    first = {"version": 1, "kind": "momentum", "step": 1, "size": 1, "numbers": {}}
    return first | fields


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=kind_of)
def test_steps_after_a_round_trip_have_the_same_bits(optimizer, rng):
    gradients = rng.normal(size=(12, SIZE))
    whole = chosen(optimizer.kind).updater(SIZE)
    w = rng.normal(size=SIZE)
    resumed = w.copy()
    state = None

    for g in gradients:
        whole.step(w, g)
        updater = chosen(optimizer.kind).updater(SIZE, state)
        updater.step(resumed, g)
        state = decode_state(encode_state(updater.state()))

    assert resumed.tobytes() == w.tobytes()
    assert encode_state(whole.state()) == encode_state(state)


def test_a_state_is_a_copy(rng):
    updater = chosen("adam").updater(SIZE)
    updater.step(np.zeros(SIZE), np.ones(SIZE))
    state = updater.state()
    before = encode_state(state)

    updater.step(np.zeros(SIZE), np.ones(SIZE))
    chosen("adam").updater(SIZE, state).step(np.zeros(SIZE), np.ones(SIZE))

    assert encode_state(state) == before


def test_the_text_is_little_more_than_the_numbers(rng):
    text = encode_state(state_of("adam", rng, size=1000))

    assert len(text) < 1.34 * 2 * 8 * 1000 + 200
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("adamw", SIZE, "optimizer_state: found the state of adam, expected adamw"),
        ("adam", 5, "optimizer_state: found the state of 3 parameters, expected 5"),
    ],
)
def test_a_state_of_another_optimizer_or_size_is_refused(kind, size, message, rng):
    state = state_of("adam", rng)

    with pytest.raises(ValidationError, match=message) as caught:
        chosen(kind).updater(size, state)

    assert caught.value.faults[0].pointer == "/optimizer_state"


def test_a_change_anywhere_in_the_text_is_found(rng):
    text = encode_state(state_of("lion", rng))
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))

    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(ValidationError, match="its checksum is wrong"):
            decode_state(urlsafe_b64encode(changed).decode())
    for length in range(len(text)):
        with pytest.raises(ValidationError, match="optimizer_state: found"):
            decode_state(text[:length])


ONE = np.ones(1).tobytes()
GARBAGE = [
    ("", "cut or changed"),
    ("ß", "not base64url"),
    ("a b", "not base64url"),
    (packed(b""), "a header that is not one of ours"),
    (packed(b"[" * 400), "a header that is not one of ours"),
    (packed(b"\xff"), "a header that is not one of ours"),
    (packed(b"[]"), "a header that is not one of ours"),
    (packed({"version": 1}), "a header that is not one of ours"),
    (packed(b" " * 10_000 + b"{}"), "a header that is not one of ours"),
    (packed(header(version=2), ONE), "another version, expected version 1"),
    (packed(header(kind="sgdd"), ONE), "an optimizer that is not known here"),
    (packed(header(kind=["sgd"]), ONE), "an optimizer that is not known here"),
    (packed(header(step=-1), ONE), "counts that no optimizer has"),
    (packed(header(step=True), ONE), "counts that no optimizer has"),
    (packed(header(step=10**60), ONE), "counts that no optimizer has"),
    (packed(header(size=1.0), ONE), "counts that no optimizer has"),
    (packed(header(size=10**15), ONE), "8 bytes of numbers, expected 8000000000000000"),
    (packed(header(size=2), ONE), "8 bytes of numbers, expected 16"),
    (packed(header(), np.array([np.nan]).tobytes()), "in velocity that is not finite"),
    (packed(header(numbers={"p": 1.0}), ONE), "a header that is not one of ours"),
    (packed(header(numbers=[]), ONE), "a header that is not one of ours"),
    (packed(header(kind="rmsprop"), (-np.ones(1)).tobytes()), "negative number in second_mom"),
    (
        packed(header(kind="nadam", numbers={"momentum_product": 1.5}), 2 * ONE),
        "a number that is not from 0 to 1",
    ),
    (
        packed(header(kind="nadam", numbers={"momentum_product": float("nan")}), 2 * ONE),
        "a number that is not from 0 to 1",
    ),
]


@pytest.mark.parametrize(("text", "message"), GARBAGE)
def test_a_text_that_is_no_state_is_told(text, message):
    with pytest.raises(ValidationError, match=f"optimizer_state: found .*{message}"):
        decode_state(text)


def test_a_state_of_no_slots_is_small():
    state = OptimizerState("sgd", step=7, size=10**6)

    assert len(encode_state(state)) < 120
    assert decode_state(encode_state(state)).step == 7
