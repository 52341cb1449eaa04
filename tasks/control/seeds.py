"""Where chance comes from: every episode and every draw is a function of numbers, of no generator.

An environment's state is then its episode's seed and the actions since, and a batch of experience
can be made again.

Legend: T steps, N numbers of each.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from suite import Split, uniform

_HELD_OUT = {Split.VALIDATION: 1_000_000, Split.TEST: 2_000_000}
"""The first seed of each split's episodes."""
_TRAINING = 2**30
"""Training has seeds from here on to 2**31: simulators in C take no larger ones."""
_STREAM = 7


def held_out_seeds(split: Split, episodes: int) -> list[int]:
    """Return the seeds of a split's episodes, the same for every run; training has none."""
    first = _HELD_OUT.get(split)
    return [] if first is None else list(range(first, first + episodes))


def training_seed(seed: int, environment: int, episode: int) -> int:
    """Return the seed of an episode of training. seed: the run's."""
    return _TRAINING + _mixed(seed, environment, episode) % _TRAINING


def draws(seed: int, purpose: int, first: int, count: int, numbers: int) -> Tensor:
    """Return uniform numbers in [0, 1) of `count` steps from number `first` on, (T, N).

    purpose: each use of a step's chance has a number of its own.
    """
    base = _mixed(seed, purpose) - 2**63
    key_T = torch.arange(first, first + count) + base
    return uniform(key_T, _STREAM, numbers)


@lru_cache(maxsize=1 << 10)
def _mixed(*numbers: int) -> int:
    """Return 64 bits that depend on all of these numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
