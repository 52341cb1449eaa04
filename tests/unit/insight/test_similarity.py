"""Centred kernel alignment against closed forms and a case by hand."""

import numpy as np
import pytest

from suite.insight.similarity import cka, debiased_cka, debiased_effect, gram, hsic, matrix


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("index", [cka, debiased_cka])
def test_rotation_scale_and_shift_change_nothing(index):
    values = _normal(60, 8)
    turned, _ = np.linalg.qr(_normal(8, 8, seed=1))
    assert index(gram(values), gram(values)) == pytest.approx(1)
    assert index(gram(values), gram(3 * values @ turned + 5)) == pytest.approx(1)
    stretched = values * np.array([9, 1, 1, 1, 1, 1, 1, 1])
    assert index(gram(values), gram(stretched)) < 0.9


def test_by_hand():
    # Centred: x = (-1, 0, 1, 0), y = (0, -1, 0, 1) x 2; both with their squares in the Gram.
    one, other = np.array([[-1.0], [0], [1], [0]]), np.array([[0.0], [-2], [0], [2]])
    assert cka(gram(one), gram(other)) == pytest.approx(0)
    both = np.concatenate([one, other], 1)
    # <K, L> = 4, <K, K> = 4, <L, L> = 4 + 64, where K = xx', L = xx' + yy'.
    assert cka(gram(one), gram(both)) == pytest.approx(4 / (4 * 68) ** 0.5)


def test_unbiased_hsic_is_the_sum_over_fours_of_examples():
    """Against its definition over all fours of examples (Song et al. 2012, equation 4)."""
    from itertools import permutations

    one, other = gram(_normal(5, 2)), gram(_normal(5, 3, seed=1))
    terms = [
        one[i, j] * (other[i, j] + other[q, r] - 2 * other[i, q])
        for i, j, q, r in permutations(range(5), 4)
    ]
    assert hsic(one, other) == pytest.approx(np.mean(terms))
    with pytest.raises(ValueError, match="needs 4"):
        hsic(one[:3, :3], other[:3, :3])


def test_what_is_independent_is_at_zero_only_without_bias():
    pairs = [
        (gram(_normal(40, 100, seed=2 * i)), gram(_normal(40, 100, seed=2 * i + 1)))
        for i in range(100)
    ]
    assert np.mean([cka(*pair) for pair in pairs]) > 0.6
    values = [debiased_cka(*pair) for pair in pairs]
    assert abs(np.mean(values)) < 3 * np.std(values) / 10
    held = [effect.low <= 0 <= effect.high for effect in (debiased_effect(*p) for p in pairs[:40])]
    assert np.mean(held) >= 0.85


def test_matrix_is_each_with_each():
    grams = [gram(_normal(30, 4, seed=seed)) for seed in range(3)]
    found = matrix(grams, grams[:2])
    assert found.shape == (3, 2)
    assert found[2, 1] == pytest.approx(debiased_cka(grams[2], grams[1]))
    nothing = np.zeros((30, 30))
    assert np.isnan(matrix(grams[:1], [nothing])).all()
    assert debiased_effect(grams[0], nothing).verdict == "unclear"
