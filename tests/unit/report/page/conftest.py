"""A results folder of a small sweep, made by hand: records, journals, and what runs leave."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from suite.mistakes import keep_mistakes, shown_wave
from suite.record import RunRecord
from suite.task import Mistake
from suite.tracking.journal import Journal

Make = Callable[..., RunRecord]
SETS = {
    "digits": ("image_recognition", "accuracy", "maximize"),
    "phrases": ("text_classification", "accuracy", "maximize"),
    "speech": ("speech_transcription", "character_error_rate", "minimize"),
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Where the runs of `made` lie."""
    return tmp_path / "results"


@pytest.fixture
def made(results: Path) -> Make:
    """Make a run with its folder: `made(data, backbone, seed, value, **changes)`."""

    def make(
        data: str, backbone: str, seed: int, value: float | None, *, steps: int = 5, **changes: Any
    ) -> RunRecord:
        task, metric, direction = SETS[data]
        optimizer = changes.get("optimizer", "adamw")
        name = f"{data}-{backbone}-{optimizer}-{seed}"
        reached = {"step": 20.0, "examples": 200.0, "training_seconds": 4.0, "wall_seconds": 5.0}
        values: dict[str, Any] = {
            "run_id": name,
            "name": name,
            "status": "finished",
            "started": f"2026-01-01T00:00:{seed:02}",
            "task": task,
            "data": data,
            "backbone": backbone,
            "optimizer": "adamw",
            "seed": seed,
            "sweep": "grid",
            "group_hash": f"{data}-{backbone}-{optimizer}",
            "config_hash": name,
            "data_card": {"name": data, "fingerprint": data, "sizes": {"test": 100}},
            "machine": {"fingerprint": "m", "processor": "P", "system": "Linux", "threads": 1},
            "unit": "image",
            "primary": metric,
            "direction": direction,
            "metrics": {} if value is None else {f"test/{metric}": value},
            "target": {"metric": metric, "threshold": 0.9, "direction": direction},
            "reached": reached,
            "references": [
                {"name": "LeNet", "metric": metric, "value": 0.95, "kind": "published",
                 "uses": "", "source": "Doe 1999", "n": None},
                {"name": "people", "metric": metric, "value": 0.97, "kind": "human",
                 "uses": "", "source": "Roe 2001", "n": 5},
            ],
            "training_seconds": 10.0 + seed,
            "wall_seconds": 12.5 + seed,
            "throughput": {"examples_per_second": 100.0, "units_per_second": 200.0,
                           "data_stall_share": 0.25},
            "model": {"parameters": 1000.0 * len(backbone), "training_flops_per_example": 1e4},
        }  # fmt: skip
        record = RunRecord(**(values | changes))
        journal = Journal(results / "runs" / record.run_id)
        journal.start(record)
        for step in range(1, steps + 1):
            known = 0.5 + 0.05 * step + 0.01 * seed
            journal.metrics(10 * step, {"train/loss": 1.0 / step})
            journal.metrics(
                10 * step, {f"validation/{metric}": known, "time/training_seconds": 2.0 * step}
            )
        journal.end(record)
        return record

    return make


@pytest.fixture
def sweep(made: Make, results: Path) -> list[RunRecord]:
    """Three data sets, two backbones with two optimizers each, three seeds; one run that failed."""
    records = []
    for data, sign in (("digits", 1), ("phrases", 1), ("speech", -1)):
        for backbone, gain in (("mlp", 0.0), ("lstm", 0.02)):
            for optimizer, more in (("adamw", 0.0), ("sgd", -0.1)):
                for seed in (0, 1, 2):
                    quality = gain + more + 0.002 * (seed + (seed == 1) * (backbone == "lstm"))
                    value = (0.9 if sign > 0 else 0.2) + sign * quality
                    records.append(made(data, backbone, seed, value, optimizer=optimizer))
    for record in records:
        folder = results / "runs" / record.run_id
        if record.data != "speech":
            (folder / "figures").mkdir()
            counts = {
                "classes": ["a", "b"],
                "true_predicted_count": [[0, 0, 9], [0, 1, 1 + record.seed], [1, 1, 7]],
            }
            (folder / "figures" / "confusion_matrix.json").write_text(json.dumps(counts))
        keep_mistakes(_mistakes(record.data), folder)
    records.append(
        made("digits", "conformer", 0, None, status="failed", error="<b>out of memory</b>")
    )
    return records


def _mistakes(data: str) -> list[Mistake]:
    import torch

    if data == "digits":
        buffer = io.BytesIO()
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, "PNG")
        return [Mistake(content=buffer.getvalue(), suffix=".png", true="a", predicted="b",
                        confidence=0.98)]  # fmt: skip
    if data == "phrases":
        return [Mistake(content="<i>süß</i>".encode(), suffix=".txt", true="a", predicted="b",
                        confidence=0.7)]  # fmt: skip
    tone = torch.sin(torch.arange(8000) / 8000 * 2 * torch.pi * 1000) * 20_000
    shown = shown_wave(tone.short(), 8000)
    return [Mistake(content=shown.content, suffix=".wav", true="one two", predicted="one too")]
