"""On simulated runs of known truth the 95% intervals hold it in 93 to 97 of 100 repeats."""

import numpy as np
import pytest

from suite.record import RunRecord
from suite.report.aggregate import aggregate, interquartile_mean
from suite.report.board import board_of
from suite.report.comparison import compare, corrected
from suite.report.groups import groups_of
from suite.report.repeats import repeats

REPEATS = 2_000
NOMINAL = pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_of_a_mean(n: int) -> None:
    draws = np.random.default_rng(n).normal(0.9, 0.01, (REPEATS, n)).tolist()
    intervals = [repeats(values).interval for values in draws]
    inside = [low <= 0.9 <= high for low, high in filter(None, intervals)]
    assert len(inside) == REPEATS
    assert np.mean(inside) == NOMINAL


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("way", ["paired", "unpaired"])
def test_of_a_difference(way: str, n: int) -> None:
    rng = np.random.default_rng(n)
    inside, called = 0, 0
    for _ in range(REPEATS):
        shared = rng.normal(0, 0.02, n) if way == "paired" else 0.0
        first = dict(enumerate(rng.normal(0.91, 0.02, n) + shared))
        start = 0 if way == "paired" else n
        second = dict(enumerate(rng.normal(0.90, 0.01, n) + shared, start))
        one = compare(first, second, direction="maximize")
        assert one.paired == (way == "paired")
        assert one.low is not None
        assert one.high is not None
        inside += one.low <= 0.01 <= one.high
        level = {seed: value - 0.01 for seed, value in first.items()}
        called += compare(level, second, direction="maximize").verdict != "not distinguishable"
    assert inside / REPEATS == NOMINAL
    # What is truly equal is called better or worse as seldom as it should.
    assert called / REPEATS == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_of_the_interquartile_mean_over_tasks(n: int) -> None:
    rng = np.random.default_rng(n)
    levels, spreads = (0.85, 0.88, 0.9, 0.92), (0.01, 0.02, 0.04, 0.08)
    truth = interquartile_mean(rng.normal(levels, spreads, (200_000, 4)).ravel())
    inside = 0
    for seed in range(REPEATS):
        runs = rng.normal(levels, spreads, (n, 4)).T.tolist()
        one = aggregate(runs, resamples=200, seed=seed)
        assert one.low is not None
        assert one.high is not None
        inside += one.low <= truth <= one.high
    assert inside / REPEATS == NOMINAL


def test_equal_rows_of_a_board_are_seldom_told_apart() -> None:
    """The best is chosen by what it is compared with: see `suite.report.board`."""
    rng = np.random.default_rng(0)
    boards, wrong = 400, 0
    for _ in range(boards):
        runs = [
            RunRecord(
                run_id=f"{row}{seed}", name="", status="finished", backbone=str(row), seed=seed,
                group_hash=str(row), config_hash=f"{row}{seed}", primary="accuracy",
                direction="maximize", metrics={"test/accuracy": float(rng.normal(0.9, 0.01))},
            )
            for row in range(8)
            for seed in range(5)
        ]  # fmt: skip
        told = [row.against_best for row in board_of(groups_of(runs)).rows]
        wrong += any(one is not None and one.verdict == "worse" for one in told)
    assert wrong / boards <= 0.05


def test_holm_holds_its_level_over_a_family() -> None:
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(REPEATS):
        control = dict(enumerate(rng.normal(0, 1, 5)))
        others = [dict(enumerate(rng.normal(0, 1, 5))) for _ in range(6)]
        found = corrected([compare(one, control, direction="maximize") for one in others])
        wrong += any(one.verdict != "not distinguishable" for one in found)
    assert 0.02 < wrong / REPEATS <= 0.06
