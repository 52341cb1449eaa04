import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suite.report.aggregate import aggregate, interquartile_mean

numbers = st.floats(-10, 10)


@given(st.lists(numbers, min_size=1, max_size=10))
def test_equal_to_scipy_where_four_divides_the_runs(values: list[float]) -> None:
    four = [*values, *values, *values, *values]
    expected = stats.trim_mean(four, 0.25)
    assert interquartile_mean(four) == pytest.approx(expected, abs=1e-9)


def test_what_lies_across_an_end_counts_in_part_by_hand() -> None:
    # Of nine 2.25 are left out at each end: 0.75 of the third and of the seventh stay.
    got = interquartile_mean([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert got == pytest.approx((0.75 * 3 + 4 + 5 + 6 + 0.75 * 7) / 4.5)
    assert interquartile_mean([1.0]) == 1.0
    assert interquartile_mean([1.0, 2.0, 9.0]) == pytest.approx((0.25 * 1 + 2 + 0.25 * 9) / 1.5)


@given(st.lists(numbers, min_size=1, max_size=8), st.integers(2, 4))
def test_a_weight_is_a_run_as_often(values: list[float], times: int) -> None:
    weights = [1.0 + (at % times) for at in range(len(values))]
    repeated = [v for v, w in zip(values, weights, strict=True) for _ in range(int(w))]
    assert interquartile_mean(values, weights) == pytest.approx(
        interquartile_mean(repeated), abs=1e-9
    )


def test_tasks_count_alike_however_many_their_runs() -> None:
    once = aggregate([[0.1, 0.2, 0.3], [0.7, 0.8, 0.9]])
    twice = aggregate([[0.1, 0.2, 0.3] * 2, [0.7, 0.8, 0.9]])
    assert once.mean == pytest.approx(twice.mean)
    assert (twice.tasks, twice.runs) == (2, 9)


def test_one_task_of_equal_spread_has_about_students_interval() -> None:
    values = stats.norm.ppf((np.arange(200) + 0.5) / 200).tolist()
    got = aggregate([values])
    # The asymptotic variance of the quarter-trimmed mean is 1.195 times that of the mean (Huber).
    expected = stats.t.ppf(0.975, 199) * np.sqrt(1.195 / 200)
    assert got.high is not None
    assert got.high - got.mean == pytest.approx(expected, rel=0.06)


def test_the_interval_is_the_same_each_time_and_shrinks_with_seeds() -> None:
    rng = np.random.default_rng(3)
    few = [rng.normal(level, 0.02, 3).tolist() for level in (0.7, 0.8, 0.9)]
    many = [rng.normal(level, 0.02, 30).tolist() for level in (0.7, 0.8, 0.9)]
    first, again, more = aggregate(few), aggregate(few), aggregate(many)
    assert first == again
    assert first.low is not None
    assert more.low is not None
    assert more.mean - more.low < (first.mean - first.low) / 2


def test_few_runs_have_no_interval() -> None:
    got = aggregate([[0.7, 0.8, 0.9], [0.9]])
    assert (got.low, got.high) == (None, None)
    assert got.method == "none: a task has n=1, at least 3 are needed"


def test_equal_runs_have_an_interval_of_no_width() -> None:
    got = aggregate([[0.5] * 3, [0.75] * 3])
    assert got.low == got.high == pytest.approx(got.mean) == pytest.approx(0.625)


@pytest.mark.parametrize("scores", [[], [[0.5], []]])
def test_no_run_is_refused(scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="holds no run"):
        aggregate(scores)
