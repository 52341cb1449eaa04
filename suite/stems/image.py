"""The input layer of images, and what it takes from the training images.

Legend: N images, B batch, C channels, H height, W width, V grey levels, T positions, D features,
R rows of patches, Q columns of patches, P values of a patch.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.features import BackboneBuilder, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem
from suite.task import Batch

MOST_PATCHES = 64
"""Patches that the automatic choice makes at most."""


class ImageStem(Stem):
    """Pixels of mean 0 and deviation 1: as a grid, or in patches (Dosovitskiy et al. 2021, eq. 1).

    It reads `pixels_BCHW`, uint8. A patch's position is the sum of one learned vector for its row
    and one for its column; images that it does not divide are padded with the mean.
    pixels_NCHW: the training images, which mean and deviation of each channel are taken from.
    """

    mean_C: Tensor
    deviation_C: Tensor

    def __init__(self, backbone: BackboneBuilder, pixels_NCHW: Tensor) -> None:
        super().__init__()
        mean_C, deviation_C = channel_statistics(pixels_NCHW)
        self.register_buffer("mean_C", mean_C)
        self.register_buffer("deviation_C", deviation_C)
        channels, height, width = pixels_NCHW.shape[1:]
        self.form = backbone.choose(Form.GRID, Form.SEQUENCE)
        if self.form is Form.GRID:
            self.spec = GridSpec(channels=channels, height=height, width=width)
            return
        self.patch = automatic_patch(height, width)
        rows, columns = math.ceil(height / self.patch), math.ceil(width / self.patch)
        self.missing = (columns * self.patch - width, rows * self.patch - height)
        features = backbone.width
        self.projection = nn.Linear(channels * self.patch**2, features)
        self.row_RD = nn.Parameter(0.02 * torch.randn(rows, features))
        self.column_QD = nn.Parameter(0.02 * torch.randn(columns, features))
        self.spec = SequenceSpec(features=features, length=rows * columns)

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Return values (B, C, H, W), or (B, T, D) row by row."""
        centred_BCHW = batch["pixels_BCHW"].to(self.mean_C.dtype) - self.mean_C[:, None, None]
        values_BCHW = centred_BCHW / self.deviation_C[:, None, None]
        if self.form is Form.GRID:
            return Grid(values_BCHW)
        right, bottom = self.missing
        padded_BCHW = F.pad(values_BCHW, (0, right, 0, bottom))
        patches_BTP = F.unfold(padded_BCHW, self.patch, stride=self.patch).transpose(1, 2)
        position_TD = (self.row_RD[:, None] + self.column_QD).flatten(0, 1)
        return Sequence(self.projection(patches_BTP) + position_TD)


def channel_statistics(pixels_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of each channel, (C,) float32; a constant channel deviates by 1."""
    level = torch.arange(256, device=pixels_NCHW.device, dtype=torch.float64)
    # From counts of the 256 levels: exact, and no copy of the split in float.
    counts = torch.stack(
        [torch.bincount(channel.flatten(), minlength=256) for channel in pixels_NCHW.unbind(1)]
    ).double()
    share_CV = counts / counts.sum(1, keepdim=True)
    mean_C = share_CV @ level
    deviation_C = (share_CV @ level.square() - mean_C.square()).clamp(min=0).sqrt()
    deviation_C = torch.where(deviation_C > 0, deviation_C, 1.0)
    return mean_C.float(), deviation_C.float()


def automatic_patch(height: int, width: int) -> int:
    """Return the smallest patch, from 2 on, that covers the image with at most `MOST_PATCHES`."""
    patch = min(2, height, width)
    while math.ceil(height / patch) * math.ceil(width / patch) > MOST_PATCHES:
        patch += 1
    return min(patch, height, width)
