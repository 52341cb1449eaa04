"""What a run has imported by its first step: only what that step needs."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import os, sys
from suite.training import loop

heavy, accumulate = sys.argv.pop(1).split(","), loop.accumulate

def first(run, taken):
    print("imported by then:", *sorted(name for name in heavy if name in sys.modules), flush=True)
    if "tracking=none" in sys.argv:  # nothing waits for how it ends
        os._exit(0)
    loop.accumulate = accumulate
    return accumulate(run, taken)

loop.accumulate = first
from suite.cli import main
main()
"""
HEAVY = ("torchvision", "transformers", "datasets", "torchmetrics", "matplotlib", "mlflow",
         "sklearn", "torchaudio")  # fmt: skip
NEEDED = {
    "digits": ["sklearn"],  # whose digits they are
    "language_names": [],
    "spoken_words": ["torchaudio"],
    "spoken_digits_ctc": ["torchaudio"],
}


@pytest.mark.parametrize("data", NEEDED)
def test_the_first_step_waits_for_no_import_that_it_does_not_need(data, embedded, tmp_path):
    # One of them has a tracker, which another process feeds: mlflow is not imported in this one.
    tracking = [] if data == "language_names" else ["tracking=none"]
    assert imported(embedded[data], tmp_path, *tracking) == NEEDED[data]


def imported(choices, tmp_path, *more):
    options = ["backbone=mlp", "trainer=smoke", "trainer.steps=1", "hardware=cpu_single", *more]
    command = [sys.executable, "-c", SCRIPT, ",".join(HEAVY), *choices, *options]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=os.environ, timeout=300
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("imported")] or [
        done.stderr
    ]
    return line.split(":")[1].split()
