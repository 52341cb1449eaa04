"""Where the time of a step goes: a few steps under torch's profiler, by part and as a trace.

Profiled steps are slower than others, and they are few; throughput is over all of steady state.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function

from suite.data.cache import atomic_path

PARTS = ("data", "features", "forward", "backward", "optimizer", "logging")
"""Of a step. `features` is the input layer, which `forward` is without."""
_FIRST, _STEPS = 10, 10
"""Steps are profiled from the one behind `_FIRST` on: before that, kernels are still chosen."""
_MARK = "triathlon: "
_MICRO = 1e-6


class Profile:
    """Profiles steps 11 to 20, or fewer of a shorter run.

    trace: where the Chrome trace is written (chrome://tracing, Perfetto). model: its `stem` is told
    from the rest, if it has one.
    """

    def __init__(self, trace: Path, model: nn.Module, device: torch.device, *, steps: int) -> None:
        self.trace = trace
        self.seconds: dict[str, float] = {}
        self.steps = min(_STEPS, steps)
        self._first = min(_FIRST, steps - self.steps)
        self._activities = [ProfilerActivity.CPU]
        if device.type == "cuda":
            self._activities.append(ProfilerActivity.CUDA)
        self._profiler: Any = None
        self._stem = getattr(model, "stem", None)
        self._inside: Any = None
        self._hooks: list[Any] = []

    def begin(self, step: int) -> None:
        """Take notice that a step begins."""
        if step == self._first + 1:
            self._start()
        elif step == self._first + self.steps + 1:
            self.close()

    def part(self, name: str) -> AbstractContextManager[None]:
        """Return the context of a part of the step."""
        return nullcontext() if self._profiler is None else _marked(name)

    def close(self) -> None:
        """Write the trace and sum up; may be called twice."""
        if self._profiler is None:
            return
        profiler, self._profiler = self._profiler, None
        profiler.stop()
        for hook in self._hooks:
            hook.remove()
        with atomic_path(self.trace) as path:
            profiler.export_chrome_trace(str(path))
        total = dict.fromkeys(PARTS, 0.0)
        for event in profiler.key_averages():
            if event.key.startswith(_MARK):
                total[event.key.removeprefix(_MARK)] = event.cpu_time_total * _MICRO
        total["forward"] -= total["features"]
        self.seconds = {name: seconds / self.steps for name, seconds in total.items()}

    def _start(self) -> None:
        # It tells of each of its stages, and that there is no GPU, past Python's own streams.
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
        self._profiler = profile(activities=self._activities, acc_events=True)
        self._profiler.start()
        if isinstance(self._stem, nn.Module):
            self._hooks = [
                self._stem.register_forward_pre_hook(self._enter),
                self._stem.register_forward_hook(self._leave),
            ]

    def _enter(self, *_: Any) -> None:
        self._inside = record_function(f"{_MARK}features")
        self._inside.__enter__()

    def _leave(self, *_: Any) -> None:
        self._inside.__exit__(None, None, None)


@contextmanager
def _marked(name: str) -> Iterator[None]:
    with record_function(f"{_MARK}{name}"):
        yield
