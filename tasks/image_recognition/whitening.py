"""An input layer that whitens: neighbouring pixels are decorrelated before anything is learned.

Legend: N images, B batch, C channels, H height, W width, P values of a patch (C * side²).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import Batch, ConfigError, Grid, GridSpec, Stem
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.stems import Pixels

_IMAGES = 5_000
"""Images that the statistics of patches are taken from, spread evenly over the training split."""
_PLACES = _IMAGES * 32 * 32
"""Patches that they are taken from at most: of large images fewer are looked at."""
_FLOOR = 5e-4
"""Added to every variance, so that components which images hardly have are not blown up."""


class WhiteningStem(Stem):
    """The principal components of patches at variance 1, each with its negative, a bias and GELU.

    The components are fixed (Jordan 2024, section 3.2); the bias is learned.
    """

    component_PCHW: Tensor

    def __init__(self, config: ImageRecognitionConfig, pixels_NCHW: Tensor) -> None:
        super().__init__()
        height, width = pixels_NCHW.shape[2:]
        self.side = config.whiten
        if self.side > min(height, width):
            raise ConfigError(
                f"task.whiten={self.side}: larger than the image ({height} x {width})"
            )
        self.pixels = Pixels(config, pixels_NCHW)
        components = whitening(self._sample(pixels_NCHW), self.side)
        self.register_buffer("component_PCHW", components)
        self.bias = nn.Parameter(torch.zeros(2 * len(components)))
        self.spec = GridSpec(channels=2 * len(components), height=height, width=width)

    def _sample(self, pixels_NCHW: Tensor) -> Tensor:
        images = min(_IMAGES, max(_PLACES // pixels_NCHW[0, 0].numel(), 1))
        some_NCHW = pixels_NCHW[:: max(len(pixels_NCHW) // images, 1)].float()
        mean_C, deviation_C = self.pixels.mean_C, self.pixels.deviation_C
        return (some_NCHW - mean_C[:, None, None]) / deviation_C[:, None, None]

    def forward(self, batch: Batch) -> Grid:
        """Return values (B, 2 * P, H, W)."""
        rest = self.side - 1
        values_BCHW = F.pad(self.pixels(batch), (0, rest, 0, rest))
        whitened_BPHW = F.conv2d(values_BCHW, self.component_PCHW)
        both = torch.cat([whitened_BPHW, -whitened_BPHW], 1)
        return Grid(F.gelu(both + self.bias[:, None, None]))


def whitening(values_NCHW: Tensor, side: int) -> Tensor:
    """Return the filters (P, C, side, side) that give patches uncorrelated values of variance 1."""
    channels = values_NCHW.shape[1]
    patches = F.unfold(values_NCHW, side).transpose(1, 2).flatten(0, 1).double()
    patches = patches - patches.mean(0)
    variance_P, vector_PP = torch.linalg.eigh(patches.T @ patches / len(patches))
    # An eigenvector's sign is arbitrary: its largest entry is made positive.
    largest_1P = vector_PP.abs().argmax(0, keepdim=True)
    vector_PP = vector_PP * vector_PP.gather(0, largest_1P).sign()
    filter_PP = (vector_PP / (variance_P + _FLOOR).sqrt()).T.flip(0)
    filter_PCHW: Tensor = filter_PP.float().reshape(-1, channels, side, side)
    return filter_PCHW
