import numpy as np
import pytest

from suite.insight.cost import cost, costs
from suite.insight.curve import Curve


def test_a_planted_exponent_is_found() -> None:
    sizes = np.geomspace(16, 1024, 6)
    held = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        found = cost(
            "s",
            Curve.of({n: [n**1.8 * np.exp(rng.normal(0, 0.1)) for _ in range(3)] for n in sizes}),
            resamples=200,
        )
        held += 1.8 in found.exponent and 4096**1.8 in found.at(4096)
        assert found.exponent.high - found.exponent.low < 0.3
    assert held >= 8


def test_a_fixed_part_shows_in_the_slopes() -> None:
    found = cost("s", Curve.of({n: [10 + 0.01 * n] for n in (10, 100, 1_000, 10_000, 100_000)}))
    assert found.first < 0.1
    assert found.last > 0.9
    assert found.off > 1.5


def test_what_was_measured_at_two_sizes_has_none() -> None:
    assert costs({"joules": {1: [1.0], 2: [2.0], 3: [0.0]}}) == []
    with pytest.raises(ValueError, match="2 sizes"):
        cost("s", Curve.of({1: [1.0], 2: [2.0]}))
