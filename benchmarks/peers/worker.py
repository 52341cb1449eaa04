"""A process that trains as one contender.

    python -m benchmarks.peers.worker CONTENDER FORM FOLDER

It reads one JSON object a line, `{"workload": "text/tiny", "steps": 200}`, trains, and answers with
one, the figures of the steps behind the warm-up. `times` repeats the training examples. The memory
allocator is set as the suite sets it for the suite, and for everybody where techniques are the
same.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.workloads import WARM_UP, Workload
from suite.hardware.device import keep_memory

KEPT = 2
"""Workloads whose data stays in memory: two that take turns."""


def main() -> None:
    contender, form, folder = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    silence = open(Path(folder) / f"{contender}-{form}.log", "w")
    os.dup2(silence.fileno(), 1)
    os.dup2(silence.fileno(), 2)
    torch.set_num_threads(1)
    if contender == "triathlon" or form == "same":
        keep_memory()
    clocks: list[tuple[float, float]] = []
    register_optimizer_step_post_hook(
        lambda *_: clocks.append((time.process_time(), time.perf_counter()))
    )
    workloads: dict[tuple[str, int, int], Workload] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name, steps, times = asked["workload"], asked["steps"], asked.get("times", 1)
        key = (name, steps, times)
        if key not in workloads:
            if len(workloads) == KEPT:
                workloads.clear()
            workloads[key] = Workload(name, Path(folder), steps, times=times)
        clocks.clear()
        with tempfile.TemporaryDirectory() as empty, contextlib.redirect_stdout(silence):
            examples = CONTENDERS[contender](workloads[key], form == "same", Path(empty))
        (cpu, wall), (cpu_end, wall_end) = clocks[WARM_UP - 1], clocks[-1]
        steps = len(clocks) - WARM_UP
        answer = {
            "steps": len(clocks),
            "examples_per_step": examples / len(clocks),
            "cpu_seconds_per_step": (cpu_end - cpu) / steps,
            "wall_seconds_per_step": (wall_end - wall) / steps,
            "resident_mib": psutil.Process().memory_info().rss / 2**20,
        }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
