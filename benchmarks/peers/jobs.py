"""What a further job of a sweep in one process costs beyond its training.

    python -m benchmarks.peers.jobs TASK FOLDER

runs four seeds of a short run and prints, for the last three, CPU seconds beyond training and test,
with and without pictures; Hydra's own part is in it.
"""

import contextlib
import json
import os
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import suite.run as runs
from suite.cli import main as triathlon


def main() -> None:
    task, folder = sys.argv[1], Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spent = {"training and test": 0.0}
    ends: list[float] = []

    def timed(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            began = time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                spent["training and test"] += time.process_time() - began

        return call

    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return true_run(*arguments, **options)
        finally:
            ends.append(time.process_time() - spent["training and test"])

    runs.fit, runs.evaluate = timed(runs.fit), timed(runs.evaluate)
    true_run, runs.run = runs.run, run
    beyond = {}
    for pictures in ("true", "false"):
        ends.clear()
        with contextlib.suppress(SystemExit):
            triathlon(
                ["-m", f"task={task}", "backbone=mlp", "seed=0,1,2,3", "trainer.steps=20",
                 "hardware=cpu_single", "tracking=none", f"tracking.figures={pictures}",
                 f"results={folder / pictures}"]
            )  # fmt: skip
        beyond["pictures" if pictures == "true" else "no pictures"] = [
            later - earlier for earlier, later in pairwise(ends)
        ]
    print(json.dumps(beyond), file=answers, flush=True)


if __name__ == "__main__":
    main()
