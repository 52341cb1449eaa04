"""A run of a few steps through the suite's own front door, and what its record says."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.compose import compose
from suite.record import RunRecord
from suite.run import run


@dataclass(frozen=True)
class Settings:
    """What all runs share. digits: the folder of enlarged digits. seconds: of training, at most."""

    digits: Path
    device: str
    steps: int
    seconds: float

    def overrides(self) -> list[str]:
        return [
            "seed=0", "tracking=none", "tracking.log_model=false", "tracking.figures=false",
            f"hardware.device={self.device}", f"trainer.steps={self.steps}",
            f"trainer.max_seconds={self.seconds}", "trainer.evaluate_every=1000000",
        ]  # fmt: skip


@dataclass
class Trained:
    """A finished run. losses: all that were logged, in order."""

    record: RunRecord
    losses: list[float] = field(default_factory=list)


def train(settings: Settings, overrides: Sequence[str]) -> Trained:
    """Train, validate and test a new model; nothing is left of it on the disk."""
    losses: list[float] = []

    def note(event: dict[str, Any]) -> None:
        if "train/loss" in event.get("values", {}):
            losses.append(event["values"]["train/loss"])

    given = [*settings.overrides(), *overrides]
    with tempfile.TemporaryDirectory(prefix="gpu-") as results:
        record = run(compose([*given, f"results={results}"]), given, observers=[note])
    return Trained(record, losses)
