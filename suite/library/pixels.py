"""Brings a grid to the size and channels that a model of images takes.

Legend: B batch, C channels, H height, W width, V size of the result along an axis.
"""

from typing import Any

import torch
from torch import Tensor, nn

from suite.features import Grid, GridSpec

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SHAPE = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
_SMALLEST_SIDE = 32
"""Side that a grid of varying width is stretched to, unless it is higher."""


def own_size(spec: GridSpec) -> tuple[int, int]:
    """Return the height and width that a grid has, or is given where its width varies."""
    if spec.width is not None:
        return spec.height, spec.width
    side = max(spec.height, _SMALLEST_SIDE)
    return side, side


class Fitting(nn.Module):
    """Resizes grids, and normalises colours as a pretrained model is used to.

    A grid with a mask is stretched from its own real width, so that padding changes nothing.
    size: height and width of the result. mean, deviation: of each colour; used for pixels only,
    which get three colours where they have one.
    """

    mean_C: Tensor
    deviation_C: Tensor
    rows_VH: Tensor | None
    columns_VW: Tensor | None

    def __init__(
        self,
        spec: GridSpec,
        size: tuple[int, int],
        *,
        mean: tuple[float, ...] = IMAGENET_MEAN,
        deviation: tuple[float, ...] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.size = size
        self.pixels = spec.pixels
        self.varies = spec.width is None
        self.channels = len(mean) if spec.pixels and spec.channels == 1 else spec.channels
        buffers = {
            "mean_C": torch.tensor(mean),
            "deviation_C": torch.tensor(deviation),
            "rows_VH": _resizing(spec.height, size[0]),
            "columns_VW": None if spec.width is None else _resizing(spec.width, size[1]),
        }
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)

    def forward(self, grid: Grid) -> Tensor:
        """Map (B, C, H, W) to (B, channels, *size)."""
        values_BCHW = grid.values_BCHW
        if self.rows_VH is not None:
            values_BCHW = self.rows_VH @ values_BCHW
        if self.columns_VW is not None:
            values_BCHW = values_BCHW @ self.columns_VW.mT
        elif self.varies:
            columns_BVW = stretching(grid.widths_B(), values_BCHW.shape[3], self.size[1])
            values_BCHW = values_BCHW @ columns_BVW.to(values_BCHW.dtype).mT[:, None]
        if not self.pixels:
            return values_BCHW
        values_BCHW = values_BCHW.expand(-1, self.channels, -1, -1)
        return (values_BCHW - self.mean_C[:, None, None]) / self.deviation_C[:, None, None]


def _resizing(positions: int, size: int) -> Tensor | None:
    """Return the matrix (V, W) from one fixed size to another; None where they are the same."""
    if positions == size:
        return None
    return stretching(torch.tensor([positions]), positions, size)[0]


def stretching(extent_B: Tensor, positions: int, size: int) -> Tensor:
    """Return the matrix (B, V, W) that resizes the first `extent` of W positions to V.

    Each result is a mean of its neighbours with the weights of a triangle, whose base grows with
    the reduction: what torch and Pillow call bilinear with antialiasing.
    """
    device = extent_B.device
    extent_B11 = extent_B.clamp(min=1).float()[:, None, None]
    scale_B11 = extent_B11 / size
    centre_BV1 = (torch.arange(size, device=device)[:, None] + 0.5) * scale_B11
    place_W = torch.arange(positions, device=device) + 0.5
    distance_BVW = (place_W - centre_BV1).abs() / scale_B11.clamp(min=1)
    weight_BVW = (1 - distance_BVW).clamp(min=0) * (place_W < extent_B11)
    return weight_BVW / weight_BVW.sum(2, keepdim=True)


def adapt_first_convolution(model: nn.Module, channels: int, *, pretrained: bool) -> None:
    """Let the first convolution take this many channels, with weights made of those it has."""
    name, old = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    if old.in_channels == channels:
        return
    shape: Any = {name: getattr(old, name) for name in _SHAPE}
    new = nn.Conv2d(channels, old.out_channels, bias=old.bias is not None, **shape)
    with torch.no_grad():
        if pretrained:
            new.weight.copy_(fit_channels(old.weight, channels))
        else:
            # As its constructor drew them, for so many inputs.
            spread = old.weight.std() * (old.in_channels / channels) ** 0.5
            new.weight.normal_(std=float(spread))
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)


def fit_channels(weight_OCHW: Tensor, channels: int) -> Tensor:
    """Return the kernel of a first convolution for another number of channels.

    One channel takes the sum over the colours, as a grey image would get; more than three repeat
    the colours in turn, scaled so that outputs keep their size (as in Wightman's timm).
    """
    known = weight_OCHW.shape[1]
    if channels == 1:
        return weight_OCHW.sum(1, keepdim=True)
    return weight_OCHW[:, torch.arange(channels) % known] * (known / channels)
