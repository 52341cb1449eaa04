"""What convolutional models share: the layout of their tensors, and padding along the width that
changes nothing.

Statistics are taken over real columns only, and padded columns are zero before every convolution
and pooling, as the border is.

Legend: B batch, C channels, H height, W width.
"""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.features import Backbone, Form, GridSpec
from suite.world import is_shared, summed

FEWEST = 16
"""Channels that a 1x1 convolution with a stride reads at least where the channels come last."""


def plain_because(model: nn.Module) -> str:
    """Return why convolutions keep the plain layout; empty where channels last is safe and pays."""
    if not any(isinstance(module, nn.Conv2d) for module in model.modules()):
        return "no convolution over a grid"
    return unsafe(model)


def unsafe(model: nn.Module) -> str:
    """Return why a CPU must not run convolutions with the channels last; empty where it may.

    torch 2.14.1 writes beyond its memory in 1x1 convolutions that take steps and read fewer than 16
    channels, in fp32 and bf16; other kernels and strides do not.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            steps = module.kernel_size == (1, 1) and module.stride != (1, 1)
            if steps and module.in_channels < FEWEST:
                channels = module.in_channels
                return f"torch crashes in a 1x1 convolution with a stride on {channels} channels"
    return ""


def lay_out(model: nn.Module) -> None:
    """Lay out convolutions with the channels last, where that is safe and pays.

    With its kernel so laid out, a convolution puts out the same layout, whatever comes in; what
    follows it keeps that.
    """
    if not plain_because(model):
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)


class GridBackbone(Backbone):
    """A backbone over a grid that halves its width in some stages."""

    takes: ClassVar[Form] = Form.GRID

    def _halving(self, spec: GridSpec) -> int:
        """Return the next stage's stride along the width: 2, or 1 where `spec` allows no more."""
        limit = spec.max_width_stride
        if limit is not None and self.width_stride * 2 > limit:
            return 1
        self.width_stride *= 2
        return 2


class MaskedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation whose statistics leave padded columns out (Ioffe and Szegedy 2015)."""

    def forward(self, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Normalise (B, C, H, W); in training over the columns where mask (B, W) is True.

        Where several processes share a batch, over all of it.
        """
        if not self.training or (mask is None and not is_shared()):
            return self._of_all(values)
        if mask is None:
            mask = values.new_ones(len(values), values.shape[3])
        weight = mask[:, None, None, :].to(values.dtype)
        count = weight.sum() * values.shape[2]
        # Shifted by the running mean: the one-pass variance below would lose digits otherwise.
        anchor = self.running_mean.clone()  # type: ignore[union-attr]
        shifted = (values - anchor[:, None, None]) * weight
        total, squares = shifted.sum((0, 2, 3)), shifted.square().sum((0, 2, 3))
        if is_shared():
            features = len(total)
            whole = summed(torch.cat([total, squares, count[None]]))
            total, squares, count = whole[:features], whole[features:-1], whole[-1]
        offset = total / count
        variance = (squares / count - offset.square()).clamp(min=0)
        mean = anchor + offset
        with torch.no_grad():
            unbiased = variance * count / (count - 1).clamp(min=1)
            self.running_mean.lerp_(mean, self.momentum)  # type: ignore[union-attr,arg-type]
            self.running_var.lerp_(unbiased, self.momentum)  # type: ignore[union-attr,arg-type]
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - scale * mean
        return values * scale[:, None, None] + shift[:, None, None]

    def _of_all(self, values: Tensor) -> Tensor:
        if 1 not in values.shape[2:]:
            return super().forward(values)
        # The layout of a grid with a side of 1 is ambiguous: where torch 2.14.1 takes the
        # gradient's for another than the grid's, its backward pass on the CPU is wrong without a
        # word. A sequence has but one layout.
        if self.training:
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        normalised: Tensor = F.batch_norm(
            values.flatten(2),
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training,
            self.momentum,  # type: ignore[arg-type]
            self.eps,
        )
        return normalised.view_as(values)


def masked(values_BCHW: Tensor, mask_BW: Tensor | None) -> Tensor:
    """Set padded columns to zero."""
    if mask_BW is None:
        return values_BCHW
    return values_BCHW * mask_BW[:, None, None, :].to(values_BCHW.dtype)
