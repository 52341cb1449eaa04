"""Slopes by hand, and intervals that hold what they should as often as they say."""

import numpy as np
import pytest

from suite.insight import effects


def test_slope_by_hand():
    # Least squares through (0, 1), (0.5, 1), (1, 4): 3 from end to end.
    assert effects.slope([0, 0.5, 1], [[1, 1, 4], [2, 2, 2]]).tolist() == [3.0, 0.0]
    assert effects.slope([0.0], [[5.0]]).tolist() == [0.0]


def test_the_first_resample_is_all_examples_once():
    weight_RM = effects.weights_of_resamples(7, resamples=5)
    assert weight_RM[0].tolist() == [1] * 7
    assert weight_RM.sum(1).tolist() == [7] * 6


def test_over_repeats_is_students_interval():
    found = effects.over_repeats([1.0, 2.0, 3.0])
    # t(0.975, 2) = 4.3027, s = 1
    assert (found.value, found.n) == (2.0, 3)
    assert found.high == pytest.approx(2 + 4.3027 / 3**0.5, abs=1e-4)
    with pytest.raises(ValueError, match="needs two"):
        effects.over_repeats([1.0])


def test_bootstrap_holds_the_true_ratio_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for trial in range(200):
        error_M, baseline_M = rng.exponential(1, 80), rng.exponential(2, 80)
        weight_RM = effects.weights_of_resamples(80, resamples=300, seed=trial)
        score_R = 1 - (weight_RM @ error_M) / (weight_RM @ baseline_M)
        found = effects.bootstrapped(score_R, n=80, over="test examples")
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 200 <= 0.98


@pytest.mark.parametrize(
    ("ends", "verdict"), [((0.1, 0.3), "yes"), ((-0.3, -0.1), "no"), ((-0.1, 0.1), "unclear")]
)
def test_verdict_is_where_the_interval_lies(ends, verdict):
    low, high = ends
    effect = effects.Effect(value=(low + high) / 2, low=low, high=high, n=9, over="seeds")
    assert effect.verdict == verdict
