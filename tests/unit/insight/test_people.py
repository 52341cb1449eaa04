import numpy as np
import pytest

from suite.insight.cost import cost
from suite.insight.curve import Curve
from suite.insight.people import people, sentence, table_rows
from suite.insight.power_law import power_law


def law(limit: float, scale: float = 3.0, noise: float = 0.03):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    return power_law(
        Curve.of(
            {
                n: [(limit + scale * n**-0.5) * np.exp(rng.normal(0, noise)) for _ in range(3)]
                for n in np.geomspace(30, 30_000, 7)
            }
        )
    )


def test_what_is_missing_is_what_was_planted() -> None:
    flops = cost("training FLOPs", Curve.of({n: [1e6 * n] for n in (30, 300, 3_000, 30_000)}))
    found = people(law(0.002), "people", 0.01, flops)
    true = (3 / (0.01 - 0.002)) ** 2
    assert found.needed is not None
    assert true in found.needed
    assert found.needed.low > 30_000
    assert found.flops is not None
    assert found.flops.value == pytest.approx(1e6 * found.needed.value, rel=0.01)
    assert found.verdict == "below people"
    assert "the largest measured: an extrapolation" in sentence(found, "examples")
    assert found.interval is not None
    assert found.gap in found.interval


def test_a_limit_above_people_is_never() -> None:
    found = people(law(0.1), "people", 0.05)
    assert found.verdict == "never, by this law"
    assert found.never == 1
    assert table_rows([found])[0][2] == "never"
    assert found.plain()["beyond"] is None
    assert "the limit is above people in 100% of resamples" in sentence(found, "examples")


def test_people_who_are_reached_need_no_law() -> None:
    reached = law(0.0)
    assert people(reached, "people", 0.5).verdict == "beyond people"
    at_end = float(np.mean(reached.curve.values[-1]))
    assert people(reached, "people", at_end).verdict == "like people"
    assert people(reached, "people", at_end).needed is None


def test_without_scaling_nothing_is_foretold() -> None:
    found = people(law(0.3, scale=0.0), "people", 0.1)
    assert "no scaling" in found.verdict
    assert found.needed is None
    with pytest.raises(ValueError, match="above 0"):
        people(law(0.1), "people", 0.0)
