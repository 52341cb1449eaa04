"""What was measured of a model, with all that it depends on: `bench.json`."""

import json
import math
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from suite.config import RunConfig
from suite.data.cache import atomic_path
from suite.hardware.machine import describe_git, describe_versions
from suite.inference.bench import Result
from suite.inference.onnx_form import PACKAGES
from suite.inference.plan import ModelForm, Plan
from suite.task import Batch, Task

SCHEMA = 1


@dataclass(kw_only=True)
class BenchRecord:
    """One call of `triathlon bench`. Times in seconds.

    weights: where the model's are from. plan: what was asked for. machine: as `describe_machine`
        has it. load: processes that wanted a core in the minute before, this one among them; others
        disturb what is measured. inputs: shapes and units of the batches, by their size.
    """

    name: str
    task: str
    data: str
    backbone: str
    unit: str
    weights: str
    parameters: int
    plan: Mapping[str, Any]
    inputs: Mapping[int, Mapping[str, Any]]
    machine: Mapping[str, Any]
    load: float
    config: Mapping[str, Any]
    config_hash: str
    overrides: Sequence[str]
    versions: Mapping[str, str]
    git: Mapping[str, Any]
    started: str
    schema: int = SCHEMA
    results: list[Result] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Task, data and backbone."""
        return " · ".join(part for part in (self.task, self.data, self.backbone) if part)

    @property
    def measured(self) -> bool:
        """Whether there is anything to look at."""
        return any(result.speed for result in self.results)

    @property
    def failures(self) -> dict[str, list[ModelForm]]:
        """Why forms could not be measured, and which."""
        found: dict[str, list[ModelForm]] = {}
        for result in self.results:
            if result.failure and result.form not in found.setdefault(result.failure, []):
                found[result.failure].append(result.form)
        return found

    def plain(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {**asdict(self), "results": [_plain(result) for result in self.results]}

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(self.plain(), indent=1, allow_nan=False) + "\n")


def new_record(
    config: RunConfig,
    task: Task,
    model: nn.Module,
    batches: Mapping[int, Batch],
    plan: Plan,
    threads: Sequence[int],
    *,
    overrides: Sequence[str],
    weights: str,
    machine: Mapping[str, Any],
) -> BenchRecord:
    """Return the record of a measurement that is about to begin."""
    choices = {group: choice or "" for group, choice in config.choices.items()}
    chosen, data, backbone = (choices.get(group, "") for group in ("task", "data", "backbone"))
    stamp = time.strftime("%Y%m%d-%H%M%S")
    extra = PACKAGES if ModelForm.onnx in plan.forms else ()
    return BenchRecord(
        name=f"{stamp}-{data or chosen}-{backbone}-{secrets.token_hex(3)}",
        task=chosen,
        data=data,
        backbone=backbone,
        started=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        unit=task.unit,
        weights=weights,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        plan={
            "forms": [form.value for form in plan.forms],
            "batch_sizes": list(batches),
            "threads": list(threads),
            "seconds": plan.seconds,
        },
        inputs={size: _described(batch) for size, batch in batches.items()},
        machine=machine,
        load=os.getloadavg()[0],
        config=config.plain(),
        config_hash=config.hash(),
        overrides=list(overrides),
        versions=describe_versions(*extra),
        git=describe_git(Path(__file__).parent),
    )


def _described(batch: Batch) -> dict[str, Any]:
    shapes = {name: list(tensor.shape) for name, tensor in batch.items()}
    return {"shapes": shapes, "units": batch.units, "padded_units": batch.padded_units}


def _plain(result: Result) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "form": result.form.value,
        "threads": result.threads,
        "batch_size": result.batch_size,
    }
    if result.speed is None:
        return plain | {"failure": result.failure}
    plain |= asdict(result.speed) | {"wrong": result.speed.wrong}
    if math.isinf(plain["difference"]):
        plain["difference"] = None  # JSON has no infinity
    return plain
