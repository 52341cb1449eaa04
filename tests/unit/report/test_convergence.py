import math

import numpy as np
import pytest
from scipy import stats

from suite.report.convergence import acceptance, interpolated

# The worked example of MLPerf's training rules, "Appendix: RCP Examples": benchmark A, of which a
# submission has five runs.
BATCH_128 = [16, 14, 16, 17, 16, 16, 15, 16, 15, 16]
BATCH_256 = [20, 21, 21, 20, 22, 22, 21, 21, 20, 20]


@pytest.mark.parametrize(
    ("reference", "mean", "deviation", "speedup", "least"),
    [(BATCH_128, 15.75, 0.43, 1.0353, 15.21), (BATCH_256, 20.75, 0.66, 1.0412, 19.93)],
)
def test_the_published_example(
    reference: list[float], mean: float, deviation: float, speedup: float, least: float
) -> None:
    got = acceptance(reference, runs=5)
    assert got.mean == mean
    assert round(got.deviation, 2) == deviation
    assert round(got.largest_speedup, 4) == speedup
    assert round(got.low, 2) == least
    assert got.runs == 8


def test_the_published_submissions() -> None:
    assert acceptance(BATCH_128, runs=5).verdict([15, 15, 15, 16, 16]) == "accepted"  # S1
    assert acceptance(BATCH_256, runs=5).verdict([19, 19, 19, 20, 21]) == "too fast"  # S2
    between = interpolated((128, BATCH_128), (256, BATCH_256), 192, runs=5)
    assert between.mean == 18.25
    assert round(between.deviation, 3) == 0.547
    assert round(between.largest_speedup, 4) == 1.0368
    assert between.verdict([17, 18, 18, 18, 20]) == "accepted"  # S3


def test_the_ends_are_where_the_t_test_turns() -> None:
    got = acceptance(BATCH_256, runs=10)
    kept = sorted(BATCH_256)[1:-1]
    for mean, direction in ((got.low, "less"), (got.high, "greater")):
        tested = stats.ttest_ind_from_stats(
            mean, np.std(kept), 8, got.mean, np.std(kept), 8, equal_var=True, alternative=direction
        )
        assert tested.pvalue == pytest.approx(0.05)


def test_all_repeats_count_where_none_are_dropped_by_hand() -> None:
    # Mean 20, s² = 200/3; t(0.95, 4) is 2.131847 (tables).
    got = acceptance([10.0, 20.0, 30.0], runs=3, drop=0)
    half = 2.131847 * math.sqrt(200 / 3) * math.sqrt(2 / 3)
    assert (got.low, got.high) == pytest.approx((20 - half, 20 + half), rel=1e-6)


def test_misses_are_slow() -> None:
    got = acceptance(BATCH_128, runs=5)
    assert got.verdict([math.inf, 15, 16, 16, 16]) == "accepted"
    assert got.verdict([math.inf, math.inf, 16, 16, 16]) == "too slow"
    # 15, 15, five times 16, and 17 are left.
    assert acceptance([*BATCH_128[:-1], math.inf], runs=5).mean == 15.875


@pytest.mark.parametrize(
    ("reference", "runs", "told"),
    [
        ([1.0, 2.0, 3.0], 5, "too few"),
        (BATCH_128, 2, "too few"),
        ([*BATCH_128, math.inf, math.inf], 5, "missed the target"),
    ],
)
def test_too_little_is_refused(reference: list[float], runs: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        acceptance(reference, runs=runs)


@pytest.mark.parametrize("batch", [64, 128, 256, 512])
def test_nothing_is_extrapolated(batch: int) -> None:
    with pytest.raises(ValueError, match="must lie between 128 and 256"):
        interpolated((128, BATCH_128), (256, BATCH_256), batch, runs=5)
