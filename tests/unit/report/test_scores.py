import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.record import RunRecord
from suite.report.scores import (
    Profile,
    median_of_best,
    olympic_mean,
    pareto_front,
    profile,
    time_to_target,
    times_to_target,
)

TARGET = {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"}


def run(reached: dict[str, float] | None, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {"run_id": "r", "name": "r", "target": TARGET, "reached": reached}
    return RunRecord(**(values | {"steps": 100, "examples": 6400} | changes))


def at(seconds: float) -> dict[str, float]:
    return {"step": 25, "training_seconds": seconds, "wall_seconds": seconds + 2}


def test_every_measure() -> None:
    measured = run({**at(3.0), "examples": 1599, "joules": 40.0}, energy={"joules": 90.0})
    assert {m: time_to_target(measured, m) for m in ("training_seconds", "wall_seconds")} == {
        "training_seconds": 3.0,
        "wall_seconds": 5.0,
    }
    assert time_to_target(measured, "steps") == 25
    assert time_to_target(measured, "examples") == 1599
    assert time_to_target(measured, "joules") == 40.0


def test_records_of_before_follow_from_their_steps() -> None:
    assert time_to_target(run(at(3.0)), "examples") == 1600


def test_a_miss_is_infinite_and_not_unknown() -> None:
    missed = run(None)
    assert time_to_target(missed, "training_seconds") == math.inf
    assert time_to_target(missed, "examples") == math.inf
    # It has no joules to tell of, and an aimless run no target to miss.
    assert time_to_target(missed, "joules") is None
    assert time_to_target(run(None, energy={"joules": 9.0}), "joules") == math.inf
    assert time_to_target(run(None, target={}), "steps") is None


@pytest.mark.parametrize(
    ("seconds", "median", "rate"),
    [
        ((3.0, 9.0, None), 9.0, 2 / 3),
        ((3.0, None, None), math.inf, 1 / 3),
        ((3.0, 5.0, None, None), math.inf, 1 / 2),
        ((3.0, 5.0, 6.0, None), 5.5, 3 / 4),
    ],
)
def test_the_median_counts_misses(
    seconds: tuple[float | None, ...], median: float, rate: float
) -> None:
    runs = [run(None if one is None else at(one)) for one in seconds]
    got = times_to_target(runs, "training_seconds")
    assert got is not None
    assert (got.n, got.median, got.success_rate) == (len(seconds), median, rate)
    assert times_to_target(runs, "joules") is None


def test_repeats_as_mlperf_counts_them() -> None:
    assert olympic_mean([9.0, 1.0, 4.0, 5.0, 6.0]) == 5.0
    # One miss is the slowest; a second one stays.
    assert olympic_mean([4.0, math.inf, 5.0, 1.0]) == 4.5
    assert olympic_mean([4.0, math.inf, 5.0, math.inf]) == math.inf
    assert olympic_mean([*[1.0] * 4, 2.0, *[9.0] * 4], drop=4) == 2.0
    with pytest.raises(ValueError, match="at least 3"):
        olympic_mean([1.0, 2.0])


def test_the_median_of_the_best_as_algoperf_counts_it() -> None:
    assert median_of_best([[5.0, 3.0], [math.inf, 4.0], [9.0, math.inf]]) == 4.0
    assert median_of_best([[5.0], [math.inf], [math.inf]]) == math.inf


def test_profile_by_hand() -> None:
    reference = {"a": 10.0, "b": 2.0, "c": 4.0, "d": 1.0}
    got = profile({"a": 10.0, "b": 6.0, "c": 2.0, "elsewhere": 1.0}, reference)
    assert got.ratios == {"a": 1.0, "b": 3.0, "c": 0.5, "d": math.inf}
    assert [got.share(ratio) for ratio in (0.4, 0.5, 1.0, 2.9, 3.0, 99.0)] == [
        0.0, 0.25, 0.5, 0.5, 0.75, 0.75,
    ]  # fmt: skip
    # (3 + 1 + 3.5 + 0) / 4 / 3
    assert got.score() == pytest.approx(7.5 / 12)
    assert got.score(cut=2.0) == pytest.approx((1 + 0 + 1.5 + 0) / 4)
    with pytest.raises(ValueError, match="cut=1"):
        got.score(cut=1.0)


def test_who_equals_the_reference_scores_one() -> None:
    reference = {"a": 10.0, "b": 2.0}
    assert profile(reference, reference).score() == 1.0
    assert profile({}, reference).score() == 0.0


@given(
    st.lists(st.floats(0.01, 50) | st.just(math.inf), min_size=1, max_size=12),
    st.floats(1.1, 10),
)
def test_the_score_is_the_integral_of_the_profile(ratios: list[float], cut: float) -> None:
    one = Profile(ratios={str(i): ratio for i, ratio in enumerate(ratios)})
    # The profile is a step function: summed exactly, between its steps.
    edges = sorted({0.0, cut, *(ratio for ratio in ratios if ratio < cut)})
    area = sum(one.share(low) * (high - low) for low, high in pairwise(edges))
    assert one.score(cut) == pytest.approx(area / (cut - 1))


@pytest.mark.parametrize("times", [{}, {"a": 0.0}, {"a": math.inf}])
def test_a_reference_that_measures_nothing_is_refused(times: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0 and finite"):
        profile({}, times)


def dominated(points: list[tuple[float, float]], which: int) -> bool:
    cost, quality = points[which]
    return any(c <= cost and q >= quality and (c, q) != (cost, quality) for c, q in points)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_the_front_is_what_nothing_dominates(points: list[tuple[float, float]]) -> None:
    expected = [not dominated(points, which) for which in range(len(points))]
    assert pareto_front(points, direction="maximize") == expected
    turned = [(cost, -quality) for cost, quality in points]
    assert pareto_front(turned, direction="minimize") == expected


def test_the_front_of_many_points_is_found_in_time() -> None:
    points = [tuple(point) for point in np.random.default_rng(0).random((100_000, 2)).tolist()]
    front = pareto_front(points, direction="maximize")  # type: ignore[arg-type]
    assert 0 < sum(front) < 100
