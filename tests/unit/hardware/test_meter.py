import time

import numpy as np
import pytest
import torch

from suite import Batch
from suite.hardware.energy import Energy
from suite.hardware.meter import Meter
from suite.hardware.peak import Peak
from suite.hardware.work import Work


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


def _batch(examples=10, units=20.0, padded=None):
    return Batch({}, examples, units, padded)


def _steps(meter, clock, seconds, examples=10, units=20.0):
    for each in seconds:
        clock.go(each)
        meter.step([_batch(examples, units)])


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
        "throughput/data_stall_share": 0,
        "throughput/padding_share": 0,
    }
    assert meter.interval() == {}
    clock.go(50)
    meter.resume()
    _steps(meter, clock, [4], examples=12)
    meter.pause()
    assert meter.interval()["throughput/examples_per_second"] == 3


def test_the_wait_for_data_is_told_from_work(meter, clock):
    def slow(seconds):
        while True:
            clock.go(seconds)
            yield _batch()

    meter.resume()
    batches = slow(3)
    for _ in range(5):
        taken = meter.take(batches, 2)
        assert len(taken) == 2
        clock.go(4)
        meter.step(taken)
    meter.pause()
    assert meter.interval()["throughput/data_stall_share"] == pytest.approx(0.6)
    meter.resume()
    _steps(meter, clock, [4.0])
    meter.pause()
    assert meter.interval()["throughput/data_stall_share"] == 0
    # The summary is over the three steps of steady state: 6 + 4, 6 + 4, 4.
    assert meter.summary()["data_stall_share"] == pytest.approx(12 / 24)


def test_padding_is_the_share_read_for_nothing(meter, clock):
    meter.resume()
    clock.go(1)
    meter.step([_batch(2, 30.0, 40.0), _batch(2, 20.0)])
    meter.pause()
    interval = meter.interval()
    assert interval["throughput/padding_share"] == pytest.approx(10 / 60)
    assert interval["throughput/examples_per_second"] == 4
    assert interval["throughput/units_per_second"] == 50


def test_a_loader_that_sleeps_shows_it():
    """With a real clock; what is right is what the loader itself says that it slept."""
    slept = []

    def sleepy():
        while True:
            began = time.perf_counter()
            time.sleep(0.006)
            slept.append(time.perf_counter() - began)
            yield _batch()

    meter = Meter(torch.device("cpu"))
    batches = sleepy()
    meter.resume()
    for _ in range(60):
        taken = meter.take(batches, 1)
        time.sleep(0.014)
        meter.step(taken)
    meter.pause()
    interval = meter.interval()
    expected = sum(slept) / meter.training_seconds
    assert 0.1 < expected < 0.6
    assert interval["throughput/data_stall_share"] == pytest.approx(expected, abs=0.02)


def test_work_in_flight_belongs_to_the_last_step(meter, clock):
    meter.resume()
    _steps(meter, clock, [1])
    clock.go(3)  # the device is still at it
    meter.pause()
    assert meter.interval()["throughput/examples_per_second"] == 10 / 4
    assert meter.training_seconds == 4


def test_a_cuda_device_times_its_steps_itself(clock, monkeypatch):
    class Event:
        """A mark that the device comes to when it has done what came before."""

        done = 0.0

        def __init__(self, enable_timing):
            assert enable_timing

        def record(self):
            self.at = max(Event.done, clock.now)

        def elapsed_time(self, later):
            return (later.at - self.at) * 1e3

    monkeypatch.setattr("torch.cuda.Event", Event)
    monkeypatch.setattr("torch.cuda.synchronize", lambda _: clock.go(Event.done - clock.now))
    meter = Meter(torch.device("cuda"))
    Event.done = clock.now
    for seconds in ([2.0, 2.0, 6.0], [3.0]):
        meter.resume()
        for each in seconds:
            clock.go(0.5)  # until the step is asked for
            Event.done += each
            meter.step([_batch()])
        meter.pause()
    assert [step.seconds for step in meter._steps] == pytest.approx([2, 2, 6, 3])
    assert meter.training_seconds == pytest.approx(13)


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


class Constant:
    """A counter of joules that a clock drives: 20 W."""

    provenance = "measured_rapl"
    covers = "a lamp"

    def __init__(self, clock):
        self.clock = clock

    def joules(self):
        return 1000 + 20 * self.clock.now


def _shaped(examples, length):
    return Batch({"tokens_BT": torch.zeros(examples, length)}, examples, float(examples * length))


def test_utilisation_is_the_models_flops_over_the_peak(clock):
    meter = Meter(
        torch.device("cpu"),
        work=Work(lambda batch: 100 * batch["tokens_BT"].numel()),
        peak=Peak(1000.0, "by decree"),
    )
    meter.resume()
    for length in (4, 4, 6):
        clock.go(2)
        meter.step([_shaped(1, length), _shaped(2, length)])
    meter.pause()
    flops = 100 * 3 * (4 + 4 + 6)
    interval = meter.interval()
    assert interval["throughput/flops_per_second"] == pytest.approx(flops / 6)
    assert interval["throughput/mfu"] == pytest.approx(flops / 6 / 1000)
    assert meter.summary()["mfu"] == pytest.approx(flops / 6 / 1000)
    assert meter.basis() == {
        "flops": "counted for every shape of batch (4)",
        "training_flops_per_example": pytest.approx(flops / 9),
        "peak_flops_per_second": 1000,
        "peak": "by decree",
    }


def test_flops_that_cannot_be_counted_are_left_out_and_told(clock):
    def fails(batch):
        raise ValueError("no gradient\nhere")

    meter = Meter(torch.device("cpu"), work=Work(fails), peak=Peak(1.0, "by decree"))
    meter.resume()
    clock.go(1)
    meter.step([_shaped(1, 4)])
    meter.pause()
    assert not {"throughput/mfu", "throughput/flops_per_second"} & set(meter.interval())
    assert meter.basis()["flops"] == ("unavailable: counting failed, ValueError: no gradient; here")


def test_energy_is_that_of_the_training_clock(clock):
    meter = Meter(torch.device("cpu"), energy=Energy(Constant(clock)))
    meter.resume()
    clock.go(3)
    meter.pause()
    clock.go(100)  # validation
    meter.resume()
    clock.go(2)
    meter.pause()
    assert meter.joules == pytest.approx(100)
    assert meter.basis() == {"energy": "measured_rapl", "energy_covers": "a lamp"}


@pytest.mark.parametrize(
    ("watts", "joules", "provenance"), [(None, None, "unavailable"), (50.0, 200.0, "estimated")]
)
def test_without_a_counter_energy_is_declared_or_not_at_all(clock, watts, joules, provenance):
    meter = Meter(torch.device("cpu"), energy=Energy(None, watts))
    meter.resume()
    clock.go(4)
    meter.pause()
    assert meter.joules == joules
    assert meter.basis()["energy"] == provenance
