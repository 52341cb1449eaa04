"""Measure the suite on an accelerator: `python -m benchmarks.gpu --to FOLDER`.

Within `--minutes`: each kind of model has a process of its own and a share of the time, and what
there is no time for is told.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.models import KINDS, cells, enlarged_digits
from benchmarks.gpu.page import write
from suite.hardware.machine import describe_machine, describe_versions

SHARE = {"checks": 5, "image": 4, "text": 4, "speech": 4, "transcription": 2}
"""Of the time that is left, among those that are still to come."""
CHECKS = "checks"


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks.gpu", description=__doc__, allow_abbrev=False)
    parser.add_argument("--to", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=6.0, help="for all")
    parser.add_argument("--steps", type=int, default=60, help="of a cell, at most")
    parser.add_argument("--seconds", type=float, default=2.5, help="of a cell's steps, at most")
    parser.add_argument("--kinds", nargs="+", choices=(CHECKS, *KINDS), default=(CHECKS, *KINDS))
    parser.add_argument("--only", nargs="*", default=(), help="what has all of these in its name")
    parser.add_argument("--every", action="store_true", help="every size in every form")
    chosen = parser.parse_args()
    end = time.monotonic() + 60 * chosen.minutes
    chosen.to.mkdir(parents=True, exist_ok=True)
    machine = describe_machine(torch.device(chosen.device))
    versions = describe_versions()
    rows: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory(prefix="gpu-") as made,
        (chosen.to / "gpu.log").open("wb") as log,
    ):
        options = {
            "digits": str(enlarged_digits(Path(made))),
            **{k: vars(chosen)[k] for k in ("device", "steps", "seconds", "only", "every")},
        }
        for place, kind in enumerate(chosen.kinds):
            left = sum(SHARE[each] for each in chosen.kinds[place:])
            share = (end - time.monotonic()) * SHARE[kind] / left
            into = answers if kind == CHECKS else rows
            _measure(kind, options, share, log, into)
            write(chosen.to, machine, versions, rows, answers)
    print((chosen.to / "gpu.md").read_text())


def _measure(
    kind: str, options: dict[str, Any], seconds: float, log: Any, into: list[dict[str, Any]]
) -> None:
    """Let a process measure for so many seconds; take its rows."""
    command = [sys.executable, "-m", "benchmarks.gpu.worker", kind, json.dumps(options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    timer = threading.Timer(max(seconds, 1), process.kill)
    timer.start()
    seen: set[str] = set()
    assert process.stdout is not None
    for line in process.stdout:
        row = json.loads(line)
        into.append(row)
        seen.add(row.get("cell", ""))
        told = row.get("error") or row.get("note") or f"{row['seconds']:.1f} s"
        print(f"{row.get('cell') or row['model']}: {told}", flush=True)
    late = not timer.is_alive()
    timer.cancel()
    if process.wait() == 0 or kind == CHECKS:
        return
    why = f"no time left ({seconds:.0f} s for {kind})" if late else "its process died, see gpu.log"
    for cell in cells(kind, every=options["every"]):
        wanted = all(part in cell.name for part in options["only"])
        if wanted and cell.name not in seen:
            into.append({"cell": cell.name, **vars(cell), "error": why})


if __name__ == "__main__":
    main()
