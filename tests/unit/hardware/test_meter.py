import numpy as np
import pytest
import torch

from suite.hardware.meter import Meter


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told to go."""

    class Clock:
        now = 100.0

        def go(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr("time.perf_counter", lambda: clock.now)
    return clock


@pytest.fixture
def meter(clock):
    return Meter(torch.device("cpu"))


def _steps(meter, clock, seconds, examples=10, units=20.0):
    for each in seconds:
        clock.go(each)
        meter.step(examples, units)


def test_two_clocks(meter, clock):
    clock.go(3)  # getting ready
    meter.resume()
    _steps(meter, clock, [1, 1])
    assert (meter.training_seconds, meter.wall_seconds) == (2, 5)
    meter.pause()
    clock.go(10)  # validation
    assert (meter.training_seconds, meter.wall_seconds) == (2, 15)
    meter.resume()
    _steps(meter, clock, [4])
    meter.pause()
    meter.pause()
    assert (meter.training_seconds, meter.wall_seconds) == (6, 19)


def test_interval_covers_the_steps_since_the_last_one_without_pauses(meter, clock):
    meter.resume()
    _steps(meter, clock, [1, 1])
    meter.pause()
    assert meter.interval() == {
        "throughput/examples_per_second": 10,
        "throughput/units_per_second": 20,
    }
    assert meter.interval() == {}
    clock.go(50)
    meter.resume()
    _steps(meter, clock, [4], examples=12)
    meter.pause()
    assert meter.interval()["throughput/examples_per_second"] == 3


def test_work_in_flight_belongs_to_the_last_step(meter, clock):
    meter.resume()
    _steps(meter, clock, [1])
    clock.go(3)  # the device is still at it
    meter.pause()
    assert meter.interval()["throughput/examples_per_second"] == 10 / 4
    assert meter.training_seconds == 4


@pytest.mark.parametrize(
    ("steps", "warmup"), [(1, 0), (3, 0), (4, 3), (30, 3), (50, 5), (400, 40), (1000, 50)]
)
def test_warm_up_is_a_tenth_at_least_3_and_at_most_50(meter, clock, steps, warmup):
    meter.resume()
    _steps(meter, clock, [100.0] * warmup + [2.0] * (steps - warmup))
    meter.pause()
    summary = meter.summary()
    assert (summary["warmup_steps"], summary["steady_steps"]) == (warmup, steps - warmup)
    assert summary["examples_per_second"] == pytest.approx(5)
    assert summary["units_per_second"] == pytest.approx(10)
    assert summary["step_seconds_p50"] == pytest.approx(2)


def test_percentiles_of_steady_state(meter, clock):
    steady = [float(n) for n in range(1, 101)]
    meter.resume()
    _steps(meter, clock, [7.0] * 11 + steady)
    meter.pause()
    summary = meter.summary()
    assert summary["warmup_steps"] == 11
    assert summary["step_seconds_p50"] == pytest.approx(50.5)
    assert summary["step_seconds_p95"] == pytest.approx(95.05)
    assert summary["step_seconds_p99"] == pytest.approx(np.percentile(steady, 99))
    assert summary["examples_per_second"] == pytest.approx(1000 / 5050)


def test_nothing_measured_is_nothing_said(meter):
    assert meter.summary() == {}
    assert meter.interval() == {}
    assert meter.training_seconds == 0
