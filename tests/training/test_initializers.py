"""The initializers: their variance, their limits, the same weights of the same seed."""

import numpy as np
import pytest

from service.errors import DomainError, ShapeMismatchError, ValidationError
from service.training.initializers import INITIALIZERS, chosen_initializer
from service.training.rule_formulas import rule_formulas

VARIANCES = {
    "zeros": 0.0,
    "normal": 0.05**2,
    "uniform": 0.05**2 / 3,
    "glorot_uniform": 2 / (300 + 200),
    "glorot_normal": 2 / (300 + 200),
    "he_uniform": 2 / 300,
    "he_normal": 2 / 300,
    "lecun_normal": 1 / 300,
    "orthogonal": 1 / 300,
}
LIMITS = {"uniform": 0.05, "glorot_uniform": (6 / 500) ** 0.5, "he_uniform": (6 / 300) ** 0.5}


def kind_of(initializer):
    return initializer.kind


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=kind_of)
def test_the_weights_have_their_mean_and_variance(initializer, rng):
    weights = chosen_initializer({"kind": initializer.kind}).weights((300, 200), rng)

    # 60 000 entries: the mean is right to a few σ/245, the variance to a few 2 σ²/245.
    variance = VARIANCES[initializer.kind]
    assert abs(weights.mean()) <= 4 * variance**0.5 / 245
    assert weights.var() == pytest.approx(variance, rel=0.03)
    assert weights.shape == (300, 200)
    if initializer.kind in LIMITS:
        limit = LIMITS[initializer.kind]
        assert 0.999 * limit < np.abs(weights).max() <= limit


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=kind_of)
def test_the_same_seed_gives_the_same_weights(initializer):
    chosen = chosen_initializer({"kind": initializer.kind})
    first, second = (chosen.weights((4, 2), np.random.default_rng(7)) for _ in range(2))

    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=kind_of)
def test_a_vector_is_one_unit(initializer):
    chosen = chosen_initializer({"kind": initializer.kind})
    vector = chosen.weights((5,), np.random.default_rng(7))
    matrix = chosen.weights((5, 1), np.random.default_rng(7))

    assert vector.shape == (5,)
    assert vector.tolist() == matrix[:, 0].tolist()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (6,)])
def test_an_orthogonal_matrix_has_orthonormal_columns_or_rows(shape, rng):
    weights = chosen_initializer({"kind": "orthogonal", "gain": 2}).weights(shape, rng)

    q = weights.reshape(shape[0], -1)
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, 4 * np.eye(min(q.shape)), atol=1e-13)


@pytest.mark.parametrize("initializer", INITIALIZERS, ids=kind_of)
def test_a_formula_is_shown(initializer):
    assert rule_formulas(initializer.text).text == initializer.text


def test_other_usual_names_are_known():
    assert chosen_initializer({"kind": "kaiming_normal"}).initializer.kind == "he_normal"
    assert chosen_initializer({"kind": "xavier_uniform"}).initializer.kind == "glorot_uniform"


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (0,), (3, 0)])
def test_a_shape_that_is_no_weights_is_told(shape, rng):
    with pytest.raises(
        ShapeMismatchError, match=r"initializer zeros: found the shape \(.*\), exp"
    ):
        chosen_initializer({"kind": "zeros"}).weights(shape, rng)


def test_a_wrong_initializer_is_told():
    with pytest.raises(
        ValidationError, match="initializer: found kind 'glorot', expected"
    ) as e:
        chosen_initializer({"kind": "glorot"})
    assert e.value.faults[0].hint == "did you mean 'glorot_normal'?"

    with pytest.raises(
        DomainError, match="initializer normal: found standard_deviation 0, exp"
    ):
        chosen_initializer({"kind": "normal", "standard_deviation": 0})
