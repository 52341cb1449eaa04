"""Residual network (He et al. 2015, "Deep residual learning for image recognition").

Basic blocks of two 3x3 convolutions, batch normalisation and a shortcut (their figure 2), the
channels doubled and the resolution halved from stage to stage (section 3.3). The last
normalisation of a block starts at zero, so that each block starts as the identity (Goyal et al.
2017, section 5.1); without normalisation its last kernel does (Zhang et al. 2019, "Fixup",
section 3). Without shortcuts nothing starts at zero: nothing would pass. A grid of height 1 (text)
gets 1x3 kernels.

Padding along the width is honoured: statistics are taken over real columns only, and padded columns
are zero before every convolution, as the border's own padding is.

Legend: B batch, C channels, H height, W width, T positions.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from suite.backbones.grid import GridBackbone, MaskedBatchNorm, masked
from suite.features import Grid, GridSpec, Sequence


class ResNet(GridBackbone):
    """`stages` stages of `depth` basic blocks each; the first stage has `width` channels.

    residual: blocks have shortcuts. normalise: convolutions are normalised; else they have biases.
    kernel: side of the first convolution's kernels, odd.
    Returns one position per column of the last grid, averaged over its height.
    """

    def __init__(
        self,
        spec: GridSpec,
        *,
        width: int,
        depth: int,
        stages: int,
        dropout: float,
        residual: bool = True,
        normalise: bool = True,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        flat = spec.height == 1
        kind = _Kind(flat, normalise)
        self.entry = _Convolution(spec.channels, width, kind, stride=(1, 1), kernel=kernel)
        blocks: list[_Block] = []
        channels = width
        for stage in range(stages):
            out = width * 2**stage
            for block in range(depth):
                stride = (1, 1)
                if stage > 0 and block == 0:
                    stride = (1 if flat else 2, self._halving(spec))
                blocks.append(
                    _Block(channels, out, kind, stride=stride, dropout=dropout, residual=residual)
                )
                channels = out
        self.blocks = nn.ModuleList(blocks)
        self.features = channels

    def forward(self, inputs: Grid) -> Sequence:
        """Map (B, C, H, W) to (B, W / width_stride, features)."""
        mask = inputs.mask_BW
        values = masked(inputs.values_BCHW, mask)
        values, mask = self.entry(values, mask)
        values = masked(F.relu(values), mask)
        for block in self.blocks:
            values, mask = block(values, mask)
        return Sequence(values.mean(2).transpose(1, 2), mask)

    def hidden_layers(self) -> list[nn.Module]:
        return list(self.blocks)


@dataclass(frozen=True)
class _Kind:
    """What all convolutions of a network have in common."""

    flat: bool
    normalise: bool


class _Convolution(nn.Module):
    """Convolution, then batch normalisation over real columns."""

    def __init__(
        self, channels: int, out: int, kind: _Kind, *, stride: tuple[int, int], kernel: int = 3
    ) -> None:
        super().__init__()
        size = (1 if kind.flat else kernel, kernel)
        padding = (size[0] // 2, size[1] // 2)
        # What a 1x1 kernel steps over it never reads: left out before it, as torch crashes on the
        # CPU where such a kernel takes steps (`suite.backbones.grid.unsafe`).
        self.skip = stride if kernel == 1 else (1, 1)
        steps = (1, 1) if kernel == 1 else stride
        bias = not kind.normalise
        self.convolution = nn.Conv2d(channels, out, size, steps, padding, bias=bias)
        self.norm = MaskedBatchNorm(out) if kind.normalise else None
        self.stride = stride[1]
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        if self.convolution.bias is not None:
            nn.init.zeros_(self.convolution.bias)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if mask is not None and self.stride > 1:
            mask = mask[:, :: self.stride]
        if self.skip != (1, 1):
            # As a slice would, but a slice's gradient is laid out with the channels first, which
            # everything before it would then be slow on.
            values = F.avg_pool2d(values, 1, self.skip)
        values = self.convolution(values)
        return values if self.norm is None else self.norm(values, mask), mask

    def start_at_zero(self) -> None:
        """Put out zeros at first."""
        last = self.convolution if self.norm is None else self.norm
        nn.init.zeros_(last.weight)


class _Block(nn.Module):
    def __init__(
        self,
        channels: int,
        out: int,
        kind: _Kind,
        *,
        stride: tuple[int, int],
        dropout: float,
        residual: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.first = _Convolution(channels, out, kind, stride=stride)
        self.second = _Convolution(out, out, kind, stride=(1, 1))
        if residual:
            self.second.start_at_zero()
        self.shortcut = (
            _Convolution(channels, out, kind, stride=stride, kernel=1)
            if residual and (channels != out or stride != (1, 1))
            else None
        )
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        hidden, out_mask = self.first(values, mask)
        hidden = self.dropout(masked(F.relu(hidden), out_mask))
        hidden, _ = self.second(hidden, out_mask)
        if self.shortcut is not None:
            values, _ = self.shortcut(values, mask)
        if self.residual:
            hidden = values + hidden
        return masked(F.relu(hidden), out_mask), out_mask
