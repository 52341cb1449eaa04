from collections.abc import Iterable

import pytest

from suite.inference.timing import FEWEST, WARM_UP_CALLS, Timing, time_calls


class Clock:
    """A clock that only calls move on, each by the next of these seconds."""

    def __init__(self, seconds: Iterable[float]) -> None:
        self.now = 0.0
        self.seconds = iter(seconds)

    def __call__(self) -> float:
        return self.now

    def call(self) -> None:
        self.now += next(self.seconds)


def test_the_warm_up_counts_for_nothing() -> None:
    clock = Clock([100.0] * WARM_UP_CALLS + [float(i) for i in range(1, FEWEST + 1)])
    timing = time_calls(clock.call, seconds=1e-9, clock=clock)
    assert timing.seconds == tuple(range(1, FEWEST + 1))


def test_calls_go_on_for_the_seconds_asked_for() -> None:
    clock = Clock([1.0] * 1000)
    timing = time_calls(clock.call, seconds=100, clock=clock)
    assert len(timing.seconds) == 100
    assert clock.now == 125  # a quarter more to warm up


def test_the_wait_for_the_device_is_part_of_a_call() -> None:
    clock = Clock([1.0] * 2 * (WARM_UP_CALLS + FEWEST) + [1.0] * 2)
    timing = time_calls(clock.call, seconds=1e-9, wait=clock.call, clock=clock)
    assert set(timing.seconds) == {2.0}


def test_percentiles_and_rate() -> None:
    timing = Timing(tuple(float(i) for i in range(20, 0, -1)))
    assert timing.percentile(50) == 10.5
    assert timing.percentile(95) == pytest.approx(1 + 0.95 * 19)
    assert timing.percentile(99) == pytest.approx(1 + 0.99 * 19)
    assert timing.calls_per_second == pytest.approx(20 / 210)
