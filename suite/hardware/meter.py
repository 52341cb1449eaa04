"""Keeps the two clocks and counts what goes through: examples, natural units, steps.

The *training clock* leaves out evaluation, checkpoints and logging; the *wall clock* leaves out
nothing. The device is synchronised where the training clock starts and stops and nowhere else; in
between a CUDA device times the steps itself.

*Steady state* is what follows the warm-up: the first tenth of the steps, at least 3 and at most 50,
in which kernels are chosen and memory is first asked for. Where a run has no more steps than its
warm-up, all steps count.

*Data stall* is the share of training time in which the loop waited for its next batch. *Padding* is
the share of what the model reads that is there only because examples of a batch differ in length.
*MFU*, model FLOPs utilisation, is the model's FLOPs in a second over the device's peak.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from suite.hardware.energy import Energy
from suite.hardware.marks import Marks
from suite.hardware.peak import Peak
from suite.hardware.work import Shapes, Work
from suite.task import Batch

_SHARE, _FEWEST, _MOST = 10, 3, 50
_FIGURES = 5
"""Numbers that a checkpoint has of each step."""


@dataclass(slots=True)
class _Step:
    """Seconds of a step, those of it spent waiting for data, and what went through.

    work: what identifies the FLOPs of each of its batches.
    """

    seconds: float
    waited: float
    examples: int
    units: float
    padded_units: float
    work: list[Shapes]


class Meter:
    """Meters one training run on one device.

    work, peak: FLOPs of batches, and those that the device could do; energy: what it takes. Without
        them their figures are left out. processes: that train together.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        work: Work | None = None,
        peak: Peak | None = None,
        energy: Energy | None = None,
        processes: int = 1,
    ) -> None:
        self._device = device
        self._work = work
        self._peak = peak
        self._energy = energy
        self._marks = Marks() if device.type == "cuda" else None
        self._processes = processes
        self._born = time.perf_counter()
        self._trained = 0.0
        self._resumed: float | None = None
        self._steps: list[_Step] = []
        self._waited = 0.0
        self._last = 0.0
        self._reported = 0

    @property
    def running(self) -> bool:
        """Whether the training clock runs."""
        return self._resumed is not None

    @property
    def steps(self) -> int:
        """Steps counted so far."""
        return len(self._steps)

    @property
    def training_seconds(self) -> float:
        """Seconds on the training clock."""
        running = 0.0 if self._resumed is None else time.perf_counter() - self._resumed
        return self._trained + running

    @property
    def wall_seconds(self) -> float:
        """Seconds since the meter was made."""
        return time.perf_counter() - self._born

    @property
    def joules(self) -> float | None:
        """Joules spent on the training clock until it last stopped; None where unavailable."""
        return None if self._energy is None else self._energy.spent.joules

    def resume(self) -> None:
        """Start the training clock, with the device idle."""
        self._synchronise()
        if self._energy is not None:
            self._energy.resume()
        self._resumed = self._last = time.perf_counter()
        if self._marks is not None:
            self._marks.set()

    def pause(self) -> None:
        """Stop the training clock, with the device idle."""
        self._synchronise()
        now = time.perf_counter()
        if self._resumed is not None:
            self._trained += now - self._resumed
            self._as_the_device_took()
            self._resumed = None
            if self._energy is not None:
                self._energy.pause(self._trained)
            # Work still in flight when the last step returned belongs to that step.
            if self._steps and now > self._last:
                self._steps[-1].seconds += now - self._last
                self._last = now

    def take(self, batches: Iterator[Batch], count: int) -> list[Batch]:
        """Return the next batches; the time until they are there is that of waiting for data."""
        began = time.perf_counter()
        taken = [next(batches) for _ in range(count)]
        self._waited += time.perf_counter() - began
        return taken

    def step(self, taken: Sequence[Batch]) -> None:
        """Count one optimizer step, which took from the last one (or `resume`) until now."""
        now = time.perf_counter()
        examples, units, padded = 0, 0.0, 0.0
        for batch in taken:
            examples += batch.examples
            units += batch.units
            padded += batch.units if batch.padded_units is None else batch.padded_units
        work = [self._work.note(batch) for batch in taken] if self._work is not None else []
        self._steps.append(_Step(now - self._last, self._waited, examples, units, padded, work))
        self._waited = 0.0
        self._last = now
        if self._marks is not None:
            self._marks.set()

    def whole(self, examples: int, units: float) -> None:
        """Have the last step count what went through all processes.

        FLOPs are taken to be as many in each of them, and each to have a device of its own.
        """
        step = self._steps[-1]
        if step.units:
            step.padded_units *= units / step.units
        step.examples, step.units = examples, units

    def interval(self) -> dict[str, float]:
        """Return throughput since the last call; call it while paused."""
        if self._work is not None:
            self._work.settle()
        start, self._reported = self._reported, len(self._steps)
        return {f"throughput/{k}": v for k, v in self._rates(self._steps[start:]).items()}

    def summary(self) -> dict[str, float]:
        """Return throughput over steady state and percentiles of its step time, in seconds."""
        steps = len(self._steps)
        if not steps:
            return {}
        warmup = min(max(steps // _SHARE, _FEWEST), _MOST)
        start = warmup if steps > warmup else 0
        steady = self._steps[start:]
        p50, p95, p99 = np.percentile([step.seconds for step in steady], [50, 95, 99])
        return {
            **self._rates(steady),
            "step_seconds_p50": float(p50),
            "step_seconds_p95": float(p95),
            "step_seconds_p99": float(p99),
            "warmup_steps": float(start),
            "steady_steps": float(steps - start),
        }

    def basis(self) -> dict[str, Any]:
        """Return what FLOPs, the peak and joules are based on, and the FLOPs of an example."""
        basis: dict[str, Any] = {}
        if self._work is not None:
            basis["flops"] = self._work.basis
            flops = self._flops(self._steps)
            examples = sum(step.examples for step in self._steps)
            if flops is not None and examples:
                basis["training_flops_per_example"] = self._processes * flops / examples
        if self._peak is not None:
            basis |= {
                "peak_flops_per_second": self._peak.flops_per_second,
                "peak": self._peak.basis,
            }
        if self._energy is not None:
            spent = self._energy.spent
            basis |= {"energy": spent.provenance, "energy_covers": spent.covers}
        return basis

    def state_dict(self) -> dict[str, Any]:
        """Return the clocks and what every step was, as tensors and plain values."""
        table: dict[tuple[Shapes, ...], int] = {}
        works = [table.setdefault(tuple(step.work), len(table)) for step in self._steps]
        figures = [
            (s.seconds, s.waited, float(s.examples), s.units, s.padded_units) for s in self._steps
        ]
        return {
            "training_seconds": self.training_seconds,
            "wall_seconds": self.wall_seconds,
            "joules": self.joules,
            "waited": self._waited,
            "reported": self._reported,
            "steps": torch.tensor(figures, dtype=torch.float64).view(-1, _FIGURES),
            "works": torch.tensor(works, dtype=torch.int64),
            "shapes": list(table),
            "work": None if self._work is None else self._work.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; the clock stands."""
        self._trained = state["training_seconds"]
        self._born = time.perf_counter() - state["wall_seconds"]
        self._waited, self._reported = state["waited"], state["reported"]
        if self._energy is not None:
            self._energy.go_on(state["joules"])
        shapes = state["shapes"]
        self._steps = [
            _Step(seconds, waited, int(examples), units, padded, list(shapes[work]))
            for (seconds, waited, examples, units, padded), work in zip(
                state["steps"].tolist(), state["works"].tolist(), strict=True
            )
        ]
        if self._work is not None and state["work"] is not None:
            self._work.load_state_dict(state["work"])

    def _as_the_device_took(self) -> None:
        """Give the steps since `resume` the device's times for them; it is idle."""
        if self._marks is None or self._resumed is None:
            return
        seconds = self._marks.take()
        for step, taken in zip(
            self._steps[len(self._steps) - len(seconds) :], seconds, strict=True
        ):
            step.seconds = taken
        # What the host saw beyond them goes to the last step: the sum is the training clock's.
        self._last = self._resumed + sum(seconds)

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _rates(self, steps: Sequence[_Step]) -> dict[str, float]:
        seconds = sum(step.seconds for step in steps)
        if not seconds:
            return {}
        units, padded = sum(step.units for step in steps), sum(step.padded_units for step in steps)
        rates = {
            "examples_per_second": sum(step.examples for step in steps) / seconds,
            "units_per_second": units / seconds,
            "data_stall_share": sum(step.waited for step in steps) / seconds,
            "padding_share": 1 - units / padded if padded else 0.0,
        }
        flops = self._flops(steps)
        if flops is not None:
            rates["flops_per_second"] = self._processes * flops / seconds
            if self._peak is not None:
                rates["mfu"] = flops / seconds / self._peak.flops_per_second
        return rates

    def _flops(self, steps: Sequence[_Step]) -> float | None:
        if self._work is None:
            return None
        total = 0.0
        for step in steps:
            for shapes in step.work:
                flops = self._work.flops(shapes)
                if flops is None:
                    return None
                total += flops
        return total
