"""What can be told of images without understanding them.

Legend: B images, C channels, H height, W width.
"""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-6
"""Edge energy of an image without edges, whose orientation nobody can tell."""


def properties(pixels_BCHW: Tensor) -> Mapping[str, Tensor]:
    """Return brightness, contrast, edge energy and edge orientation of uint8 images, each (B,).

    brightness and contrast are mean and deviation of grey values between 0 and 1; edge_energy is
    the mean squared gradient. The orientation is that of the structure tensor (Bigun and Granlund
    1987): gradients, weighted by their squares, at twice their angle, so that both sides of an edge
    count as one. Its cosine is 1 where all edges are upright and -1 where they lie, its sine 1 and
    -1 along the two diagonals; both are near 0 where edges run in all directions alike.
    """
    grey_BHW = pixels_BCHW.double().mean(1) / 255
    # Differences of neighbours two apart, with the border repeated: each pixel has both.
    padded = F.pad(grey_BHW.unsqueeze(1), (1, 1, 1, 1), mode="replicate")[:, 0]
    across_BHW = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down_BHW = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    energy_B = (across_BHW**2 + down_BHW**2).mean((1, 2))
    cosine_B = (across_BHW**2 - down_BHW**2).mean((1, 2)) / energy_B
    sine_B = (2 * across_BHW * down_BHW).mean((1, 2)) / energy_B
    flat_B = energy_B < _LEAST
    return {
        "brightness": grey_BHW.mean((1, 2)),
        "contrast": grey_BHW.std((1, 2), correction=0),
        "edge_energy": energy_B,
        "edge_orientation_cos": cosine_B.masked_fill(flat_B, float("nan")),
        "edge_orientation_sin": sine_B.masked_fill(flat_B, float("nan")),
    }
