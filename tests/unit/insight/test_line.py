import numpy as np
import pytest

from suite.insight.line import Line, barrier
from suite.insight.surface import Height

SHARES = [k / 10 for k in range(13)]


def _line(losses, noise=0.0):
    """Return a line with these mean losses, over 16 parts of 10 examples that differ by noise."""
    rng = np.random.default_rng(0)
    parts = rng.normal(scale=noise, size=16)
    parts -= parts.mean()
    ten = np.full(16, 10.0)
    return Line(shares=SHARES, heights=[Height(10 * (loss + parts), ten) for loss in losses])


def test_loss_that_falls_all_the_way_has_no_barrier():
    found = barrier(_line([2 - share for share in SHARES], noise=1.0))
    assert found.climb == found.low == found.high == 0
    assert found.monotone
    assert found.fall == pytest.approx(1)
    assert found.above_chord == pytest.approx(0, abs=1e-12)


def test_planted_barrier_is_measured_from_the_bottom_before_it():
    losses = [2, 1.5, 1.0, 0.8, 1.6, 1.2, 0.9, 0.7, 0.6, 0.5, 0.4, 5.0, 9.0]
    found = barrier(_line(losses))
    assert found.climb == pytest.approx(0.8)
    assert found.at == (0.3, 0.4)
    assert not found.monotone
    assert found.share == pytest.approx(0.8 / 1.6)
    # What lies beyond the best weights is no barrier.
    assert found.fall == pytest.approx(1.6)
    assert found.above_chord == pytest.approx(1.6 - (2 - 0.4 * 1.6))


def test_loss_that_did_not_fall_is_not_monotone():
    found = barrier(_line([1 + share for share in SHARES]))
    assert not found.monotone
    assert found.plain()["share"] is None


def test_interval_is_of_the_examples():
    """Parts in which the loss climbs by 0 or by 2: the mean of 16 is 1 within half of one."""
    ten = np.full(16, 10.0)
    up = np.where(np.arange(16) % 2 == 0, 2.0, 0.0)
    heights = [Height(ten * (3 - s), ten) for s in SHARES]
    heights[5] = Height(heights[4].total_P + ten * up, ten)
    found = barrier(Line(shares=SHARES, heights=heights))
    assert found.climb == pytest.approx(1)
    assert 0.4 < found.low < 0.7
    assert 1.3 < found.high < 1.6


def test_a_loss_that_is_no_number_is_a_wall():
    losses = [2 - share for share in SHARES]
    losses[4] = float("nan")
    assert not barrier(_line(losses)).monotone
