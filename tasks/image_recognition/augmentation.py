"""Random changes to a batch of training images, on the device that holds it.

What happens to an image is a function of its key alone, not of the batch it is in. Nothing here
loops over examples or waits for the device.

Legend: B batch, C channels, H height, W width.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from suite import uniform
from tasks.image_recognition.config import Padding

# Each use of a key draws from a stream of its own.
_SHIFT, _FLIP, _CUTOUT, _AFFINE, _CROP = 0, 1, 2, 3, 4
_LONGEST = 4 / 3
"""Sides of a crop relate by this at most, relative to the image's."""


def shift_and_flip(
    pixels_BCHW: Tensor, key_B: Tensor, *, shift: int, flip: bool, padding: Padding
) -> Tensor:
    """Move each image by up to `shift` pixels along each axis, and mirror every second one.

    The same as padding by `shift` and cropping at random (He et al. 2015, section 4.2).
    """
    batch, channels, height, width = pixels_BCHW.shape
    device = pixels_BCHW.device
    row_BH = torch.arange(height, device=device).expand(batch, -1)
    column_BW = torch.arange(width, device=device).expand(batch, -1)
    if flip:
        mirrored_B1 = uniform(key_B, _FLIP)[:, None] < 0.5
        column_BW = torch.where(mirrored_B1, width - 1 - column_BW, column_BW)
    if shift:
        offset_B2 = (uniform(key_B, _SHIFT, 2) * (2 * shift + 1)).long() - shift
        row_BH, column_BW = row_BH + offset_B2[:, :1], column_BW + offset_B2[:, 1:]
    source_BHW = (
        _inside(row_BH, height, padding)[:, :, None] * width
        + _inside(column_BW, width, padding)[:, None, :]
    )
    source_BCP = source_BHW.flatten(1)[:, None].expand(-1, channels, -1)
    moved_BCHW = pixels_BCHW.flatten(2).gather(2, source_BCP).reshape(pixels_BCHW.shape)
    if shift and padding is Padding.zero:
        real_BH = (row_BH >= 0) & (row_BH < height)
        real_BW = (column_BW >= 0) & (column_BW < width)
        moved_BCHW = moved_BCHW * (real_BH[:, None, :, None] & real_BW[:, None, None, :])
    return moved_BCHW


def _inside(index: Tensor, size: int, padding: Padding) -> Tensor:
    """Bring indices outside [0, size) to the pixel that the padding shows there."""
    if padding is Padding.reflect and size > 1:
        index = (size - 1) - ((index % (2 * (size - 1))) - (size - 1)).abs()
    return index.clamp(0, size - 1)


def affine(values_BCHW: Tensor, key_B: Tensor, *, rotate: float, zoom: float) -> Tensor:
    """Turn each image by up to `rotate` degrees and scale each axis by up to 1 ± `zoom`.

    values_BCHW: float. Bilinear; where the image has no pixels its edge goes on.
    """
    height, width = values_BCHW.shape[2:]
    drawn_B3 = uniform(key_B, _AFFINE, 3) * 2 - 1
    angle_B = drawn_B3[:, 0] * math.radians(rotate)
    scale_B2 = 1 + drawn_B3[:, 1:] * zoom
    cosine_B, sine_B, nothing_B = angle_B.cos(), angle_B.sin(), torch.zeros_like(angle_B)
    # grid_sample counts each axis from -1 to 1, so that a turn of an oblong image needs its aspect.
    aspect = height / width
    across_B3 = torch.stack([cosine_B, -sine_B * aspect, nothing_B], 1) / scale_B2[:, :1]
    down_B3 = torch.stack([sine_B / aspect, cosine_B, nothing_B], 1) / scale_B2[:, 1:]
    transform_B23 = torch.stack([across_B3, down_B3], 1).to(values_BCHW.dtype)
    grid_BHW2 = F.affine_grid(transform_B23, list(values_BCHW.shape), align_corners=False)
    turned_BCHW: Tensor = F.grid_sample(
        values_BCHW, grid_BHW2, padding_mode="border", align_corners=False
    )
    return turned_BCHW


def crop_resized(values_BCHW: Tensor, key_B: Tensor, *, smallest: float) -> Tensor:
    """Show a random part of each image at full size (Szegedy et al. 2015, section 6).

    values_BCHW: float. smallest: share of the area that a part has at least. Bilinear; its sides
    relate by 3/4 to 4/3 of what the image's do.
    """
    drawn_B4 = uniform(key_B, _CROP, 4)
    area_B = smallest + (1 - smallest) * drawn_B4[:, 0]
    aspect_B = _LONGEST ** (drawn_B4[:, 1] * 2 - 1)
    size_B2 = torch.stack([(area_B * aspect_B).sqrt(), (area_B / aspect_B).sqrt()], 1).clamp(max=1)
    centre_B2 = (drawn_B4[:, 2:] * 2 - 1) * (1 - size_B2)
    transform_B23 = torch.cat([torch.diag_embed(size_B2), centre_B2.unsqueeze(2)], 2)
    grid_BHW2 = F.affine_grid(
        transform_B23.to(values_BCHW.dtype), list(values_BCHW.shape), align_corners=False
    )
    shown_BCHW: Tensor = F.grid_sample(
        values_BCHW, grid_BHW2, padding_mode="border", align_corners=False
    )
    return shown_BCHW


def cutout(values_BCHW: Tensor, key_B: Tensor, *, side: int) -> Tensor:
    """Set a square of each image to zero (DeVries and Taylor 2017); it may cross the border."""
    height, width = values_BCHW.shape[2:]
    device = values_BCHW.device
    drawn_B2 = uniform(key_B, _CUTOUT, 2)
    top_B1 = (drawn_B2[:, :1] * height).long() - side // 2
    left_B1 = (drawn_B2[:, 1:] * width).long() - side // 2
    row_BH = torch.arange(height, device=device) - top_B1
    column_BW = torch.arange(width, device=device) - left_B1
    hidden_BH = (row_BH >= 0) & (row_BH < side)
    hidden_BW = (column_BW >= 0) & (column_BW < side)
    hidden_BHW = hidden_BH[:, :, None] & hidden_BW[:, None, :]
    return values_BCHW.masked_fill(hidden_BHW[:, None], 0.0)
