"""Transformer encoder (Vaswani et al. 2017), normalised before each sublayer (Xiong et al. 2020).

Positions enter as rotations of queries and keys (Su et al. 2021, equation 34), so that no maximal
length is built in; a stem that knows a geometry (image patches) adds its own embedding.

Legend: B batch, T positions, D features, N heads, E features of a head.
"""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from suite.backbones.rotary import rotate, rotation
from suite.features import Backbone, Form, Sequence, SequenceSpec


class Transformer(Backbone):
    """`depth` layers of `width` features: self-attention with `heads` heads, and a GELU MLP.

    expansion: hidden width of the MLP as a multiple of `width`.
    residual: a sublayer's output is added to its input. normalise: LayerNorm before each, and last.
    """

    takes: ClassVar[Form] = Form.SEQUENCE

    def __init__(
        self,
        spec: SequenceSpec,
        *,
        width: int,
        depth: int,
        heads: int,
        expansion: int,
        dropout: float,
        residual: bool = True,
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.features = width
        self.entry = nn.Linear(spec.features, width) if spec.features != width else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            _Layer(
                width,
                heads=heads,
                expansion=expansion,
                dropout=dropout,
                residual=residual,
                normalise=normalise,
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width) if normalise else nn.Identity()
        self.half_head = width // heads // 2

    def forward(self, inputs: Sequence) -> Sequence:
        """Map (B, T, D) to (B, T, width)."""
        values_BTD = self.dropout(self.entry(inputs.values_BTD))
        turned = rotation(values_BTD.shape[1], self.half_head, values_BTD)
        mask_B11T = None if inputs.mask_BT is None else inputs.mask_BT[:, None, None, :]
        for layer in self.layers:
            values_BTD = layer(values_BTD, mask_B11T, turned)
        return Sequence(self.norm(values_BTD), inputs.mask_BT)

    def hidden_layers(self) -> list[nn.Module]:
        return list(self.layers)


class _Layer(nn.Module):
    def __init__(
        self,
        width: int,
        *,
        heads: int,
        expansion: int,
        dropout: float,
        residual: bool,
        normalise: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.residual = residual
        self.head_features = width // heads
        self.attention_scale: float | None = None  # 1 / sqrt(head_features), but by the width rule
        self.attention_norm = nn.LayerNorm(width) if normalise else nn.Identity()
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width) if normalise else nn.Identity()
        self.mlp_hidden = nn.Linear(width, expansion * width)
        self.mlp_output = nn.Linear(expansion * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, values_BTD: Tensor, mask_B11T: Tensor | None, turned: tuple[Tensor, Tensor]
    ) -> Tensor:
        attended = self._attend(self.attention_norm(values_BTD), mask_B11T, turned)
        values_BTD = values_BTD + attended if self.residual else attended
        hidden = F.gelu(self.mlp_hidden(self.mlp_norm(values_BTD)))
        output: Tensor = self.dropout(self.mlp_output(hidden))
        return values_BTD + output if self.residual else output

    def _attend(
        self, values_BTD: Tensor, mask_B11T: Tensor | None, turned: tuple[Tensor, Tensor]
    ) -> Tensor:
        projected = self.query_key_value(values_BTD).unflatten(-1, (3, self.heads, -1))
        q_BNTE, k_BNTE, v_BNTE = projected.permute(2, 0, 3, 1, 4)
        q_BNTE, k_BNTE = rotate(q_BNTE, turned), rotate(k_BNTE, turned)
        attended = F.scaled_dot_product_attention(
            q_BNTE, k_BNTE, v_BNTE, attn_mask=mask_B11T, scale=self.attention_scale
        )
        output: Tensor = self.attention_output(attended.transpose(1, 2).flatten(2))
        return self.dropout(output)  # type: ignore[no-any-return]
