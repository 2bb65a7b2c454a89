"""Batches: each row once in an epoch, in an order of its own, resumable, and cheap."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import DomainError, ShapeMismatchError
from service.training import batches as batches_module
from service.training.batches import Batches
from service.training.data import Columns
from service.training.splits import RowRanges, all_rows, split

REGIMES = {
    "kept copy": {},
    "windows": {"KEPT_BYTES": 0, "WINDOW_BYTES": 40 * 16, "BLOCK_BYTES": 5 * 16},
    "own rows": {"KEPT_BYTES": 0, "WINDOW_BYTES": 1},
}


@pytest.fixture(params=REGIMES)
def regime(request, monkeypatch):
    for name, value in REGIMES[request.param].items():
        monkeypatch.setattr(batches_module, name, value)
    return request.param


def numbered(count):
    """Rows (i, i): 16 bytes each."""
    return np.repeat(np.arange(count, dtype=float)[:, None], 2, axis=1)


def seen(batches, epoch, step=0):
    """The batches of an epoch, as lists of row numbers."""
    return [batch[0][:, 0].astype(int).tolist() for batch in batches.epoch(epoch, step)]


@pytest.mark.parametrize(
    ("count", "size"),
    [(2, 1), (2, 2), (7, 2), (7, 7), (64, 32), (100, 1), (103, 7), (103, 32)],
)
@pytest.mark.usefixtures("regime")
def test_each_row_comes_once_in_an_epoch(count, size):
    batches = Batches([numbered(count)], size, seed=1)

    for epoch in range(10):
        found = seen(batches, epoch)

        assert sorted(chain.from_iterable(found)) == list(range(count))
        assert len(found) == batches.steps
        assert {len(batch) for batch in found[:-1]} <= {size}
        assert len(found[-1]) == (count % size or size)


@pytest.mark.usefixtures("regime")
def test_the_order_is_that_of_the_seed_and_the_epoch():
    first = Batches([numbered(103)], 8, seed=1)
    again = Batches([numbered(103)], 8, seed=1)
    other = Batches([numbered(103)], 8, seed=2)
    orders = [seen(first, epoch) for epoch in range(20)]

    assert [seen(again, epoch) for epoch in reversed(range(20))] == orders[::-1]
    assert all(a != b for i, a in enumerate(orders) for b in orders[:i])
    assert seen(other, 0) != orders[0]


def test_the_order_is_the_same_on_every_machine():
    assert seen(Batches([numbered(11)], 4, seed=5), 9) == [
        [8, 3, 9, 1],
        [10, 4, 6, 2],
        [0, 7, 5],
    ]


@pytest.mark.parametrize("rows", [None, split(103, 0.2, 1).training])
@pytest.mark.usefixtures("regime")
def test_a_run_resumes_at_any_step_with_the_same_batches(rows):
    whole = Batches([numbered(103)], 8, seed=1, rows=rows)

    for epoch in (0, 9):
        expected = seen(whole, epoch)
        for step in range(whole.steps + 1):
            fresh = Batches([numbered(103)], 8, seed=1, rows=rows)
            assert seen(fresh, epoch, step) == expected[step:]


@pytest.mark.parametrize("rows", [None, split(103, 0.2, 1).training])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("size", [8, 50, 70])
@pytest.mark.usefixtures("regime")
def test_pieces_make_up_the_batches(rows, shuffle, size):
    batches = Batches([numbered(103)], size, seed=1, shuffle=shuffle, rows=rows)

    for step in range(batches.steps):
        found, batch = [], []
        for piece in batches.pieces(1, step):
            batch.extend(piece.arrays[0][:, 0].astype(int).tolist())
            if piece.ends_batch:
                assert len(batch) == piece.batch_rows
                found.append(sorted(batch))
                batch = []
            else:
                assert len(piece.arrays[0]) <= 40

        assert batch == []
        assert found == [sorted(each) for each in seen(batches, 1, step)]


@pytest.mark.usefixtures("regime")
def test_rows_of_all_sources_stay_together():
    inputs, targets = numbered(103), np.arange(103.0) * 2

    for x, y in Batches([inputs, targets], 8, seed=1).epoch(0):
        assert (x[:, 0] * 2 == y).all()


@pytest.mark.parametrize("indices", [(0, 1), (2,), (2, 0)])
@pytest.mark.usefixtures("regime")
def test_columns_are_taken_in_their_order(indices, rng):
    values = rng.random((103, 3))
    values[:, 1] = np.arange(103)
    sources = [Columns(values, indices), Columns(values, (1,))]

    for x, number in Batches(sources, 8, seed=1).epoch(0):
        assert (x == values[number[:, 0].astype(int)][:, indices]).all()
        assert x.strides[1] == 8


def test_without_a_shuffle_batches_are_views_in_order():
    values = numbered(10)
    found = [batch for (batch,) in Batches([values], 4, seed=1, shuffle=False).epoch(3)]

    assert [batch[:, 0].tolist() for batch in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert all(np.shares_memory(batch, values) for batch in found)


def test_without_a_shuffle_rows_left_out_are_passed_over():
    rows = RowRanges(np.array([1, 5]), np.array([2, 3]))
    batches = Batches([numbered(10)], 2, seed=1, shuffle=False, rows=rows)

    assert seen(batches, 0) == [[1, 2], [5, 6], [7]]
    assert seen(batches, 0, 1) == [[5, 6], [7]]


def test_every_row_comes_early_and_late_alike(monkeypatch):
    monkeypatch.setattr(batches_module, "KEPT_BYTES", 0)
    monkeypatch.setattr(batches_module, "WINDOW_BYTES", 160)
    monkeypatch.setattr(batches_module, "BLOCK_BYTES", 32)
    batches = Batches([numbered(45)], 5, seed=0)
    epochs = 2000
    places = np.zeros(45)
    for epoch in range(epochs):
        places[list(chain.from_iterable(seen(batches, epoch)))] += np.arange(45)

    # The mean place of a row has standard deviation 13 / √2000 = 0.29: five of them.
    assert abs(places / epochs - 22).max() < 5 * 0.29


def test_sorted_rows_are_mixed_in_each_window(monkeypatch):
    monkeypatch.setattr(batches_module, "KEPT_BYTES", 0)
    monkeypatch.setattr(batches_module, "WINDOW_BYTES", 2**19)
    monkeypatch.setattr(batches_module, "BLOCK_BYTES", 2**13)
    batches = Batches([numbered(200_000)], 256, seed=0)
    means = [np.mean(batch) for batch in seen(batches, 0)]

    # 64 blocks of 512 rows in a window: a mean of 64 draws from 0 … 199,999, 57,735 apart.
    assert np.std(means) < 1.5 * 57_735 / 8


def test_a_batch_does_not_fit_more_rows_than_there_are():
    with pytest.raises(DomainError, match="batch_size: found 11, expected between 1 and 10"):
        Batches([numbered(10)], 11, seed=0)
    with pytest.raises(DomainError, match="found 0, expected between 1 and 10"):
        Batches([numbered(10)], 0, seed=0)


def test_sources_need_the_same_number_of_rows():
    with pytest.raises(ShapeMismatchError, match="found 9 rows beside 10, expected the same"):
        Batches([numbered(10), numbered(9)], 2, seed=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30_000), st.floats(0.01, 0.99), st.integers(0, 2**64))
def test_a_split_gives_each_row_to_one_part(count, fraction, seed):
    try:
        parts = split(count, fraction, seed)
    except DomainError:
        assert round(fraction * count) in (0, count)
        return
    training = parts.training.at(np.arange(parts.training.count))
    validation = parts.validation.at(np.arange(parts.validation.count))

    assert sorted([*training, *validation]) == list(range(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()
    assert abs(len(validation) - fraction * count) <= max(1, count // 4096)
    assert (split(count, fraction, seed).validation.starts == parts.validation.starts).all()


def test_a_split_of_many_rows_is_a_short_list_of_ranges():
    parts = split(10**9, 0.1, 0)

    assert parts.training.count + parts.validation.count == 10**9
    assert len(parts.training.starts) <= 4096
    assert parts.validation.count == pytest.approx(10**8, rel=1e-3)
    assert (split(10**9, 0.1, 1).training.starts[:9] != parts.training.starts[:9]).any()


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_lies_between_0_and_1(fraction):
    with pytest.raises(DomainError, match="expected more than 0 and less than 1"):
        split(10, fraction, 0)


@pytest.mark.parametrize(
    ("count", "fraction", "text"),
    [
        (10, 0.01, "leaves none of the 10 rows to validate with"),
        (10, 0.99, "leaves none of the 10 rows to train on"),
        (1, 0.5, "leaves none of the 1 rows"),
    ],
)
def test_a_fraction_leaves_both_parts_a_row(count, fraction, text):
    with pytest.raises(DomainError, match=text):
        split(count, fraction, 0)


def test_one_range_is_known_as_one():
    assert all_rows(5).single == (0, 5)
    assert RowRanges(np.array([0, 3]), np.array([1, 1])).single is None
