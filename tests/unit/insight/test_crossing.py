import numpy as np
import pytest

from suite.insight.crossing import APART, CROSS, OPEN, crossing
from suite.insight.curve import Curve


def curve(scale: float, exponent: float, *, seed: int = 0, seeds: int = 3) -> Curve:
    rng = np.random.default_rng(seed)
    return Curve.of(
        {
            n: [scale * n**-exponent * np.exp(rng.normal(0, 0.04)) for _ in range(seeds)]
            for n in np.geomspace(30, 30_000, 7)
        }
    )


def test_the_planted_crossing_is_within_its_interval() -> None:
    true = (2 / 0.8) ** (1 / 0.15)
    held = 0
    for seed in range(12):
        found = crossing(curve(2, 0.4, seed=seed), curve(0.8, 0.25, seed=seed + 99), ("a", "b"))
        assert found.verdict == CROSS
        assert found.size is not None
        held += true in found.size
    assert held >= 10
    assert found.sentence("examples").startswith("b is better with few examples and a with many")


def test_parallel_curves_do_not_cross() -> None:
    found = crossing(curve(2, 0.4), curve(1.5, 0.4, seed=5), ("a", "b"))
    assert (found.verdict, found.size) == (APART, None)
    assert "b is better than a at both ends" in found.sentence("examples")


def test_equal_curves_are_not_told_apart() -> None:
    found = crossing(curve(2, 0.4), curve(2, 0.4, seed=5))
    assert found.verdict == OPEN


def test_one_seed_tells_nothing_apart() -> None:
    one, other = curve(0.8, 0.25, seeds=1), curve(2, 0.4)
    assert crossing(one, other).verdict == OPEN
    # But a model that no seed has a part in.
    assert crossing(one, other, fixed=(True, False)).verdict == CROSS
    assert crossing(one, curve(2, 0.4, seeds=1), fixed=(True, True)).verdict == OPEN


def test_curves_must_overlap() -> None:
    small = Curve.of({1: [0.5], 2: [0.4], 3: [0.3]})
    with pytest.raises(ValueError, match="share no range"):
        crossing(small, curve(2, 0.4))
