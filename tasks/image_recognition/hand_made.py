"""Hand-made features of images: their pixels, or histograms of oriented gradients.

Legend: N images, B batch, C channels, H height, W width, O orientations, Y rows of cells,
X columns of cells, P rows of blocks, Q columns of blocks, F features.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from suite import Batch, HandMade, HandMadeConfig, Split

_SMALLEST_FOR_HOG = 16
"""Shorter side in pixels from which `auto` takes histograms: a smaller image has too few cells."""
_CLIP, _EPSILON = 0.2, 0.01
"""L2-Hys: the largest value of a block of length 1, and what a block without contrast is divided
by."""


def hand_made(
    options: HandMadeConfig, batches: Callable[[Split], Iterable[Batch]], side: int
) -> HandMade:
    """Return the features of all splits, less the mean of the training split.

    side: shorter side of the images, in pixels.
    """
    kind = options.features
    if kind == "auto":
        kind = "hog" if side >= _SMALLEST_FOR_HOG else "pixels"
    cell = min(options.cell or max(math.ceil(side / 8), 2), side)
    values, labels = {}, {}
    for split in Split:
        rows, numbers = [], []
        for batch in batches(split):
            pixels_BCHW = batch["pixels_BCHW"]
            if kind == "hog":
                row_BF = hog(
                    pixels_BCHW,
                    cell=cell,
                    block=options.block,
                    orientations=options.orientations,
                )
            else:
                row_BF = pixels_BCHW.flatten(1).float() / 255
            rows.append(row_BF.cpu())
            numbers.append(batch["label_B"].cpu())
        values[split] = torch.cat(rows).numpy()
        labels[split] = torch.cat(numbers).numpy()
    # The solver shrinks the intercept too, and converges ten times sooner around zero.
    mean_F = values[Split.TRAIN].mean(0, dtype=np.float64).astype(np.float32)
    for rows_NF in values.values():
        rows_NF -= mean_F
    return HandMade(kind, values, labels)


def hog(pixels_BCHW: Tensor, *, cell: int, block: int, orientations: int) -> Tensor:
    """Return histograms of oriented gradients (Dalal and Triggs 2005), (B, F).

    As their default detector (sections 3 and 6): centred differences without smoothing, of each
    pixel the channel whose gradient is the longest; votes by its length into unsigned orientations,
    shared between neighbouring bins and cells in proportion; overlapping blocks one cell apart,
    each normalised by L2-Hys. Departures: no Gaussian window over a block, so that a cell's
    histogram is made once, and cells that the image has no room for are left out, the rest centred.
    """
    values_BCHW = pixels_BCHW.float() / 255
    padded = F.pad(values_BCHW, (1, 1, 1, 1), mode="replicate")
    across_BCHW = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down_BCHW = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    squared_B1HW, longest_B1HW = (across_BCHW**2 + down_BCHW**2).max(1, keepdim=True)
    across_B1HW = across_BCHW.gather(1, longest_B1HW)
    down_B1HW = down_BCHW.gather(1, longest_B1HW)
    votes_BOHW = _votes(across_B1HW, down_B1HW, squared_B1HW.sqrt(), orientations)
    height, width = pixels_BCHW.shape[2:]
    reach_YH = _reach(height, cell, votes_BOHW)
    reach_XW = _reach(width, cell, votes_BOHW)
    histogram_BOYX = reach_YH @ votes_BOHW @ reach_XW.T
    block = min(block, len(reach_YH), len(reach_XW))
    blocks_BPQF = (
        histogram_BOYX.unfold(2, block, 1).unfold(3, block, 1).permute(0, 2, 3, 4, 5, 1).flatten(3)
    )
    clipped_BPQF = _unit(blocks_BPQF).clamp(max=_CLIP)
    return _unit(clipped_BPQF).flatten(1)


def _votes(across_B1HW: Tensor, down_B1HW: Tensor, length_B1HW: Tensor, bins: int) -> Tensor:
    """Share each pixel's length between the two bins whose centres are next to its orientation."""
    turn_B1HW = torch.atan2(down_B1HW, across_B1HW) / math.pi
    place_B1HW = turn_B1HW * bins - 0.5
    lower_B1HW = place_B1HW.floor()
    upper_share = place_B1HW - lower_B1HW
    lower_B1HW = lower_B1HW.long()
    batch, _, height, width = length_B1HW.shape
    votes_BOHW = length_B1HW.new_zeros(batch, bins, height, width)
    votes_BOHW.scatter_add_(1, lower_B1HW % bins, length_B1HW * (1 - upper_share))
    # 180 degrees are 0 degrees again.
    return votes_BOHW.scatter_add_(1, (lower_B1HW + 1) % bins, length_B1HW * upper_share)


def _reach(side: int, cell: int, like: Tensor) -> Tensor:
    """Return the share of each pixel's vote that each cell gets along one axis, (cells, side).

    It falls from 1 in the middle of the cell to 0 in the middle of the next.
    """
    cells = max(side // cell, 1)
    first = (side - cells * cell) / 2
    middle = first + (torch.arange(cells, device=like.device, dtype=like.dtype) + 0.5) * cell
    pixel = torch.arange(side, device=like.device, dtype=like.dtype) + 0.5
    return (1 - (pixel - middle[:, None]).abs() / cell).clamp(min=0)


def _unit(values: Tensor) -> Tensor:
    return values / (values.square().sum(-1, keepdim=True) + _EPSILON**2).sqrt()
