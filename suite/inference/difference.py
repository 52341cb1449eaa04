"""How far the outputs of one form of a model are from those of another."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def difference(outputs: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """Return the largest difference, as a share of the largest expected value of the same tensor.

    Infinite where number, shape or kind of tensors differ, where one holds something that is not a
    number, and where masks or indices are not the same.
    """
    if len(outputs) != len(expected):
        return math.inf
    return max(map(_difference, outputs, expected), default=0.0)


def _difference(output: Tensor, expected: Tensor) -> float:
    if output.shape != expected.shape or output.is_floating_point() != expected.is_floating_point():
        return math.inf
    if not expected.is_floating_point():
        return 0.0 if torch.equal(output.to(expected), expected) else math.inf
    if not expected.numel():
        return 0.0
    got, wanted = output.detach().cpu().double(), expected.detach().cpu().double()
    # Equal infinities (a mask of logits) have no difference, what is not a number has.
    gap = torch.where(got == wanted, 0.0, (got - wanted).abs()).nan_to_num(math.inf).max().item()
    scale = wanted[wanted.isfinite()].abs().max().item() if wanted.isfinite().any() else 0.0
    if not gap:
        return 0.0
    return gap / scale if scale else math.inf
