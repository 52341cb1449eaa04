"""Long short-term memory (Hochreiter and Schmidhuber 1997), in both directions (Schuster and
Paliwal 1997).

Each direction is a plain LSTM; the backward one reads every sequence reversed within its own
length. So padding never reaches a real position, no packing (and no copy of the lengths to the
host) is needed, and the fused kernel is used everywhere.

Legend: B batch, T positions, D features.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from suite.features import Backbone, Form, Sequence, SequenceSpec


class LSTM(Backbone):
    """`depth` layers of `width` features, half from each direction (all forward if not both)."""

    takes: ClassVar[Form] = Form.SEQUENCE

    def __init__(
        self, spec: SequenceSpec, *, width: int, depth: int, bidirectional: bool, dropout: float
    ) -> None:
        super().__init__()
        hidden = width // 2 if bidirectional else width
        sizes = [spec.features, *[width] * (depth - 1)]
        self.forwards = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(
            nn.LSTM(size, hidden, batch_first=True) for size in sizes if bidirectional
        )
        self.dropout = nn.Dropout(dropout)
        self.features = width
        for layer in [*self.forwards, *self.backwards]:
            _initialise(layer)

    def forward(self, inputs: Sequence) -> Sequence:
        """Map (B, T, D) to (B, T, width)."""
        values_BTD = inputs.values_BTD
        reverse_BT = _reverse_index(inputs) if self.backwards else None
        for index, layer in enumerate(self.forwards):
            values_BTD = self.dropout(values_BTD)
            outputs = [layer(values_BTD)[0]]
            if reverse_BT is not None:
                backward = self.backwards[index](_reorder(values_BTD, reverse_BT))[0]
                outputs.append(_reorder(backward, reverse_BT))
            values_BTD = torch.cat(outputs, -1)
        return Sequence(values_BTD, inputs.mask_BT)

    def hidden_layers(self) -> list[nn.Module]:
        each_way = [self.forwards, *([self.backwards] if self.backwards else [])]
        return [nn.ModuleList(ways) for ways in zip(*each_way, strict=True)]


def _reverse_index(inputs: Sequence) -> Tensor:
    """Return the positions (B, T) that reverse each sequence within its length, or back."""
    position_BT = torch.arange(inputs.values_BTD.shape[1], device=inputs.values_BTD.device)[None]
    length_B1 = inputs.lengths_B().unsqueeze(1)
    return torch.where(position_BT < length_B1, length_B1 - 1 - position_BT, position_BT)


def _reorder(values_BTD: Tensor, index_BT: Tensor) -> Tensor:
    return values_BTD.gather(1, index_BT.unsqueeze(-1).expand(-1, -1, values_BTD.shape[-1]))


def _initialise(layer: nn.Module) -> None:
    """Orthogonal recurrent weights; forget gates start open (Jozefowicz et al. 2015)."""
    for name, parameter in layer.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.data.chunk(4):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_ih"):
                parameter.data.chunk(4)[1].fill_(1.0)
