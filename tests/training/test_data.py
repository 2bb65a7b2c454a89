"""Datasets: columns chosen by name, and the checks of data that come without a file."""

import numpy as np
import pytest

from service.errors import (
    BadDatasetError,
    DomainError,
    NonFiniteInputError,
    ShapeMismatchError,
    UnknownNameError,
)
from service.training.data import Column, check_samples, dataset_of, open_dataset
from service.training.reading.tables import FORMATS, read_table


@pytest.fixture
def data():
    return dataset_of(np.arange(12.0).reshape(3, 4), ["age", "height", "weight", "y"])


def test_columns_side_by_side_are_a_view(data):
    inputs, targets = data.select(["age", "height", "weight"], ["y"])

    assert np.shares_memory(inputs.array(), data.values)
    assert inputs.shape == (3, 3)
    assert inputs.array().tolist() == [[0, 1, 2], [4, 5, 6], [8, 9, 10]]
    assert targets.array().tolist() == [[3], [7], [11]]


def test_other_columns_are_copied_in_their_order(data):
    inputs, targets = data.select(["y", "age"])

    assert inputs.array().tolist() == [[3, 0], [7, 4], [11, 8]]
    assert inputs.array().flags.c_contiguous
    assert targets.array().shape == (3, 0)


def test_an_unknown_column_is_told_with_the_nearest(data):
    with pytest.raises(
        UnknownNameError, match="unknown column 'heigth'; did you mean 'height'"
    ):
        data.select(["age", "heigth"], ["y"])
    with pytest.raises(UnknownNameError, match=r"^unknown column 'zzz'$") as raised:
        data.select(["age"], ["zzz"])
    assert raised.value.faults[0].pointer == "/data/targets/0"
    assert raised.value.faults[0].hint == "columns: 'age', 'height', 'weight', 'y'"


def test_a_column_has_one_part_only(data):
    with pytest.raises(DomainError, match="found column 'y' in targets, but inputs has it"):
        data.select(["y"], ["y"])
    with pytest.raises(DomainError, match="found no input column, expected at least one"):
        data.select([], ["y"])


def test_a_dataset_is_described(data):
    assert data.rows == 3
    assert data.columns[1] == Column("height", "float64", 1.0, 9.0)


@pytest.mark.parametrize(
    ("values", "names", "text"),
    [
        (np.zeros((2, 2)), ["a"], "found 1 names for 2 columns, expected one for each"),
        (np.zeros((2, 2)), ["a", "a"], "found the name 'a', which column 1 has already"),
        (np.zeros((0, 2)), ["a", "b"], "found no row of data"),
        (np.zeros(2), ["a"], "found an array of ndim 1"),
        (
            np.array([[1.0, 2], [3, np.inf]]),
            ["a", "b"],
            r"row 2, column 'b' \(2 of 2\): found inf",
        ),
    ],
    ids=str,
)
def test_a_dataset_is_a_table_of_finite_numbers(values, names, text):
    with pytest.raises(BadDatasetError, match=text):
        dataset_of(values, names)


def test_a_stored_dataset_is_mapped_again(tmp_path):
    path = tmp_path / "values.npy"
    (tmp_path / "data.csv").write_text("a,b\n1,2\n3,4\n")
    stored = read_table(tmp_path / "data.csv", into=path)
    again = open_dataset(path, stored.columns)

    assert isinstance(again.values, np.memmap)
    assert again.values.tolist() == [[1, 2], [3, 4]]
    assert again.columns == stored.columns
    assert not again.values.flags.writeable


def test_a_stored_dataset_that_was_changed_is_refused(tmp_path):
    path = tmp_path / "values.npy"
    columns = [Column("a", "float64", 0, 1)]
    np.save(path, np.zeros((3, 2)))
    with pytest.raises(BadDatasetError, match=r"found float64 of shape \(3, 2\)"):
        open_dataset(path, columns)

    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadDatasetError, match="found a file cut short"):
        open_dataset(path, columns)


@pytest.mark.parametrize(
    ("inputs", "targets", "kind", "text"),
    [
        (
            np.zeros((3, 2)),
            np.zeros(4),
            ShapeMismatchError,
            "inputs has 3 samples, but targets",
        ),
        (np.zeros(()), np.zeros(1), ShapeMismatchError, "inputs is a number"),
        (np.zeros((0, 2)), np.zeros(0), BadDatasetError, r"found inputs of shape \(0, 2\)"),
        (
            np.array([[0, 1], [2, np.nan]]),
            np.zeros(2),
            NonFiniteInputError,
            "inputs, row 2, column 2 of 2: found nan, expected a finite number",
        ),
        (
            np.zeros((2, 1)),
            np.array([0, -np.inf]),
            NonFiniteInputError,
            "targets, row 2: found",
        ),
    ],
    ids=str,
)
def test_samples_and_targets_fit_together(inputs, targets, kind, text):
    with pytest.raises(kind, match=text):
        check_samples(inputs, targets)


def test_each_format_has_a_media_type_of_its_own():
    assert len({record.media_type for record in FORMATS.values()}) == len(FORMATS)
