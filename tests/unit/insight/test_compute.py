"""Curves of equal FLOPs, by the planted law of Hoffmann et al.: L = E + A N^-a + B D^-b."""

import numpy as np
import pytest

from suite.insight.compute import Path, frontier


def paths(seeds: int = 3, *, best: bool = True) -> list[Path]:
    rng = np.random.default_rng(0)
    made = []
    for parameters in np.geomspace(1e3, 1e6, 8):
        for seed in range(seeds):
            flops = np.geomspace(6e7, 1e12, 30)
            loss = 0.5 + 100 / (flops / 6 / parameters) ** 0.4
            loss += 200 / parameters**0.5 if best else 0
            noisy = loss * np.exp(rng.normal(0, 0.005, len(flops)))
            made.append(Path(parameters=parameters, seed=seed, flops=flops.tolist(),
                             loss=noisy.tolist()))  # fmt: skip
    return made


def test_the_planted_exponent_is_found() -> None:
    found = frontier(paths(), resamples=100)
    assert found.exponent is not None
    assert found.exponent.value == pytest.approx(0.4 / 0.9, abs=0.02)
    assert found.verdict == "more compute wants larger models"
    at = found.budgets[4]
    assert at.best is not None
    # The least point of the planted law at this budget.
    sizes = np.geomspace(1e3, 1e6, 4000)
    planted = 200 / sizes**0.5 + 100 / (at.flops / 6 / sizes) ** 0.4
    assert at.best.value == pytest.approx(sizes[planted.argmin()], rel=0.15)
    assert at.best.low < at.best.value < at.best.high


def test_where_smaller_is_always_better_there_is_no_best_size() -> None:
    found = frontier(paths(best=False), resamples=20)
    assert found.exponent is None
    assert "no best size within" in found.verdict
    assert [one.measured for one in found.budgets] == pytest.approx([1e3] * len(found.budgets))


def test_one_seed_has_no_interval() -> None:
    found = frontier(paths(1))
    assert found.exponent is not None
    assert found.verdict == "one seed a width: no interval"


def test_budgets_must_be_shared() -> None:
    with pytest.raises(ValueError, match="2 widths"):
        frontier(paths()[:6])
    apart = [
        Path(parameters=n, seed=0, flops=[10.0**n, 2 * 10.0**n], loss=[1.0, 0.5]) for n in (1, 4, 7)
    ]
    with pytest.raises(ValueError, match="no budget"):
        frontier(apart)
