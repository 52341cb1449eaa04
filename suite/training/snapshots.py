"""Sets of weights along a training, for looking into how it went.

    snapshots/00000000.safetensors   weights and buffers that it began with
              00000120.safetensors   after 120 steps

They have no part in the training: neither its clock nor its end tells whether they were kept.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
from torch import Tensor

from suite.data.cache import atomic_path
from suite.training.course import Course
from suite.training.weights import read_weights
from suite.training.writing import unwritten

if TYPE_CHECKING:
    from suite.training.loop import Training

FOLDER = "snapshots"


def snapshot_steps(count: int, steps: int) -> list[int]:
    """Return after which steps to keep weights: 0, `steps`, and geometrically between these.

    Most of what there is to see comes early. One alone is the end; there are never more than steps.
    """
    if count < 2:
        return [steps][:count]
    chosen, between = [0], min(count - 1, steps)
    for number in range(between):
        share = number / max(between - 1, 1) if between > 1 else 1.0
        chosen.append(max(chosen[-1] + 1, round(steps**share)))
    return chosen


class Snapshots:
    """Keeps the weights of a run after chosen steps."""

    def __init__(self, folder: Path, chosen: list[int]) -> None:
        self.folder = folder / FOLDER
        self._chosen = set(chosen)

    def look(self, run: "Training", course: Course, *, ended: bool = False) -> None:
        """Keep the weights if it is time, with the training clock stopped.

        ended: before its length, perhaps: these are the last.
        """
        step = course.outcome.steps
        if not self._chosen or (step in self._chosen) == ended:
            return
        running = run.meter.running
        run.meter.pause()
        with course.average.applied():
            weights = run.engine.weights()
            if run.world.leads:
                self._keep(step, weights)
        if running:
            run.meter.resume()

    def _keep(self, step: int, weights: dict[str, Tensor]) -> None:
        path = self.folder / f"{step:08}.safetensors"
        # A run that goes on from an earlier step comes by again, with the same weights.
        with unwritten(self.folder.parent), atomic_path(path) as temporary:
            safetensors.torch.save_file(weights, temporary)


def snapshots_of(folder: Path) -> Mapping[int, Callable[[], dict[str, Tensor]]]:
    """Return by step what reads the weights that the run in this folder kept; empty without any."""
    paths = sorted(
        path for path in (folder / FOLDER).glob("*.safetensors") if path.stem.isdecimal()
    )
    return {int(path.stem): partial(read_weights, path) for path in paths}
