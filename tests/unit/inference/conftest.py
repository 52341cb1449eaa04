from typing import Any

import pytest
import torch
from torch import Tensor, nn

from suite.config import PrecisionConfig
from suite.features import Sequence
from suite.inference.bench import Result, Speed
from suite.inference.plan import ModelForm
from suite.inference.record import BenchRecord
from suite.task import Batch
from suite.training.precision import Precision


class Halves(nn.Module):
    """Reads one tensor of its batch and returns a sequence with a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, batch: Batch) -> Sequence:
        values: Tensor = self.linear(batch["values_BTD"])
        return Sequence(values, values.new_ones(values.shape[:2], dtype=torch.bool))


@pytest.fixture
def model() -> nn.Module:
    return Halves()


@pytest.fixture
def batches() -> dict[int, Batch]:
    return {
        size: Batch(
            {"values_BTD": torch.randn(size, 4, 3), "label_B": torch.zeros(size)}, size, 4.0 * size
        )
        for size in (1, 2)
    }


@pytest.fixture
def precision() -> Precision:
    return Precision(PrecisionConfig(), torch.device("cpu"))


def speed(**changes: Any) -> Speed:
    values: dict[str, Any] = {
        "make_seconds": 1.0,
        "calls": 20,
        "p50_seconds": 0.002,
        "p95_seconds": 0.003,
        "p99_seconds": 0.004,
        "examples_per_second": 400.0,
        "units_per_second": 1600.0,
        "difference": 1e-7,
        "tolerance": 1e-3,
        "peak_share": 0.25,
    }
    return Speed(**(values | changes))


@pytest.fixture
def record() -> BenchRecord:
    """Two forms at two batch sizes, one of them wrong, and one that failed."""
    results = [
        Result(form=ModelForm.eager, threads=1, batch_size=1, speed=speed(difference=0.0)),
        Result(form=ModelForm.compiled, threads=1, batch_size=1, speed=speed(p50_seconds=0.001)),
        Result(form=ModelForm.onnx, threads=1, batch_size=1, failure="onnx not [installed]"),
        Result(form=ModelForm.eager, threads=1, batch_size=8, speed=speed(difference=0.0)),
        Result(form=ModelForm.compiled, threads=1, batch_size=8, speed=speed(difference=0.5)),
        Result(form=ModelForm.onnx, threads=1, batch_size=8, failure="onnx not [installed]"),
    ]
    return BenchRecord(
        name="20260101-120000-names-lstm-c0ffee",
        task="text_classification",
        data="names",
        backbone="lstm",
        unit="token",
        weights="as drawn from seed 0",
        parameters=1234,
        plan={"forms": ["eager"], "batch_sizes": [1, 8], "threads": [1], "seconds": 0.5},
        inputs={1: {"units": 4.0}},
        machine={"processor": "a processor", "fingerprint": "abc", "usable_cores": 4},
        load=0.25,
        config={"seed": 0, "precision": {"number": "fp32"}},
        config_hash="0" * 12,
        overrides=["backbone=lstm"],
        versions={"torch": "2"},
        git={"commit": "c0ffee", "dirty": False},
        started="2026-01-01T12:00:00+0000",
        results=results,
    )
