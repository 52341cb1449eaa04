"""What the units of every layer answer to examples, and where in them.

Legend: N examples, U units, B batch, P positions.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from suite.classification import DataSetTask
from suite.insight.positions import read
from suite.task import Split

AT_ONCE = 64
_MOST_UNITS = 256
"""Units of a layer that are looked at, spread evenly."""


@dataclass(frozen=True)
class Answers:
    """A layer's answers to examples. most_NU: the largest of all positions, at place_NU2.

    place_NU2: its row and column. unit_U: the numbers of the units among the layer's features.
    """

    name: str
    most_NU: NDArray[np.float32]
    place_NU2: NDArray[np.int64]
    unit_U: NDArray[np.int64]


def answers(task: DataSetTask, model: nn.Module, split: Split, chosen: list[int]) -> list[Answers]:
    """Return what each layer answers to these examples, from input to output."""
    most: dict[str, list[torch.Tensor]] = {}
    place: dict[str, list[torch.Tensor]] = {}
    units: dict[str, torch.Tensor] = {}
    for start in range(0, len(chosen), AT_ONCE):
        batch = task.take(split, chosen[start : start + AT_ONCE])
        with torch.no_grad():
            outputs = read(model, batch)
        for name, output in outputs.items():
            features = output.values_BPD.shape[2]
            some = np.unique(np.linspace(0, features - 1, _MOST_UNITS).round().astype(int))
            units[name] = torch.from_numpy(some)
            values_BPU = output.values_BPD.float()[..., units[name].to(output.values_BPD.device)]
            real_BP1 = output.mask_BP.unsqueeze(2)
            largest = values_BPU.masked_fill(~real_BP1, float("-inf")).max(1)
            most.setdefault(name, []).append(largest.values.cpu())
            # As row and column, since another batch may be padded to another width.
            row = largest.indices.div(output.columns, rounding_mode="floor")
            place.setdefault(name, []).append(
                torch.stack([row, largest.indices % output.columns], 2).cpu()
            )
    found = [
        Answers(
            name,
            torch.cat(most[name]).numpy(),
            torch.cat(place[name]).numpy(),
            units[name].numpy(),
        )
        for name in most
    ]
    # The output of a backbone without more than its layers is that of the last.
    if len(found) > 1 and np.array_equal(found[-1].most_NU, found[-2].most_NU):
        found.pop()
    return found
