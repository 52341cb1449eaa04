"""Conformer (Gulati et al. 2020): self-attention for what is far, convolution for what is near.

A block is half a feed-forward layer, attention, a convolution module and another half layer, each
normalised before and added to its input, then normalised (their equation 1 and figure 1).

Departures from the paper: positions are rotary (Su et al. 2021) instead of relative sinusoids, as
in the transformer here; and the convolution module normalises each position (LayerNorm) instead of
the batch, so that an example depends neither on padding nor on its companions.

Legend: B batch, T positions, D features, N heads, E features of a head.
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from suite.backbones.rotary import rotate, rotation
from suite.features import Backbone, Form, Sequence, SequenceSpec


class Conformer(Backbone):
    """`depth` blocks of `width` features.

    heads: attention heads. kernel: positions that a convolution sees, odd.
    expansion: hidden width of the feed-forward layers as a multiple of `width`.
    """

    takes: ClassVar[Form] = Form.SEQUENCE

    def __init__(
        self,
        spec: SequenceSpec,
        *,
        width: int,
        depth: int,
        heads: int,
        kernel: int,
        expansion: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.features = width
        self.entry = nn.Linear(spec.features, width) if spec.features != width else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            _Block(width, heads=heads, kernel=kernel, expansion=expansion, dropout=dropout)
            for _ in range(depth)
        )
        self.half_head = width // heads // 2

    def forward(self, inputs: Sequence) -> Sequence:
        """Map (B, T, D) to (B, T, width)."""
        values_BTD = self.dropout(self.entry(inputs.values_BTD))
        turned = rotation(values_BTD.shape[1], self.half_head, values_BTD)
        for layer in self.layers:
            values_BTD = layer(values_BTD, inputs.mask_BT, turned)
        return Sequence(values_BTD, inputs.mask_BT)

    def hidden_layers(self) -> list[nn.Module]:
        return list(self.layers)


class _Block(nn.Module):
    def __init__(
        self, width: int, *, heads: int, kernel: int, expansion: int, dropout: float
    ) -> None:
        super().__init__()
        self.first = _FeedForward(width, expansion, dropout)
        self.attention = _Attention(width, heads, dropout)
        self.convolution = _Convolution(width, kernel, dropout)
        self.second = _FeedForward(width, expansion, dropout)
        self.norm = nn.LayerNorm(width)

    def forward(
        self, values_BTD: Tensor, mask_BT: Tensor | None, turned: tuple[Tensor, Tensor]
    ) -> Tensor:
        values_BTD = values_BTD + self.first(values_BTD) / 2
        values_BTD = values_BTD + self.attention(values_BTD, mask_BT, turned)
        values_BTD = values_BTD + self.convolution(values_BTD, mask_BT)
        values_BTD = values_BTD + self.second(values_BTD) / 2
        return self.norm(values_BTD)  # type: ignore[no-any-return]


class _FeedForward(nn.Module):
    """LayerNorm, linear, Swish, linear (their figure 4)."""

    def __init__(self, width: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, expansion * width)
        self.output = nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values_BTD: Tensor) -> Tensor:
        hidden = self.dropout(F.silu(self.hidden(self.norm(values_BTD))))
        return self.dropout(self.output(hidden))  # type: ignore[no-any-return]


class _Attention(nn.Module):
    """LayerNorm and multi-head self-attention (their figure 3)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.head_features = width // heads
        self.attention_scale: float | None = None  # 1 / sqrt(head_features), but by the width rule
        self.norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, values_BTD: Tensor, mask_BT: Tensor | None, turned: tuple[Tensor, Tensor]
    ) -> Tensor:
        projected = self.query_key_value(self.norm(values_BTD)).unflatten(-1, (3, self.heads, -1))
        q_BNTE, k_BNTE, v_BNTE = projected.permute(2, 0, 3, 1, 4)
        attended_BNTE = F.scaled_dot_product_attention(
            rotate(q_BNTE, turned),
            rotate(k_BNTE, turned),
            v_BNTE,
            attn_mask=None if mask_BT is None else mask_BT[:, None, None, :],
            scale=self.attention_scale,
        )
        output = self.output(attended_BNTE.transpose(1, 2).flatten(2))
        return self.dropout(output)  # type: ignore[no-any-return]


class _Convolution(nn.Module):
    """LayerNorm, gated linear unit, depthwise convolution, norm, Swish, linear (their figure 2)."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gated = nn.Linear(width, 2 * width)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.depthwise_norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, values_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
        gated_BTD = F.glu(self.gated(self.norm(values_BTD)))
        if mask_BT is not None:
            # The convolution sees zeros in padding, as it does beyond the border.
            gated_BTD = gated_BTD * mask_BT.unsqueeze(-1)
        near_BTD = self.depthwise(gated_BTD.transpose(1, 2)).transpose(1, 2)
        return self.dropout(self.output(F.silu(self.depthwise_norm(near_BTD))))  # type: ignore[no-any-return]
