"""The run that is looked into: its task, its model, and controls to hold it against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from suite.classification import DataSetTask


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A finished run, opened.

    name: its id. folder: its folder, nothing of which is changed. task: with its data.
    model: with the run's best weights, in evaluation mode.
    fresh: returns the same model with the first weights of a seed, in evaluation mode: the control
        that has not learned. Pretrained weights are left out of it, so all is random.
    started: returns the model that this very run began with, pretrained weights included.
    snapshots: weights along the training by step, read when called; empty where none were kept.
    config: the run's configuration as plain values. seed: the run's.
    """

    name: str
    folder: Path
    task: DataSetTask
    model: nn.Module
    fresh: Callable[[int], nn.Module]
    started: Callable[[], nn.Module]
    snapshots: Mapping[int, Callable[[], Mapping[str, Tensor]]]
    config: Mapping[str, Any]
    seed: int
