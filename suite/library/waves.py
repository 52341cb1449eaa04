"""What models that convolve the waveform have in common.

Legend: B batch, S samples.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from suite.features import Wave


def at_least(inputs: Wave, samples: int) -> tuple[Tensor, Tensor]:
    """Return waves (B, S) and lengths (B,), with silence behind those that are too short."""
    missing = max(samples - inputs.values_BS.shape[1], 0)
    return F.pad(inputs.values_BS, (0, missing)), inputs.length_B.clamp(min=samples)


def normalised(values_BS: Tensor, mask_BS: Tensor) -> Tensor:
    """Bring each wave to mean 0 and variance 1, with zeros in its padding."""
    count_B1 = mask_BS.sum(1, keepdim=True)
    mean_B1 = (values_BS * mask_BS).sum(1, keepdim=True) / count_B1
    centred_BS = (values_BS - mean_B1) * mask_BS
    variance_B1 = centred_BS.square().sum(1, keepdim=True) / count_B1
    return centred_BS * torch.rsqrt(variance_B1 + 1e-7)


def shortened(length: Any, steps: list[tuple[int, int]]) -> Any:
    """Return what convolutions without padding, (kernel, stride) each, leave of a length."""
    for kernel, stride in steps:
        length = (length - kernel) // stride + 1
    return length


def shortest_input(steps: list[tuple[int, int]]) -> int:
    """Return the samples that one position is made of."""
    samples = 1
    for kernel, stride in reversed(steps):
        samples = (samples - 1) * stride + kernel
    return samples
