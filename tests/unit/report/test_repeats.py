import math

import numpy as np
import pytest
from scipy import stats

from suite.report.repeats import repeats


@pytest.mark.parametrize("n", [3, 5, 30])
def test_equal_to_scipy(n: int) -> None:
    values = np.random.default_rng(n).normal(0.9, 0.01, n).tolist()
    got = repeats(values)
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert got.n == n
    assert got.mean == pytest.approx(np.mean(values))
    assert got.median == pytest.approx(np.median(values))
    assert got.deviation == pytest.approx(np.std(values, ddof=1))
    assert got.interval == pytest.approx(tuple(interval))
    assert got.method == f"Student's t, {n - 1} degrees of freedom"


def test_by_hand() -> None:
    # Mean 2, s = 1, t(2) at 97.5% is 4.302653 (tables): 2 ± 4.302653 / √3.
    got = repeats([1.0, 2.0, 3.0])
    assert (got.mean, got.median, got.deviation) == (2.0, 2.0, 1.0)
    assert got.interval == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)


def test_few_runs_have_no_interval() -> None:
    one, two = repeats([0.9]), repeats([0.9, 0.8])
    assert (one.n, one.mean, one.deviation, one.interval) == (1, 0.9, None, None)
    assert two.deviation == pytest.approx(0.0707107, abs=1e-6)
    assert two.interval is None
    assert two.method == "none: n=2, at least 3 are needed"


def test_an_infinite_value_leaves_the_median() -> None:
    got = repeats([1.0, math.inf, 2.0])
    assert (got.mean, got.median, got.deviation, got.interval) == (math.inf, 2.0, None, None)
    assert got.method == "none: a value is not finite"


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert repeats([0.5] * 3).interval == (0.5, 0.5)


def test_no_value_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        repeats([])
