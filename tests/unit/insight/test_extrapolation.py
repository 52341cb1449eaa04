"""Power laws can lose: each planted form wins on its own data."""

from collections.abc import Callable

import numpy as np
import pytest

from suite.insight.curve import Curve
from suite.insight.extrapolation import foretell, judge, rivals
from suite.insight.power_law import power_law


def planted(law: Callable[[float], float], *, sizes: int = 8, noise: float = 0.02) -> Curve:
    rng = np.random.default_rng(1)
    return Curve.of(
        {
            size: [law(size) * np.exp(rng.normal(0, noise)) for _ in range(3)]
            for size in np.geomspace(30, 30_000, sizes)
        }
    )


@pytest.mark.parametrize(
    ("law", "told", "beaten"),
    [
        (lambda n: 0.05 + 3 * n**-0.5, "power law", ("logarithmic", "exponential", "constant")),
        (lambda n: 1 - 0.085 * np.log(n), "logarithmic rather than a power law", ("constant",)),
        (lambda n: 0.1 + np.exp(-n / 800), "exponential rather than a power law", ()),
        (lambda n: 0.3, "no scaling", ()),
    ],
)
def test_the_form_that_was_planted_wins(
    law: Callable[[float], float], told: str, beaten: tuple[str, ...]
) -> None:
    found = power_law(planted(law), resamples=150)
    forms = rivals(found, 2)
    foretold = [one for k in (1, 2) if (one := foretell(found, k)) is not None]
    assert judge(found, forms, foretold) == told
    by_name = {one.form.name: one for one in forms}
    assert all(by_name[name].verdict == "worse" for name in beaten)
    assert min(one.aicc for one in forms if one.aicc is not None) == 0


def test_a_bend_that_smaller_sizes_do_not_show_is_a_miss() -> None:
    # Falls as a power law, and then no further: what larger data with errors in labels do.
    found = power_law(planted(lambda n: max(2 * n**-0.4, 0.06), noise=0.01), resamples=150)
    told = foretell(found, 2)
    assert told is not None
    assert not told.inside
    assert told.error > 0.2


def test_the_largest_size_is_foretold_within_its_interval() -> None:
    inside = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        curve = Curve.of(
            {
                size: [(0.05 + 3 * size**-0.5) * np.exp(rng.normal(0, 0.05)) for _ in range(3)]
                for size in np.geomspace(30, 30_000, 7)
            }
        )
        told = foretell(power_law(curve, resamples=100), 1)
        assert told is not None
        inside.append(told.inside)
    assert sum(inside) >= 6


def test_too_few_sizes_foretell_nothing() -> None:
    found = power_law(planted(lambda n: n**-0.5, sizes=4), resamples=100)
    assert foretell(found, 2) is None
    assert all(one.held_out is None for one in rivals(found, 2))
    assert "too few sizes" in judge(found, rivals(found, 2))
