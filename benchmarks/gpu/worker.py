"""A process that measures one kind of model, or answers the checks: what dies takes nothing along.

    python -m benchmarks.gpu.worker KIND OPTIONS

KIND is image, text, speech, transcription or checks; OPTIONS is a JSON object. It prints one JSON
object for each row as soon as it is known.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.gpu.checks import answers
from benchmarks.gpu.models import Cell, cells
from benchmarks.gpu.training import Settings, train


def main() -> None:
    kind, options = sys.argv[1], json.loads(sys.argv[2])
    rows = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a run tells people goes to the log
    settings = Settings(
        Path(options["digits"]), options["device"], options["steps"], options["seconds"]
    )
    if kind == "checks":
        for answer in answers(settings, options["only"]):
            print(json.dumps(asdict(answer)), file=rows, flush=True)
        return
    for cell in cells(kind, every=options["every"]):
        if all(part in cell.name for part in options["only"]):
            print(json.dumps(row(cell, settings)), file=rows, flush=True)


def row(cell: Cell, settings: Settings) -> dict[str, Any]:
    """Return what one cell came to, or its error."""
    began = time.perf_counter()
    known: dict[str, Any] = {"cell": cell.name, **asdict(cell)}
    try:
        trained = train(settings, cell.overrides(settings.digits))
    except Exception as error:
        known["error"] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    else:
        record = trained.record
        known |= {
            "parameters": record.model["parameters"],
            "steps": record.steps,
            "first_loss": trained.losses[0],
            "last_loss": trained.losses[-1],
            "training_flops_per_example": record.model.get("training_flops_per_example"),
            "throughput": record.throughput,
            "memory": record.memory,
            "energy": record.energy,
            "basis": record.basis,
            "techniques": record.techniques,
            "metrics": record.metrics,
        }
    return {**known, "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
