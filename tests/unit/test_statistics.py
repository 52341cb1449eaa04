"""Intervals against hand-computed and scipy's values, and their coverage by simulation."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import MulticlassF1Score

import suite.statistics
from suite import Interval, bootstrap_ratio, wilson
from suite.statistics import bootstrap_macro_f1


def test_wilson_by_hand() -> None:
    # Half of 100 with z = 1.96: (0.5 + 0.0192 ± 1.96 * sqrt(0.0025 + 0.000096)) / 1.0384.
    interval = wilson(50, 100)
    assert interval.low == pytest.approx(0.40383, abs=1e-5)
    assert interval.high == pytest.approx(0.59617, abs=1e-5)
    assert interval.method == "Wilson score"


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy_and_holds_its_value(case: tuple[int, int]) -> None:
    successes, n = case
    theirs = scipy.stats.binomtest(successes, n).proportion_ci(method="wilson")
    ours = wilson(successes, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert successes / n in ours
    assert 0 <= ours.low <= ours.high <= 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes of {n}"):
        wilson(successes, n)


@pytest.mark.parametrize(("n", "share"), [(100, 0.95), (300, 0.99), (1000, 0.6)])
def test_wilson_covers_the_true_share(n: int, share: float) -> None:
    # Exact, by summing over all outcomes; it swings about 95% as outcomes are whole numbers.
    covered = sum(scipy.stats.binom.pmf(k, n, share) for k in range(n + 1) if share in wilson(k, n))
    assert 0.93 < covered < 0.98


def test_ratio_of_two_items_by_hand() -> None:
    # Resamples of {1/2, 0/2}: 0 with 1/4, 1/4 with 1/2, 1/2 with 1/4.
    assert bootstrap_ratio([1, 0], [2, 2]) == Interval(0.0, 0.5, "bootstrap, 10,000 resamples")


def test_ratio_is_of_sums_and_not_a_mean_of_ratios() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(1, 40, 200)
    errors = rng.binomial(words, 0.2)
    ours = bootstrap_ratio(errors, words, resamples=4_000)
    theirs = scipy.stats.bootstrap(
        (errors, words),
        lambda e, w, axis: e.sum(axis) / w.sum(axis),
        paired=True,
        method="percentile",
        n_resamples=4_000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)
    assert errors.sum() / words.sum() in ours


def test_ratio_of_equal_items_is_sure() -> None:
    interval = bootstrap_ratio([1.0] * 9, [4.0] * 9)
    assert (interval.low, interval.high) == (0.25, 0.25)


def test_ratio_covers_the_true_rate_where_errors_come_together() -> None:
    # A binomial interval over words would be half as wide: utterances fail as a whole.
    rng = np.random.default_rng(0)
    covered, trials = 0, 200
    for _ in range(trials):
        words = rng.integers(5, 20, 100)
        errors = rng.binomial(words, rng.beta(0.5, 2.0, 100))
        covered += 0.2 in bootstrap_ratio(errors, words, resamples=300)
    assert 0.90 < covered / trials < 0.98
    width = (lambda i: i.high - i.low)(bootstrap_ratio(errors, words))
    binomial = wilson(int(errors.sum()), int(words.sum()))
    assert width > 1.5 * (binomial.high - binomial.low)


def test_ratio_is_a_function_of_the_seed_and_not_of_the_portions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numerator, denominator = np.arange(31), np.arange(31) + 5
    whole = bootstrap_ratio(numerator, denominator, resamples=999)
    assert whole == bootstrap_ratio(numerator, denominator, resamples=999)
    assert whole != bootstrap_ratio(numerator, denominator, resamples=999, seed=1)
    monkeypatch.setattr(suite.statistics, "_NUMBERS_AT_ONCE", 100)
    assert whole == bootstrap_ratio(numerator, denominator, resamples=999)


def test_items_without_a_denominator_do_not_spoil_the_rest() -> None:
    interval = bootstrap_ratio([0, 1], [0, 2])
    assert (interval.low, interval.high) == (0.5, 0.5)
    assert "resamples" in interval.method


@pytest.mark.parametrize(
    ("numerator", "denominator"), [([], []), ([1], [0]), ([1, 1], [3, -1]), ([1], [1, 2])]
)
def test_ratio_refuses_what_has_none(numerator: list[float], denominator: list[float]) -> None:
    with pytest.raises(ValueError, match=r"denominators|shapes"):
        bootstrap_ratio(numerator, denominator)


def by_items(true: np.ndarray, predicted: np.ndarray) -> float:
    """Macro F1 of its definition, class by class."""
    scores = []
    for label in np.union1d(true, predicted):
        hits = ((true == label) & (predicted == label)).sum()
        scores.append(2 * hits / ((true == label).sum() + (predicted == label).sum()))
    return float(np.mean(scores))


def scored(true: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    metric = MulticlassF1Score(classes, average="macro")
    return float(metric(torch.from_numpy(predicted), torch.from_numpy(true)))


def confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def drawn(rng: np.random.Generator, items: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    true = rng.integers(0, classes, items)
    return true, np.where(rng.random(items) < 0.7, true, rng.integers(0, classes, items))


def test_macro_f1_equals_drawing_the_items_themselves() -> None:
    rng = np.random.default_rng(0)
    true, predicted = drawn(rng, 60, 4)
    # Class 4 never occurs and is never predicted; class 3 is rare and missing from some resamples.
    keep = (true != 3) | (np.arange(60) < 12)
    true, predicted = true[keep], predicted[keep]
    assert by_items(true, predicted) == pytest.approx(scored(true, predicted, 5))
    draws = rng.integers(0, len(true), (1000, len(true)))
    low, high = np.quantile([by_items(true[d], predicted[d]) for d in draws], [0.025, 0.975])
    interval = bootstrap_macro_f1(confusion(true, predicted, 5), resamples=10_000)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.015)
    assert scored(true, predicted, 5) in interval


def test_macro_f1_without_an_error_or_a_hit() -> None:
    perfect, hopeless = np.diag([5, 0, 7]), np.array([[0, 5], [3, 0]])
    assert (bootstrap_macro_f1(perfect).low, bootstrap_macro_f1(perfect).high) == (1, 1)
    assert (bootstrap_macro_f1(hopeless).low, bootstrap_macro_f1(hopeless).high) == (0, 0)
    with pytest.raises(ValueError, match="no item"):
        bootstrap_macro_f1(np.zeros((3, 3)))


def test_macro_f1_is_the_same_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = confusion(*drawn(np.random.default_rng(1), 200, 6), 6)
    whole = bootstrap_macro_f1(counts, resamples=300)
    monkeypatch.setattr(suite.statistics, "_NUMBERS_AT_ONCE", 10)
    assert whole == bootstrap_macro_f1(counts, resamples=300)


def test_macro_f1_covers_the_true_value() -> None:
    # Two classes, each right with 0.8 and equally frequent: macro F1 is 0.8.
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        counts = rng.multinomial(200, [0.4, 0.1, 0.1, 0.4]).reshape(2, 2)
        covered += 0.8 in bootstrap_macro_f1(counts, resamples=200)
    assert 0.91 < covered / 200 < 0.98
    assert math.isclose(2 * 0.4 / (0.5 + 0.5), 0.8)
