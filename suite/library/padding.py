"""Parts that leave padding out, to put into a library's model in the place of its own.

The libraries' normalisations take their statistics over padding too, so that an example would
depend on those it is batched with.

Legend: B batch, C channels, T positions, G groups.
"""

import torch
from torch import Tensor, nn

from suite.backbones.grid import MaskedBatchNorm


class Padding:
    """Which positions of the batch at hand are real; the parts of one model share it.

    mask_BT: None where all are. A backbone sets it before its model is called.
    """

    mask_BT: Tensor | None = None


class ZeroPadding(nn.Module):
    """Sets padding to zero, as a convolution finds it beyond the borders."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, values_BCT: Tensor) -> Tensor:
        """Return (B, C, T)."""
        mask_BT = self.padding.mask_BT
        return values_BCT if mask_BT is None else values_BCT * mask_BT[:, None]


class PaddedBatchNorm(MaskedBatchNorm):
    """Batch normalisation of (B, C, T) whose statistics leave padding out."""

    def __init__(self, like: nn.BatchNorm1d, padding: Padding) -> None:
        super().__init__(like.num_features, eps=like.eps, momentum=like.momentum)
        self.padding = padding
        self.load_state_dict(like.state_dict())

    def forward(self, values_BCT: Tensor) -> Tensor:  # type: ignore[override]
        """Return (B, C, T)."""
        return super().forward(values_BCT.unsqueeze(2), self.padding.mask_BT).squeeze(2)


class PaddedGroupNorm(nn.GroupNorm):
    """Group normalisation of (B, C, T) whose statistics leave padding out."""

    def __init__(self, like: nn.GroupNorm, padding: Padding) -> None:
        super().__init__(like.num_groups, like.num_channels, eps=like.eps)
        self.padding = padding
        self.load_state_dict(like.state_dict())

    def forward(self, values_BCT: Tensor) -> Tensor:
        """Return (B, C, T)."""
        mask_BT = self.padding.mask_BT
        if mask_BT is None:
            return super().forward(values_BCT)
        grouped = values_BCT.unflatten(1, (self.num_groups, -1))
        real_B11T = mask_BT[:, None, None].to(values_BCT.dtype)
        count_B111 = real_B11T.sum(3, keepdim=True).clamp(min=1) * grouped.shape[2]
        mean = (grouped * real_B11T).sum((2, 3), keepdim=True) / count_B111
        centred = grouped - mean
        variance = (centred.square() * real_B11T).sum((2, 3), keepdim=True) / count_B111
        normal_BCT: Tensor = (centred * torch.rsqrt(variance + self.eps)).flatten(1, 2)
        scaled_BCT: Tensor = normal_BCT * self.weight[:, None] + self.bias[:, None]
        return scaled_BCT
