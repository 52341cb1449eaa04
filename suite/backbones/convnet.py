"""Convolutional network of pooling stages (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds").

Each stage is a convolution, a pooling that halves the resolution, and further convolutions, each
with batch normalisation and GELU (their section 3.1, after VGG, Simonyan and Zisserman 2015). The
first channels of a kernel start as the identity (their section 3.3, after Zagoruyko and Komodakis
2017), so that a deep network starts by passing its input on. A grid of height 1 (text) gets 1x3
kernels.

Padding along the width is honoured as in the residual network: statistics are taken over real
columns only, and padded columns are zero before every convolution and pooling, as the border is.

Legend: B batch, C channels, H height, W width, T positions.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from suite.backbones.grid import GridBackbone, MaskedBatchNorm, masked
from suite.features import Grid, GridSpec, Sequence


class ConvNet(GridBackbone):
    """`stages` stages of `depth` convolutions: `width` channels in the first, `wide` in the rest.

    kernel: side of the first convolution's kernels, odd.
    Returns one position per column of the last grid, averaged over its height.
    """

    def __init__(
        self,
        spec: GridSpec,
        *,
        width: int,
        wide: int,
        depth: int,
        stages: int,
        dropout: float,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        flat = spec.height == 1
        channels = spec.channels
        members: list[_Stage] = []
        for stage in range(stages):
            out = width if stage == 0 else wide
            pool = (1 if flat else 2, self._halving(spec))
            sides = [kernel if stage == 0 else 3, *[3] * (depth - 1)]
            members.append(_Stage(channels, out, sides=sides, pool=pool, flat=flat))
            channels = out
        self.stages = nn.ModuleList(members)
        self.dropout = nn.Dropout2d(dropout)
        self.features = channels

    def forward(self, inputs: Grid) -> Sequence:
        """Map (B, C, H, W) to (B, W / width_stride, features)."""
        values, mask = masked(inputs.values_BCHW, inputs.mask_BW), inputs.mask_BW
        for stage in self.stages:
            values, mask = stage(values, mask)
            values = self.dropout(values)
        return Sequence(values.mean(2).transpose(1, 2), mask)

    def hidden_layers(self) -> list[nn.Module]:
        return list(self.stages)


class _Stage(nn.Module):
    def __init__(
        self, channels: int, out: int, *, sides: list[int], pool: tuple[int, int], flat: bool
    ) -> None:
        super().__init__()
        self.pool = pool
        self.convolutions = nn.ModuleList()
        for index, side in enumerate(sides):
            size = (1 if flat else side, side)
            padding = (size[0] // 2, size[1] // 2)
            taken = channels if index == 0 else out
            self.convolutions.append(nn.Conv2d(taken, out, size, padding=padding, bias=False))
        self.norms = nn.ModuleList(MaskedBatchNorm(out) for _ in sides)
        for convolution in self.convolutions:
            _start_as_identity(convolution)  # type: ignore[arg-type]

    def forward(self, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        for index, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            values = convolution(values)
            if index == 0:
                values, mask = self._pooled(values, mask)
            values = masked(F.gelu(norm(values, mask)), mask)
        return values, mask

    def _pooled(self, values: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        height, width = values.shape[2:]
        # An odd side is filled up with zeros: the same whether the batch is padded further or not.
        extra = (-width % self.pool[1], -height % self.pool[0])
        values = masked(values, mask)
        if any(extra):
            values = F.pad(values, (0, extra[0], 0, extra[1]))
        pooled = F.max_pool2d(values, self.pool)
        return pooled, None if mask is None else mask[:, :: self.pool[1]]


def _start_as_identity(convolution: nn.Conv2d) -> None:
    out, channels = convolution.weight.shape[:2]
    nn.init.kaiming_uniform_(convolution.weight, a=5**0.5)
    nn.init.dirac_(convolution.weight.data[: min(out, channels)])
