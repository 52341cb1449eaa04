"""Keeps the two clocks and counts what goes through: examples, natural units, steps.

The *training clock* leaves out evaluation, checkpoints and logging; the *wall clock* leaves out
nothing. The device is synchronised where the training clock starts and stops and nowhere else.

*Steady state* is what follows the warm-up: the first tenth of the steps, at least 3 and at most 50,
in which kernels are chosen and memory is first asked for. Where a run has no more steps than its
warm-up, all steps count.
"""

import time

import numpy as np
import torch

_SHARE, _FEWEST, _MOST = 10, 3, 50


class Meter:
    """Meters one training run on one device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._born = time.perf_counter()
        self._trained = 0.0
        self._resumed: float | None = None
        self._step_seconds: list[float] = []
        self._step_examples: list[int] = []
        self._step_units: list[float] = []
        self._last = 0.0
        self._reported = 0

    @property
    def training_seconds(self) -> float:
        """Seconds on the training clock."""
        running = 0.0 if self._resumed is None else time.perf_counter() - self._resumed
        return self._trained + running

    @property
    def wall_seconds(self) -> float:
        """Seconds since the meter was made."""
        return time.perf_counter() - self._born

    def resume(self) -> None:
        """Start the training clock, with the device idle."""
        self._synchronise()
        self._resumed = self._last = time.perf_counter()

    def pause(self) -> None:
        """Stop the training clock, with the device idle."""
        self._synchronise()
        now = time.perf_counter()
        if self._resumed is not None:
            self._trained += now - self._resumed
            self._resumed = None
            # Work still in flight when the last step returned belongs to that step.
            if self._step_seconds and now > self._last:
                self._step_seconds[-1] += now - self._last
                self._last = now

    def step(self, examples: int, units: float) -> None:
        """Count one optimizer step, which took from the last one (or `resume`) until now."""
        now = time.perf_counter()
        self._step_seconds.append(now - self._last)
        self._step_examples.append(examples)
        self._step_units.append(units)
        self._last = now

    def interval(self) -> dict[str, float]:
        """Return throughput since the last call; call it while paused."""
        start, self._reported = self._reported, len(self._step_seconds)
        seconds = sum(self._step_seconds[start:])
        if not seconds:
            return {}
        return {
            "throughput/examples_per_second": sum(self._step_examples[start:]) / seconds,
            "throughput/units_per_second": sum(self._step_units[start:]) / seconds,
        }

    def summary(self) -> dict[str, float]:
        """Return throughput over steady state and percentiles of its step time, in seconds.

        On a CUDA device single steps are timed as the host sees them; their sum is exact.
        """
        steps = len(self._step_seconds)
        if not steps:
            return {}
        warmup = min(max(steps // _SHARE, _FEWEST), _MOST)
        start = warmup if steps > warmup else 0
        seconds = np.array(self._step_seconds[start:])
        p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
        return {
            "examples_per_second": sum(self._step_examples[start:]) / float(seconds.sum()),
            "units_per_second": sum(self._step_units[start:]) / float(seconds.sum()),
            "step_seconds_p50": float(p50),
            "step_seconds_p95": float(p95),
            "step_seconds_p99": float(p99),
            "warmup_steps": float(start),
            "steady_steps": float(steps - start),
        }

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
