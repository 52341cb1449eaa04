import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suite.report.comparison import compare, corrected, holm


def values(seed: int, n: int, mean: float, deviation: float = 0.01) -> dict[int, float]:
    rng = np.random.default_rng(seed)
    return dict(enumerate(rng.normal(mean, deviation, n).tolist()))


@pytest.mark.parametrize("n", [3, 5, 20])
def test_shared_seeds_are_compared_pair_by_pair_as_scipy_does(n: int) -> None:
    first, second = values(1, n, 0.9), values(2, n, 0.895)
    expected = stats.ttest_rel(list(first.values()), list(second.values()))
    got = compare(first, second, direction="maximize")
    assert (got.n, got.paired) == (n, True)
    assert got.p == pytest.approx(expected.pvalue)
    assert (got.low, got.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_pairs_are_made_by_seed_and_not_by_order() -> None:
    first = {3: 0.3, 1: 0.1, 2: 0.2}
    second = {1: 0.05, 2: 0.16, 3: 0.25, 9: 0.99}
    got = compare(first, second, direction="maximize")
    assert got.n == 3
    assert got.mean == pytest.approx((0.05 + 0.04 + 0.05) / 3)
    assert got.verdict == "better"


@pytest.mark.parametrize(("n", "m"), [(3, 3), (3, 8), (12, 5)])
def test_other_seeds_are_compared_as_welch_does_in_scipy(n: int, m: int) -> None:
    first = values(1, n, 0.9)
    second = {100 + seed: v for seed, v in values(2, m, 0.88, 0.05).items()}
    ours, theirs = list(first.values()), list(second.values())
    expected = stats.ttest_ind(ours, theirs, equal_var=False)
    got = compare(first, second, direction="maximize")
    assert (got.n, got.paired) == (min(n, m), False)
    assert got.p == pytest.approx(expected.pvalue)
    assert (got.low, got.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_better_is_positive_whichever_way_the_metric_goes() -> None:
    low, high = {0: 0.1, 1: 0.11, 2: 0.12}, {0: 0.2, 1: 0.212, 2: 0.219}
    up, down = (compare(high, low, direction=d) for d in ("maximize", "minimize"))
    assert (up.verdict, down.verdict) == ("better", "worse")
    assert up.mean == pytest.approx(0.1003333)
    assert down.mean == -up.mean
    assert (down.low, down.high) == pytest.approx((-(up.high or 0), -(up.low or 0)))


@pytest.mark.parametrize("n", [1, 2])
def test_few_runs_have_a_mean_and_no_verdict(n: int) -> None:
    got = compare(values(1, n, 0.9), values(2, 5, 0.1), direction="maximize")
    assert got.mean == pytest.approx(0.8, abs=0.1)
    assert (got.n, got.low, got.high, got.p, got.verdict) == (n, None, None, None, "too few runs")


def test_values_without_spread() -> None:
    same = {0: 0.9, 1: 0.9, 2: 0.9}
    assert compare(same, same, direction="maximize").verdict == "not distinguishable"
    lower = {seed: 0.8 for seed in same}
    assert compare(same, lower, direction="maximize").verdict == "better"
    assert compare(same, {9: 0.8, 8: 0.8, 7: 0.8}, direction="minimize").verdict == "worse"


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no value"):
        compare({}, {0: 1.0}, direction="maximize")


def test_holm_by_hand() -> None:
    # Four comparisons: 4 × 0.01, 3 × 0.013, 2 × 0.03, 1 × 0.04; none below the one before it.
    assert holm([0.04, 0.01, 0.03, 0.013]) == pytest.approx([0.06, 0.04, 0.06, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
    # Of two chosen from six: 6 × 0.01 and 5 × 0.02.
    assert holm([0.01, 0.02], family=6) == pytest.approx([0.06, 0.1])
    with pytest.raises(ValueError, match="family=1"):
        holm([0.1, 0.2], family=1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.integers(0, 255))
def test_a_part_of_a_family_is_never_surer_than_within_the_whole(
    p_values: list[float], which: int
) -> None:
    kept = [at for at in range(len(p_values)) if which >> at & 1]
    whole = holm(p_values)
    part = holm([p_values[at] for at in kept], family=len(p_values))
    for at, p in zip(kept, part, strict=True):
        assert p >= whole[at] or p == pytest.approx(whole[at])


def test_correction_turns_what_chance_explains_and_leaves_out_what_was_not_tested() -> None:
    alone = compare(values(1, 5, 0.91), values(2, 5, 0.9), direction="maximize")
    assert alone.p is not None
    untested = compare({0: 0.9}, {0: 0.8}, direction="maximize")
    many = corrected([alone, untested], family=1000)
    assert many[0].p == alone.p
    assert many[0].p_corrected == pytest.approx(min(1.0, 1000 * alone.p))
    assert many[0].verdict == "not distinguishable"
    assert many[1] == untested
