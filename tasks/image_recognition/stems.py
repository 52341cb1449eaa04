"""Input layers: pixels as a grid, normalised or not, or as a sequence of patches.

Legend: B batch, C channels, H height, W width, T positions, D features, R rows of patches,
Q columns of patches, P values of a patch.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import (
    Batch,
    ConfigError,
    Grid,
    GridSpec,
    Sequence,
    SequenceSpec,
    Stem,
    automatic_patch,
    channel_statistics,
)
from tasks.image_recognition.augmentation import affine, crop_resized, cutout, shift_and_flip
from tasks.image_recognition.config import ImageRecognitionConfig


class Pixels(nn.Module):
    """Augmentation in training, and normalisation by the mean and deviation of each channel.

    pixels_NCHW: the training split, uint8, which the statistics are taken from; of a stream some of
        it, spread evenly.
    """

    mean_C: Tensor
    deviation_C: Tensor

    def __init__(self, config: ImageRecognitionConfig, pixels_NCHW: Tensor) -> None:
        super().__init__()
        self.config = config
        shorter = min(pixels_NCHW.shape[2:])
        self.shift = shorter // 8 if config.shift is None else config.shift
        for name, side in (("shift", self.shift), ("cutout", config.cutout)):
            if side >= shorter:
                raise ConfigError(
                    f"task.{name}={side}: must be below the shorter side of the image, {shorter}"
                )
        mean_C, deviation_C = channel_statistics(pixels_NCHW)
        self.register_buffer("mean_C", mean_C)
        self.register_buffer("deviation_C", deviation_C)

    def forward(self, batch: Batch) -> Tensor:
        """Return (B, C, H, W) in float, of mean 0 and deviation 1."""
        pixels_BCHW, config = batch["pixels_BCHW"], self.config
        key_B = batch["key_B"] if self.training and "key_B" in batch else None
        if key_B is not None and (self.shift or config.flip):
            pixels_BCHW = shift_and_flip(
                pixels_BCHW, key_B, shift=self.shift, flip=config.flip, padding=config.padding
            )
        values_BCHW = pixels_BCHW.to(self.mean_C.dtype) - self.mean_C[:, None, None]
        values_BCHW = values_BCHW / self.deviation_C[:, None, None]
        if key_B is not None and config.crop < 1:
            values_BCHW = crop_resized(values_BCHW, key_B, smallest=config.crop)
        if key_B is not None and (config.rotate or config.zoom):
            values_BCHW = affine(values_BCHW, key_B, rotate=config.rotate, zoom=config.zoom)
        if key_B is not None and config.cutout:
            values_BCHW = cutout(values_BCHW, key_B, side=config.cutout)
        return values_BCHW


class GridStem(Stem):
    """Pixels as they lie, with blocks of `task.fold` by `task.fold` folded into channels."""

    def __init__(self, config: ImageRecognitionConfig, pixels_NCHW: Tensor) -> None:
        super().__init__()
        channels, height, width = pixels_NCHW.shape[1:]
        self.fold = config.fold
        if height % self.fold or width % self.fold:
            raise ConfigError(
                f"task.fold={self.fold}: does not divide the image ({height} x {width})"
            )
        self.pixels = Pixels(config, pixels_NCHW)
        self.spec = GridSpec(
            channels=channels * self.fold**2, height=height // self.fold, width=width // self.fold
        )

    def forward(self, batch: Batch) -> Grid:
        """Return values (B, C * fold², H / fold, W / fold)."""
        return Grid(F.pixel_unshuffle(self.pixels(batch), self.fold))


class PixelStem(Stem):
    """Colours between 0 and 1, for a pretrained model that normalises them as it is used to."""

    def __init__(self, config: ImageRecognitionConfig, pixels_NCHW: Tensor) -> None:
        super().__init__()
        for name, nothing in (("fold", 1), ("whiten", 0)):
            value = getattr(config, name)
            if value != nothing:
                raise ConfigError(
                    f"task.{name}={value}: a pretrained backbone takes pixels as they lie; "
                    f"set task.{name}={nothing}"
                )
        channels, height, width = pixels_NCHW.shape[1:]
        self.pixels = Pixels(config, pixels_NCHW)
        self.spec = GridSpec(channels=channels, height=height, width=width, pixels=True)

    def forward(self, batch: Batch) -> Grid:
        """Return values (B, C, H, W)."""
        mean_C, deviation_C = self.pixels.mean_C, self.pixels.deviation_C
        values_BCHW = self.pixels(batch) * deviation_C[:, None, None] + mean_C[:, None, None]
        return Grid(values_BCHW / 255)


class PatchStem(Stem):
    """Square patches, each projected to `features` (Dosovitskiy et al. 2021, equation 1).

    A position is the sum of one learned vector for its row and one for its column. Images that the
    patch does not divide are padded with the mean, on the right and at the bottom.
    """

    def __init__(
        self, config: ImageRecognitionConfig, pixels_NCHW: Tensor, *, features: int
    ) -> None:
        super().__init__()
        channels, height, width = pixels_NCHW.shape[1:]
        self.patch = config.patch or automatic_patch(height, width)
        if self.patch > min(height, width):
            raise ConfigError(
                f"task.patch={self.patch}: larger than the image ({height} x {width}); "
                f"use task.patch={automatic_patch(height, width)} or null"
            )
        self.pixels = Pixels(config, pixels_NCHW)
        rows, columns = math.ceil(height / self.patch), math.ceil(width / self.patch)
        self.missing = (columns * self.patch - width, rows * self.patch - height)
        self.projection = nn.Linear(channels * self.patch**2, features)
        self.row_RD = nn.Parameter(0.02 * torch.randn(rows, features))
        self.column_QD = nn.Parameter(0.02 * torch.randn(columns, features))
        self.spec = SequenceSpec(features=features, length=rows * columns)

    def forward(self, batch: Batch) -> Sequence:
        """Return values (B, T, D), row by row, without a mask."""
        right, bottom = self.missing
        values_BCHW = F.pad(self.pixels(batch), (0, right, 0, bottom))
        patches_BTP = F.unfold(values_BCHW, self.patch, stride=self.patch).transpose(1, 2)
        position_TD = (self.row_RD[:, None] + self.column_QD).flatten(0, 1)
        return Sequence(self.projection(patches_BTP) + position_TD)
