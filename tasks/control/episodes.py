"""Whole episodes of the policy that takes what looks best, side by side.

Legend: B episodes, D numbers of an observation, K outputs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tasks.control.environment import observed


@dataclass(frozen=True)
class Played:
    """What episodes came to. return_B: undiscounted. steps_B: of each. discounted_B: from its first
    step on. value_B: what was expected of that. float64, and int64 for the steps.
    """

    return_B: Tensor
    steps_B: Tensor
    discounted_B: Tensor
    value_B: Tensor


def begin(made: Sequence[Any], seeds: Sequence[int]) -> Tensor:
    """Begin an episode in each environment; return what is seen first, (B, D)."""
    seen = [observed(one.reset(seed=seed)[0]) for one, seed in zip(made, seeds, strict=True)]
    return torch.from_numpy(np.stack(seen))


def play(
    made: Sequence[Any],
    observation_BD: Tensor,
    outputs: Callable[[Tensor], Tensor],
    preferences: Callable[[Tensor], Tensor],
    value: Callable[[Tensor], Tensor],
    discount: float,
) -> Played:
    """Play to the end what was begun, and tell what came of it.

    outputs: of the model for observations on the host, (B, K). preferences, value: of its outputs.
    """
    seen_BD = observation_BD.numpy().copy()
    going = list(range(len(made)))
    return_B, discounted_B, steps_B = (np.zeros(len(made)) for _ in range(3))
    value_B: Tensor | None = None
    weight = 1.0
    while going:
        output_BK = outputs(torch.from_numpy(seen_BD))
        if value_B is None:
            value_B = value(output_BK).double()
        action_B = preferences(output_BK).argmax(1).tolist()
        still = []
        for b in going:
            after, reward, terminated, truncated, _ = made[b].step(action_B[b])
            seen_BD[b] = after
            return_B[b] += reward
            discounted_B[b] += weight * reward
            steps_B[b] += 1
            if not (terminated or truncated):
                still.append(b)
        going, weight = still, weight * discount
    assert value_B is not None
    return Played(
        torch.from_numpy(return_B),
        torch.from_numpy(steps_B).long(),
        torch.from_numpy(discounted_B),
        value_B,
    )
